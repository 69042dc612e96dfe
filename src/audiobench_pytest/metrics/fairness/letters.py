"""One way to write what has several: encodings of a letter, apostrophes, digits, spoken symbols."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.character_table import CharacterTable
from audiobench_pytest.metrics.fairness.unicode14 import IDEOGRAPHS, without_later_characters

APOSTROPHES = "'`´‘’‚‛ʹʻʼʽˈ′＇՚ꞌ"
"""All that is typed or typeset for an apostrophe, in any encoding."""

_LETTER = r"[^\W\d_]"
_OPENING = re.compile("(?<![^\\W_])'(?=[aeiouāēīōūáéíóúAEIOUĀĒĪŌŪ])")
_CLOSING = re.compile(f"(?<={_LETTER})'(?!{_LETTER})")
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
    "ൻ്റ": "ന്റ",
    "ஶ்ரீ": "ஸ்ரீ",
    "เเ": "แ",
    "\u20e3": "",  # the key around a digit
}
_SEQUENCE = re.compile("|".join(map(re.escape, _SEQUENCES)))
_RAISED = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹¼-¾⅐-⅞])")
_TONE_FIRST = re.compile("([\u0e48-\u0e4c\u0ec8-\u0ecc])([\u0e31\u0e34-\u0e39\u0eb1\u0eb4-\u0eb9\u0ebb])")
"""A Thai or Lao tone typed before the vowel above or below its consonant, which looks the same."""
_DOTTED = "i\u0307"
_LIGATURES = str.maketrans({"ß": "ss", "œ": "oe"})


def _spaced(code: int) -> int:
    """Turn punctuation, a symbol, a separator or a control character into a space."""
    category = unicodedata.category(chr(code))
    is_mark = category[0] in "PSZ" or (category in ("Cc", "Cs", "Cn") and code not in IDEOGRAPHS)
    return ord(" ") if is_mark else code


_SEPARATOR_SIGNS = {0x066B: ord("."), 0x066C: ord(",")}
"""Decimal and thousands mark of Arabic digits."""


def _ascii_digit(code: int) -> int:
    """Turn a decimal digit of any script into that of ASCII."""
    digit = unicodedata.decimal(chr(code), None)
    return code if digit is None else ord("0") + int(digit)


_TO_SPACE, _DIGITS = CharacterTable(_spaced), CharacterTable(_ascii_digit, _SEPARATOR_SIGNS)
_VOWEL_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
_GERSHAYIM = re.compile("(?<=[\u05d0-\u05ea])[\"״׳'”“„″′’](?=[\u05d0-\u05ea])")
_STRESS = re.compile("(?<=[\u0400-\u04ff])[\u0300\u0301]")
_GEMINATE = re.compile("(?<=l)[·•‧∙.](?=l)", re.IGNORECASE)
_URDU = str.maketrans("هيىكة", "ہییکۃ")
_HOMORGANIC = re.compile("ङ्(?=[कखगघ])|ञ्(?=[चछजझ])|ण्(?=[टठडढ])|न्(?=[तथदध])|म्(?=[पफबभ])")
_ARMENIAN = re.compile("[՛՜՞]")
_KURDISH = str.maketrans("كيى", "کیی")
_PASHTO = str.maketrans("ك", "ک")
_VIETNAMESE = str.maketrans("Ðð", "Đđ")
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_TONE = re.compile(f"[{_TONES}]")
_SYLLABLE = re.compile(f"{_LETTER}+")
_LAST_VOWEL = re.compile("([aeiouyAEIOUY][\u0302\u0306\u031b]*)(?!.*[aeiouyAEIOUY])")
_PERSIAN_PREFIX = re.compile("(?<!\\w)(ن?می)[\u200c ]+(?=\\w)")
_PERSIAN_SUFFIX = re.compile("(?<=\\w)[\u200c ]+(ها|های|هایی|تر|ترین)(?!\\w)")


def one_form(text: str) -> str:
    """Apply Unicode normalisation form KC; 10² stays two numbers, 1½ is 1 1/2, and sequences become letters.

    What Unicode has only since its version 15 is set aside first, so that every Python gives one result.
    """
    if text.isascii():
        return text
    text = without_later_characters(text)
    text = _SEQUENCE.sub(lambda found: _SEQUENCES[found[0]], text.replace("´", "'"))  # NFKC makes two of an acute
    return _TONE_FIRST.sub(r"\2\1", unicodedata.normalize("NFKC", _RAISED.sub(" ", text)))


def compose(text: str) -> str:
    """Compose letters and their marks (NFC), and change nothing else."""
    return unicodedata.normalize("NFC", text)


def one_apostrophe(text: str) -> str:
    """Write every kind of apostrophe as `'`."""
    return text.translate(_TO_ONE)


def apostrophe_is_letter(text: str) -> str:
    """Make an apostrophe between two letters the letter U+02BC, of whatever kind it is; others are marks."""
    return _WITHIN.sub("ʼ", text.translate(_TO_ONE))


def glottal_stops(text: str) -> str:
    """Make an apostrophe a letter also at the beginning of a word, before a vowel; two of them quote."""
    text = text.translate(_TO_ONE)
    if _CLOSING.search(text) is None:
        text = _OPENING.sub("ʼ", text)
    return apostrophe_is_letter(text) if "'" in text else text


def decimal_digits(text: str) -> str:
    """Write decimal digits of any script as those of ASCII."""
    return text if text.isascii() else text.translate(_DIGITS)


def lower_case(text: str) -> str:
    """Lower the case by Unicode's rules and compose; an i with a dot on top is an i, ß is ss and œ is oe."""
    return unicodedata.normalize("NFC", text.lower()).translate(_LIGATURES).replace(_DOTTED, "i")


def marks_to_space(text: str) -> str:
    """Replace punctuation and symbols by spaces, squeeze spaces, and keep the combining marks of letters."""
    words = text.translate(_TO_SPACE).split()
    for position, word in enumerate(words):
        if unicodedata.category(word[0])[0] == "M":
            words[position] = word.lstrip("".join(c for c in word if unicodedata.category(c)[0] == "M"))
    return " ".join(filter(None, words))


def vowel_points(text: str) -> str:
    """Drop the points of Arabic and Hebrew vowels, which their writers mostly leave out; hamza and madda stay.

    The alif of a silent beginning (wasla) is an alif then.
    """
    return unicodedata.normalize("NFC", _VOWEL_POINTS.sub("", text).replace("ٱ", "ا"))


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
    """Write D with stroke, not eth, and a syllable's tone mark on its last vowel; apply to lower case.

    Where the mark stands among the vowels of a syllable says nothing (hòa and hoà, của and cuả).
    """
    return _SYLLABLE.sub(lambda found: _tone_last(found[0]), text.translate(_VIETNAMESE).lower())


@functools.lru_cache(8192)
def _tone_last(syllable: str) -> str:
    if syllable.isascii():
        return syllable
    apart = unicodedata.normalize("NFD", syllable)
    tones = _TONE.findall(apart)
    if len(tones) != 1:
        return syllable
    return unicodedata.normalize("NFC", _LAST_VOWEL.sub(rf"\g<1>{tones[0]}", _TONE.sub("", apart)))


def cyrillic_letters(text: str) -> str:
    """Drop the accents that dictionaries put on stressed Cyrillic vowels; letters with marks of their own stay."""
    return _STRESS.sub("", text)


def russian_letters(text: str) -> str:
    """Write ё as е, as most writers do; apply to lower case."""
    return text.replace("ё", "е")


def catalan_letters(text: str) -> str:
    """Write l·l without its point, of whatever kind it is, so that the word stays one."""
    return _GEMINATE.sub("", text)


def urdu_letters(text: str) -> str:
    """Write the heh, yeh and kaf of Arabic keyboards as Urdu has them."""
    return text.translate(_URDU)


def anusvara(text: str) -> str:
    """Write a nasal before a consonant of its own class as anusvara: हिन्दी is हिंदी."""
    return _HOMORGANIC.sub("\u0902", text)


def persian_joins(text: str) -> str:
    """Join mi-, -ha and -tar to their word, whether a space, a non-joiner or nothing parted them; ۀ is ه\u200cی."""
    text = text.replace("هٔ", "هی").replace("ۀ", "هی")
    return _PERSIAN_SUFFIX.sub(r"\1", _PERSIAN_PREFIX.sub(r"\1", text))


_GROUPS = {
    "dot": r"(?:\.\d\d\d)+(?!\d|\.\d)",
    "comma": r"(?:,\d\d\d)+(?!\d|,\d)",
    "space": r"(?: \d\d\d)+(?!\d| \d)",
    "apostrophe": r"(?:'\d\d\d)+(?!\d|'\d)",
    "indian": r"(?:,\d\d)*,\d\d\d(?!\d|,\d)",
}
_WAYS = {
    "dot": ("dot", "space", "apostrophe"),
    "space": ("space", "dot", "apostrophe"),
    "comma": ("comma",),
    "comma-indian": ("indian",),
}
"""How digits are grouped where this is the usual way; who groups otherwise than usual is understood as well."""
_FOUR_DIGITS = re.compile(r"\d[., ']\d\d")
"""What is in every grouped number."""
_SEPARATORS = str.maketrans("", "", "., '")


def _digit_groups(argument: str | tuple[str, ...]) -> Callable[[str], str]:
    """Make the step that joins digits grouped with a separator: `1.250` is `1250`, `1.250,50` is `1250,50`.

    Raises:
        ValueError: The argument is none of `dot`, `comma`, `space`, `comma-indian`.
    """
    if not isinstance(argument, str) or argument not in _WAYS:
        raise ValueError(f"must be one of {', '.join(_WAYS)}")
    ways = "|".join(_GROUPS[way] for way in _WAYS[argument])
    pattern = re.compile(rf"(?<![\d.,'])(?<!\d )\d{{1,3}}(?:{ways})")

    def join(text: str) -> str:
        if _FOUR_DIGITS.search(text) is None:
            return text
        return pattern.sub(lambda found: found[0].translate(_SEPARATORS), text)

    return join


TEXT_STEPS = {
    "urdu_letters": urdu_letters,
    "russian_letters": russian_letters,
    "cyrillic_letters": cyrillic_letters,
    "catalan_letters": catalan_letters,
    "anusvara": anusvara,
    "apostrophe_is_letter": apostrophe_is_letter,
    "armenian_marks": armenian_marks,
    "compose": compose,
    "decimal_digits": decimal_digits,
    "glottal_stops": glottal_stops,
    "hebrew_acronyms": hebrew_acronyms,
    "kurdish_letters": kurdish_letters,
    "lower_case": lower_case,
    "marks_to_space": marks_to_space,
    "one_apostrophe": one_apostrophe,
    "one_form": one_form,
    "pashto_letters": pashto_letters,
    "persian_joins": persian_joins,
    "vietnamese_letters": vietnamese_letters,
    "vowel_points": vowel_points,
}
MADE_TEXT_STEPS = {"digit_groups": _digit_groups}
