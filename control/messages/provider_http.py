"""SHELL: requests to a provider with our secret, which goes nowhere else and is told to nobody."""

import aiohttp

from ..errors import ControlError

CONNECT_S = 10.0
ANSWER_S = 30.0
"Whole requests; providers answer within one or two seconds."
MAX_ANSWER_BYTES = 64 * 1024


class ProviderUnreachable(ControlError):
    """It was not answered. Its words name neither the secret nor what was sent."""

    code = "provider_unreachable"


class ProviderHttp:
    """`aclose()` last."""

    def __init__(self, provider: str, max_connections: int) -> None:
        """`provider`: as people call it."""
        self._provider = provider
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        data: bytes | dict[str, str] | None,
        headers: dict[str, str],
        limit_s: float = ANSWER_S,
    ) -> tuple[int, bytes]:
        """The answer's status and body. Raises ProviderUnreachable."""
        try:
            # Redirected, the secret would go to another server.
            async with self._opened().request(
                method,
                url,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s, connect=min(CONNECT_S, limit_s)),
            ) as response:
                return response.status, await response.content.read(MAX_ANSWER_BYTES)
        except TimeoutError as exc:
            said = f"{self._provider} has not answered within {limit_s:g} s"
            raise ProviderUnreachable(said) from exc
        except (aiohttp.ClientError, OSError) as exc:
            # The class alone: its words may have the address in them, and that the secret.
            said = f"{self._provider} cannot be reached: {type(exc).__name__}"
            raise ProviderUnreachable(said) from exc

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
