"""The configuration of recordings, a part of config.py."""

from typing import Annotated

import msgspec


class RecordingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recordings of calls: caller left, agent right."""

    on: bool = True
    folder: str = ""
    "Empty: `recordings` in the data folder."
    keep_days: Annotated[float, msgspec.Meta(ge=0, le=36_500)] = 0.0
    "They are deleted so long after their call, which stays; 0: never. Accounts may differ."
    renditions_mb: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = 10_000
    "Of Opus and MP3 files that were made of them: those unused for longest go, every hour."
