"""One way to write what has several: encodings of a letter, apostrophes, digits, spoken symbols."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

APOSTROPHES = "'`´‘’‚‛ʹʻʼʽˈ′＇՚ꞌ"
"""All that is typed or typeset for an apostrophe, in any encoding."""

_LETTER = r"[^\W\d_]"
_TO_ONE = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_WITHIN = re.compile(f"(?<={_LETTER})'(?={_LETTER})")
_SEQUENCES = {
    # A consonant, a virama and a joiner are what one code point writes.
    "ന്\u200d": "ൻ",
    "ര്\u200d": "ർ",
    "ല്\u200d": "ൽ",
    "ള്\u200d": "ൾ",
    "ണ്\u200d": "ൺ",
    "ക്\u200d": "ൿ",
    "ত্\u200d": "ৎ",
    "เเ": "แ",
    "\u20e3": "",  # the key around a digit
}
_SEQUENCE = re.compile("|".join(map(re.escape, _SEQUENCES)))
_RAISED = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹¼-¾⅐-⅞])")
_DOTTED = "i\u0307"
_EMOJI = range(0x1F000, 0x1FB00)
"""Symbols by block: which of them a Python knows differs from version to version, what they are does not."""


class _SpaceTable(dict[int, int]):
    """Turns punctuation, symbols, separators and control characters into spaces, whichever Unicode Python has."""

    def __missing__(self, code: int) -> int:
        category = unicodedata.category(chr(code))
        is_mark = code in _EMOJI or category[0] in "PSZ" or category in ("Cc", "Cs", "Cn")
        self[code] = ord(" ") if is_mark else code
        return self[code]


class _DigitTable(dict[int, int]):
    """Turns decimal digits of any script into those of ASCII."""

    def __missing__(self, code: int) -> int:
        digit = unicodedata.decimal(chr(code), None)
        self[code] = code if digit is None else ord("0") + int(digit)
        return self[code]


_TO_SPACE, _DIGITS = _SpaceTable(), _DigitTable()
_VOWEL_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
_GERSHAYIM = re.compile("(?<=[\u05d0-\u05ea])[\"״׳'](?=[\u05d0-\u05ea])")
_ARMENIAN = re.compile("[՛՜՞]")
_KURDISH = str.maketrans("كيى", "کیی")
_PASHTO = str.maketrans("ك", "ک")
_VIETNAMESE = str.maketrans("Ðð", "Đđ")
_PLACED = {
    f"{first}{second}": f"{plain}{marked}"
    for plain, vowel in (("o", "a"), ("o", "e"), ("u", "y"))
    for mark in "\u0300\u0301\u0303\u0309\u0323"
    for first, second, marked in [
        (unicodedata.normalize("NFC", plain + mark), vowel, unicodedata.normalize("NFC", vowel + mark))
    ]
}
"""Where a tone mark of Vietnamese may stand: on the first of two vowels, as it was written, or on the second."""
_PLACE = re.compile("|".join(_PLACED))
_PERSIAN_PREFIX = re.compile("(?<!\\w)(ن?می)[\u200c ]+(?=\\w)")
_PERSIAN_SUFFIX = re.compile("(?<=\\w)[\u200c ]+(ها|های|هایی)(?!\\w)")


def one_form(text: str) -> str:
    """Apply Unicode normalisation form KC; 10² stays two numbers, 1½ is 1 1/2, and sequences become letters."""
    text = _SEQUENCE.sub(lambda found: _SEQUENCES[found[0]], text)
    return unicodedata.normalize("NFKC", _RAISED.sub(" ", text))


def compose(text: str) -> str:
    """Compose letters and their marks (NFC), and change nothing else."""
    return unicodedata.normalize("NFC", text)


def one_apostrophe(text: str) -> str:
    """Write every kind of apostrophe as `'`."""
    return text.translate(_TO_ONE)


def apostrophe_is_letter(text: str) -> str:
    """Make an apostrophe between two letters the letter U+02BC, of whatever kind it is; others are marks."""
    return _WITHIN.sub("ʼ", text.translate(_TO_ONE))


def decimal_digits(text: str) -> str:
    """Write decimal digits of any script as those of ASCII."""
    return text if text.isascii() else text.translate(_DIGITS)


def lower_case(text: str) -> str:
    """Lower the case by Unicode's rules and compose; an i with a dot on top is an i, and ß is what its capitals are."""
    return unicodedata.normalize("NFC", text.lower()).replace(_DOTTED, "i").replace("ß", "ss")


def marks_to_space(text: str) -> str:
    """Replace punctuation and symbols by spaces, squeeze spaces, and keep the combining marks of letters."""
    words = text.translate(_TO_SPACE).split()
    for position, word in enumerate(words):
        if unicodedata.category(word[0])[0] == "M":
            words[position] = word.lstrip("".join(c for c in word if unicodedata.category(c)[0] == "M"))
    return " ".join(filter(None, words))


def vowel_points(text: str) -> str:
    """Drop the points of Arabic and Hebrew vowels, which their writers mostly leave out; hamza and madda stay."""
    return unicodedata.normalize("NFC", _VOWEL_POINTS.sub("", text))


def hebrew_acronyms(text: str) -> str:
    """Drop gershayim and geresh between Hebrew letters: the mark of an acronym or a foreign sound is no break."""
    return _GERSHAYIM.sub("", text)


def armenian_marks(text: str) -> str:
    """Drop the Armenian marks of tone, which stand inside words."""
    return _ARMENIAN.sub("", text)


def kurdish_letters(text: str) -> str:
    """Write the kaf and yeh of Arabic keyboards as Sorani has them, and heh with a non-joiner as the vowel it is."""
    return text.replace("ه\u200c", "ە").translate(_KURDISH)


def pashto_letters(text: str) -> str:
    """Write the kaf of Arabic keyboards as Pashto has it; its kinds of yeh are letters of their own."""
    return text.translate(_PASHTO)


def vietnamese_letters(text: str) -> str:
    """Write D with stroke, not eth, and the tone mark of two vowels on the second; apply to lower case."""
    return _PLACE.sub(lambda found: _PLACED[found[0]], text.translate(_VIETNAMESE).lower())


def persian_joins(text: str) -> str:
    """Join the prefix mi- and the plural -ha to their word, whether a space, a non-joiner or nothing parted them."""
    return _PERSIAN_SUFFIX.sub(r"\1", _PERSIAN_PREFIX.sub(r"\1", text))


def _digit_groups(argument: str | tuple[str, ...]) -> Callable[[str], str]:
    """Make the step that joins digits grouped with a separator: `1.250` is `1250`.

    Raises:
        ValueError: The argument is none of `dot`, `comma`, `space`, `comma-indian`.
    """
    separators = {"dot": r"\.", "comma": ",", "space": " ", "comma-indian": ","}
    if argument not in separators:
        raise ValueError(f"must be one of {', '.join(separators)}")
    separator = separators[str(argument)]
    inner = rf"(?:{separator}\d\d)*{separator}\d\d\d" if argument == "comma-indian" else rf"(?:{separator}\d\d\d)+"
    pattern = re.compile(rf"(?<![\d.,])\d{{1,3}}{inner}(?!\d|[.,]\d)")
    drop = re.compile(separator)
    return lambda text: pattern.sub(lambda found: drop.sub("", found[0]), text)


_MINUS = re.compile(r"(?<![\w.,])[-−–](?=\d)")
_SAID = (
    (
        re.compile(r"[%٪]|\b(?:percent|per cent|prozent|pour ?cent|por ciento|per cento|por cento|procent)\b"),
        " percent ",
    ),
    (re.compile(r"([$€£¥₹₽₩])\s*(\d[\d.,]*)"), r"\2 \1"),
    (re.compile(r"\$|\bdollars?\b"), " dollar "),
    (re.compile(r"€|\beuros?\b"), " euro "),
    (re.compile(r"£|\bpounds?\b"), " pound "),
    (re.compile("¥"), " yen "),
    (re.compile("₹"), " rupee "),
)


def spoken_symbols(text: str) -> str:
    """Write a sign, a percent and a currency as the words they are read as; apply to lower case.

    They are heard, so that leaving one out is an error; the same token stands for the symbol and for its word.
    """
    text = _MINUS.sub("minus ", text)
    for pattern, word in _SAID:
        text = pattern.sub(word, text)
    return text


TEXT_STEPS = {
    "apostrophe_is_letter": apostrophe_is_letter,
    "armenian_marks": armenian_marks,
    "compose": compose,
    "decimal_digits": decimal_digits,
    "hebrew_acronyms": hebrew_acronyms,
    "kurdish_letters": kurdish_letters,
    "lower_case": lower_case,
    "marks_to_space": marks_to_space,
    "one_apostrophe": one_apostrophe,
    "one_form": one_form,
    "pashto_letters": pashto_letters,
    "persian_joins": persian_joins,
    "spoken_symbols": spoken_symbols,
    "vietnamese_letters": vietnamese_letters,
    "vowel_points": vowel_points,
}
MADE_TEXT_STEPS = {"digit_groups": _digit_groups}
