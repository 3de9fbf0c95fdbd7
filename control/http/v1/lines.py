"""`/v1/lines`: what calls come in by and go out by, as it is now."""

import msgspec

from ...domain.lines import Line, LineKind, LineState
from ...errors import NotFound
from ..lists import List
from ..route import AnyRoute, Asked, Nothing, Route

TAG = "Lines"


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line."""

    name: str
    kind: LineKind
    state: LineState
    reason: str
    "Why it is not ready; empty when it is."
    max_calls: int | None
    "Calls at once, in and out; null: as many as the server takes."
    in_use: int
    "Calls now."
    can_call_out: bool
    simulated: bool
    "Its calls reach nobody."
    number: str
    "Of a modem, where it is known."
    address: str
    "Registrar or carrier; only administrators see it."


async def list_lines(asked: Asked[Nothing, Nothing]) -> List[LineView]:
    """All lines that you may use. They are set in the configuration; the list has one page."""
    lines = await asked.edge.services.lines.all(asked.who)
    return List(tuple(line_view(line) for line in lines), None, len(lines))


async def get_line(asked: Asked[Nothing, Nothing]) -> LineView:
    """One line by its name."""
    return line_view(await asked.edge.services.lines.get(asked.who, asked.path("name")))


def line_view(line: Line) -> LineView:
    """A line as the API shows it."""
    return LineView(**{name: getattr(line, name) for name in LineView.__struct_fields__})


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/lines",
        handler=list_lines,
        summary="List lines",
        tag=TAG,
        scope="lines:read",
        returns=List[LineView],
    ),
    Route(
        method="GET",
        path="/v1/lines/{name}",
        handler=get_line,
        summary="Get a line",
        tag=TAG,
        scope="lines:read",
        returns=LineView,
        problems=(NotFound,),
    ),
)
