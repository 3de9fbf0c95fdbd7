"""The index of the words of chunks: SQLite's FTS5, PostgreSQL's tsvector. What tables cannot say.

It holds words as they are compared already (knowledge/words.py), so the databases split at spaces
and do nothing else. SQLite's is kept by triggers: whatever removes a chunk removes its words.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

INDEX, VOCABULARY = "chunk_words", "chunk_vocabulary"
_SHADOWS = frozenset(
    (INDEX, VOCABULARY, *(f"{INDEX}_{part}" for part in ("data", "idx", "docsize", "config")))
)
_GIN = "ix_chunks_words_gin"

_SQLITE = (
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5("
    "scope, words, content='chunks', content_rowid='seq', tokenize='ascii')",
    f"CREATE VIRTUAL TABLE {VOCABULARY} USING fts5vocab('{INDEX}', 'row')",
    f"CREATE TRIGGER {INDEX}_add AFTER INSERT ON chunks BEGIN "
    f"INSERT INTO {INDEX}(rowid, scope, words) VALUES (new.seq, new.scope, new.words); END",
    f"CREATE TRIGGER {INDEX}_remove AFTER DELETE ON chunks BEGIN "
    f"INSERT INTO {INDEX}({INDEX}, rowid, scope, words) "
    "VALUES ('delete', old.seq, old.scope, old.words); END",
)
_TSVECTOR = "array_to_tsvector(string_to_array(trim(scope || ' ' || words), ' '))"
"The words as they stand: no parser is asked, neither here nor for what is looked for."
_POSTGRESQL = (f"CREATE INDEX {_GIN} ON chunks USING gin ({_TSVECTOR})",)

_BEST_SQLITE = text(
    f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH :query "
    f"ORDER BY bm25({INDEX}, 0.0, 1.0) LIMIT :limit"
)
_BEST_POSTGRESQL = text(
    f"SELECT seq FROM chunks WHERE {_TSVECTOR} @@ CAST(CAST(:query AS text) AS tsquery) "
    f"ORDER BY ts_rank({_TSVECTOR}, CAST(CAST(:words AS text) AS tsquery)) DESC LIMIT :limit"
)
_COUNT_POSTGRESQL = text(
    f"SELECT count(*) FROM chunks WHERE {_TSVECTOR} @@ CAST(CAST(:word AS text) AS tsquery)"
)


def make_index(connection: Connection) -> None:
    """Once, when the tables were made."""
    made = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for statement in made:
        connection.exec_driver_sql(statement)


def is_table(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether something in a database is one of schema.py's (Alembic's `include_name`)."""
    return not (kind == "table" and name in _SHADOWS) and not (kind == "index" and name == _GIN)


async def best(
    tx: AsyncConnection, scopes: Sequence[str], words: Sequence[str], limit: int
) -> list[int]:
    """`seq` of the chunks of any of these scopes that have any of these words, roughly best first.

    Without scopes: of the account whose number is in front of the words.

    All are words of letters and digits only, as knowledge/words.py makes them: nothing in them can
    be taken for an operator; they are quoted all the same.
    """
    if not words:
        return []
    if tx.dialect.name == "sqlite":
        quoted = [" OR ".join(f'"{word}"' for word in group) for group in (scopes, words)]
        query = f"words : ({quoted[1]})"
        if scopes:
            query = f"(scope : ({quoted[0]})) AND ({query})"
        asked = {"query": query, "limit": limit}
        return [row[0] for row in await tx.execute(_BEST_SQLITE, asked)]
    either = [" | ".join(f"'{word}'" for word in group) for group in (scopes, words)]
    query = f"({either[0]}) & ({either[1]})" if scopes else either[1]
    asked = {"query": query, "words": either[1], "limit": limit}
    return [row[0] for row in await tx.execute(_BEST_POSTGRESQL, asked)]


async def counts(tx: AsyncConnection, words: Sequence[str]) -> dict[str, int]:
    """How many chunks have each of these words; those that none has are left out."""
    if not words:
        return {}
    if tx.dialect.name == "sqlite":
        names = {f"w{at}": word for at, word in enumerate(words)}
        marks = ", ".join(f":{name}" for name in names)
        statement = f"SELECT term, doc FROM {VOCABULARY} WHERE term IN ({marks})"
        return {row[0]: row[1] for row in await tx.execute(text(statement), names)}
    found: dict[str, int] = {}
    for word in words:
        result = await tx.execute(_COUNT_POSTGRESQL, {"word": f"'{word}'"})
        if count := result.scalar_one():
            found[word] = count
    return found
