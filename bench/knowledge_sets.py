"""Real manuals, and questions that callers ask of them: what `bench knowledge` is measured with.

A question names the words by which the right passage is known; one without any has no answer in
the manual. The manuals are Debian packages, fetched by apt where they are not installed.
"""

import gzip
import pathlib
import subprocess

import msgspec

HERE = pathlib.Path(__file__).parent


class Labelled(msgspec.Struct, frozen=True):
    """A question, and by what its answer is known."""

    ask: str
    has: tuple[str, ...] = ()
    "All of these stand in the right passage, in lower case; none: there is no answer."


class QuestionSet(msgspec.Struct, frozen=True):
    """A manual, and what is asked of it."""

    name: str
    package: str
    "Of Debian; empty: the text stands beside this file."
    manual: str
    "Its text, by the path in the package; gzip."
    questions: pathlib.Path

    def asked(self) -> list[Labelled]:
        """The questions."""
        return msgspec.json.decode(self.questions.read_bytes(), type=list[Labelled])

    def text(self, folder: pathlib.Path) -> pathlib.Path:
        """The manual as a text file in `folder`. Raises OSError and CalledProcessError."""
        if not self.package:
            return HERE / self.manual
        packed = pathlib.Path("/") / self.manual
        if not packed.exists():
            subprocess.run(["apt-get", "download", self.package], cwd=folder, check=True)
            package = next(folder.glob(f"{self.package}_*.deb"))
            subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
            packed = folder / self.manual
        text = folder / f"{self.package}.txt"
        text.write_bytes(gzip.decompress(packed.read_bytes()))
        return text


POLICY = QuestionSet(
    "policy",
    "debian-policy",
    "usr/share/doc/debian-policy/policy.txt.gz",
    HERE / "knowledge_questions.json",
)
"By its questions the threshold and the form of the score were chosen."

HELD_OUT = QuestionSet(
    "held out: developers' reference",
    "developers-reference",
    "usr/share/developers-reference/developers-reference.txt.gz",
    HERE / "knowledge_held_out.json",
)
"Nothing is chosen by its questions: they were written before any of them was asked."

SHOP = QuestionSet(
    "a shop's nine answers",
    "",
    "knowledge_shop.md",
    HERE / "knowledge_shop.json",
)
"What small firms have: one page. Nothing is chosen by its questions either."
