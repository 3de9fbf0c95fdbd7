"""An ended call with a recording of known sound, in the store and on the disk."""

import numpy as np
from numpy.typing import NDArray

from offhook.codecs.wav import WavWriter
from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.calls import Recording
from offhook.control.store.calls import CALLS, RECORDINGS
from offhook.media.conversation.records import CallStatus

from .api import Api
from .call_records import call_of, call_record

RATE_HZ = 8000


def tones(seconds: float) -> NDArray[np.int16]:
    """Caller 400 Hz, agent 1000 Hz at half the level; [2, samples]."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    caller, agent = np.sin(2 * np.pi * 400 * at), 0.5 * np.sin(2 * np.pi * 1000 * at)
    return (np.stack((caller, agent)) * 20_000).astype(np.int16)


async def add_recorded(
    api: Api, stereo: NDArray[np.int16], number: int = 1, owner_id: str = OPERATOR_ID
) -> Recording:
    """Call `number`, which has ended now, and its recording."""
    name, now = f"call-{number}.wav", api.clock.wall()
    with (api.recordings / name).open("wb") as file:
        writer = WavWriter(file, RATE_HZ, 2)
        writer.write(stereo)
        writer.flush()
    record = call_record(
        number, recording=name, status=CallStatus.ENDED, length_samples=stereo.shape[1]
    )
    call = call_of(record, recording=name, ended_wall=now, owner_id=owner_id, record=record)
    recording = Recording(
        owner_id=owner_id,
        call_id=call.id,
        file=name,
        size_bytes=(api.recordings / name).stat().st_size,
        rate_hz=RATE_HZ,
        length_s=stereo.shape[1] / RATE_HZ,
        created_wall=now,
        updated_wall=now,
    )
    async with api.database.write() as tx:
        await CALLS.add(tx, call)
        return await RECORDINGS.add(tx, recording)
