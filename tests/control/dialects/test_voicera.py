"""What voicera's figures are of."""

import pathlib

from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for


async def test_figures_are_of_as_many_days_as_may_be_asked_for(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        token = await token_for(api, "voicera", "ann@example.org")
        for path in ("calls", "sentiment"):
            found = await api.want(200, "GET", f"/voicera/analytics/{path}?days=3650", token=token)
            assert set(found["data"].values()) == {0}, path
