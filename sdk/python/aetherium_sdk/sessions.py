"""Communication sessions: calls that an agent holds after a workflow."""

import json
import random
from typing import Any

from .errors import UnreadableAnswer
from .requests import Requests
from .stream import SessionStream
from .values import Json, Session, SessionPage, read, read_all
from .websocket import WebSocket

PATH = "/api/sessions/"


class Sessions:
    """`client.sessions`. Every verb raises ApiError, ConnectionFailed or UnreadableAnswer."""

    def __init__(self, requests: Requests, rng: random.Random) -> None:
        self._requests = requests
        self._rng = rng

    def create(
        self,
        workflow_id: int,
        phone_number: str,
        session_type: str = "outbound",
        metadata: Json | None = None,
    ) -> Session:
        """Place a call. `phone_number`: `+` and digits; `metadata`: yours, given back as it is."""
        body: Json = {
            "workflow_id": workflow_id,
            "phone_number": phone_number,
            "session_type": session_type,
            "metadata": metadata,
        }
        return read(Session, self._requests.ask("POST", PATH, body=body))

    def get(self, session_id: int) -> Session:
        """The session as it is now."""
        return read(Session, self._requests.ask("GET", f"{PATH}{int(session_id)}"))

    def list(
        self,
        *,
        status: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        sort: str | None = None,
        filter: Json | None = None,
    ) -> SessionPage:
        """A page of sessions.

        `limit`: 50 unless given, 100 at most; dates in ISO 8601; `sort`: a field, with `-` before
        it for the highest first; `filter`: fields and the values that they must have.
        """
        query: dict[str, Any] = {
            "status": status,
            "limit": limit,
            "offset": offset,
            "start_date": start_date,
            "end_date": end_date,
            "sort": sort,
            "filter": None if filter is None else json.dumps(filter),
        }
        told = self._requests.ask("GET", PATH, query=query)
        if not isinstance(told, dict):
            raise UnreadableAnswer(f"no page of sessions: {told!r:.200}")
        sessions = read_all(Session, told.get("sessions"))
        total = told.get("total", len(sessions))
        return SessionPage(sessions, total, told.get("limit", len(sessions)), told.get("offset", 0))

    def update(
        self,
        session_id: int,
        *,
        status: str | None = None,
        transcript: str | None = None,
        ai_response: str | None = None,
        metadata: Json | None = None,
    ) -> Session:
        """Change what is given; what is None stays."""
        body: Json = {
            "status": status,
            "transcript": transcript,
            "ai_response": ai_response,
            "metadata": metadata,
        }
        return read(Session, self._requests.ask("PUT", f"{PATH}{int(session_id)}", body=body))

    def stream(self, session_id: int) -> SessionStream:
        """What happens in the session, from now until its end. Connects with the first update."""
        requests = self._requests
        url = f"{requests.base_url}/ws/session/{int(session_id)}"

        def connect() -> WebSocket:
            return WebSocket(url, requests.headers, requests.timeout_s)

        return SessionStream(session_id, connect, self.get, self._rng)
