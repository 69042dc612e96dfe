"""Numbers in digits read out where the other text has them in words, for a rate beside the headline.

A number has several readings (un, une; neunzehnhundert, tausendneunhundert; an ordinal). Where one of them stands in
the other text, that one is taken, so that it does not matter who wrote digits and who wrote words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from audiobench_pytest.languages import macro_language

_READERS: Mapping[str, tuple[str, ...]] = {
    "fr": ("fr", "fr_BE", "fr_CH"),
    "pt": ("pt", "pt_BR"),
    "kk": ("kz",),
    "ms": ("id",),
    "nb": ("no",),
    "nn": ("no",),
    **{
        code: (code,)
        for code in (
            *("am", "ar", "az", "be", "bn", "ca", "cs", "cy", "da", "de", "eo", "es", "fa", "fi", "he", "hu", "id"),
            *("is", "it", "ja", "kn", "ko", "lt", "lv", "nl", "no", "pl", "ro", "ru", "sk", "sl", "sr", "sv", "te"),
            *("tg", "th", "tr", "uk", "vi"),
        )
    },
}
"""Readers of the package num2words by language; Hindi has one here."""

LANGUAGES = frozenset({*_READERS, "hi"})
"""Languages in which numbers are written in words as well as in digits, and whose words are known."""

_BY_GENDER: Mapping[str, Mapping[int, str]] = {
    "de": {1: "ein eine einen einem einer", 2: "zwo"},
    "fr": {1: "une", 21: "vingt-et-un"},
    "es": {1: "un una", 21: "veintiún veintiuna"},
    "it": {1: "un una"},
    "pt": {1: "uma", 2: "duas"},
    "nl": {1: "een"},
    "pl": {1: "jedna jedno jednego", 2: "dwie dwóch dwoje"},
    "ru": {1: "одна одно одного одной", 2: "две двух двум", 3: "трёх трех", 4: "четырёх четырех", 5: "пяти"},
    "uk": {1: "одна одне", 2: "дві двох"},
    "cs": {1: "jeden jedna jedno", 2: "dvě dvou"},
    "ar": {1: "واحدة", 2: "اثنين اثنتان", 3: "ثلاث", 4: "أربع", 5: "خمس", 10: "عشر"},
    "ko": {
        1: "하나 한",
        2: "둘 두",
        3: "셋 세",
        4: "넷 네",
        5: "다섯",
        6: "여섯",
        7: "일곱",
        8: "여덟",
        9: "아홉",
        10: "열",
    },
    "ja": {1: "ひとつ 一つ", 2: "ふたつ 二つ"},
    "hi": {6: "छः छे", 9: "नव"},
}
"""Further words for a number, where a language has them."""

_SHORTENED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "de": (("eintausend", "tausend"), ("einhundert", "hundert")),
    "ru": (("одна тысяча", "тысяча"), ("один миллион", "миллион")),
    "uk": (("одна тисяча", "тисяча"), ("один мільйон", "мільйон")),
    "ar": ((" و ", " و"),),
    "pl": (("jeden tysiąc", "tysiąc"),),
    "da": (("et hundrede", "hundrede"), ("ettusinde", "tusinde")),
    "nl": (("eenduizend", "duizend"),),
    "id": (("satu ribu", "seribu"), ("satu ratus", "seratus")),
}
"""What a reading has at its beginning (an and of Arabic: anywhere), and how else it is said."""

_NUMBER = re.compile(r"(?<![^\W_])[0-9]{1,12}(?![^\W_])")
_NUMBER_BETWEEN_SIGNS = re.compile(r"(?<![0-9A-Za-z])[0-9]{1,12}(?![0-9A-Za-z])")

_NOTHING = re.compile("(?!)")
Normalise = Callable[[str], str]


def language_of(code: str) -> str | None:
    """Return the language whose words are known for a code (`pt` of `pt-br`, `ar` of `arz`), or None."""
    for candidate in (code.casefold().partition("-")[0], macro_language(code)):
        if candidate in LANGUAGES:
            return candidate
    return None


def folded(text: str, other: str, language: str, normalise: Normalise, *, spaced: bool) -> str:
    """Return a text with each number in digits written in the words that the other text has for it.

    Args:
        text: A text after the steps of its rule.
        other: The text that it is compared with, after the same steps.
        language: One of `LANGUAGES`.
        normalise: The steps, for the words of a number.
        spaced: Whether words are counted, and not the characters of a text without spaces.
    """

    def read(found: re.Match[str]) -> str:
        for words in readings(int(found[0]), language):
            said = _as_written(normalise(words), spaced=spaced).search(other)
            if said:
                return said[0]
        return found[0]

    return (_NUMBER if spaced else _NUMBER_BETWEEN_SIGNS).sub(read, text)


@functools.lru_cache(4096)
def _as_written(words: str, *, spaced: bool) -> re.Pattern[str]:
    """Return what finds some words, however they are parted or joined: yirmibeş, yirmi beş."""
    together = words.replace(" ", "")
    if not together:
        return _NOTHING
    return re.compile((r"(?<!\S){}(?!\S)" if spaced else "{}").format(" ?".join(map(re.escape, together))))


@functools.lru_cache(4096)
def readings(number: int, language: str) -> tuple[str, ...]:
    """Return the ways to say a number, the usual one first; empty where it has no name."""
    found = list(_hindi(number) if language == "hi" else _of_package(number, _READERS[language]))
    found += _BY_GENDER.get(language, {}).get(number, "").split()
    found += [other for one in found for other in _shortened(one, language)]
    return tuple(dict.fromkeys(found))


def _shortened(words: str, language: str) -> Iterable[str]:
    for long, short in _SHORTENED.get(language, ()):
        if words.startswith(long) or language == "ar":
            yield words.replace(long, short) if language == "ar" else short + words.removeprefix(long)


def _of_package(number: int, readers: Iterable[str]) -> Iterator[str]:
    from num2words import num2words  # not at the top: only for who scores such a language

    for reader in readers:
        for kind in ("cardinal", "year", "ordinal"):
            if kind == "year" and not 1000 < number < 2100:
                continue
            try:
                yield str(num2words(number, lang=reader, to=kind))
            except Exception:  # it has many ways to say that it cannot
                continue


_HINDI_WORDS = """
    शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
    बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस
    अड़तीस उनतालीस चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास पचास इक्यावन बावन
    तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर
    बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी
    अट्ठासी नवासी नब्बे इक्यानवे बानवे तिरानवे चौरानवे पंचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
"""
_HINDI = _HINDI_WORDS.split()
_HINDI_UNITS = ((10_000_000, "करोड़"), (100_000, "लाख"), (1000, "हज़ार"), (100, "सौ"))


def _hindi(number: int) -> Iterator[str]:
    words = " ".join(_hindi_words(number))
    yield words
    yield words.replace("ँ", "ं").replace("हज़ार", "हजार")


def _hindi_words(number: int) -> Iterator[str]:
    if number < 100:
        yield _HINDI[number]
        return
    for size, name in _HINDI_UNITS:
        high, number = divmod(number, size)
        if high:
            yield from (*_hindi_words(high), name)
    if number:
        yield _HINDI[number]
