"""The process that reads a document: what it may take, and what is told when it takes more."""

import pathlib

import pytest

from offhook.bench.load.plain_pdf import pdf_of
from offhook.control.auth.principal import OPERATOR
from offhook.control.domain.documents import DocumentStatus
from offhook.control.knowledge import document_runner
from offhook.control.knowledge.document_reading import ReaderDied, read_document
from offhook.control.knowledge.document_runner import MAX_DEATHS, DocumentRunner
from offhook.control.knowledge.document_worker import Order
from offhook.control.knowledge.unreadable import Unreadable
from offhook.control.services.documents import NewDocument
from offhook.tests.kit.api import Api

MB = 1024 * 1024


async def read(path: pathlib.Path, order: Order | None = None) -> list[str]:
    async with read_document(path, order or Order()) as reading:
        found = [one.chunk.text async for chunks in reading for one in chunks]
        assert reading.done is not None
        assert 0 < reading.done.peak_bytes < 500 * MB
        return found


async def test_a_document_comes_in_slices_with_what_it_took(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pdf_of([[f"Page number {number}."] for number in range(40)]))
    found = await read(path)
    assert (len(found), found[39]) == (40, "Page number 39.")


async def test_a_document_that_takes_too_much_memory_is_given_up(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_text("word " * (2 * MB))
    with pytest.raises(Unreadable, match="more memory than 200 MB"):
        await read(path, Order(memory_bytes=200 * MB))


async def test_a_file_that_is_gone_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Unreadable, match="cannot be opened: No such file"):
        await read(tmp_path / "none")


async def test_a_document_that_its_reader_dies_of_is_given_up_and_others_are_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[pathlib.Path] = []

    def dying(path: pathlib.Path) -> object:
        if path.read_bytes() == b"deadly":
            died.append(path)
            raise ReaderDied("killed")
        return read_document(path)

    monkeypatch.setattr(document_runner, "read_document", dying)
    async with Api(tmp_path) as api:
        documents, steps = api.services.documents, api.services.document_steps
        deadly = await documents.create_from_text(OPERATOR, "deadly", NewDocument())
        good = await documents.create_from_text(OPERATOR, "good", NewDocument())
        runner = DocumentRunner(documents, steps, api.clock)
        runner.start()
        await runner.idle.wait()
        await runner.aclose()
        assert len(died) == MAX_DEATHS
        ended = await documents.get(OPERATOR, deadly.id)
        assert (ended.status, ended.error) == (DocumentStatus.FAILED, "reading it failed")
        assert (await documents.get(OPERATOR, good.id)).status is DocumentStatus.READY
