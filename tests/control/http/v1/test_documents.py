"""`/v1/documents` and `/v1/knowledge/search` as a client meets them."""

import io
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook.bench.load.plain_pdf import pdf_of
from offhook.control.domain.documents import DocumentKind, NewChunk
from offhook.control.knowledge.document_runner import TIDY_S, DocumentRunner
from offhook.control.knowledge.document_worker import ReadChunk
from offhook.tests.kit.api import TOKEN, Api

RETURNS = "You may return anything within thirty days. Bring the receipt to any shop."
HOURS = "The shop is open from nine to six on weekdays, and on Saturdays until noon."


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
async def runner(api: Api) -> AsyncIterator[DocumentRunner]:
    documents, steps = api.services.documents, api.services.document_steps
    runner = DocumentRunner(documents, steps, api.clock)
    documents.on_change = runner.wake
    runner.start()
    yield runner
    await runner.aclose()


async def upload(
    api: Api, data: bytes, query: str = "", *, status: int = 202, token: str = TOKEN
) -> Any:
    response = await api.client.post(
        f"/v1/documents?{query}",
        data=io.BytesIO(data),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"},
    )
    assert response.status == status, await response.text()
    return await response.json()


async def read(api: Api, runner: DocumentRunner, data: bytes, query: str = "", **more: Any) -> Any:
    """Upload, and wait until it is ready or failed."""
    made = await upload(api, data, query, **more)
    await runner.idle.wait()
    token = more.get("token", TOKEN)
    return await api.want(200, "GET", f"/v1/documents/{made['id']}", token=token)


async def found(api: Api, query: str, **more: Any) -> list[Any]:
    token = more.pop("token", TOKEN)
    body = {"query": query, **more}
    answer = await api.want(200, "POST", "/v1/knowledge/search", body, token=token)
    return list(answer["passages"])


async def test_an_upload_is_processed_then_found_with_its_page(
    api: Api, runner: DocumentRunner
) -> None:
    data = pdf_of([[HOURS], [RETURNS]])
    made = await upload(api, data, "file_name=manual.pdf&category=help")
    assert (made["status"], made["title"], made["kind"]) == ("processing", "manual", None)
    await runner.idle.wait()
    path = f"/v1/documents/{made['id']}"
    ready = await api.want(200, "GET", path)
    assert (ready["status"], ready["kind"], ready["pages"]) == ("ready", "pdf", 2)
    assert (ready["chunks"], ready["category"], ready["error"]) == (2, "help", "")
    best, *_ = await found(api, "What is the policy for returns?")
    assert (best["document"], best["document_id"], best["page"]) == ("manual", made["id"], 2)
    assert best["answer"].startswith("You may return anything")
    assert 0.0 < best["score"] <= 1.0
    chunks = await api.want(200, "GET", f"{path}/chunks?limit=1")
    assert [(chunk["index"], chunk["page"]) for chunk in chunks["items"]] == [(0, 1)]
    rest = await api.want(200, "GET", f"{path}/chunks?cursor={chunks['next']}")
    assert [chunk["text"] for chunk in rest["items"]] == [RETURNS]


async def test_a_form_says_what_the_file_is(api: Api, runner: DocumentRunner) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    form = aiohttp.FormData()
    form.add_field("agent_id", agent["id"])
    form.add_field("title", "Opening hours")
    form.add_field("file", HOURS.encode(), filename="hours.txt", content_type="text/plain")
    response = await api.client.post(
        "/v1/documents", data=form, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    made = await response.json()
    assert (response.status, made["title"], made["file_name"]) == (
        202,
        "Opening hours",
        "hours.txt",
    )
    assert made["agent_id"] == agent["id"]
    await runner.idle.wait()
    listed = await api.want(200, "GET", f"/v1/documents?agent_id={agent['id']}&status=ready")
    assert [document["id"] for document in listed["items"]] == [made["id"]]


async def test_an_agent_finds_its_own_documents_and_those_of_all_agents(
    api: Api, runner: DocumentRunner
) -> None:
    anna, bob = [
        (await api.want(201, "POST", "/v1/agents", {"name": name}))["id"] for name in ("A", "B")
    ]
    await read(api, runner, b"The parking garage of Anna is blue.", f"title=a&agent_id={anna}")
    await read(api, runner, b"The parking garage of Bob is red.", f"title=b&agent_id={bob}")
    await read(api, runner, b"The parking garage of everybody is green.", "title=all")

    async def titles(**more: Any) -> set[str]:
        return {passage["document"] for passage in await found(api, "parking garage", **more)}

    assert await titles(agent_id=anna) == {"a", "all"}
    assert await titles(agent_id=bob) == {"b", "all"}
    assert await titles() == {"a", "b", "all"}


async def test_nobody_finds_what_belongs_to_another_account(
    api: Api, runner: DocumentRunner
) -> None:
    ann, ben = await api.user("ann@example.org"), await api.user("ben@example.org")
    document = await read(api, runner, RETURNS.encode(), token=ann)
    assert await found(api, "return receipt", token=ann)
    assert not await found(api, "return receipt", token=ben)
    for method in ("GET", "DELETE"):
        await api.want(404, method, f"/v1/documents/{document['id']}", token=ben)
    agent = await api.want(201, "POST", "/v1/agents", {"name": "A"}, token=ann)
    body = {"query": "return", "agent_id": agent["id"]}
    problem = await api.want(422, "POST", "/v1/knowledge/search", body, token=ben)
    assert problem["errors"][0]["field"] == "agent_id"
    problem = await upload(api, b"x", f"agent_id={agent['id']}", status=422, token=ben)
    assert problem["errors"][0]["field"] == "agent_id"


async def test_how_well_a_passage_fits_does_not_depend_on_other_accounts(
    api: Api, runner: DocumentRunner
) -> None:
    ann, ben = await api.user("ann@example.org"), await api.user("ben@example.org")
    await read(api, runner, f"{HOURS}\n\n# Returns\n\n{RETURNS}".encode(), token=ann)
    before = await found(api, "return receipt", token=ann)
    await read(
        api, runner, b"# A\n\nReturn.\n\n# B\n\nReturn receipt.\n\n# C\n\nreceipt", token=ben
    )
    assert await found(api, "return receipt", token=ann) == before


async def test_deleting_removes_what_is_found_and_the_file_with_its_last_document(
    api: Api, runner: DocumentRunner
) -> None:
    folder = api.services.documents.folder
    first = await read(api, runner, RETURNS.encode())
    second = await read(api, runner, RETURNS.encode())
    assert [file.name for file in folder.iterdir()] == [first["content_hash"]]
    await api.want(204, "DELETE", f"/v1/documents/{first['id']}")
    await runner.idle.wait()
    assert {passage["document_id"] for passage in await found(api, "receipt")} == {second["id"]}
    assert len(list(folder.iterdir())) == 1
    await api.want(204, "DELETE", f"/v1/documents/{second['id']}")
    await runner.idle.wait()
    assert (await found(api, "receipt"), list(folder.iterdir())) == ([], [])


async def test_documents_go_with_their_agent(api: Api, runner: DocumentRunner) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    document = await read(api, runner, RETURNS.encode(), f"agent_id={agent['id']}")
    await api.want(204, "DELETE", f"/v1/agents/{agent['id']}")
    await api.want(404, "GET", f"/v1/documents/{document['id']}")
    assert not await found(api, "receipt")
    folder = api.services.documents.folder
    assert len(list(folder.iterdir())) == 1
    api.clock.advance(TIDY_S)
    await runner.idle.wait()
    assert list(folder.iterdir()) == []


async def test_a_document_is_read_again_and_renamed(api: Api, runner: DocumentRunner) -> None:
    document = await read(api, runner, RETURNS.encode(), "title=Old")
    path = f"/v1/documents/{document['id']}"
    again = await api.want(202, "POST", f"{path}/reprocess")
    assert again["status"] == "processing"
    await runner.idle.wait()
    assert (await api.want(200, "GET", path))["chunks"] == 1
    assert len(await found(api, "receipt")) == 1
    assert (await api.want(200, "PATCH", path, {"title": "New"}))["title"] == "New"
    assert [passage["document"] for passage in await found(api, "receipt")] == ["New"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \n\n ", "no text"),
        (pdf_of([[]]), "only pictures"),
        (b"%PDF-1.4\nnonsense", "damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
        (b"\xd0\xcf\x11\xe0\0\0", "old Word file"),
        (b"PK\x03\x04nonsense", "no DOCX"),
        (b"\x00\x01\x02", "no text"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_with_the_reason(
    api: Api, runner: DocumentRunner, data: bytes, why: str
) -> None:
    document = await read(api, runner, data)
    assert (document["status"], document["chunks"]) == ("failed", 0)
    assert why in document["error"]
    stored = await api.want(200, "GET", "/v1/events/log?types=document.processed")
    assert [event["event"]["status"] for event in stored["items"]] == ["failed"]


@pytest.mark.parametrize(
    "query",
    ['"', "return AND", "NEAR(return receipt)", "words:return*", "(", "- ^ *", "'; DROP TABLE x"],
)
async def test_no_question_is_taken_for_an_operator(
    api: Api, runner: DocumentRunner, query: str
) -> None:
    await read(api, runner, RETURNS.encode())
    assert len(await found(api, query)) <= 1
    assert len(await found(api, f"{query} receipt")) == 1


async def test_a_document_that_was_cut_off_is_read_at_the_next_start(api: Api) -> None:
    made = await upload(api, f"{HOURS}\n\n# Returns\n\n{RETURNS}".encode())
    documents, steps = api.services.documents, api.services.document_steps
    # A process that ended after the first piece was stored.
    await steps.begin(made["id"], DocumentKind.TEXT, None)
    await steps.store(made["id"], [ReadChunk(NewChunk(None, "", "half receipt"), ["receipt"])])
    assert not await found(api, "receipt")
    runner = DocumentRunner(documents, steps, api.clock)
    runner.start()
    await runner.idle.wait()
    await runner.aclose()
    assert (await api.want(200, "GET", f"/v1/documents/{made['id']}"))["chunks"] == 2
    assert [passage["text"] for passage in await found(api, "receipt")] == [RETURNS]


async def test_what_is_too_large_or_of_no_known_type_is_refused(api: Api) -> None:
    response = await api.client.post(
        "/v1/documents",
        data=b"x",
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "image/png"},
    )
    assert response.status == 415
    await upload(api, bytes(20 * 1024 * 1024 + 1), status=413)
    assert list(api.services.documents.folder.glob("*")) == []
