"""E-mails as they are written."""

import datetime
from email import message_from_bytes, policy

import msgspec
import pytest

from offhook.drivers.mail.errors import BadMail
from offhook.drivers.mail.message import Mail, composed, is_address

MAIL = Mail(
    id="m-1",
    from_="Offhook <me@example.org>",
    to="anna@example.org",
    subject="Grüße",
    text="Ein Code: 123456\n.\nEnde – €",
    at_wall=1_700_000_000.0,
)


def test_a_mail_is_read_as_it_was_written() -> None:
    message = message_from_bytes(composed(MAIL).as_bytes(), policy=policy.default)
    assert message["Subject"] == "Grüße"
    assert message["To"] == "anna@example.org"
    assert message["From"] == "Offhook <me@example.org>"
    assert message["Message-ID"] == "<m-1@example.org>"
    assert message["Date"].datetime == datetime.datetime(
        2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC
    )
    assert message.get_content().splitlines() == MAIL.text.splitlines()


def test_a_subject_begins_no_other_header() -> None:
    mail = msgspec.structs.replace(MAIL, subject="Hello\r\nBcc: eve@example.org\r\n\r\nMore")
    message = message_from_bytes(composed(mail).as_bytes(), policy=policy.default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: eve@example.org More"


@pytest.mark.parametrize(
    "to", ["", "anna", "anna@", "a b@example.org", "anna@example.org\r\nBcc: x@y", "ä@example.org"]
)
def test_what_is_no_address_is_refused(to: str) -> None:
    with pytest.raises(BadMail) as caught:
        composed(msgspec.structs.replace(MAIL, to=to))
    assert caught.value.permanent


def test_addresses_are_told_from_what_only_looks_like_one() -> None:
    assert is_address("first.last+tag@mail.example.org")
    assert is_address("operator@localhost")
    for text in ("@example.org", "a@b@c", "a@b c", "<a@b>", "a,b@c", "x" * 65 + "@example.org"):
        assert not is_address(text), text


def test_text_that_no_encoding_holds_is_refused() -> None:
    with pytest.raises(BadMail):
        composed(msgspec.structs.replace(MAIL, text="\ud800"))
