"""`/v1/calls/{id}/…`: what is done to a call while somebody is talking."""

import asyncio
import io
from typing import Annotated

import msgspec
import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from ....codecs.errors import WavError
from ....codecs.wav import WavReader
from ...calls.bridging import Mode
from ...errors import Conflict, FieldError, NotFound, Problem, TooLarge, Unprocessable, Unsupported
from ..decoding import read_bytes
from ..once import answered_once, key_of
from ..route import AnyRoute, Asked, BodyT, Handler, Nothing, Route

TAG = "Live calls"
MAX_WAV_BYTES = 5 * 1024 * 1024
MAX_PLAY_S = 120
WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Digits = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Leg = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """It is being done; events tell what comes of it."""

    call_id: str


class LegAccepted(Accepted, frozen=True, kw_only=True):
    """It is being done; `call.leg` events tell what comes of it."""

    leg: str
    "The number of the other leg in this call."


class SayBody(Body, frozen=True, kw_only=True):
    """Words for the agent to say."""

    text: Text
    interrupt: bool = False
    "Instead of what it is saying, and not after it."


class PlayQuery(Body, frozen=True, kw_only=True):
    """How the recording is played."""

    name: ShortText = "recording"
    "The turn's text is this in brackets."
    interrupt: bool = False


class DigitsBody(Body, frozen=True, kw_only=True):
    """Keys: 0-9 * # A-D, a comma waits for half a second."""

    digits: Digits


class MuteBody(Body, frozen=True, kw_only=True):
    """Who is to be silent; what is left out stays."""

    agent: bool | None = None
    "The caller hears nothing of it; the conversation goes on."
    caller: bool | None = None
    "The agent does not hear them; keys it does."


class ContextBody(Body, frozen=True, kw_only=True):
    """What the agent is to know."""

    text: Text
    reply: bool = False
    "It speaks to it as soon as the floor is free."


class MessageBody(Body, frozen=True, kw_only=True):
    """What the caller is taken to have said."""

    text: Text


class RecordBody(Body, frozen=True, kw_only=True):
    """Whether what follows is recorded."""

    on: bool


class TransferBody(Body, frozen=True, kw_only=True):
    """Who is to have the caller."""

    to: ShortText
    "A number or a SIP address."
    line: ShortText | None = None
    "Left out: the call's own, then those that can call out."


class BridgeBody(Body, frozen=True, kw_only=True):
    """Who is to be joined: one of `human_agent_id` and `to`."""

    human_agent_id: ShortText | None = None
    to: ShortText | None = None
    line: ShortText | None = None
    mode: Mode = Mode.TALK
    return_to_agent: bool = False
    "The agent has the caller again when they have hung up; else the call is over then."


class BridgeQuery(Body, frozen=True, kw_only=True):
    """Which of the others."""

    leg: Leg | None = None
    "Left out: the only one."


class BridgeChange(Body, frozen=True, kw_only=True):
    """How they take part from now on."""

    mode: Mode
    leg: Leg | None = None
    "Left out: the only one."


async def say(asked: Asked[Nothing, SayBody]) -> Accepted:
    """The agent says this. While the caller speaks it waits; nobody's question is lost by it."""
    id_, body = asked.path("id"), asked.body
    await asked.edge.services.control.say(asked.who, id_, body.text, body.interrupt)
    return Accepted(call_id=id_)


async def play(asked: Asked[PlayQuery, Nothing]) -> Accepted | web.StreamResponse:
    """The caller hears a recording: a WAV (audio/wav) of up to 5 MB and two minutes."""
    request, key = asked.request, key_of(asked.request)
    if request.content_type not in WAV_TYPES:
        raise Unsupported("send a recording: Content-Type: audio/wav")
    try:
        await asked.edge.services.control.find(asked.who, asked.path("id"))
    except Conflict:
        if key is None:  # with a key it may have been done before the call has ended
            raise
    data = await read_bytes(request, MAX_WAV_BYTES)

    async def work() -> web.Response:
        body = msgspec.json.encode(await _play(asked, data))
        return web.Response(body=body, status=202, content_type="application/json")

    if key is None:
        return await _play(asked, data)
    service = asked.edge.services.idempotency
    return await answered_once(service, request, asked.who, key, data, work)


async def _play(asked: Asked[PlayQuery, Nothing], data: bytes) -> Accepted:
    id_, query = asked.path("id"), asked.query
    try:
        pcm, rate_hz = await asyncio.to_thread(decoded, data)
    except WavError as exc:
        raise Unprocessable("no recording", [FieldError("", str(exc))]) from exc
    control = asked.edge.services.control
    await control.play(asked.who, id_, pcm, rate_hz, query.name, query.interrupt)
    return Accepted(call_id=id_)


async def press_digits(asked: Asked[Nothing, DigitsBody]) -> Accepted:
    """Press keys towards the far end."""
    id_ = asked.path("id")
    await asked.edge.services.control.press(asked.who, id_, asked.body.digits)
    return Accepted(call_id=id_)


async def mute(asked: Asked[Nothing, MuteBody]) -> Accepted:
    """Silence the agent or the caller, or no longer."""
    id_, body = asked.path("id"), asked.body
    await asked.edge.services.control.mute(asked.who, id_, body.agent, body.caller)
    return Accepted(call_id=id_)


async def give_context(asked: Asked[Nothing, ContextBody]) -> Accepted:
    """Let the agent know something that the caller does not hear."""
    id_, body = asked.path("id"), asked.body
    await asked.edge.services.control.tell_agent(asked.who, id_, body.text, body.reply)
    return Accepted(call_id=id_)


async def send_message(asked: Asked[Nothing, MessageBody]) -> Accepted:
    """A turn of the caller's in writing; it is answered aloud."""
    id_ = asked.path("id")
    await asked.edge.services.control.type(asked.who, id_, asked.body.text)
    return Accepted(call_id=id_)


async def switch_recording(asked: Asked[Nothing, RecordBody]) -> Accepted:
    """Leave what follows out of the recording, or take it in again; its time axis stays."""
    id_ = asked.path("id")
    await asked.edge.services.control.record(asked.who, id_, asked.body.on)
    return Accepted(call_id=id_)


async def transfer(asked: Asked[Nothing, TransferBody]) -> LegAccepted:
    """Call somebody; when they answer they have the caller, and the agent has left.

    While it rings the agent goes on, and if nobody answers it keeps the caller.
    """
    id_, body = asked.path("id"), asked.body
    control = asked.edge.services.control
    leg = await control.join(asked.who, id_, body.to, Mode.TALK, line=body.line)
    return LegAccepted(call_id=id_, leg=leg)


async def bridge(asked: Asked[Nothing, BridgeBody]) -> LegAccepted:
    """Call somebody into the call: to talk, listen, whisper or barge in."""
    id_, body = asked.path("id"), asked.body
    control = asked.edge.services.control
    if (body.human_agent_id is None) == (body.to is None):
        fault = FieldError("to", "one of human_agent_id and to is needed")
        raise Unprocessable("who is to be joined?", [fault])
    if body.human_agent_id is not None:
        leg = await control.join_person(
            asked.who,
            id_,
            body.human_agent_id,
            body.mode,
            return_to_agent=body.return_to_agent,
        )
    else:
        leg = await control.join(
            asked.who,
            id_,
            body.to or "",
            body.mode,
            line=body.line,
            return_to_agent=body.return_to_agent,
        )
    return LegAccepted(call_id=id_, leg=leg)


async def change_bridge(asked: Asked[Nothing, BridgeChange]) -> LegAccepted:
    """Let them take part in another way."""
    id_, body = asked.path("id"), asked.body
    leg = await asked.edge.services.control.change_mode(asked.who, id_, body.leg, body.mode)
    return LegAccepted(call_id=id_, leg=leg)


async def end_bridge(asked: Asked[BridgeQuery, Nothing]) -> LegAccepted:
    """Hang up on one of the others."""
    id_ = asked.path("id")
    leg = await asked.edge.services.control.part(asked.who, id_, asked.query.leg)
    return LegAccepted(call_id=id_, leg=leg)


def decoded(data: bytes) -> tuple[NDArray[np.int16], int]:
    """A WAV's first channel, int16[samples], and its rate in Hz. Raises WavError."""
    reader = WavReader(io.BytesIO(data))
    return np.ascontiguousarray(reader.read((MAX_PLAY_S + 1) * reader.rate_hz)[0]), reader.rate_hz


PROBLEMS: tuple[type[Problem], ...] = (NotFound, Conflict, Unprocessable)


def _post(
    path: str,
    handler: Handler[Nothing, BodyT],
    summary: str,
    body: type[BodyT],
    *,
    method: str = "POST",
    returns: type[msgspec.Struct] = Accepted,
) -> AnyRoute:
    return Route(
        method=method,
        path=f"/v1/calls/{{id}}/{path}",
        handler=handler,
        summary=summary,
        tag=TAG,
        scope="calls:write",
        body=body,
        returns=returns,
        status=202,
        problems=PROBLEMS,
    )


ROUTES: tuple[AnyRoute, ...] = (
    _post("say", say, "Let the agent say something", SayBody),
    Route(
        method="POST",
        path="/v1/calls/{id}/play",
        handler=play,
        summary="Play a recording",
        tag=TAG,
        scope="calls:write",
        query=PlayQuery,
        returns=Accepted,
        status=202,
        problems=(*PROBLEMS, TooLarge, Unsupported),
        max_body_bytes=MAX_WAV_BYTES,
        raw_body="audio/wav",
        keyed=True,
    ),
    _post("digits", press_digits, "Press keys", DigitsBody),
    _post("mute", mute, "Mute a side", MuteBody),
    _post("context", give_context, "Tell the agent something", ContextBody),
    _post("message", send_message, "Write as the caller", MessageBody),
    _post("record", switch_recording, "Switch the recording", RecordBody),
    _post("transfer", transfer, "Transfer the caller", TransferBody, returns=LegAccepted),
    _post("bridge", bridge, "Join somebody", BridgeBody, returns=LegAccepted),
    _post(
        "bridge",
        change_bridge,
        "Change how somebody takes part",
        BridgeChange,
        method="PATCH",
        returns=LegAccepted,
    ),
    Route(
        method="DELETE",
        path="/v1/calls/{id}/bridge",
        handler=end_bridge,
        summary="Let somebody go",
        tag=TAG,
        scope="calls:write",
        query=BridgeQuery,
        returns=LegAccepted,
        status=202,
        problems=PROBLEMS,
    ),
)
