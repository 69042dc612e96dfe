"""Which option or label an answer names, in the languages that models answer in; see `metrics.extraction` for the rest.

Each language has its ways to say "the answer is C" and "it is not C", in pairs: a cue that is known is known denied.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.extraction import choices as strict
from audiobench_pytest.metrics.extraction.denial import is_denied
from audiobench_pytest.metrics.extraction.labels import OF_ITEM, ClosedSet, named_set, set_of_choices
from audiobench_pytest.metrics.extraction.phrases import Phrases, words_of
from audiobench_pytest.metrics.fairness.english import english_words
from audiobench_pytest.metrics.item import Item

_L = r"[(\[「『“\"'*]*(?P<{name}>[A-Z])(?![^\W\d_])"
_CUES = {
    "en": (
        r"(?:\banswer|\boption|\bchoice)\s+(?:is|would be|should be|must be)\s*:?\s*(?:option\s+)?",
        r"\bis(?:n't| not)\s+(?:option\s+)?",
    ),
    "es": (
        r"\b(?:es|elijo|escojo|ser[ií]a)\s+(?:la\s+)?(?:opci[oó]n\s+|respuesta\s+|letra\s+)?",
        r"\bno\s+(?:es|ser[ií]a)\s+(?:la\s+)?(?:opci[oó]n\s+)?",
    ),
    "fr": (
        r"\b(?:est|choisis|serait)\s+(?:la\s+)?(?:r[ée]ponse\s+|option\s+|lettre\s+)?",
        r"\bn['’](?:est|[ée]tait)\s+pas\s+(?:la\s+)?(?:r[ée]ponse\s+|option\s+)?",
    ),
    "de": (
        r"\b(?:ist|lautet|w[äa]hle|w[äa]re)\s+(?:die\s+)?(?:option\s+|antwort\s+)?",
        r"\b(?:ist|w[äa]re)\s+nicht\s+(?:die\s+)?(?:option\s+|antwort\s+)?",
    ),
    "it": (
        r"(?:\bè|\bscelgo|\bsarebbe)\s+(?:la\s+)?(?:risposta\s+|opzione\s+|lettera\s+)?",
        r"\bnon\s+è\s+(?:la\s+)?(?:risposta\s+|opzione\s+)?",
    ),
    "pt": (
        r"(?:\bé|\bescolho|\bseria)\s+(?:a\s+)?(?:resposta\s+|op[çc][ãa]o\s+|letra\s+|alternativa\s+)?",
        r"\bn[ãa]o\s+é\s+(?:a\s+)?(?:resposta\s+|op[çc][ãa]o\s+|alternativa\s+)?",
    ),
    "nl": (r"\bantwoord\s+is\s+(?:optie\s+)?", r"\bis\s+niet\s+(?:optie\s+)?"),
    "pl": (r"\bodpowied[źz]\s+to\s+|\bwybieram\s+", r"\bnie\s+(?:jest\s+)?"),
    "ru": (r"\bответ\s*(?::|-|–|—)?\s*(?:это\s+)?", r"\bне\s+"),
    "uk": (r"\bвідповідь\s*(?::|-|–|—)?\s*(?:це\s+)?", r"\bне\s+"),
    "tr": (r"\bcevap\s+|\byanıt\s+", r"(?!)"),
    "id": (r"\badalah\s+|\bjawapan(?:nya)?\s+", r"\bbukan\s+"),
    "vi": (r"\bđáp án(?:\s+đúng)?\s+là\s+", r"\bkhông phải(?:\s+là)?\s+"),
    "hi": (r"उत्तर\s+(?:है\s+)?", r"(?!)"),
    "th": (r"คือ\s*(?:ข้อ\s*)?|ตอบ\s*(?:ข้อ\s*)?", r"ไม่ใช่\s*(?:ข้อ\s*)?"),
    "ja": (r"(?:答え|正解|回答|解答|選択肢)\s*(?:は|:)?\s*", r"(?!)"),
    "ko": (r"(?:정답|답|답변)\s*(?:은|:)?\s*", r"(?!)"),
    "zh": (
        r"(?:答案|正确选项|正確選項|应选|應選|选择|選擇|选|選)\s*(?:是|为|為|:)?\s*",
        r"(?:不是|并非|並非|不选|不選)\s*",
    ),
    "ar": (r"(?:الإجابة|الجواب)(?:\s+الصحيحة?)?\s*(?:هي|هو|:)?\s*", r"(?:ليست|ليس)\s+"),
}
"""By language: what stands before the letter that is the answer, and before one that is not."""

_AFTER = (
    r"\s*(?:です|でしょう|だと思|が正解|が答え)",
    r"\s*(?:가|이)\s*(?:정답|답|맞)",
    r"\s*(?:입니다|예요|이에요)",
    r"\s+है(?![ंँ])",
    r"\s*(?:是正确|是對的|是对的|正确|正確)",
)
_NOT_AFTER = (
    r"\s*(?:では|じゃ)?(?:ない|ありません|なく)",
    r"\s*(?:가|이|은|는)\s*(?:아니|아닙|틀)",
    r"\s+(?:değil|nahi)",
    r"\s+नहीं",
    r"\s+(?:no|nicht|niet|pas|non)\s+(?:es|ist|is|est|è)\b",
)
_ANSWERS = re.compile(
    "|".join(f"(?:{said}){_L.format(name=f'a{n}')}" for n, (said, _) in enumerate(_CUES.values())), re.IGNORECASE
)
_DENIES = re.compile(
    "|".join(f"(?:{denied}){_L.format(name=f'a{n}')}" for n, (_, denied) in enumerate(_CUES.values())), re.IGNORECASE
)
_FOLLOWED = re.compile(rf"(?<![^\W\d_])([A-Z])(?:{'|'.join(_AFTER)})")
_FOLLOWED_DENIED = re.compile(rf"(?<![^\W\d_])([A-Z])(?:{'|'.join(_NOT_AFTER)})")
_BRACKETED = re.compile(r"[【〔\[(]\s*([A-Z])\s*[】〕\])]\s*[.。]?")
_VERDICT = re.compile(
    r"(?<![^\W\d_])(?:option\s+)?([A-Z])\s*[).:]\s*\W{0,3}(?P<word>yes|no|correct|incorrect|right|wrong|true|false)\b",
    re.IGNORECASE,
)
_RIGHT = frozenset({"yes", "correct", "right", "true"})
_LAST_WORD = re.compile(r"(?:[,:]|\bA:)\s*(?:it['’]s\s+|it is\s+)?([A-Z])\W*$")
_ANY_LETTER = re.compile(r"(?<![^\W\d_])[B-Z](?![^\W\d_])")
_LAST_PLACE = re.compile(
    r"\W*(?:it['’]s\s+|it is\s+)?(?:the\s+)?(?:last|final)\s+(?:one|option|choice|answer)\W*", re.IGNORECASE
)
_PICKED = re.compile(
    r"\b(?:pick|choose|select|go with|going with|went with)\s+(?:option\s+|answer\s+)?([A-Z])(?=\s*(?:[-–—.,;:!?)]|$))"
)


def answered_option(text: str, item: Item) -> str | None:
    """Return the letter of the one option that an answer names and does not deny, in any language known; else None."""
    options = strict.options_of(item.choices)
    plain = strict.cleaned(text)
    known = set(options.letters)
    denied = {_letter(found) for found in _DENIES.finditer(plain)} | {
        found[1] for found in _FOLLOWED_DENIED.finditer(plain)
    }
    said = _verdicts(plain) if _VERDICT.search(plain) else set()
    if not said:
        said = {_letter(found) for found in _ANSWERS.finditer(plain) if _is_letter(plain, found)}
        said |= {found[1] for found in _FOLLOWED.finditer(plain)} | {found[1] for found in _PICKED.finditer(plain)}
    said = {letter for letter in said if letter in known} - denied
    found = strict.option(text, item)
    if found is None or found in denied:
        found = options.same(said.pop()) if len(said) == 1 else None
    elif said and options.same(next(iter(said))) != found and len(said) == 1 and _VERDICT.search(plain):
        found = options.same(said.pop())
    return found if found is not None or denied else _otherwise(plain, item, options)


def _otherwise(plain: str, item: Item, options: strict.Options) -> str | None:
    """Read what is no cue of any language: a letter in brackets or at the very end, a place, a number in words."""
    whole = _BRACKETED.fullmatch(plain)
    last = _LAST_WORD.search(plain)
    if whole is not None:
        return options.same(whole[1]) if whole[1] in options.letters else None
    others = (set(_ANY_LETTER.findall(plain)) & set(options.letters)) - {last[1]} if last is not None else set()
    if last is not None and last[1] in options.letters and not others:
        return options.same(last[1])
    if _LAST_PLACE.fullmatch(plain):
        return options.letters[-1]
    if item.choices and all(choice.strip().isdecimal() for choice in item.choices):
        return strict.option(english_words(plain), item)
    return None


def _letter(found: re.Match[str]) -> str:
    return next(letter for letter in found.groupdict().values() if letter)


def _is_letter(plain: str, found: re.Match[str]) -> bool:
    """Whether a cue is followed by a letter and not by a word of one letter ("es a menudo")."""
    letter = _letter(found)
    return letter.isupper() and not (letter in "AEIOY" and re.match(r"\s+[^\W\d_A-Z]", plain[found.end() :]))


def _verdicts(plain: str) -> set[str]:
    """Return the options of a list that are said to be right: `A) No B) Yes`."""
    found = [(match[1].upper(), match["word"].casefold() in _RIGHT) for match in _VERDICT.finditer(plain)]
    return {letter for letter, right in found if right} if len(found) > 1 else set()


def answered_label(argument: str | tuple[str, ...]) -> Callable[[str, Item], str | None]:
    """Make the step: the one label of a closed set that an answer names and does not deny.

    Raises:
        ValueError: No set has this name.
    """
    fixed = (
        None
        if argument == OF_ITEM
        else named_set(argument)
        if isinstance(argument, str)
        else ClosedSet(dict.fromkeys(argument, ()))
    )

    def extract(text: str, item: Item) -> str | None:
        labels = fixed if fixed is not None else set_with_synonyms(item.choices)
        return _not_denied(labels, text) if labels is not None else None

    return extract


def _not_denied(labels: ClosedSet, text: str) -> str | None:
    plain = strict.cleaned(text)
    whole = labels.gold(text)
    if whole is not None:
        return whole
    named = {found.key for found in labels.found(plain) if not is_denied(plain, found.start, found.end)}
    return named.pop() if len(named) == 1 else None


@functools.lru_cache(maxsize=4096)
def set_with_synonyms(choices: tuple[str, ...]) -> ClosedSet | None:
    """Return the closed set that an item's choices are, with the synonyms of the catalogue's set that has them all.

    Of several such sets the smallest lends its synonyms.
    """
    from audiobench_pytest.catalog.loader import load_catalog

    wanted = {words_of(choice): choice for choice in choices}
    wanted.pop((), None)
    fitting = []
    for spec in load_catalog().labels:
        by_words = {words_of(label): others for label, others in spec.labels.items()}
        if wanted and wanted.keys() <= by_words.keys():
            fitting.append((len(by_words), spec.name, {choice: by_words[words] for words, choice in wanted.items()}))
    for _, _, synonyms in sorted(fitting, key=lambda one: one[:2]):
        try:
            return ClosedSet(synonyms)
        except ValueError:
            continue
    return set_of_choices(choices)


_ARTICLES = re.compile(r"\b(?:the|a|an)\b")


def short_answer(text: str) -> str:
    """Return a short answer as it is compared: words, numbers in digits, without case, articles, marks and accents."""
    words = english_words(text)
    plain = "".join(char for char in unicodedata.normalize("NFKD", words) if not unicodedata.combining(char))
    return " ".join(_ARTICLES.sub(" ", plain).split())


def names_short_answer(text: str, wanted: str) -> bool:
    """Whether a text names a short answer in whole words and does not deny it everywhere."""
    said, phrase = short_answer(strict.cleaned(text)), short_answer(wanted)
    found = Phrases([("it", phrase)]).find(said)
    return any(not is_denied(said, one.start, one.end) for one in found)


EXTRACTIONS = {"answered_option": answered_option}
MADE_EXTRACTIONS = {"answered_label": answered_label}
