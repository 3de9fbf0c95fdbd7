"""From a problem of the services to a refusal in a dialect's words, by its tables. Pure."""

import re
from collections.abc import Iterable, Mapping

from ..errors import BadRequest, FieldError, NotFound, Problem, Unprocessable
from .dialect import AnyRow, Dialect, Refused, Said
from .reading import REQUIRED, BadQuery, Misfit

_FIELD = re.compile(r"([^.\[]*)(.*)\Z", re.DOTALL)


class NoRoute(NotFound):
    """There is no such address."""


class WrongMethod(BadRequest):
    """The address is asked for by another method."""

    status = 405
    title = "Method not allowed"


class Broken(Problem):
    """A fault of ours."""


def refused(
    dialect: Dialect, row: AnyRow | None, problem: Problem, wall: float, request_id: str
) -> Refused:
    """The refusal."""
    errors = tuple(errors_of(problem))
    if not isinstance(problem, BadQuery | Misfit):  # those have the dialect's names already
        errors = tuple(_renamed(dialect, error) for error in errors)
    table = dialect.refusals if row is None else {**dialect.refusals, **row.refusals}
    of_values = isinstance(problem, BadRequest | Unprocessable)
    said = _of_fields(dialect.fields, errors) if of_values else None
    said = said or nearest(table, type(problem))
    detail = "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors)
    return Refused(
        status=said.status or problem.status,
        code=said.code,
        message=said.message or problem.detail,
        detail=detail or problem.detail,
        errors=errors,
        wall=wall,
        request_id=request_id,
        retry_after_s=problem.retry_after_s,
        about=problem.about,
    )


def nearest(table: Mapping[type[Problem], Said], problem: type[Problem]) -> Said:
    """What the table says of the class, or of the one nearest above it."""
    for cls in problem.__mro__:
        if cls in table:
            return table[cls]
    raise AssertionError("a dialect's table has Problem in it")


def errors_of(problem: Problem) -> Iterable[FieldError]:
    """The fields at fault, however the problem names them."""
    if problem.errors:
        return problem.errors
    return [] if problem.field is None else [FieldError(problem.field, problem.detail)]


def _renamed(dialect: Dialect, error: FieldError) -> FieldError:
    if error.field in dialect.names:
        return FieldError(dialect.names[error.field], error.message)
    found = _FIELD.match(error.field)
    assert found is not None, "it matches everything"
    name, rest = found.groups()
    return FieldError(f"{dialect.names.get(name, name)}{rest}", error.message)


def _of_fields(fields: Mapping[str, Said], errors: tuple[FieldError, ...]) -> Said | None:
    """The one code of all fields at fault; None: they have none, or several."""
    found = {fields.get(error.field) if error.message != REQUIRED else None for error in errors}
    return found.pop() if len(found) == 1 else None
