"""`/v1/documents`: files that agents answer from."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from ...domain.documents import Chunk, Document, DocumentKind, DocumentStatus
from ...errors import Conflict, NotFound, Unprocessable, Unsupported
from ...services.documents import DocumentFilter, NewDocument
from ...services.imports import Upload
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .agents import given
from .uploads import received, with_form

TAG = "Knowledge"
BYTES = "application/octet-stream"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TYPES = (BYTES, "application/pdf", DOCX, "text/html", "text/markdown", "text/plain")
"What is sent as the body; what it really is, its content tells."
MAX_FILE_BYTES = 20 * 1024 * 1024

ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of the file; a form's fields of the same names go before these."""

    agent_id: ShortText | None = None
    "Whose knowledge it becomes; left out: that of all your agents."
    title: ShortText = ""
    "Left out: the file's name without its ending."
    category: ShortText = ""
    file_name: ShortText = ""
    "Of a file that is sent as the body."


class DocumentsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which documents."""

    agent_id: ShortText | None = None
    status: DocumentStatus | None = None
    category: ShortText | None = None
    search: ShortText | None = None
    "A part of the title."
    sort: Literal["created_at", "-created_at", "title", "-title"] = "-created_at"


class ChunksQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pieces."""

    sort: Literal["index", "-index"] = "index"


class DocumentChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    title: Title | UnsetType = UNSET
    category: ShortText | UnsetType = UNSET


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A document."""

    id: str
    seq: int
    owner_id: str
    agent_id: str | None
    "null: all agents of its owner answer from it."
    title: str
    category: str
    file_name: str
    size_bytes: int
    content_hash: str
    "SHA-256."
    kind: DocumentKind | None
    "By the file's content; null: not looked at yet, or not known."
    status: DocumentStatus
    error: str
    "Why it has failed."
    pages: int | None
    "null: it has none, or they are not counted yet."
    chunks: int
    "Pieces that it is searched in."
    vectors: int
    "Pieces that are found by their meaning as well."
    embedding_model: str
    embedding_error: str
    "Why not all pieces are found by their meaning."
    created_at: datetime.datetime
    updated_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class ChunkView(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document."""

    id: str
    index: int
    "Its place in the document, from 0."
    page: int | None
    heading: str
    "What stands above it, outermost first."
    text: str


async def create_document(asked: Asked[UploadQuery, Nothing]) -> web.StreamResponse:
    """Upload a document: PDF, DOCX, HTML, Markdown or plain text, at most 20 MB.

    It is read by and by: `status` goes from `processing` to `ready`, or to `failed` with the reason
    in `error`, and a `document.processed` event tells of it. What it is, its content says.
    """
    documents = asked.edge.services.documents
    async with received(asked.request, documents.folder, TYPES, MAX_FILE_BYTES) as sent:
        said = with_form(asked.query, sent.fields)
        name = sent.upload.file_name or said.file_name
        upload: Upload = msgspec.structs.replace(sent.upload, file_name=name)
        new = NewDocument(agent_id=said.agent_id, title=said.title, category=said.category)
        document = await documents.create(asked.who, upload, new)
    return web.Response(
        body=msgspec.json.encode(document_view(document)),
        status=202,
        content_type="application/json",
        headers={"Location": f"/v1/documents/{document.id}"},
    )


async def list_documents(asked: Asked[DocumentsQuery, Nothing]) -> List[DocumentView]:
    """Your documents, newest first."""
    query = asked.query
    wanted = DocumentFilter(
        agent_id=query.agent_id, status=query.status, category=query.category, search=query.search
    )
    page = await asked.edge.services.documents.page(asked.who, query.page(), wanted)
    return list_of(page, [document_view(document) for document in page.items])


async def get_document(asked: Asked[Nothing, Nothing]) -> DocumentView:
    """One document, and how far it is."""
    return document_view(await asked.edge.services.documents.get(asked.who, asked.path("id")))


async def change_document(asked: Asked[Nothing, DocumentChanges]) -> DocumentView:
    """Give a document another title or category."""
    documents = asked.edge.services.documents
    changes = given(asked.body)
    return document_view(await documents.change(asked.who, asked.path("id"), changes))


async def delete_document(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a document: nothing of it is found from then on, and its file is removed."""
    await asked.edge.services.documents.delete(asked.who, asked.path("id"))


async def reprocess_document(asked: Asked[Nothing, Nothing]) -> DocumentView:
    """Read a document again, from the file that is kept; it is not found meanwhile."""
    documents = asked.edge.services.documents
    return document_view(await documents.reprocess(asked.who, asked.path("id")))


async def list_chunks(asked: Asked[ChunksQuery, Nothing]) -> List[ChunkView]:
    """The pieces of a document, in its order."""
    documents = asked.edge.services.documents
    page = await documents.chunks(asked.who, asked.path("id"), asked.query.page())
    return list_of(page, [chunk_view(chunk) for chunk in page.items])


def document_view(document: Document) -> DocumentView:
    """A document as the API shows it."""
    times = ("created_at", "updated_at", "started_at", "finished_at")
    same = [name for name in DocumentView.__struct_fields__ if name not in times]
    return DocumentView(
        **{name: getattr(document, name) for name in same},
        created_at=utc(document.created_wall),
        updated_at=utc(document.updated_wall),
        started_at=utc_or_none(document.started_wall),
        finished_at=utc_or_none(document.finished_wall),
    )


def chunk_view(chunk: Chunk) -> ChunkView:
    """A piece as the API shows it."""
    return ChunkView(**{name: getattr(chunk, name) for name in ChunkView.__struct_fields__})


ONE = "/v1/documents/{id}"
READ, WRITE = "knowledge:read", "knowledge:write"
_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "POST",
        "/v1/documents",
        create_document,
        "Upload a document",
        WRITE,
        query=UploadQuery,
        raw_body=BYTES,
        raw_form=True,
        returns=DocumentView,
        status=202,
        problems=(Unsupported, Unprocessable, Conflict),
        max_body_bytes=MAX_FILE_BYTES,
    ),
    _route(
        "GET",
        "/v1/documents",
        list_documents,
        "List documents",
        READ,
        query=DocumentsQuery,
        returns=List[DocumentView],
    ),
    _route(
        "GET", ONE, get_document, "Get a document", READ, returns=DocumentView, problems=(NotFound,)
    ),
    _route(
        "PATCH",
        ONE,
        change_document,
        "Change a document's title or category",
        WRITE,
        body=DocumentChanges,
        returns=DocumentView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE", ONE, delete_document, "Delete a document", WRITE, status=204, problems=(NotFound,)
    ),
    _route(
        "POST",
        f"{ONE}/reprocess",
        reprocess_document,
        "Read a document again",
        WRITE,
        returns=DocumentView,
        status=202,
        problems=(NotFound, Conflict),
    ),
    _route(
        "GET",
        f"{ONE}/chunks",
        list_chunks,
        "List a document's pieces",
        READ,
        query=ChunksQuery,
        returns=List[ChunkView],
        problems=(NotFound,),
    ),
)
