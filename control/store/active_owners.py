"""Whose affairs go on by themselves: those of accounts that are not switched off. Pure.

A deactivated account's calls, schedules, campaigns and files wait, and go on when it is activated.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, select

from . import schema

_OFF = select(schema.ACCOUNTS.c.id).where(schema.ACCOUNTS.c.is_active.is_(False))


def owner_is_active(owner_id: Column[Any]) -> ColumnElement[bool]:
    """For rows whose owner may have things done."""
    return owner_id.not_in(_OFF)
