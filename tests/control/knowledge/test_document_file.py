"""Files as they come, and as they should not."""

import contextlib
import io
import pathlib
import random
import zipfile

import pytest
from pypdf import PdfReader, PdfWriter

from offhook.bench.load.plain_pdf import pdf_of, set_by_tex
from offhook.control.domain.documents import DocumentKind
from offhook.control.knowledge import docx
from offhook.control.knowledge.document_file import DocumentFile
from offhook.control.knowledge.unreadable import Unreadable

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = f"""<w:styles {W}><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
</w:styles>"""
DOCUMENT = f"""<w:document {W}><w:body>
<w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>Shop</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">Open from </w:t></w:r><w:r><w:t>nine.</w:t></w:r></w:p>
<w:p><w:pPr><w:pStyle w:val="Mine"/></w:pPr><w:r><w:t>Returns</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:lastRenderedPageBreak/><w:t>Thirty days.</w:t></w:r></w:p></w:tc>
</w:tr></w:tbl></w:body></w:document>"""
HTML = """<!DOCTYPE html><html><head><title>T</title><style>p {}</style></head><body>
<nav>Menu</nav><h1>Shop</h1><p>Open &amp; <b>warm</b>.<p>Two<script>var x = "<p>no</p>";</script>
<h2>Returns</h2><ul><li>Thirty days.</ul></body></html>"""


def written(folder: pathlib.Path, data: bytes | str) -> pathlib.Path:
    path = folder / "file"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def docx_of(document: str, styles: str = STYLES) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(docx.DOCUMENT, document)
        archive.writestr(docx.STYLES, styles)
    return file.getvalue()


def pieces(path: pathlib.Path) -> list[tuple[int | None, str, str]]:
    return [(chunk.page, chunk.heading, chunk.text) for chunk in DocumentFile(path).chunks()]


def test_a_docx_is_read_with_its_headings_tables_and_pages(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, docx_of(DOCUMENT))
    assert DocumentFile(path).kind is DocumentKind.DOCX
    assert pieces(path) == [
        (1, "Shop", "Open from nine."),
        (2, "Shop › Returns", "Thirty days."),
    ]


def test_html_is_read_as_it_is_shown(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, HTML)
    assert DocumentFile(path).kind is DocumentKind.HTML
    assert pieces(path)[-2:] == [
        (None, "Shop", "Open & warm.\nTwo"),
        (None, "Shop › Returns", "Thirty days."),
    ]


def test_markdown_is_read_with_its_headings(tmp_path: pathlib.Path) -> None:
    text = (
        "# Shop\n\n- Open from **nine**.\n- See [here](http://x/y).\n\nReturns\n-------\n\nThirty."
    )
    path = written(tmp_path, text)
    assert DocumentFile(path).kind is DocumentKind.MARKDOWN
    assert pieces(path) == [
        (None, "Shop", "Open from nine. See here."),
        (None, "Shop › Returns", "Thirty."),
    ]


def test_headings_of_markdown_need_no_blank_lines_and_code_has_none(tmp_path: pathlib.Path) -> None:
    text = (
        "# Shop\nFrom nine.\n## Returns ##\nThirty days.\n\nRefunds\n-------\nFive days.\n"
        "```sh\n# how many\n\n# or so\n~~~\n```\n# Places"
    )
    assert pieces(written(tmp_path, text + "\nHamburg.")) == [
        (None, "Shop", "From nine."),
        (None, "Shop › Returns", "Thirty days."),
        (None, "Shop › Refunds", "Five days.\n# how many\n# or so ~~~"),
        (None, "Places", "Hamburg."),
    ]


def test_titles_of_a_manual_may_be_underlined_with_anything(tmp_path: pathlib.Path) -> None:
    text = (
        "2. Trade\n********\n\n2.1. Shop\n=========\n\nFrom nine.\n\n"
        "2.1.1. Returns\n~~~~~~~~~~~~~~\n\nThirty days.\n\n   ~~~~\n   so\n   ~~~~\n\n"
        "2.2. Post\n=========\n\nBy hand:\n\n   # parcels\n   send\n"
    )
    assert pieces(written(tmp_path, text)) == [
        (None, "Trade › 2.1. Shop", "From nine."),
        (None, "Trade › 2.1. Shop › 2.1.1. Returns", "Thirty days.\nso"),
        (None, "Trade › 2.2. Post", "By hand:\n# parcels send"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_any_usual_encoding(tmp_path: pathlib.Path, encoding: str) -> None:
    path = written(tmp_path, "Größe zählt.".encode(encoding))
    assert DocumentFile(path).kind is DocumentKind.TEXT
    assert pieces(path) == [(None, "", "Größe zählt.")]


def test_a_pdf_is_read_page_by_page_with_divided_words_joined(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, pdf_of([["One (1) and the infor-", "mation two."], [], ["Three."]]))
    file = DocumentFile(path)
    assert (file.kind, file.pages) == (DocumentKind.PDF, 3)
    assert pieces(path) == [(1, "", "One (1) and the information two."), (3, "", "Three.")]


def test_words_are_parted_where_no_space_was_set(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, pdf_of([[set_by_tex("Not one long word."), "Two"]]))
    assert pieces(path)[0][2] == "Not one long word. Two"


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_of([["Secret."]]))))
    writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_a_pdf_is_read_when_it_opens_without_a_password_and_else_not(
    tmp_path: pathlib.Path,
) -> None:
    assert pieces(written(tmp_path, encrypted("")))[0][2] == "Secret."
    with pytest.raises(Unreadable, match="encrypted"):
        DocumentFile(written(tmp_path, encrypted("key")))


def test_a_docx_that_unpacks_to_too_much_is_given_up(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docx, "MAX_XML_BYTES", 1_000_000)
    bomb = f"<w:document {W}>{' ' * 2_000_000}</w:document>"
    with pytest.raises(Unreadable, match="unpacks to more"):
        pieces(written(tmp_path, docx_of(bomb)))


def test_a_docx_that_declares_entities_is_refused(tmp_path: pathlib.Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">]>' + DOCUMENT
    with pytest.raises(Unreadable, match="entities"):
        pieces(written(tmp_path, docx_of(laughs)))


@pytest.mark.parametrize("whole", [pdf_of([["One two three."]] * 3), docx_of(DOCUMENT)])
def test_no_damage_raises_anything_but_that_it_is_unreadable(
    tmp_path: pathlib.Path, whole: bytes
) -> None:
    rng = random.Random(1)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 30)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        cut = bytes(data[: rng.randrange(len(data))]) if rng.random() < 0.3 else bytes(data)
        with contextlib.suppress(Unreadable):
            pieces(written(tmp_path, cut))
