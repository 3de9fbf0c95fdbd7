"""`/v1/calls/{id}/notes`: what people write about a call."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.calls import Note
from ...errors import NotFound
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc
from .agents import given

TAG = "Notes"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
Category = Annotated[str, msgspec.Meta(max_length=64)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Tags = Annotated[tuple[Tag, ...], msgspec.Meta(max_length=20)]


class NoteQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notes."""

    category: Category | None = None
    tag: Tag | None = None
    "One that they have among their tags."
    sort: Literal["created_at", "-created_at"] = "-created_at"


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note to be written."""

    text: Text
    category: Category = ""
    tags: Tags = ()


class NoteChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    text: Text | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class NoteView(NewNote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note."""

    id: str
    seq: int
    call_id: str
    author_id: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_notes(asked: Asked[NoteQuery, Nothing]) -> List[NoteView]:
    """A call's notes, newest first."""
    query, notes = asked.query, asked.edge.services.notes
    page = await notes.page(asked.who, asked.path("id"), query.page(), query.category, query.tag)
    return list_of(page, [note_view(note) for note in page.items])


async def add_note(asked: Asked[Nothing, NewNote]) -> NoteView:
    """Write a note about a call, live or ended; you are its author."""
    body, notes = asked.body, asked.edge.services.notes
    note = await notes.add(asked.who, asked.path("id"), body.text, body.category, body.tags)
    return note_view(note)


async def get_note(asked: Asked[Nothing, Nothing]) -> NoteView:
    """One note."""
    notes = asked.edge.services.notes
    return note_view(await notes.get(asked.who, asked.path("id"), asked.path("note")))


async def change_note(asked: Asked[Nothing, NoteChanges]) -> NoteView:
    """Change a note; its author stays."""
    call_id, id_ = asked.path("id"), asked.path("note")
    changes = given(asked.body)
    return note_view(await asked.edge.services.notes.change(asked.who, call_id, id_, changes))


async def delete_note(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a note."""
    await asked.edge.services.notes.delete(asked.who, asked.path("id"), asked.path("note"))


def note_view(note: Note) -> NoteView:
    """A note as the API shows it."""
    same = ("id", "seq", "call_id", "author_id", "text", "category", "tags")
    return NoteView(
        **{name: getattr(note, name) for name in same},
        created_at=utc(note.created_wall),
        updated_at=utc(note.updated_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/calls/{id}/notes",
        list_notes,
        "List a call's notes",
        "calls:read",
        query=NoteQuery,
        returns=List[NoteView],
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/calls/{id}/notes",
        add_note,
        "Write a note",
        "calls:write",
        body=NewNote,
        returns=NoteView,
        status=201,
        problems=(NotFound,),
    ),
    _route(
        "GET",
        "/v1/calls/{id}/notes/{note}",
        get_note,
        "Get a note",
        "calls:read",
        returns=NoteView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/calls/{id}/notes/{note}",
        change_note,
        "Change a note",
        "calls:write",
        body=NoteChanges,
        returns=NoteView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE",
        "/v1/calls/{id}/notes/{note}",
        delete_note,
        "Delete a note",
        "calls:write",
        status=204,
        problems=(NotFound,),
    ),
)
