"""The log: one line, structured, without numbers and secrets."""

import asyncio
import contextvars
import io
import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from offhook.control.configuration.config import LogSettings
from offhook.control.telemetry.log_context import ACCOUNT, CALL, REQUEST
from offhook.control.telemetry.logs import (
    JsonFormatter,
    TextFormatter,
    call_logger,
    configure,
    mask_numbers,
)


@pytest.fixture
def out() -> Iterator[tuple[logging.Logger, io.StringIO, logging.Handler]]:
    logger = logging.getLogger("offhook.test_logs")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, stream, handler
    logger.removeHandler(handler)
    logger.propagate = True


Out = tuple[logging.Logger, io.StringIO, logging.Handler]


def test_a_line_names_time_level_logger_call_and_message(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(TextFormatter())
    call_logger(logger, "c1", "l2").info('said "%s"', "hello\nthere")
    line = stream.getvalue()
    assert line.endswith(
        ' level=info logger=offhook.test_logs call=c1 leg=l2 message="said \\"hello\\nthere\\""\n'
    )
    assert line.startswith("at=20")
    assert line.count("\n") == 1


def test_json_is_an_object_a_line(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(JsonFormatter())
    call_logger(logger, "c1").warning("line %d", 3)
    parsed = json.loads(stream.getvalue())
    parsed.pop("at")
    assert parsed == {
        "level": "warning",
        "logger": "offhook.test_logs",
        "call": "c1",
        "message": "line 3",
    }


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from +4930123456 to 100", "from +*******456 to 100"),
        ("sip:4930123456@pbx.example:5060", "sip:*******456@pbx.example:5060"),
        ("<sip:+4930123456@10.0.0.1>", "<sip:+*******456@10.0.0.1>"),
        ("number='0301234567'", "number='*******567'"),
        ("port 20000, 65536 bytes", "port 20000, 65536 bytes"),
        ("id a81bc81b12345678f", "id a81bc81b12345678f"),
        ("to:4930123456, then 0301234567.", "to:*******456, then *******567."),
        ("took 1.23456789 s at 12345678.5", "took 1.23456789 s at 12345678.5"),
    ],
)
def test_masks_telephone_numbers_and_nothing_else(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


def test_numbers_are_whole_at_debug_only(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(TextFormatter())
    logger.debug("> INVITE sip:4930123456@x")
    logger.info("> INVITE sip:4930123456@x")
    debug, info = stream.getvalue().splitlines()
    assert "4930123456" in debug
    assert "4930123456" not in info


def test_secrets_are_never_shown(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(TextFormatter(["hush", "hushhush", ""]))
    logger.debug("< password=hushhush %s", "hush")
    logger.debug('Proxy-Authorization: Digest username="u", response="abc"')
    try:
        raise ValueError("hush")
    except ValueError:
        logger.exception("it failed")
    text = stream.getvalue()
    assert "hush" not in text
    assert "abc" not in text
    assert "ValueError: ***" in text


def test_a_line_tells_of_which_request_account_and_call_the_work_is(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(TextFormatter())

    def work() -> None:
        REQUEST.set("r1")
        ACCOUNT.set("a1")
        logger.info("asked")
        CALL.set("c1")
        logger.info("called")
        call_logger(logger, "c2").info("another")

    contextvars.Context().run(work)
    logger.info("nobody")
    asked, called, another, nobody = stream.getvalue().splitlines()
    assert " request=r1 account=a1 message=asked" in asked
    assert " request=r1 account=a1 call=c1 message=called" in called
    assert " request=r1 account=a1 call=c2 message=another" in another
    assert "request=" not in nobody


async def test_a_task_of_a_call_logs_as_the_call(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(JsonFormatter())

    async def later() -> None:
        logger.info("later")

    async def call() -> None:
        CALL.set("c1")
        await asyncio.create_task(later())

    await asyncio.create_task(call())
    assert json.loads(stream.getvalue())["call"] == "c1"
    assert CALL.get() == ""


@pytest.mark.parametrize("kind", [TextFormatter, JsonFormatter])
def test_a_traceback_is_in_the_same_line(out: Out, kind: type[TextFormatter]) -> None:
    logger, stream, handler = out
    handler.setFormatter(kind())
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("it failed")
    assert stream.getvalue().count("\n") == 1
    assert "Traceback" in stream.getvalue()


def test_a_request_that_is_no_http_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    http = logging.getLogger("aiohttp.server")
    try:
        configure(LogSettings())
        root.addHandler(caplog.handler)
        http.error("Error handling request", exc_info=BadHttpMessage("garbage"))
        http.error("Error handling request", exc_info=ValueError("a bug of ours"))
    finally:
        http.filters.clear()
        root.handlers[:] = before
        root.setLevel(level)
    assert [str(r.exc_info[1]) for r in caplog.records if r.exc_info] == ["a bug of ours"]


def test_configure_sets_level_and_one_handler() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure(LogSettings(level="error", format="json"))
        configure(LogSettings(level="warning", format="text"))
        assert root.level == logging.WARNING
        assert [type(handler.formatter) for handler in root.handlers] == [TextFormatter]
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_libraries_that_log_stored_values_are_quiet_even_at_debug() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure(LogSettings(level="debug"))
        for name in (
            "sqlalchemy.engine.Engine",
            "aiosqlite",
            "alembic.runtime.migration",
            "urllib3",
        ):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)
            assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    finally:
        root.handlers[:], level = before
        root.setLevel(level)


def test_what_is_too_long_is_cut_and_no_half_of_a_secret_is_left(out: Out) -> None:
    logger, stream, handler = out
    handler.setFormatter(TextFormatter())
    secret = "ohk_abc_" + "S" * 40
    for before in range(9_950, 10_010, 7):
        logger.error("%s%s%s the end", "a " * (before // 2), secret, "b " * 20_000)
        logger.error("%s%s%s the end", "a " * 20_000, secret, "b " * (before // 2))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) < 20_500
    assert not [line for line in lines if "SS" in line]
    assert all(line.endswith(' the end"') for line in lines)
