import random

from offhook.control.knowledge.chunking import MAX_CHARS, Block, chunks


def test_short_paragraphs_under_one_heading_stand_together() -> None:
    blocks = [Block("Shop", None, 1), Block("One."), Block("Two."), Block("Hours", None, 2)]
    found = list(chunks([*blocks, Block("Nine to six."), Block("Post", None, 1), Block("Three.")]))
    assert [(chunk.heading, chunk.text) for chunk in found] == [
        ("Shop", "One.\nTwo."),
        ("Shop › Hours", "Nine to six."),
        ("Post", "Three."),
    ]


def test_a_piece_tells_its_page() -> None:
    found = list(chunks([Block("One.", 1), Block("Two.", 2), Block("Three.", 2)]))
    assert [(chunk.page, chunk.text) for chunk in found] == [(1, "One."), (2, "Two.\nThree.")]


def test_what_is_said_across_a_cut_is_in_both_pieces() -> None:
    sentences = [f"Sentence number {number} is about as long as others." for number in range(60)]
    found = [chunk.text for chunk in chunks([Block(" ".join(sentences))])]
    assert len(found) > 2
    for before, after in zip(found, found[1:], strict=False):
        assert before.rsplit(". ", 1)[1] == after.split(". ", 1)[0] + "."


def test_no_piece_is_too_long_and_no_word_is_lost() -> None:
    rng = random.Random(1)
    for _ in range(50):
        said = [str(number) for number in range(rng.randrange(1, 2000))]
        text = "".join(word + rng.choice((" ", " ", ". ", "\n", "! ")) for word in said)
        found = [chunk.text for chunk in chunks([Block(text)])]
        assert max(map(len, found)) <= MAX_CHARS
        kept = {word.strip(".!") for chunk in found for word in chunk.split()}
        assert kept == set(said)
    assert max(len(chunk.text) for chunk in chunks([Block("x" * 10_000)])) <= MAX_CHARS
    assert list(chunks([Block(" \n "), Block("")])) == []


def test_what_no_database_takes_is_left_out() -> None:
    assert [chunk.text for chunk in chunks([Block("a\ud800b\0c")])] == ["a?b c"]
