"""The configuration: defaults, the file, the environment, and what is said about every mistake."""

import pathlib
import re
import tomllib

import msgspec
import pytest
from msgspec import inspect

from offhook.control.configuration.config import Settings, load, section
from offhook.control.errors import ConfigError, ConfigErrors


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> str:
    path = pathlib.Path("offhook.toml")
    path.write_text(text)
    return str(path)


def error_of(text: str = "", **environ: str) -> ConfigError:
    write(text)
    with pytest.raises(ConfigError) as caught:
        load({f"OFFHOOK_{name}": value for name, value in environ.items()})
    return caught.value


FULL = """
default_agent = "desk"
data = "d"

[http]
port = 0

[sip]
open = "loopback"
codecs = ["G722", "PCMA"]

[[lines]]
name = "office"
registrar = "sip:127.0.0.1:5070"
username = "200"
password = "secret-one"
expires = 60
agent = "desk"

[[trunks]]
name = "carrier"
addresses = ["192.0.2.0/24", "2001:db8::1"]

[[agents]]
name = "desk"
llm = "local"
greeting = ""

[agents.house]
menu = { "1" = "sales" }
opens = 09:00:00

[[agents]]
name = "other"

[[providers]]
name = "local"
base_url = "http://127.0.0.1:9000/v1"
api_key_env = "OFFHOOK_MY_KEY"
models = { chat = "small" }

[numbers]
"+4930123456" = "other"
"""


def test_defaults_need_no_file() -> None:
    settings = load({"PATH": "/bin"})
    assert settings == Settings()
    assert settings.rtp.port_range() == (20000, 29999)
    assert (settings.http.host, settings.http.port, settings.sip.open) == ("127.0.0.1", 8000, "")


def test_reads_every_section_of_a_file() -> None:
    settings = load({"OFFHOOK_MY_KEY": "k"}, write(FULL))
    assert settings.lines[0].registrar == "sip:127.0.0.1:5070"
    assert settings.trunks[0].addresses == ("192.0.2.0/24", "2001:db8::1")
    assert settings.agents[0].greeting == ""
    assert settings.agents[1].greeting is None
    assert settings.numbers == {"+4930123456": "other"}
    assert settings.sip.codecs == ("G722", "PCMA")
    assert settings.secrets_of() == ("secret-one",)
    key = {"OFFHOOK_MY_KEY": "any form of key"}
    assert settings.secrets_of(key) == ("secret-one", "any form of key")
    assert settings.secrets_of({"OFFHOOK_MY_KEY": "none"}) == ("secret-one",), "that is no key"
    house = msgspec.json.decode(settings.agents[0].house)
    assert house == {"menu": {"1": "sales"}, "opens": "09:00:00"}


def test_the_environment_wins_over_the_file() -> None:
    environ = {
        "OFFHOOK_CONFIG": write("[http]\nport = 1\nhost = '10.0.0.1'\n[log]\nlevel='error'\n"),
        "OFFHOOK_HTTP_PORT": "0",
        "OFFHOOK_SIP_OPEN": "loopback",
        "OFFHOOK_SIP_CODECS": "PCMU, opus",
        "OFFHOOK_RTP_PORTS": "30000-30010",
        "OFFHOOK_LOG_LEVEL": "debug",
        "OFFHOOK_RATE_LIMITS": "off",
        "OFFHOOK_DATA": "/somewhere",
        "OFFHOOK_API_TOKEN": "t0ken",
        "OFFHOOK_LIMITS_MAX_LATENESS_MS": "7.5",
        "OFFHOOK_AGENTS_0_NAME": "a",
        "OFFHOOK_AGENTS_0_HOUSE": '{"greeting": "Hi.", "answers": []}',
        "OFFHOOK_NUMBERS": "100=a,+49 30=a",
        "OFFHOOK_LINES_0_NAME": "l",
        "OFFHOOK_LINES_0_REGISTRAR": "sip:pbx.example",
        "OFFHOOK_LINES_0_USERNAME": "u",
        "OFFHOOK_LINES_0_MAX_CALLS": "3",
        "OFFHOOK_OUTBOUND_LINES": "l, loopback",
    }
    settings = load(environ)
    assert (settings.http.port, settings.http.host) == (0, "10.0.0.1")
    assert settings.sip.open == "loopback"
    assert settings.sip.codecs == ("PCMU", "opus")
    assert settings.rtp.port_range() == (30000, 30010)
    assert settings.log.level == "debug"
    assert settings.rate_limits is False
    assert settings.api_token == "t0ken"
    assert settings.limits.max_lateness_ms == 7.5
    assert settings.agents[0].house == msgspec.Raw(b'{"greeting":"Hi.","answers":[]}')
    assert settings.numbers == {"100": "a", "+49 30": "a"}
    assert settings.lines[0].registrar == "sip:pbx.example"
    assert settings.lines[0].max_calls == 3
    assert settings.outbound_lines == ("l", "loopback")


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (
            'outbound_lines = ["in"]',
            "outbound_lines",
            "there is simulated-1, out, office, loopback",
        ),
        ('[[modems]]\nname = "office"', "modems[0].name", "another one has that name already"),
        ('[[modems]]\nname = "loopback"', "modems[0].name", "exists by itself"),
        ('[[trunks]]\nname = "local"\nhost = "h"', "trunks[0].name", "exists by itself"),
        ('[[trunks]]\nname = "x"\nhost = "a@b"', "trunks[0].host", "a host such as"),
        ('[[modems]]\nname = "x"\nmax_calls = 0', "modems[0].max_calls", "unknown key"),
        ('[[trunks]]\nname = "x"\nhost = "h"\nmax_calls = 0', "trunks[0].max_calls", "from 1"),
    ],
)
def test_lines_that_contradict_each_other_are_named(text: str, key: str, expected: str) -> None:
    lines = """
        [[lines]]
        name = "office"
        registrar = "sip:pbx.example"
        username = "u"
    """
    trunks = """
        [[trunks]]
        name = "out"
        host = "carrier.example"
        [[trunks]]
        name = "in"
        addresses = ["192.0.2.1"]
    """
    error = error_of(text + lines + ("" if "trunks" in text else trunks))
    assert error.key == key
    assert expected in error.expected


def test_a_trunks_host_is_an_address_with_or_without_its_scheme() -> None:
    for host in ("carrier.example:5070", "sip:carrier.example:5070"):
        settings = load({}, write(f'[[trunks]]\nname = "out"\nhost = "{host}"'))
        assert settings.trunks[0].uri() == "sip:carrier.example:5070"


def test_an_unknown_key_is_named_with_its_line_and_the_known_ones() -> None:
    error = error_of('[http]\nhost = "x"\n# port\nprot = 1\n')
    assert (error.key, error.value, error.source) == ("http.prot", "1", "offhook.toml:4")
    known = (
        "unknown key; there is cors_origins, host, max_connections, "
        "max_connections_per_address, port, trusted_proxies"
    )
    assert error.expected == known
    assert str(error) == f"offhook.toml:4: http.prot = 1: {known}"


def test_an_unknown_section_is_named() -> None:
    error = error_of("[htpp]\nport = 1\n")
    assert (error.key, error.source) == ("htpp", "offhook.toml:1")


@pytest.mark.parametrize(
    ("text", "key", "place", "expected"),
    [
        ("[http]\nport = 70000", "http.port", 2, "a whole number from 0 to 65535"),
        ('[http]\nport = "80"', "http.port", 2, "a whole number from 0 to 65535"),
        ("http = 3", "http", 1, "a table"),
        ('[sip]\nopen = "all"', "sip.open", 2, 'one of "", "loopback"'),
        ('[sip]\ncodecs = ["G723"]', "sip.codecs[0]", 2, 'one of "G722", "PCMA", "PCMU", "opus"'),
        ("[sip]\ncodecs = 3", "sip.codecs", 2, "an array"),
        ("rate_limits = 1", "rate_limits", 1, "true or false"),
        ("[limits]\nmax_lateness_ms = 0", "limits.max_lateness_ms", 2, "a number above 0"),
        ('[rtp]\nports = "7"', "rtp.ports", 2, "a range of ports such as 20000-29999"),
        ('[[agents]]\nname = "a b"', "agents[0].name", 2, "a short name of letters"),
        ('[[agents]]\nname="a"\ngreeting = 3', "agents[0].greeting", 3, "text or absent"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(
    text: str, key: str, place: int, expected: str
) -> None:
    error = error_of(text)
    assert (error.key, error.source) == (key, f"offhook.toml:{place}")
    assert expected in error.expected


def test_a_bad_variable_is_named() -> None:
    error = error_of(HTTP_PORT="eighty")
    assert (error.key, error.value, error.source) == ("http.port", '"eighty"', "OFFHOOK_HTTP_PORT")
    assert error_of(RATE_LIMITS="perhaps").expected == "must be true or false"
    assert error_of(AGENTS_0_NAME="a", AGENTS_0_TURN="{").source == "OFFHOOK_AGENTS_0_TURN"


def test_an_unknown_variable_is_named_with_the_nearest_known_one() -> None:
    error = error_of(HTTP_PROT="1")
    assert error.key == "OFFHOOK_HTTP_PROT"
    assert error.expected == "unknown; did you mean OFFHOOK_HTTP_PORT?"
    assert "OFFHOOK_SIP_HOST" in error_of(X="1").expected


def test_a_numbered_variable_must_follow_the_entries_there_are() -> None:
    error = error_of('[[agents]]\nname = "a"', AGENTS_2_NAME="c")
    assert (error.key, error.expected) == ("agents[2]", "the next one is number 1")


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        ('voice = "klingonese"', "agents[0].voice", '"klingonese"'),
        ('voice = "de+nobody"', "agents[0].voice", '"de+nobody"'),
        ('language = "qq"', "agents[0].language", '"qq"'),
    ],
)
def test_a_voice_that_espeak_has_not_is_named(lines: str, key: str, value: str) -> None:
    error = error_of(f'[[agents]]\nname = "a"\n{lines}\n')
    assert (error.key, error.value, error.source) == (key, value, "offhook.toml:3")
    assert error.expected.startswith("espeak-ng has no ")


def test_a_voice_is_no_matter_of_ours_where_a_provider_speaks_or_a_voice_is_named() -> None:
    provider = '[[providers]]\nname = "p"\nbase_url = "http://h/v1"\nmodels.speech = "m"\n'
    agents = '[[agents]]\nname = "a"\ntts = "p"\nvoice = "alloy"\nlanguage = "qq"\n'
    agents += '[[agents]]\nname = "b"\nvoice = "de+f3"\nlanguage = "qq"\n'
    settings = load({"OFFHOOK_CONFIG": write(provider + agents)})
    assert [agent.voice for agent in settings.agents] == ["alloy", "de+f3"]


def test_every_mistake_is_told_at_once() -> None:
    error = error_of("[http]\nport = -1\nx = 2\n", SIP_PORT="y")
    assert isinstance(error, ConfigErrors)
    assert {e.key for e in error.errors} == {"http.port", "http.x", "sip.port"}


def test_secrets_are_not_shown() -> None:
    error = error_of('[[trunks]]\nname = "t"\nusername = "u"\npassword = 12345\n')
    assert (error.key, error.value) == ("trunks[0].password", "***")
    assert "hush" not in str(error_of(API_TOKEN_="hush"))


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('[rtp]\nports = "30000-20000"', "rtp.ports", "must not be above"),
        ('[rtp]\nports = "0-20"', "rtp.ports", "within 1-65535"),
        ('default_agent = "x"', "default_agent", "no agent is set"),
        ('[[agents]]\nname = "a"\n[numbers]\n"1" = "b"', "numbers.1", "no such agent; there is a"),
        (
            '[[agents]]\nname = "a"\n[agents.turn]\nmin_endpointing_ms = 2000',
            "agents[0].turn",
            "not above max_endpointing_ms",
        ),
        ('[[agents]]\nname = "a"\nstt = "b"', "agents[0].stt", "there is pocketsphinx"),
        ('[[agents]]\nname = "a"\n[[agents]]\nname = "a"', "agents[1].name", "has that name"),
        ('[[trunks]]\nname = "t"', "trunks[0].name", "needs addresses, a username or a host"),
        ('[[trunks]]\nname = "t"\nusername = "u"', "trunks[0].username", "password"),
        ('[[trunks]]\nname = "t"\naddresses = ["x"]', "trunks[0].addresses", "IP address"),
        ('[[lines]]\nname = "l"\nusername = "u"', "lines[0].registrar", "is required"),
        ('[[lines]]\nname="l"\nusername="u"\nregistrar="pbx"', "lines[0].registrar", "sip:host"),
    ],
)
def test_a_contradiction_is_named(text: str, key: str, expected: str) -> None:
    error = error_of(text)
    assert error.key == key
    assert expected in error.expected


def test_a_provider_must_have_the_model_that_an_agent_uses() -> None:
    text = FULL.replace('llm = "local"', 'tts = "local"')
    assert "models.speech" in error_of(text, MY_KEY="k").expected


def test_a_file_that_is_no_toml_is_told_with_its_line() -> None:
    error = error_of("[http]\nport = \n")
    assert (error.key, error.source) == ("not TOML", "offhook.toml:2")


def test_a_file_that_was_asked_for_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml.*does not exist"):
        load({}, "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load({"OFFHOOK_CONFIG": "nowhere.toml"})


def keys_of(info: inspect.Type, prefix: str = "") -> set[str]:
    """Every key that a file can have, `lines[].name` for those of an array's tables."""
    if isinstance(info, inspect.VarTupleType):
        return keys_of(info.item_type, f"{prefix}[]")
    if not isinstance(info, inspect.StructType):
        return {prefix}
    return {
        key
        for field in info.fields
        for key in keys_of(field.type, f"{prefix}.{field.encode_name}".lstrip("."))
    }


def keys_in(value: object, prefix: str = "") -> set[str]:
    """The keys of a file, as `keys_of` names them, and those of tables."""
    if isinstance(value, list):
        inside = [key for item in value for key in keys_in(item, f"{prefix}[]")]
        return {prefix}.union(inside or [f"{prefix}[]"])
    if not isinstance(value, dict):
        return {prefix, f"{prefix}[]"}
    inner = [keys_in(v, f"{prefix}.{k}".lstrip(".")) for k, v in value.items()]
    return {prefix}.union(*inner)


def test_the_documentation_has_every_key_and_no_other() -> None:
    page = pathlib.Path(__file__).parents[3] / "docs" / "configuration.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    settings = load({}, write(text))
    assert keys_of(inspect.type_info(Settings)) - keys_in(tomllib.loads(text)) == set()
    for name in ("http", "sip", "rtp", "limits", "recording", "calls", "log", "rate_limits"):
        assert getattr(settings, name) == getattr(Settings(), name), "what is shown is the default"


class Menu(msgspec.Struct, frozen=True):
    keys: dict[str, str]
    tries: int = 2


def test_a_free_section_is_read_as_its_drivers_struct() -> None:
    raw = msgspec.Raw(b'{"keys": {"1": "sales"}}')
    assert section(raw, Menu, "agents[0].house") == Menu({"1": "sales"})
    with pytest.raises(ConfigError) as caught:
        section(msgspec.Raw(b'{"keys": {"1": 7}}'), Menu, "agents[0].house")
    assert (caught.value.key, caught.value.value) == ("agents[0].house.keys.1", "7")


def test_what_is_wrong_inside_an_agent_is_told_with_its_place() -> None:
    error = error_of(
        "[[agents]]\nname = 'a'\n[agents.turn]\nmin_endpointing_ms = 'x'\nnoise = 1\n"
        "[agents.house]\ngreeting = 'Hi.'\nanswers = []\ntries = 'many'\n"
        "[[agents]]\nname = 'b'\n[agents.house]\ngreeting = 'It is {tiem}.'\nanswers = []\n"
        "[[agents]]\nname = 'c'\n[agents.house]\ngreeting = 'Hi.'\n"
    )
    assert isinstance(error, ConfigErrors)
    assert sorted((e.source, e.key, e.value) for e in error.errors) == [
        ("offhook.toml:13", "agents[1].house.greeting", ""),
        ("offhook.toml:17", "agents[2].house.answers", ""),
        ("offhook.toml:4", "agents[0].turn.min_endpointing_ms", '"x"'),
        ("offhook.toml:5", "agents[0].turn.noise", "1"),
        ("offhook.toml:9", "agents[0].house.tries", '"many"'),
    ]


def test_the_house_of_an_agent_that_has_another_responder_is_not_judged() -> None:
    settings = load({"OFFHOOK_MY_KEY": "k"}, write(FULL))
    assert b"menu" in bytes(settings.agents[0].house)


def test_a_proxy_that_is_no_network_is_named() -> None:
    error = error_of('[http]\ntrusted_proxies = ["10.0.0.1", "10.0.0.1/8"]\n')
    assert (error.key, error.value) == ("http.trusted_proxies[1]", '"10.0.0.1/8"')


@pytest.mark.parametrize("origin", ["app.example", "https://app.example/", "https://*", ""])
def test_an_origin_that_is_none_is_named(origin: str) -> None:
    assert error_of(f'[http]\ncors_origins = ["{origin}"]\n').key == "http.cors_origins[0]"
