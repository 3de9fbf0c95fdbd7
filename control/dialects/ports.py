"""SHELL: dialects at the roots of ports of their own."""

import msgspec

from ..configuration.config_http import HttpSettings
from ..http.connection_room import ConnectionRoom
from ..http.edge import Authenticator, Edge
from ..http.server import HttpServer
from .catalog import Alone


class DialectPorts:
    """`start()`, then `aclose()`."""

    def __init__(
        self,
        settings: HttpSettings,
        edge: Edge,
        authenticator: Authenticator,
        alone: tuple[Alone, ...],
        room: ConnectionRoom,
    ) -> None:
        self._host = settings.host
        self._servers = [
            (
                each.name,
                HttpServer(
                    msgspec.structs.replace(settings, port=each.port),
                    edge,
                    authenticator,
                    alone=each.speech,
                    room=room,
                ),
            )
            for each in alone
        ]

    async def start(self) -> None:
        """Listen. Raises StartError naming the address."""
        for _, server in self._servers:
            await server.start()

    async def aclose(self) -> None:
        """Close the sockets of those that were opened."""
        for _, server in reversed(self._servers):
            await server.aclose()

    def ready_words(self) -> str:
        """What a started server's ready line says of them."""
        return "".join(
            f" {name}=http://{self._host}:{server.port}" for name, server in self._servers
        )
