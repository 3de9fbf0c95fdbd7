"""A reply whose audio tells its words: the word at index n is samples of the value n + 1."""

import random

import numpy as np

from offhook.tests.kit.fake_lane import Sent

RATE = 8000
WORDS = ["One", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten."]
HEARD_MS = 200
"A word is heard when so much of it was, or half of a shorter one."


class MadeReply:
    """What was made of it, and where it was played."""

    def __init__(self, rng: random.Random) -> None:
        self.words = WORDS if rng.random() < 0.9 else []
        self.spoken = len(self.words)
        "Words that have audio; fewer when the reply breaks off."
        self.samples = [rng.randrange(400, 3600) for _ in self.words]
        self.begins = [sum(self.samples[:index]) for index in range(len(self.words))]
        self.epochs: list[int] = []
        "As what it has played."

    def heard(self, sent: list[Sent], delay_samples: int, *, interrupted: bool) -> str:
        """The words that the far end has heard, by the samples that left the gate."""
        played = [0] * len(self.words)
        at = 0
        for epoch in self.epochs:
            pieces = [each.pcm for each in sent if each.epoch == epoch and not each.fading]
            codes = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
            counts = np.bincount(codes, minlength=len(played) + 1)[1:].tolist()
            for index, count in enumerate(counts):
                if count:
                    at = max(at, self.begins[index] + count)
                    played[index] = max(played[index], count)
        last = max((index for index, count in enumerate(played) if count), default=0)
        assert played[:last] == self.samples[:last], "samples were lost"
        if not interrupted:
            silent = [0] * (len(played) - self.spoken)
            assert played == self.samples[: self.spoken] + silent, "samples were lost"
            return " ".join(self.words[: self.spoken])
        enough = [
            at - delay_samples >= begin + min(HEARD_MS * RATE // 1000, samples // 2)
            for begin, samples in zip(self.begins, self.samples, strict=True)
        ]
        return " ".join(self.words[: sum(enough)])
