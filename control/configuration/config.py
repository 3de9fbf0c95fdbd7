"""The configuration: what every key means, its unit, its default, and `load` that reads them.

Every key of `offhook.toml` is also an environment variable: `http.port` is `OFFHOOK_HTTP_PORT`,
`lines[0].password` is `OFFHOOK_LINES_0_PASSWORD`; the environment wins. How a tree of values
becomes these Structs, and what is said when it does not fit, is in config_reader.py.
"""

import pathlib
import socket
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeVar

import msgspec

from ...drivers.llm.house_settings import HouseSettings, HouseSettingsError, check as check_house
from ...media.conversation.settings import TurnSettings
from ..domain.analyses import AnalysisSettings
from ..errors import ConfigError, ConfigErrors
from .config_analysis import AnalysisConfig, wrong_agent_analysis, wrong_analysis
from .config_auth import AdminSettings, AuthSettings, wrong_admin
from .config_billing import PaymentSettings, SubscriptionSettings, wrong_tiers
from .config_connections import ConnectionSettings
from .config_costs import CostSettings, wrong_costs
from .config_dialects import DialectsSettings
from .config_dialer import DialerSettings
from .config_events import EventSettings, WebhookSettings
from .config_http import (
    HttpSettings as HttpSettings,
    Port as Port,
    RatesSettings as RatesSettings,
    wrong_proxies,
)
from .config_knowledge import KnowledgeSettings
from .config_lines import (
    DEFAULT_MODEMS,
    LOOPBACK_LINE,
    LineSettings as LineSettings,
    ModemSettings as ModemSettings,
    Name as Name,
    TrunkSettings as TrunkSettings,
    wrong_lines,
)
from .config_messaging import (
    EscalationSettings,
    SmsSettings,
    SmtpSettings,
    TelegramSettings,
    TwilioSettings,
    wrong_smtp,
    wrong_twilio,
)
from .config_reader import Origin, Reader, Tree, read_environment, read_file
from .config_recordings import RecordingSettings as RecordingSettings
from .config_tracing import TracingSettings
from .config_voices import is_voice, voice_of, voices

CONFIG_FILE = "offhook.toml"
DATABASE_FILE = "offhook.db"
ENV_PREFIX = "OFFHOOK_"
ENV_CONFIG = "OFFHOOK_CONFIG"

HOUSE, ESPEAK = "house", "espeak"
"The embedded responder, as `agents[].llm` names it."
NO_SECTION = b"{}"
"A free part that was left out."

CodecName = Literal["opus", "G722", "PCMU", "PCMA"]

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


class SipSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SIP endpoint."""

    host: str = "0.0.0.0"
    port: Port = 5060
    advertised_host: str = ""
    "What others are told to send to; empty: the address that packets to them leave from."
    open: Literal["", "loopback"] = ""
    "Development: `loopback` lets anyone on this machine call in, without bans or limits."
    codecs: tuple[CodecName, ...] = ("opus", "G722", "PCMU", "PCMA")
    "In the order of preference; wide-band first, because it is understood better."
    session_expires_s: Annotated[int, msgspec.Meta(ge=90)] = 1800
    "RFC 4028 §4: not below 90."


class RtpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sockets that audio comes in and goes out by."""

    host: str = "0.0.0.0"
    ports: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(0|[0-9]{1,5}-[0-9]{1,5})\Z",
            description="a range of ports such as 20000-29999, or 0 for any free ones",
        ),
    ] = "20000-29999"

    def port_range(self) -> tuple[int, int]:
        """First and last port; (0, 0) means any free ones."""
        first, _, last = self.ports.partition("-")
        return int(first), int(last or first)


class ModelNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of a provider's models do what; empty: the provider is not used for that."""

    chat: str = ""
    speech: str = ""
    transcription: str = ""
    embeddings: str = ""


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service for speech or language that speaks OpenAI's protocol."""

    name: Name
    base_url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://\S+\Z", description="an http(s) address")
    ]
    kind: Literal["openai"] = "openai"
    api_key_env: str = ""
    "Name of the environment variable that holds the key; empty: none is needed."
    models: ModelNames = ModelNames()


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent: what answers calls."""

    name: Name
    greeting: str | None = None
    "The first words; absent: the responder's own. Empty: the caller speaks first."
    language: str = "en"
    voice: str = ""
    "Empty: espeak's voice of that language; a provider's needs naming."
    stt: str = "pocketsphinx"
    "`pocketsphinx`, or the name of a provider."
    tts: str = ESPEAK
    "`espeak`, or the name of a provider."
    llm: str = HOUSE
    "`house`, or the name of a provider."
    instructions: str = ""
    "What a language model is told about its task."
    house: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "The house responder's settings, in JSON; see `section`."
    turn: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "Turn-taking settings, in JSON; see `section`."
    analysis: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "How its calls are analysed, in JSON; see `section`."


LEAST_SECOND_LEGS = 8
"As many as one call can have."


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When new calls are refused, and how long a stop may take."""

    max_calls: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2000
    max_lateness_ms: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    "p99 of the frame clock's lateness over the last seconds."
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    "How long live calls may go on after SIGTERM."

    @property
    def second_legs(self) -> int:
        """Others that live calls may still call when no more calls are taken: a quarter as many."""
        return max(LEAST_SECOND_LEGS, self.max_calls // 4)


class CallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of calls."""

    retention_days: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    "Ended calls and their recordings are deleted after that; 0: never."


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the owner can set."""

    data: str = "data"
    "Folder for calls, recordings and secrets."
    database: str = ""
    "SQLAlchemy's address, such as postgresql+asyncpg://…; empty: SQLite in the data folder."
    node: str = ""
    "This server's name among those that share a PostgreSQL; empty: the host's."
    api_token: str = ""
    "Bearer token of the API; empty: one is made and kept in the data folder."
    default_agent: str = ""
    "Answers what nothing else is set for; empty: the first of `agents`, else the built-in one."
    rate_limits: bool = True
    "False: nobody is limited by `rates`; for tests that send faster than people do."
    http: HttpSettings = HttpSettings()
    rates: RatesSettings = RatesSettings()
    auth: AuthSettings = AuthSettings()
    admin: AdminSettings = AdminSettings()
    dialects: DialectsSettings = DialectsSettings()
    sip: SipSettings = SipSettings()
    rtp: RtpSettings = RtpSettings()
    limits: LimitSettings = LimitSettings()
    recording: RecordingSettings = RecordingSettings()
    calls: CallSettings = CallSettings()
    analysis: AnalysisConfig = AnalysisConfig()
    costs: CostSettings = CostSettings()
    connections: ConnectionSettings = ConnectionSettings()
    dialer: DialerSettings = DialerSettings()
    events: EventSettings = EventSettings()
    webhooks: WebhookSettings = WebhookSettings()
    smtp: SmtpSettings = SmtpSettings()
    twilio: TwilioSettings = TwilioSettings()
    sms: SmsSettings = SmsSettings()
    telegram: TelegramSettings = TelegramSettings()
    escalations: EscalationSettings = EscalationSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    payments: PaymentSettings = PaymentSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    lines: tuple[LineSettings, ...] = ()
    trunks: tuple[TrunkSettings, ...] = ()
    modems: tuple[ModemSettings, ...] = ()
    "Empty: a simulated one."
    loopback: bool = True
    "The line to a simulated far end; off: examples and tests of calls reach nobody."
    loopback_ledger: str = ""
    "A file that every number which the loopback line dials is added to, a line each; for tests."
    outbound_lines: tuple[str, ...] = ()
    "Where calls go out, in this order; empty: trunks with a host, then lines, else what simulates."
    agents: tuple[AgentConfig, ...] = ()
    providers: tuple[ProviderSettings, ...] = ()
    numbers: dict[str, str] = msgspec.field(default_factory=dict)
    "Dialled number -> name of the agent that answers it."

    def data_folder(self) -> pathlib.Path:
        """Where everything is kept."""
        return pathlib.Path(self.data)

    def node_name(self) -> str:
        """Who this server is among others."""
        return self.node or socket.gethostname()

    def database_url(self) -> str:
        """Where things are stored."""
        return self.database or f"sqlite+aiosqlite:///{self.data_folder() / DATABASE_FILE}"

    def recordings_folder(self) -> pathlib.Path:
        """Recordings."""
        folder = self.recording.folder
        return pathlib.Path(folder) if folder else self.data_folder() / "recordings"

    def modem_list(self) -> tuple[ModemSettings, ...]:
        """The modems, or the one that exists where none is configured."""
        return self.modems or DEFAULT_MODEMS

    def secrets_of(self) -> tuple[str, ...]:
        """Every secret in here, for the log to leave out."""
        found = [
            self.api_token,
            self.smtp.password,
            self.telegram.token,
            self.twilio.auth_token,
            self.admin.password,
            *(t.password for t in self.trunks),
            *(n.password for n in self.lines),
        ]
        return tuple(secret for secret in found if secret)


def load(environ: Mapping[str, str], path: str | None = None) -> Settings:
    """Read the configuration.

    `path` (or `OFFHOOK_CONFIG`) must exist; without either, `offhook.toml` in the current folder is
    read if it is there. Raises ConfigError naming the key, the value, its origin and what fits.
    """
    wanted = path or environ.get(ENV_CONFIG) or ""
    file = pathlib.Path(wanted or CONFIG_FILE)
    tree: Tree = {}
    origin = Origin()
    if wanted or file.is_file():
        tree = read_file(file, origin)
    foreign = {ENV_CONFIG, *_key_names(tree, environ)}
    names = {
        name: value
        for name, value in environ.items()
        if name.startswith(ENV_PREFIX) and name not in foreign
    }
    reader = Reader(origin)
    read_environment(names, ENV_PREFIX, Settings, tree, reader)
    settings = reader.struct(tree, Settings)
    if reader.errors:
        raise _told(reader.errors)
    assert settings is not None, "a reader without errors has a result"
    if errors := list(_contradictions(settings, origin)):
        raise _told(errors)
    return settings


def section(raw: msgspec.Raw, type_: type[SettingsT], key: str) -> SettingsT:
    """A free part of the configuration (`agents[].house`) as the Struct its driver defines.

    Raises ConfigError; `key` is what the part is called in it, such as `agents[0].house`.
    """
    reader = Reader(Origin())
    result = reader.struct(msgspec.json.decode(raw), type_, key)
    if reader.errors:
        raise _told(reader.errors)
    assert result is not None, "a reader without errors has a result"
    return result


def _told(errors: list[ConfigError]) -> ConfigError:
    return errors[0] if len(errors) == 1 else ConfigErrors(errors)


def _key_names(tree: Tree, environ: Mapping[str, str]) -> set[str]:
    """Variables that hold providers' keys: the owner names them, so they are not ours to judge."""
    providers = tree.get("providers")
    entries = providers if isinstance(providers, list) else []
    names = {str(entry.get("api_key_env")) for entry in entries if isinstance(entry, dict)}
    named = (f"{ENV_PREFIX}PROVIDERS_", "_API_KEY_ENV")
    return names | {
        value
        for name, value in environ.items()
        if name.startswith(named[0]) and name.endswith(named[1])
    }


# --- what only shows when everything is read ------------------------------------------------------


def _contradictions(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    yield from _port_ranges(settings, origin)
    yield from wrong_proxies(settings.http, origin)
    yield from _doubles(settings, origin)
    yield from _unknown_agents(settings, origin)
    yield from _unknown_providers(settings, origin)
    yield from wrong_lines(
        settings.lines, settings.trunks, settings.modems, settings.outbound_lines, origin
    )
    yield from wrong_analysis(settings.analysis, settings.providers, origin)
    yield from wrong_costs(settings.costs, _line_names(settings), origin)
    yield from wrong_smtp(settings.smtp, origin)
    yield from wrong_tiers(settings.subscriptions, origin)
    yield from wrong_twilio(settings.twilio, origin)
    yield from _agent_parts(settings, origin)
    yield from wrong_admin(settings.admin, origin)
    yield from _unknown_voices(settings, origin)


def _line_names(settings: Settings) -> list[str]:
    named = [LOOPBACK_LINE, *(trunk.name for trunk in settings.trunks)]
    named += [line.name for line in settings.lines]
    return named + [modem.name for modem in settings.modem_list()]


def _port_ranges(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    first, last = settings.rtp.port_range()
    wrong = first > last or last > 65535 or (0 in (first, last) and settings.rtp.ports != "0")
    if wrong:
        expected = "the first port must not be above the last, and both within 1-65535"
        yield origin.error("rtp.ports", settings.rtp.ports, expected)


def _doubles(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    agents = [(f"agents[{i}].name", agent.name) for i, agent in enumerate(settings.agents)]
    providers = [(f"providers[{i}].name", entry.name) for i, entry in enumerate(settings.providers)]
    for named in (agents, providers):
        seen: set[str] = set()
        for key, name in named:
            if name in seen:
                yield origin.error(key, name, "another one has that name already")
            seen.add(name)


def _unknown_agents(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    known = [agent.name for agent in settings.agents]
    used = [("default_agent", settings.default_agent)]
    used += [(f"lines[{i}].agent", line.agent) for i, line in enumerate(settings.lines)]
    used += [(f"trunks[{i}].agent", trunk.agent) for i, trunk in enumerate(settings.trunks)]
    used += [(f"numbers.{number}", agent) for number, agent in settings.numbers.items()]
    for key, name in used:
        if name and name not in known:
            expected = f"no such agent; there is {', '.join(known)}" if known else "no agent is set"
            yield origin.error(key, name, expected)


def _unknown_providers(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    by_name = {provider.name: provider for provider in settings.providers}
    for index, agent in enumerate(settings.agents):
        parts = (
            ("stt", agent.stt, "pocketsphinx", "transcription"),
            ("tts", agent.tts, ESPEAK, "speech"),
            ("llm", agent.llm, "house", "chat"),
        )
        for part, name, embedded, model in parts:
            key = f"agents[{index}].{part}"
            if name == embedded:
                continue
            if name not in by_name:
                choice = ", ".join([embedded, *by_name])
                yield origin.error(key, name, f"no such provider; there is {choice}")
            elif not getattr(by_name[name].models, model):
                yield origin.error(key, name, f"that provider has no models.{model}")
    if name := settings.knowledge.embeddings:
        provider = by_name.get(name)
        if provider is None:
            expected = f"no such provider; there is {', '.join(by_name) or 'none'}"
            yield origin.error("knowledge.embeddings", name, expected)
        elif not provider.models.embeddings:
            expected = "that provider has no models.embeddings"
            yield origin.error("knowledge.embeddings", name, expected)


def _unknown_voices(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    for index, agent in enumerate(settings.agents):
        if agent.tts != ESPEAK or not voices():
            continue
        key = f"agents[{index}]"
        if agent.voice and not is_voice(agent.voice):
            expected = "espeak-ng has no such voice; there is de, en-us, fr, en-us+f3 and others"
            yield origin.error(f"{key}.voice", agent.voice, expected)
        elif not agent.voice and voice_of(agent.language) is None:
            expected = "espeak-ng has no voice of this language; name one by voice"
            yield origin.error(f"{key}.language", agent.language, expected)


def _agent_parts(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    """What others define (`section`) is read here as well: mistakes are told with their place."""
    reader = Reader(origin)
    for index, agent in enumerate(settings.agents):
        reader.struct(msgspec.json.decode(agent.turn), TurnSettings, f"agents[{index}].turn")
        wanted = msgspec.json.decode(agent.analysis)
        analysis = reader.struct(wanted, AnalysisSettings, f"agents[{index}].analysis")
        if analysis is not None:
            yield from wrong_agent_analysis(analysis, f"agents[{index}]", origin)
        # A Raw is never equal to bytes.
        if agent.llm != HOUSE or bytes(agent.house) == NO_SECTION:
            continue
        key = f"agents[{index}].house"
        house = reader.struct(msgspec.json.decode(agent.house), HouseSettings, key)
        if house is None:
            continue
        try:
            check_house(house)
        except HouseSettingsError as exc:
            yield origin.error(f"{key}.{exc.key}", None, exc.what)
    yield from reader.errors
