"""SHELL: a file that a client sends, as the body or in a form, kept on disk while it comes.

It is written and hashed beside the event loop, a piece at a time; never is all of it in memory.
"""

import asyncio
import contextlib
import hashlib
import pathlib
import uuid
from collections.abc import AsyncIterator
from typing import IO, cast

import msgspec
from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from ...errors import BadRequest, TooLarge, TooSlow, Unsupported
from ...services.imports import Upload
from ..decoding import field_error, limit_body
from ..null_characters import refuse_in_fields
from ..route import QueryT

PIECE_BYTES = 256 * 1024
UPLOAD_TIMEOUT_S = 300.0
FORM = "multipart/form-data"
FILE_FIELD = "file"
MAX_FIELDS = 20
MAX_FIELD_BYTES = 4096
FORM_BYTES = 64 * 1024
"Of a form beside its file."
MAX_NAME_CHARS = 200
MAX_LINES = MAX_FIELDS * 130
"Of a form around its fields' contents: boundaries, and what stands above each field."
AS_IT_IS = ("", "7bit", "8bit", "binary")
"Content-Transfer-Encodings that are none (RFC 7578 §4.7: there should be none at all)."


class Sent(msgspec.Struct, frozen=True):
    """A file, and what a form says beside it."""

    upload: Upload
    fields: dict[str, str]


@contextlib.asynccontextmanager
async def received(
    request: web.Request, folder: pathlib.Path, types: tuple[str, ...], max_bytes: int
) -> AsyncIterator[Sent]:
    """The file that a request brings; it is removed afterwards, unless somebody has moved it.

    Raises Unsupported, TooLarge, TooSlow, and BadRequest for a form without a file.
    """
    if request.content_type not in (*types, FORM):
        raise Unsupported(f"send a file: Content-Type: {types[0]}, or a form with a file")
    limit_body(request, max_bytes + FORM_BYTES)
    spool = Spool(folder, max_bytes)
    try:
        await asyncio.to_thread(spool.open)
        async with _within(UPLOAD_TIMEOUT_S):
            if request.content_type == FORM:
                name, fields = await _form(request, spool)
            else:
                name, fields = "", {}
                async for piece in request.content.iter_any():
                    await spool.add(piece)
            upload = await spool.finish(name)
        yield Sent(upload, fields)
    finally:
        await asyncio.to_thread(spool.remove)


def with_form(query: QueryT, fields: dict[str, str]) -> QueryT:
    """The query, with what the form beside the file says before it. Raises BadRequest."""
    try:
        said = msgspec.convert(fields, type(query), strict=False)
    except msgspec.ValidationError as exc:
        error = field_error(exc)
        raise BadRequest(error.message, field=error.field or None) from exc
    names = zip(query.__struct_fields__, query.__struct_encode_fields__, strict=True)
    sent = {name: getattr(said, name) for name, encoded in names if encoded in fields}
    return msgspec.structs.replace(query, **sent)


class Spool:
    """A file on its way in."""

    def __init__(self, folder: pathlib.Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._path = folder / f"{uuid.uuid4()}.part"
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._size = 0

    def open(self) -> None:
        """Blocking."""
        # 0700: numbers are nobody else's on this machine.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._path.open("wb")

    async def add(self, piece: bytes) -> None:
        """The next bytes. Raises TooLarge."""
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise TooLarge(f"at most {self._max_bytes} bytes")
        self._waiting += piece
        if len(self._waiting) >= PIECE_BYTES:
            await self._write()

    async def finish(self, name: str) -> Upload:
        """It has come."""
        await self._write()
        await asyncio.to_thread(self._close)
        return Upload(
            path=self._path,
            file_name=name[:MAX_NAME_CHARS],
            size_bytes=self._size,
            content_hash=self._hash.hexdigest(),
        )

    def remove(self) -> None:
        """Blocking."""
        self._close()
        self._path.unlink(missing_ok=True)

    async def _write(self) -> None:
        data, self._waiting = self._waiting, bytearray()
        await asyncio.to_thread(self._write_now, data)

    def _write_now(self, data: bytearray) -> None:
        assert self._file is not None, "it is opened first"
        self._hash.update(data)
        self._file.write(data)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


async def _form(request: web.Request, spool: Spool) -> tuple[str, dict[str, str]]:
    """The file's name, and the other fields (RFC 7578)."""
    fields: dict[str, str] = {}
    name: str | None = None
    try:
        lines = cast(StreamReader, _Lines(request.content))
        reader = MultipartReader(request.headers, lines)
        count = 0
        while (part := await reader.next()) is not None:
            count += 1
            if count > MAX_FIELDS or not isinstance(part, BodyPartReader):
                raise BadRequest(f"at most {MAX_FIELDS} fields, and no form within the form")
            if part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower() not in AS_IT_IS:
                raise BadRequest("send fields as they are, without encodings", field=part.name)
            if part.name == FILE_FIELD:
                if name is not None:
                    raise BadRequest("one file", field=FILE_FIELD)
                name = part.filename or ""
                while piece := await part.read_chunk(PIECE_BYTES):
                    await spool.add(piece)
            else:
                fields[part.name or ""] = await _text(part)
    except (ValueError, HttpProcessingError) as exc:  # the latter is of a part's own headers
        raise BadRequest(f"the form cannot be read: {exc}") from exc
    if name is None:
        raise BadRequest("the form has no file", field=FILE_FIELD)
    refuse_in_fields({FILE_FIELD: name} | fields)
    return name, fields


class _Lines:
    """A body as a reader of forms reads it, with so many lines around contents, and no more.

    It looks for the first boundary line by line, for as long as the body has any, and holds the
    event loop for all of that: ten seconds of 14 MB.
    """

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._left = MAX_LINES
        self.read = content.read
        self.at_eof = content.at_eof
        self.unread_data = content.unread_data

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """The next one. Raises ValueError."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("there is too much around its fields")
        return await self._content.readline(max_line_length=max_line_length)


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while piece := await part.read_chunk(MAX_FIELD_BYTES):
        data += piece
        if len(data) > MAX_FIELD_BYTES:
            raise BadRequest(f"at most {MAX_FIELD_BYTES} bytes", field=part.name)
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise BadRequest("is no UTF-8", field=part.name) from exc


@contextlib.asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise TooSlow(f"the file must come within {seconds:g} s") from exc
