"""The client: one key on one server."""

import random

from .requests import Requests
from .sessions import Sessions
from .workflows import Workflows

TIMEOUT_S = 30.0
"For each step of a request: to connect, and to wait for more of the answer."


class AetheriumClient:
    """`AetheriumClient(base_url="http://localhost:8000", api_key="…")`.

    It keeps nothing open between requests and may be shared by threads.
    """

    def __init__(self, base_url: str, api_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """`base_url`: with the path that the API is mounted at, where there is one.

        `api_key`: an API key, or the access token of a sign-in. Raises ValueError.
        """
        requests = Requests(base_url, api_key, timeout_s)
        self.sessions = Sessions(requests, random.Random())
        self.workflows = Workflows(requests)
