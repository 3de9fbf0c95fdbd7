"""Documents that agents answer from."""

import asyncio
import functools
import pathlib
from typing import Annotated, Any

import msgspec

from ...domain.documents import Document
from ...errors import BadRequest
from ...http.openapi import FORM_TYPE
from ...http.route import Asked, Nothing
from ...http.v1.documents import MAX_FILE_BYTES, TYPES
from ...http.v1.uploads import received
from ...services.documents import DocumentFilter, NewDocument
from ...services.knowledge import MAX_LIMIT
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import named, own
from ..moments import Moment, millis
from ..reading import Short, read_fields
from .forms import BASE, IDS, Shown

TAG = "Knowledge Base"
PDF = b"%PDF"
MARK_WITHIN = 1024
"ISO 32000-1 annex H, note 13: readers take the mark anywhere in the first bytes."
MOST = 1000
"Documents that are shown: the list has no pages."


class Beside(Shown, frozen=True, kw_only=True):
    """What is said of the file."""

    agent_id: Short
    title: Short = ""
    "Left out: the file's name without its ending."
    category: Short = ""


class DocumentsQuery(Shown, frozen=True, kw_only=True):
    """Which documents."""

    agent_id: Short | None = None


class UploadedView(Shown, frozen=True, kw_only=True):
    """A document that was uploaded."""

    id: str
    title: str
    file_name: str
    agent_id: str | None
    category: str
    status: str
    "processing, ready or failed."
    created_at: Moment


class DocumentItem(UploadedView, frozen=True, kw_only=True):
    """A document in the list."""

    vector_count: int
    "Pieces that it is searched in."


class Question(Shown, frozen=True, kw_only=True):
    """What is sought."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    agent_id: Short | None = None
    "Left out: in all your documents."
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = 5


class PassageView(Shown, frozen=True, kw_only=True):
    """A passage that fits."""

    content: str
    score: float
    "0 to 1."
    document_id: str
    document_title: str


class Passages(Shown, frozen=True, kw_only=True):
    """What was found, best first."""

    results: list[PassageView]


async def upload_document(asked: Asked[Nothing, Nothing]) -> UploadedView:
    """Upload a PDF for an agent; it is read by and by."""
    documents = asked.edge.services.documents
    async with received(asked.request, documents.folder, TYPES, MAX_FILE_BYTES) as sent:
        said = read_fields(sent.fields, Beside)
        if not await asyncio.to_thread(_is_pdf, sent.upload.path):
            raise BadRequest("is no PDF", field="file")
        agent_id = await named(IDS, asked, "agent", said.agent_id)
        new = NewDocument(agent_id=agent_id, title=said.title, category=said.category)
        document = await documents.create(asked.who, sent.upload, new)
    return UploadedView(**_shown(document))


async def list_documents(asked: Asked[DocumentsQuery, Nothing]) -> list[DocumentItem]:
    """Your documents, newest first."""
    wanted = DocumentFilter(agent_id=await named(IDS, asked, "agent", asked.query.agent_id))
    page = await asked.edge.services.documents.page(asked.who, PageQuery(limit=MOST), wanted)
    return [DocumentItem(**_shown(each), vector_count=each.chunks) for each in page.items]


async def delete_document(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a document: nothing of it is found any more."""
    id_ = await own(IDS, asked, "document")
    await asked.edge.services.documents.delete(asked.who, id_)


async def search(asked: Asked[Nothing, Question]) -> Passages:
    """The passages that answer a question best."""
    body = asked.body
    agent_id = await named(IDS, asked, "agent", body.agent_id)
    found = await asked.edge.services.knowledge.search(
        asked.who, body.query, agent_id, body.limit, 0.0
    )
    return Passages(
        results=[
            PassageView(
                content=passage.text,
                score=passage.score,
                document_id=IDS.show("document", passage.document_id),
                document_title=passage.title,
            )
            for passage in found
        ]
    )


def _is_pdf(path: pathlib.Path) -> bool:
    with path.open("rb") as file:
        return PDF in file.read(MARK_WITHIN)


def _shown(document: Document) -> dict[str, Any]:
    return {
        "id": IDS.show("document", document.id),
        "title": document.title,
        "file_name": document.file_name,
        "agent_id": IDS.show_or_none("agent", document.agent_id),
        "category": document.category,
        "status": document.status.value,
        "created_at": millis(document.created_wall),
    }


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/knowledge-base/upload",
        upload_document,
        "Upload document",
        "knowledge:write",
        raw_body=FORM_TYPE,
        form=Beside,
        returns=UploadedView,
        status=201,
        message="Document uploaded successfully",
    ),
    _row(
        "GET",
        f"{BASE}/knowledge-base",
        list_documents,
        "List documents",
        "knowledge:read",
        query=DocumentsQuery,
        returns=list[DocumentItem],
    ),
    _row(
        "DELETE",
        f"{BASE}/knowledge-base/{{document}}",
        delete_document,
        "Delete document",
        "knowledge:write",
        message="Document deleted successfully",
    ),
    _row(
        "POST",
        f"{BASE}/knowledge-base/search",
        search,
        "Search knowledge base",
        "knowledge:read",
        body=Question,
        returns=Passages,
        example={"query": "What is the return policy?", "agentId": "{agent}", "limit": 5},
    ),
)
