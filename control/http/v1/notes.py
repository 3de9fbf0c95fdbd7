"""`/v1/calls/{id}/notes`: what people write about a call."""

import datetime
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


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/calls/{id}/notes",
        handler=list_notes,
        summary="List a call's notes",
        tag=TAG,
        scope="calls:read",
        query=NoteQuery,
        returns=List[NoteView],
        problems=(NotFound,),
    ),
    Route(
        method="POST",
        path="/v1/calls/{id}/notes",
        handler=add_note,
        summary="Write a note",
        tag=TAG,
        scope="calls:write",
        body=NewNote,
        returns=NoteView,
        status=201,
        problems=(NotFound,),
    ),
    Route(
        method="GET",
        path="/v1/calls/{id}/notes/{note}",
        handler=get_note,
        summary="Get a note",
        tag=TAG,
        scope="calls:read",
        returns=NoteView,
        problems=(NotFound,),
    ),
    Route(
        method="PATCH",
        path="/v1/calls/{id}/notes/{note}",
        handler=change_note,
        summary="Change a note",
        tag=TAG,
        scope="calls:write",
        body=NoteChanges,
        returns=NoteView,
        problems=(NotFound,),
    ),
    Route(
        method="DELETE",
        path="/v1/calls/{id}/notes/{note}",
        handler=delete_note,
        summary="Delete a note",
        tag=TAG,
        scope="calls:write",
        status=204,
        problems=(NotFound,),
    ),
)
