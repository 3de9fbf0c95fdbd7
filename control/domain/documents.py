"""Documents that agents answer from, and the pieces that they are searched in."""

import enum

import msgspec

from .entity import Owned


class DocumentStatus(enum.Enum):
    """Where a document stands."""

    PROCESSING = "processing"
    "It is to be read, or is being read; it is not found yet."
    READY = "ready"
    FAILED = "failed"
    "It cannot be read: `error` says why."


class DocumentKind(enum.Enum):
    """What a file is, by its content."""

    PDF = "pdf"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"


class Document(Owned, frozen=True, kw_only=True):
    """An uploaded file."""

    agent_id: str | None = None
    "Whose knowledge it is; None: of all agents of its owner."
    title: str
    category: str = ""
    file_name: str = ""
    size_bytes: int
    content_hash: str
    "SHA-256, hexadecimal: under this name the file is kept."
    kind: DocumentKind | None = None
    "None: not looked at yet, or not known."
    status: DocumentStatus = DocumentStatus.PROCESSING
    error: str = ""
    "Why it has failed."
    pages: int | None = None
    "None: it has none, or they are not counted yet."
    chunks: int = 0
    "Pieces that are stored."
    words: int = 0
    "In all of them."
    vectors: int = 0
    "Pieces that were embedded; the others are found by their words alone."
    embedding_model: str = ""
    embedding_error: str = ""
    "Why not all pieces were embedded; empty: they were, or it was not asked for."
    started_wall: float | None = None
    finished_wall: float | None = None


class Chunk(Owned, frozen=True, kw_only=True):
    """A piece of a document, as long as an answer needs it to be."""

    document_id: str
    index: int
    "Its place in the document, from 0."
    page: int | None = None
    "The page that it begins on, from 1; None: the document has none."
    heading: str = ""
    "What stands above it, outermost first."
    text: str


class NewChunk(msgspec.Struct, frozen=True, array_like=True):
    """A piece as it was read."""

    page: int | None
    heading: str
    text: str
