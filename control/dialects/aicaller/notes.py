"""Notes about calls."""

import functools
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.calls import Note
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import Moment, seconds
from .forms import BASE, DELETED, IDS, DoneView, Tags

TAG = "Calls"
MOST = 1000
"Of a call: the document has no pages."

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Category = Annotated[str, msgspec.Meta(max_length=100)]


class NewNote(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be written about a call."""

    note: Text
    category: Category | None = None
    tags: Tags = []


class NoteChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    note: Text | UnsetType = UNSET
    category: Category | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote about a call."""

    id: str
    call_id: str
    note: str
    category: str | None
    tags: list[str]
    created_by: str
    created_at: Moment
    updated_at: Moment


async def list_notes(asked: Asked[Nothing, Nothing]) -> list[NoteView]:
    """A call's notes, oldest first."""
    query = PageQuery(limit=MOST, sort="seq")
    page = await asked.edge.services.notes.page(asked.who, await own(IDS, asked, "call"), query)
    return [note_view(note) for note in page.items]


async def add_note(asked: Asked[Nothing, NewNote]) -> NoteView:
    """Write one."""
    body, call_id = asked.body, await own(IDS, asked, "call")
    notes = asked.edge.services.notes
    tags = tuple(body.tags)
    return note_view(await notes.add(asked.who, call_id, body.note, body.category or "", tags))


async def change_note(asked: Asked[Nothing, NoteChanges]) -> NoteView:
    """Change some of one."""
    changes = given(asked.body)
    if "note" in changes:
        changes["text"] = changes.pop("note")
    if "category" in changes:
        changes["category"] = changes["category"] or ""
    if "tags" in changes:
        changes["tags"] = tuple(changes["tags"])
    call_id, id_ = await own(IDS, asked, "call"), await own(IDS, asked, "note")
    return note_view(await asked.edge.services.notes.change(asked.who, call_id, id_, changes))


async def delete_note(asked: Asked[Nothing, Nothing]) -> DoneView:
    """Delete one."""
    call_id, id_ = await own(IDS, asked, "call"), await own(IDS, asked, "note")
    await asked.edge.services.notes.delete(asked.who, call_id, id_)
    return DELETED


def note_view(note: Note) -> NoteView:
    """As it is shown."""
    return NoteView(
        id=note.id,
        call_id=note.call_id,
        note=note.text,
        category=note.category or None,
        tags=list(note.tags),
        created_by=note.author_id or note.owner_id,
        created_at=seconds(note.created_wall),
        updated_at=seconds(note.updated_wall),
    )


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/calls/{{call}}/notes",
        list_notes,
        "List call notes",
        "calls:read",
        returns=list[NoteView],
    ),
    _row(
        "POST",
        f"{BASE}/calls/{{call}}/notes",
        add_note,
        "Add note to call",
        "calls:write",
        body=NewNote,
        returns=NoteView,
        status=201,
        example={"note": "Note text", "category": "Follow-up", "tags": ["important"]},
    ),
    _row(
        "PUT",
        f"{BASE}/calls/{{call}}/notes/{{note}}",
        change_note,
        "Update call note",
        "calls:write",
        body=NoteChanges,
        returns=NoteView,
        example={"note": "Updated"},
    ),
    _row(
        "DELETE",
        f"{BASE}/calls/{{call}}/notes/{{note}}",
        delete_note,
        "Delete call note",
        "calls:write",
        returns=DoneView,
    ),
)
