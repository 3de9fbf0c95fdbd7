"""multipart/form-data (RFC 7578), as one piece of bytes. Core."""

from collections.abc import Mapping


def form_data(
    boundary: str, fields: Mapping[str, str], name: str, file_name: str, kind: str, content: bytes
) -> bytes:
    """A form with text fields and a file at its end.

    `boundary` must not occur in what is sent: take a random one. The names are ours, and plain.
    """
    assert not set(f"{boundary}{name}{file_name}{kind}{''.join(fields)}") & set('"\r\n'), (
        "not plain"
    )
    texts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    )
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"'
        f"\r\nContent-Type: {kind}\r\n\r\n"
    )
    return b"".join([texts.encode(), head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
