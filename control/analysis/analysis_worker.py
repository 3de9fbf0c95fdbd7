"""The process that analyses calls without a model, one after another. Shell; blocking, no asyncio.

It says that it is ready, then answers a Conversation with Findings. Not in the server's process,
whose interpreter the frames need every few milliseconds.
"""

import os

import msgspec

from ...drivers.worker_pipe import WorkerPipe
from .conversation import Conversation, Findings
from .embedded import analyse
from .sentiment import Ear

NICENESS = 10

encode = msgspec.msgpack.Encoder().encode
decode_conversation = msgspec.msgpack.Decoder(Conversation).decode
decode_findings = msgspec.msgpack.Decoder(Findings).decode


def main() -> None:
    """Analyse until nobody listens."""
    os.nice(NICENESS)
    pipe = WorkerPipe.of_this_process()
    ear = Ear()
    while (message := pipe.receive()) is not None:
        pipe.send(encode(analyse(decode_conversation(message), ear)))


if __name__ == "__main__":
    main()
