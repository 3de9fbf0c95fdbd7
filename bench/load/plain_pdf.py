"""A PDF of plain text, as small as one can be: pages of lines in Courier (ISO 32000-1 §7.5)."""

from collections.abc import Sequence

TEX = "\0"


def pdf_of(pages: Sequence[Sequence[str]]) -> bytes:
    """Pages of lines, Latin-1; a page without lines is empty."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
    kids: list[int] = []
    for lines in pages:
        drawn = b"BT /F1 11 Tf 14 TL 50 780 Td " + b" ".join(map(_line, lines)) + b" ET"
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    named = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (named, len(kids))
    return _file(objects)


def set_by_tex(text: str) -> str:
    """A line whose words are parted by moves, not by spaces: `pdf_of` draws it so."""
    return TEX + text


def _line(text: str) -> bytes:
    if text.startswith(TEX):
        words = text.removeprefix(TEX).split()
        return b"[%b] TJ T*" % b" -230 ".join(b"(%b)" % word.encode("latin-1") for word in words)
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return b"(%b) Tj T*" % escaped.encode("latin-1")


def _file(objects: Sequence[bytes]) -> bytes:
    data = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
    )
    return bytes(data)
