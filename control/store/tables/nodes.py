"""When servers were up."""

from sqlalchemy import Column, Table

from .columns import METADATA, PLACE, flag, wall, words

NODE_LIVES = Table(
    "node_lives",
    METADATA,
    # One for each start of a process; `seen_wall` goes on while it lives.
    Column("seq", PLACE, primary_key=True, autoincrement=True),
    words("node"),
    wall("begun_wall", null=False),
    wall("seen_wall", null=False, index=True),
    flag("is_ended"),
)
