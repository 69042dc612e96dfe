"""Which option or label an answer names, in the languages that models answer in; see `metrics.extraction` for the rest.

The words of each language are in `cues`.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.extraction import choices as strict
from audiobench_pytest.metrics.extraction.denial import is_denied
from audiobench_pytest.metrics.extraction.labels import OF_ITEM, ClosedSet, named_set, set_of_choices
from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern
from audiobench_pytest.metrics.extraction.phrases import Phrases, words_of
from audiobench_pytest.metrics.fairness import cues
from audiobench_pytest.metrics.fairness.english import english_words
from audiobench_pytest.metrics.fairness.letters import marks_to_space
from audiobench_pytest.metrics.fairness.replies import drop_annotations
from audiobench_pytest.metrics.item import Item

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
    letters = [found for found in cues.LETTER.finditer(plain) if found[0] in known]
    denied = {
        one[0] for one in letters if cues.DENIED_AFTER.match(plain, one.start()) or _cued(cues.DENIED, plain, one)
    }
    said = _verdicts(plain) if _VERDICT.search(plain) else set()
    if not said:
        said = {one[0] for one in letters if _is_letter(plain, one) and _cued(cues.SAID, plain, one)}
        said |= {one[0] for one in letters if cues.SAID_AFTER.match(plain, one.start())}
        said |= {found[1] for found in _PICKED.finditer(plain)}
    said = {letter for letter in said if letter in known} - denied
    found = strict.option(text, item)
    if found is None or found in denied:
        found = options.same(said.pop()) if len(said) == 1 else None
    elif said and options.same(next(iter(said))) != found and len(said) == 1 and _VERDICT.search(plain):
        found = options.same(said.pop())
    return found if found is not None or denied else _otherwise(plain, item, options)


def _otherwise(plain: str, item: Item, options: strict.Options) -> str | None:
    """Read what is no cue of any language: a letter in brackets or at the very end, a place, a number in words."""
    whole = _BRACKETED.fullmatch(plain) or cues.BARE_OPTION.fullmatch(plain)
    last = _LAST_WORD.search(plain)
    if whole is not None:
        return options.same(whole[1].upper()) if whole[1].upper() in options.letters else None
    others = (set(_ANY_LETTER.findall(plain)) & set(options.letters)) - {last[1]} if last is not None else set()
    if last is not None and last[1] in options.letters and not others:
        return options.same(last[1])
    alone = marks_to_space(drop_annotations(plain)).upper()
    if alone in options.letters:
        return options.same(alone)
    if _LAST_PLACE.fullmatch(plain):
        return options.letters[-1]
    if item.choices and all(choice.strip().isdecimal() for choice in item.choices):
        return strict.option(english_words(plain), item)
    return None


_REACH = 80
"""Characters before a letter that a cue may take."""


def _cued(cue: LazyPattern, plain: str, letter: re.Match[str]) -> bool:
    """Whether a cue of some language ends with a letter; only what stands close before it is looked at."""
    begin = max(0, letter.start() - _REACH)
    for other in cues.LETTER.finditer(plain, begin, letter.start()):
        begin = other.end()  # a cue names the letter next to it
    window = plain[begin : letter.end()]
    return any(found.end() == len(window) for found in cue.finditer(window))


def _is_letter(plain: str, letter: re.Match[str]) -> bool:
    """Whether a letter is one and not a word of one letter ("es a menudo", "A dog")."""
    return not (letter[0] in "AEIOY" and re.match(r"\s+[^\W\d_A-Z]", plain[letter.end() : letter.end() + 9]))


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
    named = {found.key for found in labels.found(plain) if not _denies(plain, found.start, found.end)}
    return named.pop() if len(named) == 1 else None


_DENIED_BEFORE = re.compile(
    r"""(?<!\w)(?:than | without | no\s+longer | hardly | barely | scarcely | anything\s+but | far\s+from | free\s+of
        | nicht | kein(?:e[nmrs]?)? | ohne | pas | sans | no | sin | non | senza | n[ãa]o | sem | niet | geen | nie
        | inte | ikke | не | ні | без | bukan | tidak | không | değil | ليس | بدون | لا)
    \s+ (?: (?:at\s+all|a|an|the|very|really|so|sehr|tr[èe]s|muy|molto|muito) \s+ )? $""",
    re.IGNORECASE | re.VERBOSE,
)
_DENIED_BEHIND = re.compile(r"\s*(?:değil|नहीं|ではな|じゃな|(?:이|가)\s*아니)")


def _denies(text: str, start: int, end: int) -> bool:
    """Tell whether a mention is denied, in English or Chinese or by the word beside it in another language."""
    before = text[max(0, start - 40) : start]
    return bool(is_denied(text, start, end) or _DENIED_BEFORE.search(before) or _DENIED_BEHIND.match(text, end))


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


_WITHOUT_STROKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th"}
)
"""Letters that have no accent to lose, and are written without what makes them one all the same."""
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")


def short_answer(text: str) -> str:
    """Return a short answer as it is compared: words, numbers in digits, without case, articles, marks and accents."""
    words = english_words(text)
    plain = "".join(char for char in unicodedata.normalize("NFKD", words) if not unicodedata.combining(char))
    plain = plain.translate(_WITHOUT_STROKE)
    return " ".join(_ARTICLES.sub(" ", plain).split()) or plain


def names_short_answer(text: str, wanted: str) -> bool:
    """Whether a text names a short answer in whole words and does not deny it everywhere."""
    said, phrase = short_answer(strict.cleaned(text)), short_answer(wanted)
    found = Phrases([("it", phrase)]).find(said)
    return any(not _denies(said, one.start, one.end) for one in found)


EXTRACTIONS = {"answered_option": answered_option}
MADE_EXTRACTIONS = {"answered_label": answered_label}
