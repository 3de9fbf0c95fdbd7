"""Files become calls: looked at, imported, cut off, sent twice, cancelled. With real processes."""

import asyncio
import contextlib
import csv
import io
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.http.v1.import_views import csv_of
from offhook.control.imports.csv_worker import SLICE_ROWS
from offhook.control.imports.import_runner import ImportRunner
from offhook.control.services.imports import MAX_WAITING
from offhook.control.store.calls import CALLS, COLUMNS
from offhook.tests.kit.api import TOKEN, Api

LIMIT_S = 60.0
# The kit's clock begins at 2023-11-14T22:13:20Z.
FILE = "phone;name;scheduled_for\n+4930123;Ann;\n12;Bob;\n+4930124;Carl;2023-12-01T09:30\n"


class Office(Api):
    """The API, and whoever reads files."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.restart()

    def restart(self) -> None:
        services = self.services
        self.runner = ImportRunner(services.imports, services.import_steps, self.clock)
        services.imports.on_change = self.runner.wake

    async def send(
        self,
        status: int,
        data: Any,
        path: str = "/v1/imports",
        token: str = TOKEN,
        **headers: str,
    ) -> Any:
        sent = {"Authorization": f"Bearer {token}"} | headers
        if isinstance(data, str | bytes):
            sent.setdefault("Content-Type", "text/csv")
            data = io.BytesIO(data.encode() if isinstance(data, str) else data)
        async with self.client.post(path, data=data, headers=sent) as response:
            text = await response.text()
            assert response.status == status, text
            self.headers = response.headers
            return await response.json(content_type=None)

    async def read(self) -> None:
        """Everything that waits."""
        self.runner.start()
        async with asyncio.timeout(LIMIT_S):
            await self.runner.idle.wait()
        await self.runner.aclose()
        self.restart()

    async def done(self, job: Any) -> Any:
        return await self.want(200, "GET", f"/v1/imports/{job['id']}")

    async def calls_of(self, job: Any) -> list[Any]:
        page = await self.want(200, "GET", f"/v1/calls?import_job_id={job['id']}&limit=200")
        return sorted(page["items"], key=lambda call: call["import_row"])

    def files(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return [file.name for file in self.services.imports.folder.iterdir()]
        return []


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    async with office:
        yield office
        await office.runner.aclose()


def form(text: str, **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, value in fields.items():
        data.add_field(name.rstrip("_"), value)
    data.add_field("file", text.encode(), filename="contacts.csv", content_type="text/csv")
    return data


def numbers(count: int) -> str:
    return "phone\n" + "".join(f"+49301{n:05}\n" for n in range(count))


# --- looked at ------------------------------------------------------------------------------------


async def test_a_file_is_looked_at_and_nothing_is_stored(api: Office) -> None:
    found = await api.send(200, FILE, "/v1/imports/validate?timezone=Europe/Berlin&priority=high")
    assert (found["rows_total"], found["rows_ok"], found["rows_failed"]) == (3, 2, 1)
    assert (found["encoding"], found["delimiter"]) == ("utf-8", ";")
    assert found["columns"][1] == {"name": "name", "field": "name"}
    message = "neither a number of 3 to 15 digits nor a SIP address"
    assert found["errors"] == [{"row": 2, "errors": [{"column": "phone", "message": message}]}]
    assert found["preview"][1] == {
        "row": 3,
        "phone": "+4930124",
        "agent": "",
        "scheduled_for": "2023-12-01T08:30:00Z",
        "timezone": "Europe/Berlin",
        "priority": "high",
        "context": {"name": "Carl"},
    }
    assert (await api.want(200, "GET", "/v1/calls"))["items"] == []
    assert (await api.want(200, "GET", "/v1/imports"))["items"] == []
    assert api.files() == []


async def test_errors_and_preview_are_capped_and_all_are_counted(api: Office) -> None:
    text = "phone\n" + "+4930123\n" * 50 + "x\n" * 200
    found = await api.send(200, text, "/v1/imports/validate")
    assert (found["rows_ok"], found["rows_failed"]) == (50, 200)
    assert (len(found["errors"]), len(found["preview"])) == (100, 5)


@pytest.mark.parametrize("path", ["/v1/imports/validate", "/v1/imports"])
@pytest.mark.parametrize(
    ("status", "data", "query", "headers", "field"),
    [
        (415, "{}", "", {"Content-Type": "application/json"}, None),
        (422, FILE, "?timezone=Mars", {}, "timezone"),
        (422, FILE, "?agent_id=nobody&from=x", {}, None),
        (400, FILE, "?priority=huge", {}, "priority"),
        (400, FILE, "?autostart=1", {}, "autostart"),
        (413, "x" * (20 * 1024 * 1024 + 1), "", {}, None),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_kept(
    api: Office,
    path: str,
    status: int,
    data: str,
    query: str,
    headers: dict[str, str],
    field: str | None,
) -> None:
    problem = await api.send(status, data, f"{path}{query}", **headers)
    assert problem.get("field") == field
    assert api.files() == []


async def test_a_file_that_is_none_is_refused_when_looked_at(api: Office) -> None:
    problem = await api.send(400, "a,b\n1,2\n", "/v1/imports/validate?has_header=true&columns=a,b")
    assert "no column is named phone" in problem["detail"]
    problem = await api.send(400, aiohttp.FormData({"x": "y"}, default_to_multipart=True))
    assert problem["field"] == "file"


FORM = {"Content-Type": "multipart/form-data; boundary=B"}
IN_FORM = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'


@pytest.mark.parametrize("before", ["", "This is a form.\r\n\r\n"])
async def test_a_few_lines_before_a_form_do_no_harm(api: Office, before: str) -> None:
    sent = f"{before}{IN_FORM}\r\n{FILE}\r\n--B--\r\n"
    found = await api.send(200, sent, "/v1/imports/validate?timezone=Europe/Berlin", **FORM)
    assert found["rows_total"] == 3


async def test_a_form_is_not_looked_for_in_a_file_of_lines(api: Office) -> None:
    content = "x\n" * 1_000_000
    problem = await api.send(400, content + IN_FORM, **FORM)
    assert problem["detail"] == "the form cannot be read: there is too much around its fields"
    whole = f"{IN_FORM}\r\nphone\r\n{content}\r\n--B--\r\n"
    assert (await api.send(202, whole, **FORM))["size_bytes"] == len(content) + 7


@pytest.mark.parametrize("coding", ["base64", "Quoted-Printable", "gzip"])
async def test_fields_that_would_have_to_be_decoded_are_refused(api: Office, coding: str) -> None:
    sent = f"{IN_FORM}Content-Transfer-Encoding: {coding}\r\n\r\ncGhvbmUK\r\n--B--\r\n"
    problem = await api.send(400, sent, **FORM)
    assert (problem["field"], api.files()) == ("file", [])


# --- imported -------------------------------------------------------------------------------------


async def test_rows_become_calls_and_a_bad_one_stops_no_other(api: Office) -> None:
    woken: list[bool] = []
    api.services.import_steps.on_pending = lambda: woken.append(True)
    job = await api.send(202, form(FILE, timezone="Europe/Berlin", from_="+4930999"))
    assert (job["status"], job["file_name"], job["rows_total"]) == ("queued", "contacts.csv", None)
    assert api.headers["Location"] == f"/v1/imports/{job['id']}"
    await api.read()
    done = await api.done(job)
    assert (done["status"], done["rows_total"], done["rows_done"]) == ("completed", 3, 3)
    assert (done["rows_ok"], done["rows_failed"], done["delimiter"]) == (2, 1, ";")
    ann, carl = await api.calls_of(job)
    assert (ann["to"], ann["from"], ann["status"], ann["context"], ann["import_row"]) == (
        "+4930123",
        "+4930999",
        "queued",
        {"name": "Ann"},
        1,
    )
    assert (carl["status"], carl["scheduled_for"], carl["timezone"]) == (
        "scheduled",
        "2023-12-01T08:30:00Z",
        "Europe/Berlin",
    )
    failed = await api.want(200, "GET", f"/v1/imports/{job['id']}/errors")
    assert [item["row"] for item in failed["items"]] == [2]
    assert woken == [True]
    assert api.files() == []
    log = await api.want(200, "GET", "/v1/events/log?types=import.*")
    assert log["items"][0]["event"]["rows_ok"] == 2


async def test_agents_are_found_by_id_or_name_and_only_ones_own(api: Office) -> None:
    ann = await api.user("ann@example.com")
    mine = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    for name in ("Twin", "Twin"):
        await api.want(201, "POST", "/v1/agents", {"name": name})
    await api.want(201, "POST", "/v1/agents", {"name": "Bob", "kind": "human"})
    hers = await api.want(201, "POST", "/v1/agents", {"name": "Hers"}, token=ann)
    names = (mine["id"], "Anna", "", "Twin", "Bob", hers["id"], "Hers")
    text = "phone,agent\n" + "".join(f"+493012{n},{name}\n" for n, name in enumerate(names))
    job = await api.send(202, text)
    await api.read()
    calls = await api.calls_of(job)
    assert [call["agent_id"] for call in calls] == [mine["id"], mine["id"], None]
    failed = (await api.want(200, "GET", f"/v1/imports/{job['id']}/errors"))["items"]
    assert [item["errors"][0]["message"] for item in failed] == [
        "several agents are named so: give its id",
        "that agent is a person",
        "there is no such agent",
        "there is no such agent",
    ]


async def test_a_row_whose_line_is_not_there_is_bad_at_once(api: Office) -> None:
    file = "phone,line\n+4930123,loopback\n+4930124,nowhere\n+4930125,\n"
    wrong = [{"row": 2, "errors": [{"column": "line", "message": "there is no such line"}]}]
    looked = await api.send(200, file, "/v1/imports/validate")
    assert (looked["rows_ok"], looked["errors"]) == (2, wrong)
    job = await api.send(202, file)
    await api.read()
    done = await api.done(job)
    assert (done["rows_ok"], done["rows_failed"]) == (2, 1)
    failed = await api.want(200, "GET", f"/v1/imports/{job['id']}/errors")
    assert [(item["row"], item["errors"]) for item in failed["items"]] == [(2, wrong[0]["errors"])]
    refused = await api.send(422, file, "/v1/imports?line=nowhere")
    assert [error["field"] for error in refused["errors"]] == ["line"]


async def test_calls_that_are_not_to_be_placed_wait_for_their_moment(api: Office) -> None:
    job = await api.send(202, FILE, "/v1/imports?place=false")
    await api.read()
    for call in await api.calls_of(job):
        assert (call["status"], call["scheduled_for"]) == ("scheduled", None)


async def test_a_file_that_is_none_fails_as_a_whole(api: Office) -> None:
    job = await api.send(202, b"%PDF\0\0\0\1")
    after = await api.send(202, "phone\n+4930123\n")
    await api.read()
    done = await api.done(job)
    assert (done["status"], done["error"], done["rows_total"]) == ("failed", "it is no text", None)
    assert (await api.done(after))["status"] == "completed"
    assert api.files() == []


async def test_errors_are_downloaded_as_csv_and_are_no_formulas(api: Office) -> None:
    bad = "".join(f"x{n},urgent\n" for n in range(600))
    job = await api.send(202, "phone,=priority\n" + bad)
    empty = await api.send(202, "phone\n+4930123\n")
    await api.read()
    response = await api.ask("GET", f"/v1/imports/{job['id']}/errors.csv")
    lines = (await response.text()).split("\r\n")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert lines[0] == "row,column,message"
    assert lines[1].startswith("1,phone,")
    assert lines[2].startswith("1,'=priority,")
    assert lines[-2].startswith("600,'=priority,")
    nothing = await api.ask("GET", f"/v1/imports/{empty['id']}/errors.csv")
    assert await nothing.text() == "row,column,message\r\n"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_made_text(first: str) -> None:
    text = csv_of([(f"{first}1", "1=2", "")]).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[f"'{first}1", "1=2", ""]]


# --- cut off, sent twice, cancelled ---------------------------------------------------------------


async def test_the_same_upload_with_the_same_key_is_imported_once(api: Office) -> None:
    key = {"Idempotency-Key": "monday"}
    first = await api.send(202, form(FILE), **key)
    again = await api.send(202, form(FILE), **key)  # another boundary
    assert again["id"] == first["id"]
    assert api.headers["Idempotency-Replayed"] == "true"
    await api.read()
    late = await api.send(202, FILE, **key)  # as a body this time, and long after
    assert (late["id"], late["status"]) == (first["id"], "completed")
    other = await api.send(422, form(numbers(3)), **key)
    assert other["code"] == "idempotency_mismatch"
    assert len(await api.calls_of(first)) == 2
    assert (await api.want(200, "GET", "/v1/imports?total=true"))["total"] == 1
    assert api.files() == []
    ann = await api.user("ann@example.com")
    hers = await api.send(202, FILE, token=ann, **key)
    assert hers["id"] != first["id"]
    without = await api.send(202, FILE)
    assert without["id"] != first["id"]


async def test_the_same_upload_sent_several_times_at_once_is_imported_once(api: Office) -> None:
    key = {"Idempotency-Key": "monday"}
    jobs = await asyncio.gather(*(api.send(202, FILE, **key) for _ in range(6)))
    assert len({job["id"] for job in jobs}) == 1
    assert (await api.want(200, "GET", "/v1/imports?total=true"))["total"] == 1
    assert len(api.files()) == 1
    await api.read()
    assert len(await api.calls_of(jobs[0])) == 2


async def test_cut_off_after_any_slice_it_goes_on_and_takes_no_row_twice(api: Office) -> None:
    total = 5 * SLICE_ROWS + 7
    job = await api.send(202, numbers(total))
    steps = api.services.import_steps
    store = steps.store
    for slices in (0, 1, 2, 0):
        left = slices
        cut = asyncio.Event()

        async def cut_off(*arguments: Any, cut: asyncio.Event = cut) -> bool:
            nonlocal left
            if not left:
                cut.set()
                await asyncio.Event().wait()  # until the process ends
            left -= 1
            return await store(*arguments)

        steps.store = cut_off  # type: ignore[assignment, method-assign]
        api.runner.start()
        async with asyncio.timeout(LIMIT_S):
            await cut.wait()
        await api.runner.aclose()
        api.restart()
        assert (await api.done(job))["status"] == "running"
    assert (await api.done(job))["rows_done"] == 3 * SLICE_ROWS
    steps.store = store  # type: ignore[method-assign]
    await api.read()
    done = await api.done(job)
    assert (done["status"], done["rows_ok"]) == ("completed", total)
    calls = await api.calls_of(job)
    assert [call["import_row"] for call in calls] == list(range(1, total + 1))
    assert [call["to"] for call in calls] == [f"+49301{n:05}" for n in range(total)]


async def test_a_file_that_is_gone_fails_its_job(api: Office) -> None:
    job = await api.send(202, numbers(3))
    folder = api.services.imports.folder
    (folder / f"{job['id']}.csv").unlink()
    await api.read()
    done = await api.done(job)
    assert done["status"] == "failed"
    assert "No such file" in done["error"]


async def test_cancelled_it_reads_no_more_and_its_calls_remain(api: Office) -> None:
    job = await api.send(202, numbers(4 * SLICE_ROWS))
    steps = api.services.import_steps
    store, path = steps.store, f"/v1/imports/{job['id']}"

    async def store_and_cancel(*arguments: Any) -> bool:
        stored = await store(*arguments)
        if stored:
            await api.want(200, "POST", f"{path}/cancel")
        return stored

    steps.store = store_and_cancel  # type: ignore[assignment, method-assign]
    api.runner.start()
    async with asyncio.timeout(LIMIT_S):
        await api.runner.idle.wait()
    done = await api.done(job)
    assert (done["status"], done["rows_done"]) == ("cancelled", SLICE_ROWS)
    assert len(await api.calls_of(job)) == SLICE_ROWS
    assert api.files() == []
    await api.want(409, "POST", f"{path}/cancel")


async def test_one_that_waits_is_cancelled_before_it_begins(api: Office) -> None:
    job = await api.send(202, numbers(3))
    path = f"/v1/imports/{job['id']}"
    await api.want(409, "DELETE", path)
    assert (await api.want(200, "POST", f"{path}/cancel"))["status"] == "cancelled"
    await api.read()
    assert await api.calls_of(job) == []
    await api.want(204, "DELETE", path)
    await api.want(404, "GET", path)


async def test_forgetting_one_leaves_its_calls(api: Office) -> None:
    job = await api.send(202, FILE)
    await api.read()
    await api.want(204, "DELETE", f"/v1/imports/{job['id']}")
    assert len(await api.calls_of(job)) == 2
    await api.want(404, "GET", f"/v1/imports/{job['id']}/errors")


async def test_files_of_no_job_and_parts_of_a_crash_are_removed(api: Office) -> None:
    folder = api.services.imports.folder
    folder.mkdir()
    (folder / "somebody.csv").write_text("x")
    (folder / "half.part").write_text("x")
    api.services.imports.remove_parts()
    job = await api.send(202, FILE)
    assert sorted(api.files()) == sorted(["somebody.csv", f"{job['id']}.csv"])
    await api.read()
    assert api.files() == []


async def test_too_many_that_wait_are_a_conflict(api: Office) -> None:
    for _ in range(MAX_WAITING):
        await api.send(202, FILE)
    await api.send(409, FILE)
    assert len(api.files()) == MAX_WAITING
    ann = await api.user("ann@example.com")
    await api.send(202, FILE, token=ann)


async def test_nobody_sees_or_ends_anothers(api: Office) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    job = await api.send(202, FILE, token=ann)
    path = f"/v1/imports/{job['id']}"
    for method, suffix in (
        ("GET", ""),
        ("POST", "/cancel"),
        ("DELETE", ""),
        ("GET", "/errors"),
        ("GET", "/errors.csv"),
    ):
        await api.want(404, method, f"{path}{suffix}", token=bob)
    assert (await api.want(200, "GET", "/v1/imports", token=bob))["items"] == []
    await api.read()
    async with api.database.read() as tx:
        assert await CALLS.count(tx, OPERATOR_ID, COLUMNS.import_job_id == job["id"]) == 0
        assert await CALLS.count(tx, job["owner_id"]) == 2


async def test_lists_are_filtered(api: Office) -> None:
    done = await api.send(202, FILE)
    await api.read()
    waits = await api.send(202, FILE)
    for query, found in (
        ("", [waits, done]),
        ("status=queued", [waits]),
        ("status=completed", [done]),
        ("sort=created_at", [done, waits]),
    ):
        page = await api.want(200, "GET", f"/v1/imports?{query}")
        assert [item["id"] for item in page["items"]] == [job["id"] for job in found], query
