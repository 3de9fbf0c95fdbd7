"""The SIP user agent: datagrams in, datagrams out, and calls that come and go. Sans-IO.

The way of a request: parse -> known transaction? -> scanner, rate -> screening (RFC 3261 §8.2) ->
dialog, or -> who is it (trunk.py) -> is there room -> a new call. What is refused early costs
little; what is malformed is counted, and answered where an answer is possible.

Not here: sockets and names (transport.py), what a call is for (leg.py and its owner).
"""

import hashlib
import logging
from collections import Counter, deque
from collections.abc import Callable

from ...media.errors import Refused
from ...media.ports import HangUpCause
from .agent_events import (
    AgentSettings,
    AnyAgentEvent,
    CallArrived,
    CallChanged,
    Credentials,
    RegistrationChanged,
)
from .auth import DigestClient, DigestServer
from .authorizing import Authorizer
from .callee import RETRY_AFTER_S, CalleeSession
from .caller import CallerSession, Invitation
from .errors import LocalError, MalformedMessage
from .hop import Hop, Outgoing, mark_source, reply_hop
from .identity import Identity
from .message import MalformedRequest, Request, Response, parse
from .negotiation import Negotiation, OfferRefused, OpenMedia
from .offering import warning_of, write_abilities
from .registration import (
    Registered,
    Registration,
    RegistrationSettings,
    Unregistered,
)
from .screening import screen
from .session import Session
from .session_timer import SessionTimer
from .timers import Agenda
from .transaction_layer import (
    AckArrived,
    Key,
    ResponseArrived,
    TransactionLayer,
    TransactionUser,
    server_key,
)
from .trunk import Access, Gate, RateLimit, is_scanner

logger = logging.getLogger(__name__)

MAX_SESSIONS = 5_000
"Live calls; an INVITE beyond gets 503."
REALM = "offhook"
NONCE_SECRET_BITS = 256
STUN_FIRST_BYTES = range(4)
"RFC 5626 keepalives share the port; RFC 7983 tells them apart by the first byte."


class UserAgent:
    """All calls and registrations behind one port."""

    def __init__(
        self,
        settings: AgentSettings,
        identity: Identity,
        open_media: OpenMedia,
        refuse: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`refuse` says why no further call can be taken, None when one can."""
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._identity = identity
        self._open_media = open_media
        self._refuse = refuse
        self._layer = TransactionLayer(settings.session.timers)
        secret = identity.rng.getrandbits(NONCE_SECRET_BITS).to_bytes(NONCE_SECRET_BITS // 8, "big")
        self._tag_secret = secret[: hashlib.blake2s.MAX_KEY_SIZE]
        self._gate = Gate(
            settings.trunks,
            settings.accounts,
            DigestServer(REALM, secret),
            open_loopback=settings.open_loopback,
            algorithms=settings.digest_algorithms,
        )
        self._rate = RateLimit()
        self._sessions: dict[tuple[str, str], CallerSession | CalleeSession] = {}
        self._callees: dict[Key, CalleeSession] = {}
        self._registrations: dict[str, Registration] = {}
        self._session_agenda: Agenda[tuple[str, str]] = Agenda()
        self._registration_agenda: Agenda[str] = Agenda()
        self._events: deque[AnyAgentEvent] = deque()
        self._closing = False

    # --- what the owner does ---

    def call(
        self, invitation: Invitation, credentials: Credentials | None, now: float
    ) -> CallerSession:
        """Place a call. Raises Unroutable, LocalError (a header of ours) and media's Refused."""
        hop = invitation.hop
        session = CallerSession(
            invitation,
            self._identity,
            self._open(hop.host, public_only=hop.public_only),
            self._authorizer(credentials),
            self._settings.session,
        )
        try:
            session.call(now)
            self._layer.carry_out(session, now)
        except LocalError:
            session.negotiation.close()
            raise
        self._sessions[session.call_id, session.local_tag] = session
        self._drain(now)
        self.changed(session, now)
        return session

    def register(
        self, settings: RegistrationSettings, credentials: Credentials, now: float
    ) -> Registration:
        """Register, and stay registered. Raises Unroutable. One registration a name."""
        assert settings.name not in self._registrations, f"{settings.name} is registered already"
        authorizer = self._authorizer(credentials)
        registration = Registration(settings, self._identity, authorizer)
        self._registrations[settings.name] = registration
        registration.start(now)
        self._drain_user(registration, now)
        return registration

    def unregister(self, name: str, now: float) -> None:
        """Remove a registration."""
        registration = self._registrations[name]
        registration.stop(now)
        self._drain_user(registration, now)

    def changed(self, session: Session, now: float) -> None:
        """A verb of the session was called: let its consequences follow."""
        self._drain_user(session, now)

    def close(self, now: float) -> None:
        """End everything: no call is taken any more, live ones get BYE, lines are unregistered."""
        self._closing = True
        for session in list(self._sessions.values()):
            session.hang_up(HangUpCause.NORMAL, now)
            self._drain_user(session, now)
        for name in list(self._registrations):
            self.unregister(name, now)

    @property
    def is_idle(self) -> bool:
        """No call and no registration is left."""
        return not self._sessions and not self._registrations

    @property
    def live(self) -> dict[str, int]:
        """How much is kept, by kind: what a leak would show in."""
        return {
            "transactions": len(self._layer),
            "sessions": len(self._sessions),
            "callees": len(self._callees),
            "registrations": len(self._registrations),
            "timers": len(self._session_agenda) + len(self._registration_agenda),
        }

    # --- the house vocabulary ---

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """A datagram from `source`. Never raises for what is in it."""
        if not data.strip(b"\r\n\0 ") or data[0] in STUN_FIRST_BYTES:
            self.counters["keepalive"] += 1
            return
        try:
            message = parse(data)
        except MalformedMessage as fault:
            self._receive_malformed(fault, source, now)
            return
        try:
            if isinstance(message, Response):
                self._layer.receive_response(message, now)
            else:
                self._receive_request(message, source, now)
        except LocalError as fault:
            # What we had to echo must not go out (a stray CR in a tag, say).
            logger.debug("no answer to %s: %s", source, fault)
            self.counters["unanswerable"] += 1
        self._drain(now, source)

    def transport_failed(self, hop: Hop, why: str, now: float) -> None:
        """Nothing can be sent to `hop`."""
        self._layer.transport_failed(hop, why, now)
        self._drain(now)

    def receive_refusal(self, quoted: bytes, why: str, now: float) -> None:
        """A datagram of ours that began so found nobody, says the network."""
        self._layer.receive_refusal(quoted, why, now)
        self._drain(now)

    def datagrams_to_send(self) -> list[Outgoing]:
        """Messages for the transport, in order."""
        return self._layer.datagrams_to_send()

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        timers = (
            self._layer.get_timer(),
            self._session_agenda.get_timer(),
            self._registration_agenda.get_timer(),
        )
        return min((at for at in timers if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Run every timer that is due."""
        self._layer.handle_timer(now)
        self._drain(now)
        for key in self._session_agenda.due(now):
            if (session := self._sessions.get(key)) is not None:
                session.handle_timer(now)
                self._drain_user(session, now)
        for name in self._registration_agenda.due(now):
            if (registration := self._registrations.get(name)) is not None:
                registration.handle_timer(now)
                self._drain_user(registration, now)

    def next_event(self) -> AnyAgentEvent | None:
        """What the owner should know, oldest first."""
        return self._events.popleft() if self._events else None

    # --- requests ---

    def _receive_malformed(self, fault: MalformedMessage, source: Hop, now: float) -> None:
        logger.debug("malformed message from %s: %s", source, fault)
        self.counters["malformed"] += 1
        if not isinstance(fault, MalformedRequest) or not self._is_within_rate(source, now):
            return
        try:
            response = fault.request.respond(fault.status, to_tag=self._identity.token())
            self._layer.respond_stateless(response, source)
        except (LocalError, MalformedMessage):
            self.counters["unanswerable"] += 1

    def _receive_request(self, request: Request, source: Hop, now: float) -> None:
        mark_source(request, source)
        if self._layer.absorb(request, now):
            return
        if is_scanner(request) and self._gate.line_of(source) is None:
            self.counters["scanner"] += 1
            return
        reply_to = reply_hop(request, source)
        known = request.to.tag is not None and self._session_of(request) is not None
        if not known and request.method != "CANCEL" and not self._is_within_rate(source, now):
            self._refuse_stateless(request, reply_to)
            return
        merged = request.to.tag is None and self._layer.is_merged(request)
        line: str | None = ""
        if request.method == "INVITE" and request.to.tag is None and not merged:
            line = self._admit(request, source, reply_to, now)
        if line is None or not self._layer.open_server(request, reply_to, now):
            return
        refusal = screen(request, self._identity.token())
        if refusal is not None:
            self.counters["screened"] += 1
            self._layer.respond(request, refusal, now)
        elif request.method == "CANCEL":
            self._receive_cancel(request, now)
        elif request.to.tag is not None:
            self._receive_in_dialog(request, now)
        elif merged:
            self._respond(request, 482, now)
        elif request.method == "INVITE":
            self._receive_invite(request, source, line, now)
        elif request.method == "OPTIONS":
            self._receive_options(request, now)
        else:
            self._respond(request, 481, now)

    def _is_within_rate(self, source: Hop, now: float) -> bool:
        if self._gate.line_of(source) is not None or self._rate.admits(source.host, now):
            return True
        self.counters["rate_limited"] += 1
        return False

    def _refuse_stateless(self, request: Request, reply_to: Hop) -> None:
        response = request.respond(503, to_tag=self._identity.token())
        response.headers.add("Retry-After", str(RETRY_AFTER_S))
        self._layer.respond_stateless(response, reply_to)

    def _receive_cancel(self, cancel: Request, now: float) -> None:
        invite = self._layer.invite_of(cancel)
        session = None if invite is None else self._callees.get(server_key(invite))
        if session is None:
            # Refused INVITEs have had their final response already (RFC 3261 §9.2).
            self._respond(cancel, 481 if invite is None else 200, now)
            return
        self._layer.respond(cancel, cancel.respond(200, to_tag=session.local_tag), now)
        session.receive_cancel(cancel, now)
        self._drain_user(session, now)

    def _session_of(self, request: Request) -> CallerSession | CalleeSession | None:
        session = self._sessions.get((request.call_id, request.to.tag or ""))
        return session if session is not None and session.owns(request) else None

    def _receive_in_dialog(self, request: Request, now: float) -> None:
        session = self._session_of(request)
        if session is None:
            self._respond(request, 481, now)
        elif request.method == "OPTIONS":
            self._receive_options(request, now)
        else:
            session.receive_request(request, now)
            self._drain_user(session, now)

    def _receive_options(self, request: Request, now: float) -> None:
        """What an INVITE would get, with what we can do (RFC 3261 §11.2)."""
        overloaded = request.to.tag is None and self._reason_to_refuse() is not None
        response = request.respond(503 if overloaded else 200, to_tag=self._identity.token())
        write_abilities(response)
        response.headers.add("Accept", "application/sdp")
        response.headers.add("Accept-Encoding", "identity")
        response.headers.add("Accept-Language", "en")
        self._layer.respond(request, response, now)

    def _receive_invite(self, request: Request, source: Hop, line: str, now: float) -> None:
        if (reason := self._reason_to_refuse()) is not None:
            self._refuse_call(request, reason, now)
        else:
            self._begin_call(request, source, line, now)

    def _admit(self, invite: Request, source: Hop, reply_to: Hop, now: float) -> str | None:
        """The line that a caller belongs to; None: they are refused, and that is all.

        Of a stranger nothing is kept (RFC 3261 §26.3.2.4): whoever sends in others' names would
        fill our memory, and have us repeat our answers to them for half a minute.
        """
        refusal = None
        if self._gate.line_of(source) is None:
            refusal = screen(invite, self._tag_for(invite))
            self.counters["screened"] += refusal is not None
        if refusal is None:
            admission = self._gate.judge(invite, source, now)
            if admission.access is Access.ADMIT:
                return admission.line
            refusal = self._refusal(invite, source, admission.access, now)
        self._layer.respond_stateless(refusal, reply_to)
        return None

    def _refusal(self, invite: Request, source: Hop, access: Access, now: float) -> Response:
        tag = self._tag_for(invite)
        if access is Access.FORBID:
            self.counters["forbidden"] += 1
            return invite.respond(403, to_tag=tag)
        self.counters["challenged"] += 1
        response = invite.respond(401, to_tag=tag)
        for value in self._gate.challenges(source.host, access is Access.STALE, now):
            response.headers.add("WWW-Authenticate", value)
        return response

    def _tag_for(self, request: Request) -> str:
        """What is answered without being remembered has one tag all the same (§8.2.7)."""
        asked = f"{request.call_id}|{request.from_.tag}|{request.via}|{request.cseq.number}"
        data = asked.encode("utf-8", "surrogateescape")
        return hashlib.blake2s(data, key=self._tag_secret, digest_size=8).hexdigest()

    def _reason_to_refuse(self) -> str | None:
        if self._closing:
            return "shutting down"
        if len(self._sessions) >= MAX_SESSIONS:
            return f"{MAX_SESSIONS} calls are live"
        return self._refuse()

    def _refuse_call(self, request: Request, reason: str, now: float) -> None:
        logger.info("call refused: %s", reason)
        self.counters["refused"] += 1
        self._respond(request, 503, now, [("Retry-After", str(RETRY_AFTER_S))])

    def _begin_call(self, request: Request, source: Hop, line: str, now: float) -> None:
        timer = SessionTimer(self._settings.session.session_timer)
        if timer.is_too_short(request):
            self._respond(request, 422, now, [timer.min_se])
            return
        try:
            negotiation = self._open(source.host)
        except Refused as fault:
            self._refuse_call(request, fault.reason, now)
            return
        try:
            session = CalleeSession(
                request,
                source,
                self._identity,
                negotiation,
                self._authorizer(None),
                self._settings.session,
                now,
            )
        except OfferRefused as fault:
            negotiation.close()
            self._respond(
                request, fault.status, now, [warning_of(fault, self._identity.host(source))]
            )
            return
        self.counters["calls_in"] += 1
        self._sessions[session.call_id, session.local_tag] = session
        self._callees[server_key(request)] = session
        self._events.append(CallArrived(session, line))
        self._drain_session(session)

    def _respond(
        self,
        request: Request,
        status: int,
        now: float,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        response = request.respond(status, to_tag=self._identity.token())
        for name, value in headers or []:
            response.headers.add(name, value)
        self._layer.respond(request, response, now)

    # --- inside ---

    def _open(self, host: str, *, public_only: bool = False) -> Negotiation:
        return Negotiation(
            self._open_media,
            host,
            self._settings.codecs,
            self._identity.rng,
            public_only=public_only,
        )

    def _authorizer(self, credentials: Credentials | None) -> Authorizer:
        if credentials is None:
            return Authorizer(None)
        rng = self._identity.rng
        return Authorizer(DigestClient(credentials.username, credentials.password, rng))

    def _drain(self, now: float, source: Hop | None = None) -> None:
        """Hand what the transactions have to say to their users, until nothing moves."""
        while (event := self._layer.next_event()) is not None:
            if isinstance(event, AckArrived):
                session = self._session_of(event.ack)
                if session is not None:
                    session.receive_ack(event.ack, now)
                    self._drain_user(session, now)
                continue
            if isinstance(event, ResponseArrived):
                event.user.receive_response(event.response, event.request, now)
            else:
                event.user.request_failed(event.request, event.fault, now)
            self._drain_user(event.user, now, source)

    def _drain_user(self, user: TransactionUser, now: float, source: Hop | None = None) -> None:
        self._layer.carry_out(user, now)
        if isinstance(user, CallerSession | CalleeSession):
            self._drain_session(user)
        elif isinstance(user, Registration):
            self._drain_registration(user, source)

    def _drain_session(self, session: CallerSession | CalleeSession) -> None:
        while (event := session.next_event()) is not None:
            self._events.append(CallChanged(session, event))
        key = (session.call_id, session.local_tag)
        if key not in self._sessions:
            return  # over; a late 2xx of another fork was answered
        self._session_agenda.set(key, session.get_timer())
        if session.is_over:
            self._session_agenda.set(key, None)
            del self._sessions[key]
            if isinstance(session, CalleeSession):
                self._callees.pop(server_key(session.invite), None)

    def _drain_registration(self, registration: Registration, source: Hop | None) -> None:
        name = registration.settings.name
        while (event := registration.next_event()) is not None:
            self._events.append(RegistrationChanged(event))
            if isinstance(event, Registered) and source is not None:
                self._gate.trust_registrar(source.host, name)
            elif isinstance(event, Unregistered):
                self._gate.forget_registrar(name)
        self._registration_agenda.set(name, registration.get_timer())
        if registration.is_over:
            self._registrations.pop(name, None)
