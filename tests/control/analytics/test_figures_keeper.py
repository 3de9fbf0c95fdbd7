"""Figures are kept near what happens without anybody asking."""

import pathlib

from sqlalchemy import func, select

from offhook.control.analytics.figures_keeper import PAUSE_S, REST_S, FiguresKeeper
from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.store import schema
from offhook.tests.kit.api import Api
from offhook.tests.kit.seeded_calls import make_calls, store_calls


async def counted(api: Api) -> int:
    async with api.database.read() as tx:
        query = select(func.count()).select_from(schema.CALL_FIGURES)
        return int((await tx.execute(query)).scalar_one())


async def steps(api: Api, keeper: FiguresKeeper, most: int) -> None:
    """Let it go on until nothing is left to follow."""
    for _ in range(most):
        await keeper.idle.wait()
        if await api.services.analytics.is_complete():
            return
        keeper.idle.clear()
        api.clock.advance(PAUSE_S)


async def test_calls_of_before_are_followed_step_by_step_and_new_ones_after_a_rest(
    tmp_path: pathlib.Path,
) -> None:
    async with Api(tmp_path) as api:
        made = make_calls(4, 100, [OPERATOR_ID], [], 1.699e9, 1.6999e9)
        await store_calls(api.database, made[:60])
        keeper = FiguresKeeper(api.services.analytics, api.bus, api.clock)
        keeper.start()
        await steps(api, keeper, 20)
        assert await counted(api) == 60
        await store_calls(api.database, made[60:100])
        for one in made[60:64]:
            await api.want(200, "PATCH", f"/v1/calls/{one.call.id}", {"metadata": {"a": 1}})
        assert await counted(api) == 60
        keeper.idle.clear()
        api.clock.advance(REST_S)
        await keeper.idle.wait()
        assert await counted(api) == 64
        await keeper.aclose()


async def test_many_figures_are_read_before_somebody_asks_and_few_are_not(
    tmp_path: pathlib.Path,
) -> None:
    async with Api(tmp_path) as api:
        made = make_calls(4, 20, [OPERATOR_ID], [], 1.699e9, 1.6999e9)
        await store_calls(api.database, made)
        service = api.services.analytics
        for warm_from, is_read in ((21, False), (20, True)):
            service.warm_from = warm_from
            keeper = FiguresKeeper(service, api.bus, api.clock)
            keeper.start()
            await keeper.idle.wait()
            while keeper.warming is None:
                keeper.idle.clear()
                api.clock.advance(PAUSE_S)
                await keeper.idle.wait()
            await keeper.warming
            assert (service._counting.pid is not None) is is_read
            await keeper.aclose()
