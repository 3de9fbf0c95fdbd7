"""Columns and tables as all of this store's are made: ids, times, what every entity has."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem

# Names of constraints are stable, so that later migrations can refer to them.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
ID_CHARS = 36
PLACE = BigInteger().with_variant(Integer, "sqlite")
"A row's number: SQLite's own are `INTEGER`, of 64 bits; PostgreSQL's `INTEGER` has 32."


def id_of(name: str, *, null: bool = True, **options: Any) -> Column[str]:
    return Column(name, String(ID_CHARS), nullable=null, **options)


def ref(name: str, table: str, *, null: bool = False, on_delete: str = "CASCADE") -> Column[str]:
    key = ForeignKey(f"{table}.id", ondelete=on_delete)
    return Column(name, String(ID_CHARS), key, nullable=null, index=True)


def words(name: str, *, null: bool = False, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=null, **options)


def wall(name: str, *, null: bool = True, **options: Any) -> Column[float]:
    return Column(name, Float(53), nullable=null, **options)


def whole(name: str, *, null: bool = False, **options: Any) -> Column[int]:
    return Column(name, Integer, nullable=null, **options)


def flag(name: str, *, null: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=null)


def nested(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=null)


def entity(name: str, *columns: SchemaItem) -> Table:
    """A table with what every entity has."""
    return Table(
        name,
        METADATA,
        Column("seq", PLACE, primary_key=True, autoincrement=True),
        id_of("id", null=False, unique=True),
        wall("created_wall", null=False),
        wall("updated_wall", null=False),
        *columns,
        sqlite_autoincrement=True,  # a number is never given twice
    )


def owned(name: str, *columns: SchemaItem) -> Table:
    """A table whose rows belong to an account."""
    return entity(name, ref("owner_id", "accounts"), *columns)
