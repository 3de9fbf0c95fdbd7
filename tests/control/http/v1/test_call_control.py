"""Live calls as a client steers them. What a session makes of it: tests/media/conversation."""

import asyncio
import io
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from offhook.codecs.wav import WavWriter
from offhook.control.calls.bridging import Bridging
from offhook.control.domain.calls import CallSummary
from offhook.control.http.v1.call_control import MAX_WAV_BYTES
from offhook.drivers.llm.house import HouseResponder
from offhook.drivers.llm.house_settings import HouseSettings
from offhook.media.conversation.records import CallStatus, LegState
from offhook.media.conversation.session import Session
from offhook.media.conversation.settings import AgentSettings
from offhook.media.errors import MediaError
from offhook.media.ports import LegPort
from offhook.tests.kit.api import TOKEN, Api
from offhook.tests.kit.call_records import call_of, call_record
from offhook.tests.kit.fake_lane import FakeLane
from offhook.tests.kit.fake_leg import FakeLeg
from offhook.tests.kit.fake_speech import FakeSynthesizer, FakeTranscriber

PATH = "/v1/calls/call-1"


class Conversation:
    """A call with a session, on a lane that nobody speaks on."""

    def __init__(self, api: Api) -> None:
        self.leg = FakeLeg(FakeLane())
        self.dialled: list[tuple[str, str]] = []
        self.down: set[str] = set()
        self.events: list[Any] = []
        clock = api.clock
        self.record = call_record(1, status=CallStatus.RINGING, answered_wall=None)
        bridging = Bridging(self.leg, self._dial, self.record)
        self.session = Session(
            self.leg,
            FakeTranscriber(clock, delay_s=0.0),
            HouseResponder(HouseSettings(greeting="Hi.", answers=()), clock, ""),
            FakeSynthesizer(clock, delay_s=0.0),
            AgentSettings(name="desk"),
            clock,
            self._tell,
            self.record,
        )
        bridging.agent = self.session
        self._api = api
        live = api.calls.add(call_of(self.record), self.record, self.session.hang_up)
        live.session, live.bridging = self.session, bridging

    def _tell(self, event: Any) -> None:
        self.events.append(event)
        self._api.calls.tell(event)

    def _dial(self, to: str, line: str) -> LegPort:
        if line in self.down:
            raise MediaError(f"{line} is down")
        self.dialled.append((to, line))
        return FakeLeg(FakeLane(), inbound=False)

    async def answered(self) -> "Conversation":
        self._preparing = asyncio.create_task(self.session.prepare(8000))
        await asyncio.sleep(0)  # it has begun, and the caller does not wait for more
        self.leg.answer()
        return self

    def told(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.__struct_config__.tag == kind]


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
async def ringing(api: Api) -> AsyncIterator[Conversation]:
    conversation = Conversation(api)
    yield conversation
    await conversation.session.aclose()


@pytest.fixture
async def live(ringing: Conversation) -> Conversation:
    return await ringing.answered()


def a_wav(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    writer = WavWriter(file, 8000, 1)
    writer.write(np.ones((1, round(8000 * seconds)), np.int16))
    writer.flush()
    return file.getvalue()


async def send_wav(api: Api, data: bytes, kind: str = "audio/wav", query: str = "") -> int:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
    async with api.client.post(
        f"{PATH}/play{query}", data=io.BytesIO(data), headers=headers
    ) as answer:
        return answer.status


ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("say", {"text": "Hello."}),
    ("say", {"text": "Hello.", "interrupt": True}),
    ("digits", {"digits": "12#,A"}),
    ("mute", {"agent": True}),
    ("context", {"text": "It is Ann.", "reply": True}),
    ("message", {"text": "Good day."}),
    ("record", {"on": False}),
]


@pytest.mark.parametrize(("verb", "body"), ORDERS)
async def test_orders_are_taken_from_a_live_call_alone(
    api: Api, ringing: Conversation, verb: str, body: dict[str, Any]
) -> None:
    problem = await api.want(409, "POST", f"{PATH}/{verb}", body)
    assert "not answered" in problem["detail"]
    await ringing.answered()
    assert await api.want(202, "POST", f"{PATH}/{verb}", body) == {"call_id": "call-1"}
    ringing.leg.hang_up()
    await api.want(409, "POST", f"{PATH}/{verb}", body)
    api.calls.remove("call-1")
    await api.calls.settled()
    problem = await api.want(409, "POST", f"{PATH}/{verb}", body)
    assert problem["detail"] == "call call-1 is ended"
    await api.want(404, "POST", f"/v1/calls/nobody/{verb}", body)


async def test_what_is_ordered_reaches_the_session(api: Api, live: Conversation) -> None:
    await api.want(202, "POST", f"{PATH}/digits", {"digits": "1,2"})
    assert isinstance(live.leg.lane, FakeLane)
    assert live.leg.lane.digits_sent == "1,2"
    await api.want(202, "POST", f"{PATH}/mute", {"agent": True, "caller": True})
    (muted,) = live.told("call.muted")
    assert (muted.agent, muted.caller) == (True, True)
    await api.want(202, "POST", f"{PATH}/message", {"text": "Good day."})
    assert any(event.text == "Good day." for event in live.told("caller.said"))


async def test_what_was_done_to_a_call_is_stored_and_told_again(
    api: Api, live: Conversation
) -> None:
    for verb, body in (
        ("digits", {"digits": "1"}),
        ("mute", {"agent": True}),
        ("mute", {"agent": False}),
        ("record", {"on": False}),
        ("transfer", {"to": "sip:bob@127.0.0.1"}),
    ):
        await api.want(202, "POST", f"{PATH}/{verb}", body)
    live.leg.hang_up()
    await api.calls.settled()
    wanted = ["call.leg", "call.muted", "call.muted", "agent.pressed"]
    page = await api.want(200, "GET", "/v1/events/log?call=call-1&sort=seq")
    kept = [event["event"] for event in page["items"]]
    assert all(name in [event["type"] for event in kept] for name in wanted)
    assert [event["agent"] for event in kept if event["type"] == "call.muted"] == [True, False]
    steered = [event for event in kept if event["type"] in ("call.leg", "call.muted")]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = "/v1/events?cursor=0&call=call-1&types=call.leg,call.muted"
    async with api.client.ws_connect(path, headers=headers) as socket:
        await socket.receive_json()
        again = [(await socket.receive_json())["event"] for _ in steered]
    assert again == steered


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("digits", {"digits": "12x"}, "digits"),
        ("digits", {"digits": "," * 100}, "digits"),
        ("say", {"text": " "}, "text"),
        ("say", {"text": ""}, "text"),
        ("say", {"text": "x" * 5001}, "text"),
        ("transfer", {"to": "nobody at all"}, "to"),
        ("bridge", {}, "to"),
        ("bridge", {"to": "+15550001", "human_agent_id": "x"}, "to"),
        ("bridge", {"human_agent_id": "x"}, "human_agent_id"),
        ("bridge", {"to": "+15550001", "mode": "shout"}, "mode"),
    ],
)
async def test_what_cannot_be_is_named(
    api: Api, live: Conversation, verb: str, body: dict[str, Any], field: str
) -> None:
    assert (await api.want(422, "POST", f"{PATH}/{verb}", body))["field"] == field


async def test_a_recording_is_played(api: Api, live: Conversation) -> None:
    assert await send_wav(api, a_wav(), query="?name=jingle&interrupt=true") == 202
    assert await send_wav(api, a_wav(121.0)) == 422
    assert await send_wav(api, b"no recording") == 422
    assert await send_wav(api, a_wav(), kind="audio/mpeg") == 415
    assert await send_wav(api, b"x" * (MAX_WAV_BYTES + 1)) == 413


async def test_a_recording_with_a_key_is_played_once(
    api: Api, live: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []
    monkeypatch.setattr(live.session, "play", lambda pcm, rate, name, now: played.append(name))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "audio/wav"}
    headers["Idempotency-Key"] = "jingle-1"
    answers = []
    for data in (a_wav(), a_wav(), a_wav(1.0)):
        async with api.client.post(f"{PATH}/play?name=j", data=data, headers=headers) as answer:
            answers.append((answer.status, answer.headers.get("Idempotency-Replayed")))
    assert answers == [(202, None), (202, "true"), (422, None)]
    assert played == ["j"]
    monkeypatch.setattr(api.calls, "is_live", lambda call_id: False)
    assert await send_wav(api, a_wav()) == 409
    async with api.client.post(f"{PATH}/play?name=j", data=a_wav(), headers=headers) as answer:
        assert (answer.status, answer.headers["Idempotency-Replayed"]) == (202, "true")


async def test_nothing_is_read_of_a_recording_for_anothers_call(
    api: Api, live: Conversation
) -> None:
    token = await api.user("ann@example.org")
    head = (
        f"POST {PATH}/play HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: audio/wav\r\nContent-Length: 1000\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(head.encode())  # and nothing of the body
    assert b" 404 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_somebody_is_joined_changed_and_let_go(api: Api, live: Conversation) -> None:
    joined = await api.want(202, "POST", f"{PATH}/bridge", {"to": "+49 30 1234", "mode": "listen"})
    assert joined == {"call_id": "call-1", "leg": "1"}
    assert live.dialled == [("+49301234", "office")]
    await api.want(202, "PATCH", f"{PATH}/bridge", {"mode": "barge"})
    await api.want(202, "POST", f"{PATH}/transfer", {"to": "sip:bob@127.0.0.1"})
    assert live.dialled[1] == ("sip:bob@127.0.0.1", "office")
    several = await api.want(409, "DELETE", f"{PATH}/bridge")
    assert several["detail"] == "several were joined: name the leg"
    assert (await api.want(202, "DELETE", f"{PATH}/bridge?leg=2"))["leg"] == "2"
    assert (await api.want(202, "DELETE", f"{PATH}/bridge"))["leg"] == "1"
    await api.want(409, "DELETE", f"{PATH}/bridge")
    await api.want(409, "DELETE", f"{PATH}/bridge?leg=7")
    states = [(event.leg, event.mode, event.state) for event in live.told("call.leg")]
    assert states == [
        ("1", "listen", LegState.DIALLED),
        ("1", "barge", LegState.DIALLED),
        ("2", "talk", LegState.DIALLED),
        ("2", "talk", LegState.FAILED),
        ("1", "barge", LegState.FAILED),
    ]
    legs = (await api.want(200, "GET", PATH))["legs"]
    assert [(leg["leg"], leg["to"], leg["joined_s"]) for leg in legs] == [
        ("1", "+49301234", None),
        ("2", "sip:bob@127.0.0.1", None),
    ]


async def test_lines_are_tried_until_one_can(api: Api, live: Conversation) -> None:
    async def lines(call: CallSummary) -> tuple[str, ...]:
        return ("b", "c")

    api.services.control.lines = lines
    live.down = {"office", "b"}
    await api.want(202, "POST", f"{PATH}/transfer", {"to": "+15550001"})
    assert live.dialled == [("+15550001", "c")]
    live.down = {"office", "b", "c"}
    problem = await api.want(409, "POST", f"{PATH}/transfer", {"to": "+15550001"})
    assert problem["detail"] == "nobody can be called: c is down"
    await api.want(409, "POST", f"{PATH}/transfer", {"to": "+15550001", "line": "b"})


async def test_a_human_agent_is_called_at_their_address(api: Api, live: Conversation) -> None:
    person = {"name": "Bob", "kind": "human", "address": "sip:bob@127.0.0.1"}
    bob = await api.want(201, "POST", "/v1/agents", person)
    body = {"human_agent_id": bob["id"], "mode": "talk", "return_to_agent": True}
    await api.want(202, "POST", f"{PATH}/bridge", body)
    assert live.dialled == [("sip:bob@127.0.0.1", "office")]
    assert (await api.want(200, "GET", PATH))["human_agent_id"] == bob["id"]
    nowhere = await api.want(201, "POST", "/v1/agents", {"name": "Carl", "kind": "human"})
    await api.want(409, "POST", f"{PATH}/bridge", {"human_agent_id": nowhere["id"]})
