"""What of a reply has been heard: its text, its words' places in the audio, and a playout cursor.

Pure. A reply is spoken in pieces (a sentence or so), each with its own audio; pieces follow one
another without a gap, both in the text and in the audio. Positions are samples from the reply's
first, at the lane's rate.
"""

import bisect

import msgspec

CHARS_PER_S = 15.0
"How fast English is spoken; used where a synthesizer tells no words and a piece is not complete."
HEARD_AFTER_MS = 200
"A longer word counts as heard when so much of it was."


class _Piece(msgspec.Struct):
    text_begin: int
    text_end: int
    begin_samples: int
    samples: int = 0
    complete: bool = False
    sound: bool = False
    "A recording: heard or not, as a whole, and gone on with wherever it stopped."
    word_ends: list[int] = msgspec.field(default_factory=list)
    word_begins: list[int] = msgspec.field(default_factory=list)


class SpokenText:
    """A reply's text beside its audio, as both grow."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._pieces: list[_Piece] = []
        self.text = ""
        self.samples = 0

    def write(self, text: str) -> None:
        """Append to the text that is meant to be spoken."""
        self.text += text

    def begin_piece(self, length: int, *, sound: bool = False) -> None:
        """The next `length` characters of the text begin to be spoken here.

        `sound`: they are the name of a recording, which is played.
        """
        begin = self._pieces[-1].text_end if self._pieces else 0
        self._pieces.append(_Piece(begin, begin + length, self.samples, sound=sound))

    def add_audio(self, samples: int) -> None:
        """The current piece's audio has grown."""
        self._pieces[-1].samples += samples
        self.samples += samples

    def add_word(self, begin_samples: int, text_end: int) -> None:
        """A word of the current piece; both places count from the piece's beginning.

        Words that go back in time or beyond the piece's text are a synthesizer's mistake: left out.
        """
        piece = self._pieces[-1]
        begin, end = piece.begin_samples + begin_samples, piece.text_begin + text_end
        in_order = not piece.word_begins or (
            begin >= piece.word_begins[-1] and end > piece.word_ends[-1]
        )
        if in_order and begin >= piece.begin_samples and piece.text_begin < end <= piece.text_end:
            piece.word_begins.append(begin)
            piece.word_ends.append(end)

    def end_piece(self) -> None:
        """The current piece's audio is complete."""
        self._pieces[-1].complete = True

    def heard(self, samples: int) -> str:
        """The text of the first `samples`, cut after the last word that was heard."""
        return self.text[: self._text_end(samples)].strip()

    def heard_between(self, begin_samples: int, end_samples: int) -> str:
        """The words that were heard between two samples; more of a word after than before."""
        begin, end = self._text_end(begin_samples), self._text_end(end_samples)
        return self.text[begin:end].strip()

    def _text_end(self, samples: int) -> int:
        end = 0
        for piece in self._pieces:
            if samples <= piece.begin_samples:
                break
            whole = piece.complete and samples >= piece.begin_samples + piece.samples
            end = piece.text_end if whole else self._heard_of(piece, samples)
            if not whole:
                break
        return end

    def word_begin(self, samples: int) -> int:
        """Where the word that plays at `samples` began: to go on from there breaks no word."""
        for piece in self._pieces:
            if piece.sound and 0 <= samples - piece.begin_samples < piece.samples:
                return samples
        begins = [begin for piece in self._pieces for begin in piece.word_begins or ()]
        begins += [piece.begin_samples for piece in self._pieces if not piece.word_begins]
        begins.sort()
        at = bisect.bisect_right(begins, samples)
        return begins[at - 1] if at else 0

    def _heard_of(self, piece: _Piece, samples: int) -> int:
        if piece.sound:
            enough = min(piece.samples, self._rate_hz * HEARD_AFTER_MS // 1000)
            return piece.text_end if samples - piece.begin_samples >= enough else piece.text_begin
        if not piece.word_begins:
            return self._proportion(piece, samples)
        ends = [*piece.word_begins[1:], piece.begin_samples + piece.samples]
        enough = self._rate_hz * HEARD_AFTER_MS // 1000
        heard = piece.text_begin
        for begin, end, text_end in zip(piece.word_begins, ends, piece.word_ends, strict=True):
            if samples < begin + min(enough, max(1, (end - begin) // 2)):
                break
            heard = text_end
        return heard

    def _proportion(self, piece: _Piece, samples: int) -> int:
        length = piece.text_end - piece.text_begin
        total = piece.samples
        if not piece.complete:
            total = max(total, round(length / CHARS_PER_S * self._rate_hz))
        share = min(1.0, (samples - piece.begin_samples) / max(1, total))
        text = self.text[piece.text_begin : piece.text_end]
        cut = round(share * length)
        if cut >= length or text[cut].isspace():
            return piece.text_begin + cut
        return piece.text_begin + text.rfind(" ", 0, cut) + 1
