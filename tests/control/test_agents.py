import random
import subprocess
import sys

import msgspec
import pytest

from offhook.control import config_voices
from offhook.control.agents import Agents
from offhook.control.config import AgentConfig, ProviderSettings, Settings
from offhook.control.errors import ConfigError, StartError
from offhook.drivers.llm.house_default import DEFAULT_AGENT
from offhook.media.clock import LoopClock


def agents(*configs: AgentConfig) -> Agents:
    return Agents(Settings(agents=configs), LoopClock(), random.Random(1))


def test_an_agent_of_which_only_the_name_is_set_is_the_built_in_house() -> None:
    agent = agents(AgentConfig("desk", greeting="Hi.")).get("desk")
    assert agent.settings.greeting == "Hi."
    assert agent.responder("100").greeting() == DEFAULT_AGENT.greeting


def test_an_agent_with_a_house_of_its_own() -> None:
    house = msgspec.Raw(
        b'{"greeting": "Welcome.", "answers": [{"name": "a", "phrases": ["b"], "say": "C."}]}'
    )
    agent = agents(AgentConfig("desk", house=house)).get("desk")
    assert agent.responder("100").greeting() == "Welcome."


def test_a_house_that_lacks_something_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigError) as caught:
        agents(AgentConfig("desk", house=msgspec.Raw(b'{"greeting": "Welcome."}')))
    assert caught.value.key == "agents[0].house.answers"


async def test_a_part_that_cannot_start_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offhook.drivers.tts.espeak.MODULE", "no_such_worker")
    far = ProviderSettings("far", "http://127.0.0.1:9/v1")
    settings = Settings(agents=(AgentConfig("desk", stt="far"),), providers=(far,))
    made = Agents(settings, LoopClock(), random.Random(1))
    with pytest.raises(StartError, match="No module named") as caught:
        await made.start()
    await made.aclose()
    assert caught.value.what == "speech (espeak-ng)"
    assert "offhook doctor" in caught.value.why


@pytest.mark.parametrize(
    ("language", "voice", "spoken"),
    [
        ("en", "", "en"),
        ("de", "", "de"),
        ("de-AT", "", "de"),
        ("pt-BR", "", "pt-br"),
        ("no", "", "nb"),
        ("de", "fr", "fr"),
    ],
)
def test_an_agent_speaks_with_the_voice_of_its_language(
    language: str, voice: str, spoken: str
) -> None:
    agent = agents(AgentConfig("desk", language=language, voice=voice)).get("desk")
    assert agent.settings.voice == spoken


def test_every_voice_of_the_list_is_one_that_espeak_takes() -> None:
    names = sorted({*config_voices.voices(), *config_voices.languages().values()})
    assert len(names) > 200
    # In a process of its own, as always: GPL-3.
    code = (
        "import ctypes, sys, espeakng_loader as e;"
        "l = ctypes.CDLL(e.get_library_path());"
        "l.espeak_Initialize(2, 20, e.get_data_path().encode(), 0x8000);"
        "print([v for v in sys.argv[1:] if l.espeak_SetVoiceByName(v.encode())])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"
