"""What an agent of the store is made of when it has a call."""

import gc
import random
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from offhook.control.agents.agents import MAX_RUNTIMES, AgentRuntime, Agents
from offhook.control.configuration import config_voices
from offhook.control.configuration.config import AgentConfig, ModelNames, ProviderSettings, Settings
from offhook.control.configuration.configured import BUILT_IN, agent_of
from offhook.control.domain.agents import Agent, LanguageModel, Voice
from offhook.control.errors import StartError, Unprocessable
from offhook.drivers.llm.house_default import DEFAULT_AGENT
from offhook.drivers.llm.openai_chat import OpenAIChatResponder
from offhook.drivers.stt.openai_transcriptions import OpenAITranscriber
from offhook.drivers.stt.pocketsphinx import PocketsphinxTranscriber
from offhook.drivers.tts.espeak import EspeakSynthesizer
from offhook.drivers.tts.openai_speech import OpenAISpeechSynthesizer
from offhook.media.clock import LoopClock

FAR = ProviderSettings(
    "far", "http://127.0.0.1:9/v1", models=ModelNames("chat-1", "speech-1", "listen-1")
)
DEAF = ProviderSettings("deaf", "http://127.0.0.1:9/v1", models=ModelNames("chat-1"))


def made(*providers: ProviderSettings) -> Agents:
    return Agents(Settings(providers=providers), LoopClock(), random.Random(1))


def agent(**fields: Any) -> Agent:
    return Agent(owner_id="a", name="desk", **fields)


def provided(**fields: Any) -> Agent:
    llm, voice = LanguageModel(provider="far"), Voice(provider="far", voice="alloy")
    return agent(llm=llm, voice=voice, stt_provider="far", **fields)


def test_an_agent_of_which_only_the_name_is_set_is_the_built_in_house() -> None:
    runtime = made().runtime(agent_of(AgentConfig("desk", greeting="Hi.")))
    assert runtime.settings.greeting == "Hi."
    assert runtime.responder("100").greeting() == DEFAULT_AGENT.greeting
    assert made().runtime(BUILT_IN).settings.name == "offhook"


def test_an_agent_with_a_house_and_manners_of_its_own() -> None:
    house = msgspec.Raw(
        b'{"greeting": "Welcome.", "answers": [{"name": "a", "phrases": ["b"], "say": "C."}]}'
    )
    turn = msgspec.Raw(b'{"fade_ms": 50}')
    runtime = made().runtime(agent_of(AgentConfig("desk", house=house, turn=turn)))
    assert runtime.responder("100").greeting() == "Welcome."
    assert runtime.settings.turn.fade_ms == 50


def test_settings_that_this_version_does_not_take_are_an_error_that_names_them() -> None:
    with pytest.raises(Unprocessable) as caught:
        made().runtime(agent(house={"greeting": "Welcome."}))
    assert [error.field for error in caught.value.errors] == ["house.answers"]


async def test_a_part_that_cannot_start_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offhook.drivers.tts.espeak.MODULE", "no_such_worker")
    agents = made()
    with pytest.raises(StartError, match="No module named") as caught:
        await agents.start()
    await agents.aclose()
    assert caught.value.what == "speech (espeak-ng)"
    assert "offhook doctor" in caught.value.why


# --- providers ------------------------------------------------------------------------------------


async def test_an_agent_of_providers_has_their_services() -> None:
    agents = made(FAR)
    runtime = agents.runtime(provided(system_prompt="Be brief."))
    assert isinstance(runtime.transcriber, OpenAITranscriber)
    assert isinstance(runtime.synthesizer, OpenAISpeechSynthesizer)
    assert isinstance(runtime.responder("1"), OpenAIChatResponder)
    assert (runtime.settings.voice, runtime.substitutions) == ("alloy", ())
    await agents.aclose()


async def test_what_is_not_configured_is_stood_in_for_and_said() -> None:
    agents = made(DEAF)
    runtime = agents.runtime(provided(language="de"))
    assert isinstance(runtime.transcriber, PocketsphinxTranscriber)
    assert isinstance(runtime.synthesizer, EspeakSynthesizer)
    assert runtime.responder("1").greeting() == DEFAULT_AGENT.greeting
    assert runtime.settings.voice == "de", "alloy is none of espeak's"
    assert runtime.substitutions == ("stt far", "tts far", "llm far")
    without_model = agents.runtime(agent(stt_provider="deaf", voice=Voice(voice="alloy")))
    assert without_model.substitutions == ("stt deaf", "voice alloy")
    await agents.aclose()


async def test_agents_share_clients_that_differ_in_nothing() -> None:
    agents = made(FAR)
    one, other = agents.runtime(provided()), agents.runtime(provided())
    assert one.transcriber is other.transcriber
    assert one.responder("1") is other.responder("2")
    third = agents.runtime(provided(system_prompt="Be rude."))
    assert third.responder("1") is not one.responder("1")
    assert third.synthesizer is one.synthesizer
    assert len(agents.clients) == 4
    await agents.aclose()


def test_an_agent_is_made_ready_once_until_it_is_changed() -> None:
    agents = made()
    desk = agent()
    runtime = agents.runtime(desk)
    assert agents.runtime(desk) is runtime
    changed = msgspec.structs.replace(desk, updated_wall=1.0, greeting="Yes?")
    assert agents.runtime(changed).settings.greeting == "Yes?"


async def test_clients_that_nothing_uses_any_more_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[OpenAIChatResponder] = []

    async def aclose(self: OpenAIChatResponder) -> None:
        closed.append(self)

    monkeypatch.setattr(OpenAIChatResponder, "aclose", aclose)
    agents = made(FAR)
    held: list[AgentRuntime] = [agents.runtime(provided(system_prompt="first"))]
    first = held[0].responder("1")
    for number in range(MAX_RUNTIMES):
        agents.runtime(provided(system_prompt=str(number)))
    # A call holds it, though it was the one that had no call for longest.
    assert len(agents.clients) == MAX_RUNTIMES + 3
    held.clear()
    gc.collect()
    await agents.clients.settled()
    assert closed == [first]
    assert len(agents.clients) == MAX_RUNTIMES + 2
    await agents.aclose()
    assert len(closed) == MAX_RUNTIMES + 1


# --- voices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "voice", "spoken"),
    [
        ("en", "", "en"),
        ("de", "", "de"),
        ("de-AT", "", "de"),
        ("pt-BR", "", "pt-br"),
        ("no", "", "nb"),
        ("de", "fr", "fr"),
        ("tlh", "", "en"),
    ],
)
def test_an_agent_speaks_with_the_voice_of_its_language(
    language: str, voice: str, spoken: str
) -> None:
    runtime = made().runtime(agent(language=language, voice=Voice(voice=voice)))
    assert runtime.settings.voice == spoken


@pytest.mark.parametrize(
    ("voice", "speed"),
    [(Voice(), 1.0), (Voice(speed=1.5), 1.5), (Voice(rate=0.8), 0.8), (Voice(speed=9.0), 2.0)],
)
def test_an_agent_speaks_as_fast_as_can_be_understood(voice: Voice, speed: float) -> None:
    assert made().runtime(agent(voice=voice)).settings.speed == speed


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
