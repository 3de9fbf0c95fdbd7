"""Who this user agent is on the wire: its Via, Contact, tags and Call-IDs."""

import random
from collections.abc import Callable

from .address import Address
from .grammar import write_host_port
from .hop import Hop
from .uri import Uri
from .via import BRANCH_COOKIE

RANDOM_BITS = 80
"Of tags, branches and Call-IDs; RFC 3261 §19.3 asks for 32 at least."


class Identity:
    """Makes the values that say who we are, and those that must be unique.

    `host_for(remote)` is our address as the element at `remote` reaches us. `rng` should be a
    random.SystemRandom outside of tests: tags and branches are what keeps strangers out of calls.
    """

    def __init__(
        self, port: int, host_for: Callable[[str], str], user_agent: str, rng: random.Random
    ) -> None:
        self.port = port
        self.user_agent = user_agent
        self.rng = rng
        self._host_for = host_for

    def host(self, hop: Hop) -> str:
        """Our address as `hop` reaches us."""
        return self._host_for(hop.host)

    def via(self, hop: Hop) -> str:
        """A Via with a new branch, for a request that goes to `hop`."""
        sent_by = write_host_port(self.host(hop), self.port)
        return f"SIP/2.0/{hop.transport} {sent_by};branch={BRANCH_COOKIE}{self.token()};rport"

    def contact(self, hop: Hop, user: str | None = None) -> Address:
        """Where requests of `hop`'s side reach us."""
        return Address(None, Uri("sip", user, host=self.host(hop), port=self.port))

    def token(self) -> str:
        """A new tag, or the unique part of a branch."""
        return f"{self.rng.getrandbits(RANDOM_BITS):0{RANDOM_BITS // 4}x}"

    def call_id(self, hop: Hop) -> str:
        """A new Call-ID."""
        return f"{self.token()}@{self.host(hop)}"
