"""SHELL: brings a database to the version that this program knows, by Alembic.

To add one: change schema.py, then `python -m offhook.control.store.migrating "what it does"` writes
the file; read it before it is committed.
"""

import functools
import pathlib
import sys
import tempfile

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine

from ..errors import StoreError
from .full_text import is_table, make_index
from .schema import METADATA

INDEXED = "chunks"
"What the index of words is made of; before the first migration is written it is not there."
FOLDER = pathlib.Path(__file__).parent / "migrations"


def migrate(connection: Connection, where: str) -> str | None:
    """Bring the database to the newest version; returns the version it had, None when it was empty.

    Raises StoreError when it is newer than this program.
    """
    had = MigrationContext.configure(connection).get_current_revision()
    if had == _newest():
        return had
    try:
        alembic.command.upgrade(_config(connection), "head")
    except CommandError as exc:
        raise StoreError(where, f"its version is not known to this Offhook: {exc}") from exc
    if had is None and connection.dialect.has_table(connection, INDEXED):
        make_index(connection)
    return had


def write_migration(message: str) -> None:
    """A new file in versions/, from the difference between it and schema.py."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/empty.db")
        with engine.begin() as connection:
            migrate(connection, "an empty database")
            number = len(list((FOLDER / "versions").glob("0*.py"))) + 1
            alembic.command.revision(
                _config(connection), message, autogenerate=True, rev_id=f"{number:04}"
            )


@functools.cache
def _newest() -> str | None:
    """The newest version that this program knows: its files are compiled to find out."""
    return ScriptDirectory(FOLDER).get_current_head()


def _config(connection: Connection) -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = METADATA
    config.attributes["include_name"] = is_table
    return config


if __name__ == "__main__":
    write_migration(sys.argv[1])
