"""SMS by Twilio: its form, what its answers mean, its signatures, its webhook. Pure."""

import pytest
from yarl import URL

from offhook.control.domain.messages import OutboxMessage
from offhook.control.errors import BadRequest, Unprocessable
from offhook.control.messages.outbox_delivery import NotTaken, Taken
from offhook.control.messages.twilio_hook import fields_of, text_of, twiml
from offhook.control.messages.twilio_signature import addresses_of, is_signed, signature_of
from offhook.control.messages.twilio_sms import form_of, judge_answer

TOKEN = "12345"
URL_OF_DOCS = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
"Twilio's own example of a signed request, and what it says the signature is:"
SIGNED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
RAW = (
    b"From=+1234567890&\nTo=+1987654321&\nBody=Help me debug this Python code&\n"
    b"MessageSid=SM1234567890abcdef&\nAccountSid=AC1234567890abcdef"
)


def test_a_reply_comes_from_the_number_that_was_written_to() -> None:
    message = OutboxMessage(channel="sms", to="+1555", body="Hello.")
    assert form_of(message, "+1999") == {"To": "+1555", "From": "+1999", "Body": "Hello."}
    reply = OutboxMessage(channel="sms", to="+1555", body="Hello.", from_number="+1888")
    assert form_of(reply, "+1999", "https://me/x")["From"] == "+1888"
    assert form_of(reply, "+1999", "https://me/x")["StatusCallback"] == "https://me/x"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (422, True),
        (401, False),
        (404, False),
        (429, False),
        (500, False),
        (302, False),
    ],
)
def test_what_another_try_can_change_is_tried_again(status: int, permanent: bool) -> None:
    answer = judge_answer(status, b'{"code": 21211, "message": "Invalid", "status": 400}')
    assert answer == NotTaken(f"Twilio answers {status}, error 21211: Invalid", permanent)


def test_what_is_taken_has_twilios_id() -> None:
    assert judge_answer(201, b'{"sid": "SM1", "status": "queued"}') == Taken("SM1")
    # Whoever asks again after this sends it twice.
    assert judge_answer(201, b"\xffnonsense") == Taken("")
    assert judge_answer(503, b"<html>") == NotTaken("Twilio answers 503")


def test_a_signature_is_as_twilio_documents_it() -> None:
    assert signature_of(TOKEN, URL_OF_DOCS, FIELDS) == SIGNED
    assert signature_of(TOKEN, URL_OF_DOCS, [*reversed(FIELDS), FIELDS[0]]) == SIGNED
    assert is_signed(TOKEN, SIGNED, (URL_OF_DOCS,), FIELDS)


@pytest.mark.parametrize("given", ["", "x", SIGNED.lower(), "\udcff", SIGNED + "="])
def test_another_signature_is_none(given: str) -> None:
    assert not is_signed(TOKEN, given, (URL_OF_DOCS,), FIELDS)


def test_the_schemes_own_port_makes_no_difference() -> None:
    bare, ported = "https://me.example/a?b=%2B", "https://me.example:443/a?b=%2B"
    assert set(addresses_of(URL(bare, encoded=True))) == {bare, ported}
    assert set(addresses_of(URL("http://[::1]:8000/a"))) == {
        "http://[::1]:8000/a",
        "http://[::1]/a",
    }


def test_a_form_is_read_however_carelessly_it_was_written() -> None:
    text = text_of(fields_of(RAW))
    assert (text.from_number, text.to_number) == ("+1234567890", "+1987654321")
    assert (text.body, text.sid) == ("Help me debug this Python code", "SM1234567890abcdef")


def test_all_that_is_missing_is_told_together() -> None:
    with pytest.raises(Unprocessable) as caught:
        text_of(fields_of(b"From=&To=%2B1987654321"))
    assert [error.field for error in caught.value.errors] == ["From", "Body", "MessageSid"]
    with pytest.raises(BadRequest):
        fields_of(b"\xff\xfe=1")
    with pytest.raises(BadRequest):
        fields_of(b"&".join(b"a=1" for _ in range(201)))


def test_what_is_said_is_escaped() -> None:
    assert b"<Message>1 &lt; 2 &amp; 3</Message>" in twiml("1 < 2 & 3")
    assert b"<Response></Response>" in twiml()
