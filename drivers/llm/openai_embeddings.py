"""Words as vectors by any server with OpenAI's `/embeddings`. Shell.

The vectors are asked for in base64, which is decoded at a tenth of the cost of numbers in JSON;
servers that know only numbers send these, and are understood as well.
"""

import asyncio
import base64
import binascii
import random

import msgspec
import numpy as np

from ...media.errors import ProviderError
from ..openai_client import OpenAIClient, OpenAISettings, Sleep
from ..provider_watch import ProviderWatch, nobody_watches

NAME = "openai-embeddings"
PATH = "/embeddings"
MAX_ANSWER_BYTES = 8 << 20
MAX_TEXT_CHARS = 8000
"Of one text: models take 8,191 tokens, smaller ones 512 and cut by themselves."


class EmbeddingSettings(msgspec.Struct, frozen=True):
    """One server's model."""

    model: str
    server: OpenAISettings = msgspec.field(default_factory=OpenAISettings)


class _Request(msgspec.Struct, frozen=True):
    model: str
    input: list[str]
    encoding_format: str = "base64"


class _Vector(msgspec.Struct, frozen=True):
    index: int
    embedding: str | list[float]


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Vector]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


class OpenAIEmbedder:
    """`aclose` at the end."""

    name = NAME

    def __init__(
        self,
        settings: EmbeddingSettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self.model = settings.model
        self._client = OpenAIClient(NAME, settings.server, rng, sleep, watch)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def embed(self, texts: list[str]) -> list[bytes]:
        """A vector of each text: float32, little-endian, of length 1. Raises ProviderError."""
        asked = _encode(_Request(self.model, [text[:MAX_TEXT_CHARS] for text in texts]))
        return await self._client.call(lambda: self._attempt(asked, len(texts)))

    async def _attempt(self, asked: bytes, count: int) -> list[bytes]:
        answer = bytearray()
        async with self._client.post(PATH, asked) as response:
            async for data in response.content.iter_any():
                answer += data
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ProviderError(NAME, f"{self._where} sent too much")
        try:
            found = sorted(_decode(answer).data, key=lambda vector: vector.index)
            vectors = [_unit(vector.embedding) for vector in found]
        except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError) as exc:
            raise ProviderError(NAME, f"{self._where} sent no vectors: {exc}") from exc
        if [vector.index for vector in found] != list(range(count)):
            raise ProviderError(NAME, f"{self._where} sent {len(found)} vectors for {count} texts")
        if len({len(vector) for vector in vectors}) > 1:
            raise ProviderError(NAME, f"{self._where} sent vectors of several lengths")
        return vectors

    @property
    def _where(self) -> str:
        return self._client.settings.base_url


def _unit(sent: str | list[float]) -> bytes:
    """Of length 1, so that a product of two is their cosine. Raises ValueError."""
    if isinstance(sent, str):
        vector = np.frombuffer(base64.b64decode(sent, validate=True), "<f4")
    else:
        vector = np.array(sent, np.float32)
    length = float(np.linalg.norm(vector))
    if not len(vector) or not np.isfinite(length) or length == 0.0:
        raise ValueError("a vector without a direction")
    return (vector / length).astype("<f4").tobytes()
