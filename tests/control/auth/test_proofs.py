"""What one server proves senders with: made once, the same after a restart."""

import pathlib
import random
import stat

from offhook.control.auth.proofs import Proofs
from offhook.control.auth.tokens import Holder
from offhook.control.configuration.config_auth import AuthSettings
from offhook.control.domain.accounts import Role
from offhook.media.clock import VirtualClock
from offhook.tests.kit.proving import cheap_proofs

HOLDER = Holder("ann", Role.USER, 0)


def modes_in(folder: pathlib.Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_tokens_outlive_a_restart_and_their_keys_are_nobody_elses(
    tmp_path: pathlib.Path,
) -> None:
    before, after = (cheap_proofs(tmp_path, VirtualClock(), token="") for _ in range(2))
    assert modes_in(tmp_path) == {}, "nothing is made before it is needed"
    before.open()
    issued = before.tokens.issue_access(HOLDER)
    assert after.tokens.read(issued.token) == issued.claims
    assert after.operator == before.operator
    made = ("api_token", "jwt_key", "code_key", "link_keys", "token40_key")
    assert modes_in(tmp_path / "secrets") == dict.fromkeys(made, 0o600)
    await before.aclose()
    await after.aclose()


async def test_tokens_live_as_long_as_is_configured(tmp_path: pathlib.Path) -> None:
    settings = AuthSettings(access_ttl_s=60, refresh_ttl_s=3600)
    proofs = Proofs(tmp_path, VirtualClock(), random.Random(1), settings)
    for issued, ttl_s in (
        (proofs.tokens.issue_access(HOLDER), 60),
        (proofs.tokens.issue_refresh(HOLDER), 3600),
    ):
        assert issued.claims.expires_wall - issued.claims.issued_wall == ttl_s
    await proofs.aclose()


async def test_without_rate_limits_nobody_waits_after_wrong_passwords(
    tmp_path: pathlib.Path,
) -> None:
    proofs = Proofs(tmp_path, VirtualClock(), random.Random(1), throttled=False)
    assert {proofs.throttle.begin("ann", "192.0.2.1", 0.0) for _ in range(5000)} == {0.0}
    await proofs.aclose()
