"""What agents know: documents, their pieces, and what the pieces mean as vectors.

The words of the pieces are searched in an index beside them (store/full_text.py).
"""

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, UniqueConstraint

from .columns import ID_CHARS, METADATA, owned, ref, wall, whole, words

DOCUMENTS = owned(
    "documents",
    # With an agent goes what only it knew: made common, others would answer from it.
    ref("agent_id", "agents", null=True),
    words("title"),
    words("category"),
    words("file_name"),
    whole("size_bytes"),
    words("content_hash", index=True),
    words("kind", null=True),
    words("status", index=True),
    words("error"),
    whole("pages", null=True),
    whole("chunks"),
    whole("words"),
    whole("vectors"),
    words("embedding_model"),
    words("embedding_error"),
    wall("started_wall"),
    wall("finished_wall"),
)
CHUNKS = owned(
    "chunks",
    ref("document_id", "documents"),
    whole("index"),
    whole("page", null=True),
    words("heading"),
    words("text"),
    # What is indexed: whose it is, and the words as they are compared (knowledge/words.py).
    words("scope"),
    words("words"),
    UniqueConstraint("document_id", "index"),
)
CHUNK_VECTORS = Table(
    "chunk_vectors",
    METADATA,
    Column(
        "chunk_id",
        String(ID_CHARS),
        ForeignKey("chunks.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    words("model"),
    # float32, little-endian, of length 1.
    Column("vector", LargeBinary, nullable=False),
)
