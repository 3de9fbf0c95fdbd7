import email.parser
import email.policy

import pytest

from offhook.drivers.form_data import form_data


def test_another_parser_reads_the_same_fields_and_file() -> None:
    content = bytes(range(256)) + b"\r\n--edge-\r\n"
    fields = {"model": "m", "prompt": "schön, \r\nand more", "empty": ""}
    body = form_data("edge7", fields, "file", "turn.wav", "audio/wav", content)
    head = b'Content-Type: multipart/form-data; boundary="edge7"\r\n\r\n'
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    *texts, file = message.iter_parts()
    read = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in texts
    }
    assert read == {name: value.encode() for name, value in fields.items()}
    assert file.get_filename() == "turn.wav"
    assert file.get_content_type() == "audio/wav"
    assert body.endswith(b"\r\n\r\n" + content + b"\r\n--edge7--\r\n")


def test_a_name_that_would_break_the_form_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        form_data("edge", {'a"b': "x"}, "file", "turn.wav", "audio/wav", b"")
