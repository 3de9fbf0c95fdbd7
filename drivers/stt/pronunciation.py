"""Pronunciations for words that the dictionary lacks: espeak-ng's phonemes as ARPAbet. Pure.

The recogniser's en-us model knows the 39 phones of CMUdict; espeak writes some 70 mnemonics for
English. Stress is dropped, and what English does not have is taken for its nearest neighbour.
"""

# espeak-ng mnemonic (docs/phonemes.md, phsource/ph_english_us) -> phones of the en-us model.
ARPABET: dict[str, str] = {
    # plosives, affricates, flaps
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "g": "G", "t#": "T", "t2": "T", "tS": "CH",
    "dZ": "JH", "?": "", "*": "T",
    # fricatives
    "f": "F", "v": "V", "T": "TH", "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH", "h": "HH",
    "x": "K", "C": "SH",
    # nasals, liquids, glides; a consonant that is a syllable
    "m": "M", "n": "N", "N": "NG", "l": "L", "r": "R", "r-": "R", "r/": "R", "w": "W", "j": "Y",
    "n-": "AH N", "m-": "AH M", "@L": "AH L", "l/": "L", "l#": "L", "n^": "N Y", ";": "",
    # short vowels
    "@": "AH", "@2": "AH", "@5": "AH", "@-": "", "a#": "AH", "V": "AH", "I": "IH", "I2": "IH",
    "I#": "IH", "i": "IY", "E": "EH", "E2": "EH", "a": "AE", "aa": "AE", "0": "AA", "0#": "AA",
    "U": "UH", "O": "AO", "O2": "AO", "e": "EY", "o": "OW", "u": "UW", "A": "AA",
    # long vowels and diphthongs
    "i:": "IY", "A:": "AA", "O:": "AO", "u:": "UW", "eI": "EY", "aI": "AY", "OI": "OY",
    "aU": "AW", "oU": "OW", "e:": "EY", "o:": "OW", "A~": "AA N", "O~": "AO N", "E~": "AE N",
    # before r
    "3": "ER", "3:": "ER", "A@": "AA R", "O@": "AO R", "o@": "AO R", "e@": "EH R", "i@": "IY AH",
    "i@3": "IH R", "U@": "UH R", "aI@": "AY AH", "aI3": "AY ER", "aU@": "AW ER", "@r": "ER",
}  # fmt: skip
STRESS_MARKS = "',%=|"


def arpabet(phonemes: list[str]) -> str | None:
    """Phones, separated by spaces, for espeak's mnemonics; None when one of them is unknown."""
    phones: list[str] = []
    for mnemonic in phonemes:
        bare = mnemonic.strip(STRESS_MARKS)
        if not bare:
            continue
        if bare not in ARPABET:
            return None
        phones += ARPABET[bare].split()
    return " ".join(_without_doubles(phones)) or None


def _without_doubles(phones: list[str]) -> list[str]:
    """espeak writes "IY" + "AH" + "R" for what CMUdict has as "IH R"; doubles are one sound."""
    return [phone for index, phone in enumerate(phones) if not index or phone != phones[index - 1]]
