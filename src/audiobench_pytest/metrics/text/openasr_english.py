"""The English text step of the Open ASR Leaderboard, as its published scores of August 2026 were made with.

It is Whisper's normaliser (package `whisper-normalizer`) with more fillers, "'s" read as "is" only after the words
where it must be, a few compounds written as one word, spellings corrected and added, spelling variants of names folded
into one, and runs of single letters joined. The word lists are those of the leaderboard.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.text.whisper import without_unclosed

# fmt: off
FILLERS = (
    "hmm", "mm", "mhm", "mmm", "uh", "um",
    "ah", "aha", "ahh", "ahm", "eh", "ehehe", "em", "hm", "huh", "hum", "mhum", "uhm", "umm", "uhuh",
)
"""Words deleted: Whisper's six and fourteen more."""

IS_AFTER = ("it", "he", "she", "what", "that", "who", "here", "there", "how", "when", "where", "why", "this")
"""Words after which "'s" is "is"; elsewhere it may be a possessive and stays."""

COMPOUNDS: Mapping[str, str] = {
    "et cetera": "etc", "al right": "alright", "all right": "alright", "how ever": "however", "o k": "okay",
    "wi fi": "wifi", "hi fi": "hifi", "lo fi": "lofi", "sci fi": "scifi", "x ray": "xray", "t shirt": "tshirt",
    "e mail": "email", "e book": "ebook", "e commerce": "ecommerce", "a m": "am", "p m": "pm",
}
"""Words written as one, once hyphens are spaces. No word ends one entry and begins another: their order is free."""

SPELLINGS: Mapping[str, str] = {
    "ok": "okay", "kay": "okay", "etcetera": "etc", "mm": "hmm",
    # Turned round, or wrong, in the table of whisper-normalizer.
    "archaeological": "archeological", "archaeology": "archeology", "flyer": "flier", "snowploughs": "snowplows",
    "cancellation": "cancelation", "cancellations": "cancelations", "pummelled": "pummeled",
    "pummelling": "pummeling", "travelogue": "travelog", "travelogues": "travelogs",
}
"""Added to the British-American table of `whisper-normalizer`, over its own entries."""

NO_SPELLINGS = ("archeological", "cancelation", "cancelations", "flyer / flier", "travelog", "travelogs")
"""Entries of that table that the leaderboard does not have."""

NAMES: Mapping[str, str] = {
    "aaron": "aron", "alfonso": "alphonso", "alison": "allison alyson", "allen": "alan allan", "anne": "ann",
    "anthony": "antony", "arthur": "artur", "brett": "bret", "brian": "bryan", "bridget": "bridgette",
    "caitlin": "katelyn kaitlyn kaitlin", "carl": "karl", "carol": "carrol carole carroll",
    "catherine": "katherine kathryn catharine", "cathy": "kathy", "charlie": "charly charley", "chris": "kris",
    "christina": "kristina", "christopher": "kristopher cristopher", "colin": "collin", "deborah": "devorah",
    "dennis": "denis", "dominic": "dominick", "douglas": "douglass", "dylan": "dillon", "eric": "erik erick",
    "fatima": "fatimah", "frederick": "frederik fredrick", "gail": "gayle", "gary": "garry", "greg": "gregg",
    "henry": "henri", "ivonne": "yvonne", "jackie": "jacky", "jamie": "jaime", "jason": "jayson", "jeff": "geoff",
    "jeffrey": "geoffrey jeffery", "joanne": "joann joane", "john": "jon", "jonathan": "johnathan jonathon",
    "joseph": "josef", "karen": "caren caryn karin", "kelly": "kellye kelli kelley", "kevin": "kevan",
    "kristin": "kristen", "laurie": "lori", "lawrence": "laurence", "lee": "leigh", "leslie": "lesley",
    "lily": "lilly", "linda": "lynda", "lindsay": "linsey lindsey", "louis": "lewis", "lucas": "lukas",
    "lynn": "lynne", "mark": "marc", "martin": "martyn", "matthew": "mathew", "mcarthur": "macarthur",
    "mccarthy": "macarthy maccarthy", "mccartney": "macartney", "mcdonald": "macdonald", "mcgowan": "macgowan",
    "mcintosh": "macintosh", "mcintyre": "macintyre", "mckay": "mackay", "mckenzie": "mackenzie",
    "mclean": "maclean", "mcleod": "macleod", "mcmillan": "macmillan", "mcnamara": "macnamara",
    "megan": "meghan", "michael": "micheal", "michelle": "michele", "miriam": "myriam",
    "mohammed": "mohamad mohamed mohammad muhammad muhamad muhammed mouhamed mouhamad mahomet",
    "molly": "mollie", "natalie": "nathalie", "neil": "neal", "nicholas": "nicolas", "nicole": "nikole",
    "patrick": "patrik", "peter": "pieter", "philip": "phillip", "rachel": "rachael", "rajiv": "rajeev",
    "rebecca": "rebekah", "rob": "robb", "robin": "robyn", "roger": "rodger", "ronda": "rhonda",
    "russell": "russel", "sally": "sallie", "sarah": "sara", "sean": "shaun shawn", "shane": "shayne",
    "sherry": "sheri cheri sherrie", "simon": "symon", "stacy": "stacey stacie", "steven": "stephen",
    "stuart": "stewart", "susanne": "suzanne", "teresa": "theresa", "terry": "terri", "thomas": "tomas",
    "toby": "tobey", "tony": "toni", "tracy": "tracey tracie", "veronica": "veronika", "victor": "viktor",
    "victoria": "viktoria", "walter": "walther", "yousef": "yusuf yusef", "zach": "zak",
    "zachary": "zackary zachery",
}
"""Spellings of one name, by the one that is kept."""
# fmt: on

_NAME_OF = {variant: name for name, variants in NAMES.items() for variant in variants.split()}
_COMPOUND = re.compile(r"\b(?:" + "|".join(r"\s+".join(words.split()) for words in COMPOUNDS) + r")\b")
_ANY_IS = r"'s\b"


def openasr_english(text: str) -> str:
    """Apply the English normaliser of the Open ASR Leaderboard and squeeze spaces.

    In order, beside what Whisper's does (see `english.whisper_english`): `FILLERS` out; "'s" to "is" after `IS_AFTER`
    only; after the symbols are gone, `COMPOUNDS` joined; then numbers, spelling (`SPELLINGS`), `NAMES`, acronyms; last
    the currency and percent signs that touch no number. Source: open_asr_leaderboard, revision d1e99b2.

    A text with a number of more digits than Python converts (4300) keeps its numbers as they are written.
    """
    text = without_unclosed(text)
    try:
        normalised = _normaliser(numbers=True)(text)
    except (AssertionError, ValueError):
        normalised = _normaliser(numbers=False)(text)
    return " ".join(normalised.split())


def join_acronyms(words: Iterable[str]) -> Iterator[str]:
    """Join each run of two or more single letters or digits, of three or more where the run holds "a" or "i"."""
    for single, run in groupby(words, key=lambda word: len(word) == 1 and word.isalnum()):
        letters = list(run)
        if single and len(letters) >= (3 if "a" in letters or "i" in letters else 2):
            yield "".join(letters)
        else:
            yield from letters


@functools.cache
def _normaliser(*, numbers: bool) -> Callable[[str], str]:
    # Whisper's normaliser is a chain with the numbers and the spelling as exchangeable links, right after the symbols:
    # what the leaderboard does before, between and after them goes into these two links.
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser = EnglishTextNormalizer()
    if _ANY_IS not in normaliser.replacers:
        raise UsageError("openasr_english changes a rule that this whisper-normalizer lacks: install version 0.1.15")
    normaliser.ignore_patterns = rf"\b({'|'.join(FILLERS)})\b"
    normaliser.replacers = dict(_exchanged(normaliser.replacers.items()))
    read_numbers = normaliser.standardize_numbers if numbers else str
    spelling = {**normaliser.standardize_spellings.mapping, **SPELLINGS}
    for word in NO_SPELLINGS:
        spelling.pop(word, None)

    def spell(text: str) -> str:
        american = (spelling.get(word, word) for word in text.split())
        return " ".join(join_acronyms(_NAME_OF.get(word, word) for word in american))

    normaliser.standardize_numbers = lambda text: read_numbers(_COMPOUND.sub(_joined, text))
    normaliser.standardize_spellings = spell
    whole: Callable[[str], str] = normaliser
    return whole


def _exchanged(replacers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for pattern, replacement in replacers:
        if pattern == _ANY_IS:
            yield rf"\b({'|'.join(IS_AFTER)})'s\b", r"\1 is"
        else:
            yield pattern, replacement


def _joined(match: re.Match[str]) -> str:
    return COMPOUNDS[" ".join(match.group().split())]


TEXT_STEPS = {"openasr_english": openasr_english}
PACKAGES = {"openasr_english": ("whisper-normalizer",)}
