"""Lines without drivers: what they would be asked to call is written down, and legs are given."""

from offhook.media.errors import MediaError
from offhook.tests.kit.fake_lane import FakeLane
from offhook.tests.kit.fake_leg import FakeLeg


class FakeSipCalls:
    """The SIP endpoint's `call`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str | None]] = []
        self.public_only: list[bool] = []
        "Of each call: whether it may not go to private networks."
        self.legs: list[FakeLeg] = []
        self.error: Exception | None = None

    def call(
        self,
        target: str,
        *,
        from_: str | None = None,
        username: str | None = None,
        password: str | None = None,
        line: str = "",
        public_only: bool = False,
    ) -> FakeLeg:
        """A leg, or the error that is set."""
        if self.error is not None:
            raise self.error
        self.asked.append(
            {"to": target, "from": from_, "line": line, "by": username, "with": password}
        )
        self.public_only.append(public_only)
        self.legs.append(FakeLeg(FakeLane(8000), inbound=False))
        return self.legs[-1]


class FakeLoopbackCalls:
    """The loopback line's `call`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.legs: list[FakeLeg] = []
        self.error: MediaError | None = None

    def call(self, to_number: str, from_number: str = "", *, admitted: bool = False) -> FakeLeg:
        """A leg, or the error that is set."""
        if self.error is not None:
            raise self.error
        self.asked.append((to_number, from_number))
        self.legs.append(FakeLeg(FakeLane(8000), inbound=False))
        return self.legs[-1]
