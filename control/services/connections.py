"""Are a provider's keys good: shown to the provider itself, kept nowhere, told to no log.

OpenAI: `GET /models` (https://platform.openai.com/docs/api-reference/models/list). Twilio: the
account's resource (https://www.twilio.com/docs/iam/api/account#fetch-an-account-resource).
"""

import asyncio
import re

import aiohttp
import msgspec

from ...drivers.openai_client import proxy_of
from ..configuration.config_connections import ConnectionSettings

MAX_ANSWER_BYTES = 256 * 1024
FORM_ONLY = ConnectionSettings(openai_url="", twilio_url="")
"Nobody is asked."
NOT_GIVEN = "no key was given"

_SID = re.compile(r"AC[0-9a-zA-Z]{2,64}\Z", re.ASCII)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z", re.ASCII)
_WORD = re.compile(r"[!-~]{1,1000}\Z")


class Connection(msgspec.Struct, frozen=True):
    """What came of it."""

    connected: bool
    error: str | None = None
    "Why not, in words that hold no key."
    tried: bool = True
    "False: there was no key to try."


GOOD = Connection(True)
UNTRIED = Connection(False, NOT_GIVEN, tried=False)


class _Account(msgspec.Struct):
    status: str = ""


class ConnectionTests:
    """The verbs. None of them raises for what a provider says, or does not say."""

    def __init__(self, settings: ConnectionSettings = FORM_ONLY) -> None:
        self._settings = settings

    async def openai(self, key: str) -> Connection:
        """Whether a server that speaks OpenAI's protocol takes the key."""
        if not key:
            return UNTRIED
        if not _WORD.match(key):
            return Connection(False, "that cannot be a key")
        base = self._settings.openai_url
        if not base:
            return GOOD if key.startswith("sk-") else Connection(False, "a key begins with sk-")
        return await self.server(base, key)

    async def server(self, base_url: str, key: str) -> Connection:
        """Whether a server at this address answers, and takes the key; empty: it needs none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        _, found = await self._ask(f"{base_url.rstrip('/')}/models", headers)
        return found

    async def twilio(self, sid: str, token: str, number: str = "") -> Connection:
        """Whether Twilio knows the account, and it is active; `number`: only its form counts."""
        if not (sid or token):
            return UNTRIED
        if not _SID.match(sid):
            return Connection(False, "an account's SID begins with AC")
        if not _WORD.match(token):
            return Connection(False, "that cannot be an auth token")
        if number and not _NUMBER.match(number):
            return Connection(False, "the number is not in E.164, as +1234567890 is")
        base = self._settings.twilio_url
        if not base:
            return GOOD
        url = f"{base.rstrip('/')}/2010-04-01/Accounts/{sid}.json"
        headers = {"Authorization": aiohttp.encode_basic_auth(sid, token)}
        data, found = await self._ask(url, headers)
        if not found.connected:
            return found
        try:
            status = msgspec.json.decode(data, type=_Account).status
        except msgspec.DecodeError:
            return Connection(False, "the answer is not Twilio's")
        return GOOD if status == "active" else Connection(False, f"the account is {status[:32]!r}")

    async def _ask(self, url: str, headers: dict[str, str]) -> tuple[bytes, Connection]:
        """The answer's body, and whether it was a yes."""
        timeout_s = self._settings.timeout_s
        try:
            async with (
                asyncio.timeout(timeout_s),
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
                # A key goes where it was meant to go, and nowhere else.
                session.get(
                    url, headers=headers, allow_redirects=False, proxy=proxy_of(url)
                ) as response,
            ):
                data = await _body(response)
        except TimeoutError:
            return b"", Connection(False, f"no answer within {timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as exc:
            # The class alone: what else it says may hold what was sent.
            return b"", Connection(False, f"it cannot be reached: {type(exc).__name__}")
        if response.status in (401, 403):
            return b"", Connection(False, "the key is not taken")
        if response.status != 200:
            return b"", Connection(False, f"it answers HTTP {response.status}")
        return data, GOOD


async def _body(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MAX_ANSWER_BYTES:
            break
    return bytes(data)
