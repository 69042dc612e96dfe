"""BBH as VoiceBench asks it: four tasks of BIG-Bench Hard with two possible answers each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.errors import did_you_mean
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.bbh.phrases import phrase_verdict
from audiobench_pytest.metrics.extraction.choices import cleaned, option_letter
from audiobench_pytest.metrics.extraction.denial import is_denied
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

OPTIONS = "hyperbaton"
"""The subtask that is answered by an option, (a) or (b); the others are answered by yes or no."""

SUBTASKS = ("hyperbaton", "navigate", "sports_understanding", "web_of_lies")

_REFERENCES = {False: {"no": 0, "yes": 1}, True: {"(a)": 0, "(b)": 1, "a": 0, "b": 1}}
_NAMES = {False: ("no", "yes"), True: ("(a)", "(b)")}


class BigBenchHard(Metric):
    """Accuracy over four subtasks: `n`, `correct`, `invalid`, `compat` per sample.

    The subtask is found in the sample's id, or in `subtask` or `task` of its row. The headline reads an answer by a
    small grammar (see `verdict`); an answer that it cannot read is wrong and `invalid`. `acc_compat` is the source's
    rule: an ordered list of phrases, and where none is found, the expected value of its draw, half a point.

    Definition: VoiceBench; Suzgun et al. 2022 for the tasks.
    """

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return accuracy, the rate of answers that say nothing, and the source's accuracy."""
        return (
            Quantity("acc", higher_is_better=True, maximum=100.0),
            Quantity("invalid_rate", maximum=100.0),
            Quantity("acc_compat", higher_is_better=True, maximum=100.0),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Read the answer and compare it; a row whose subtask or reference cannot be told is a `data_error`."""
        subtask = subtask_of(item)
        if subtask is None:
            return SampleScore({}, reference, "", State.DATA_ERROR, _unknown_subtask(item))
        names = _NAMES[subtask == OPTIONS]
        expected = _expected(reference, subtask)
        if expected is None:
            reason = f"the reference of {subtask} must be {names[0]}, {names[1]}, 0 or 1, not {reference!r:.80}"
            return SampleScore({}, reference, "", State.DATA_ERROR, reason)
        reply = prediction or ""
        by_phrase = phrase_verdict(reply, subtask)
        numbers = {"n": 1.0, "compat": 0.5 if by_phrase is None else float(by_phrase == expected)}
        found = verdict(reply, subtask)
        if found is None:
            state = State.INVALID if reply.strip() else State.EMPTY
            reason = f"the answer says neither {names[0]} nor {names[1]}"
            return SampleScore({**numbers, "invalid": 1}, names[expected], "", state, reason)
        return SampleScore({**numbers, "correct": float(found == expected)}, names[expected], names[found])

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return shares of all samples, in percent."""
        n = total(sums, "n")
        return {
            "acc": ratio(total(sums, "correct"), n),
            "invalid_rate": ratio(total(sums, "invalid"), n),
            "acc_compat": ratio(total(sums, "compat"), n),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return how an answer is read."""
        return ["read:grammar", "compat:voicebench-phrases-else-half", *super().signature(languages)]


def subtask_of(item: Item) -> str | None:
    """Return the subtask that an item's id or row names, or None."""
    places = (item.id, item.meta.get("subtask"), item.meta.get("task"))
    texts = [_folded(place) for place in places if isinstance(place, str)]
    return next((subtask for text in texts for subtask in SUBTASKS if subtask in text), None)


def verdict(reply: str, subtask: str) -> int | None:
    """Return what a reply answers: 1 for yes or option b, 0 for no or option a, None for neither.

    "Yeah" and "I think so" are a yes, "nope" and "I don't think so" a no; "yes and no" is neither. What decides, in
    this order: an answer announced as such ("the answer is no", the last one counts); a sentence that begins with yes
    or no as a word of its own (the last one); a yes or no that the reply begins or ends with; the last statement of
    the matter itself, denied or not ("the sentence is not plausible", "you end up where you
    started", "she is lying"). Questions and what is to be found out ("whether it is plausible") state nothing.
    """
    if subtask == OPTIONS:
        text = _SMALL_LETTER.sub(lambda letter: letter[0].upper(), reply)
        letter = option_letter(_CALLED_ANSWER.sub("answer", _CALLED_OPTION.sub("option", text)), _TWO_OPTIONS)
        return None if letter is None else "AB".index(letter)
    text = _TWO_IN_ONE.sub(" ", _OPINION.sub(_said_as, _spelt_out(cleaned(reply).casefold().replace("’", "'"))))
    for pattern in (_ANNOUNCED, _SENTENCE, _BEGINS, _ENDS):
        word = _last(pattern, text)
        if word is not None:
            return int((word["word"] in _TRUE) != bool(word.groupdict().get("not")))
    return _last_statement(text, subtask)


def _spelt_out(text: str) -> str:
    return _YEAH.sub("yes", _NOPE.sub("no", text))


def _said_as(opinion: re.Match[str]) -> str:
    return "no" if opinion["not"] else "yes"


_TRUE = ("yes", "true")
_YEAH = re.compile(r"\b(?:yeah|yep|yup|yea|aye|uh-huh)\b")
_NOPE = re.compile(r"\b(?:nope|nah|nay|uh-uh)\b")
_TWO_IN_ONE = re.compile(
    r"\b(?:yes|true)\s*(?:and|or|/|&)\s*(?:no|false)\b|\b(?:no|false)\s*(?:and|or|/|&)\s*(?:yes|true)\b"
)
"""Both answers in one breath are none."""
_OPINION = re.compile(
    r"""\bi\s+(?:(?P<not>do\s+not|don't|wouldn't|would\s+not|doubt)\s*(?:think|believe|say|guess)?
    | (?:would\s+|do\s+)?(?:think|believe|guess|suppose))\s+(?:so|it)(?=\s*(?:[.!?;:,]|$))""",
    re.VERBOSE,
)
"""An opinion that is an answer by itself: "I don't think so", "I believe so"."""
_WORD = r"(?P<word>yes|no|true|false)\b"
_SOFT = (
    r"(?:(?:a|an|that|still|simply|clearly|definitely|probably|therefore|thus|directly|just|indeed|most\s+likely)\s+)*"
)
_ANNOUNCED = re.compile(
    rf"""\b(?:answer|conclusion|verdict)\b
    (?: [^.!?\n]{{0,80}}? (?: \b(?:is|be|as|was)\b | [:=—–] ) )? [\s,"'(\[:]* {_SOFT}
    (?P<not>not\s+)? ["'(\[]? {_WORD} (?!\s+(?:longer|one|matter|doubt|need|problem|way|more)\b)""",
    re.VERBOSE,
)
_LEAD = r"""(?:(?:so|therefore|thus|hence|overall|finally|well|okay|ok|and|but|in\s+short|in\s+conclusion|to\s+conclude
    |i(?:\s+would|'d)?\s+(?:say|answer|think|believe))\b[\s,:]*)*"""
_SENTENCE = re.compile(rf"""(?:^|[.!?:;\n])[\s"'(\[]* {_LEAD} {_WORD} ["')\]]* \s* (?=[.,!;:\n—–-]|$)""", re.VERBOSE)
_BEGINS = re.compile(rf"^[\W_]*{_LEAD}{_WORD}(?!\s+(?:one|matter|doubt|need|problem|way|worries)\b)", re.VERBOSE)
_ENDS = re.compile(r"\b(?P<word>yes|no)[\W_]*$")
_TWO_OPTIONS = Item("", "", choices=("", ""))
_SMALL_LETTER = re.compile(r"(?<=\boption )[ab]\b", re.IGNORECASE)
_CALLED_OPTION = re.compile(
    r"\bsentence(?=\s*[(\[]?\s*[ab]\b)|(?<=first )sentence\b|(?<=second )sentence\b", re.IGNORECASE
)
_CALLED_ANSWER = re.compile(
    r"\b(?:correct|right|proper|best)\s+(?:\w+\s+){0,2}?(?:sentence|order|one|version)(?=\s+(?:is|would|should|must)\b)",
    re.IGNORECASE,
)
"""What this task calls an option or the answer, in the words that questions with options use."""

_PLACE = r"""(?: (?:starting|original|initial)\s+(?:point|position|place|location|spot)
    | where\s+(?:you|we|i|they|it)(?:'ve|\s+have|\s+had)?\s+(?:originally\s+|first\s+)?(?:start(?:ed)?|beg[aiu]n)\b
    | point\s+of\s+origin | square\s+one )"""
_WITHIN = r"[^.!?;\n]{0,60}?"
_STATEMENTS: Mapping[str, tuple[tuple[re.Pattern[str], int], ...]] = {
    "sports_understanding": (
        (re.compile(r"\b(?:plausible|possible|realistic|believable|credible|reasonable|mak(?:es?|ing)\s+sense)\b"), 1),
        (re.compile(r"\b(?:implausible|impossible|unrealistic|unlikely|nonsensical|incorrect)\b"), 0),
    ),
    "navigate": (
        (
            re.compile(
                rf"""\b(?:return\w*|back|end(?:s|ed|ing)?\s+up|arriv\w+|bring\w*|lead\w*|reach\w*
                | (?:is|are|am|be|['’](?:m|re))(?:\s+\w+){{0,3}}?\s+(?:at|in)) \b {_WITHIN} {_PLACE}""",
                re.VERBOSE,
            ),
            1,
        ),
        (
            re.compile(
                rf"""\b(?:steps?|feet|units?|away|far|north|south|east|west|left|right|front|forward|ahead|behind|short)\b
                {_WITHIN} \b(?:from|of)\s+(?:the\s+|your\s+|our\s+|my\s+)? {_PLACE}""",
                re.VERBOSE,
            ),
            0,
        ),
    ),
    "web_of_lies": (
        (re.compile(r"\b(?:tell\w*|told|speak\w*)\s+(?:the\s+)?truth\b|\b(?:truthful|honest|truth-?teller)\b"), 1),
        (re.compile(r"\b(?:lies|lied|lying|liar|dishonest|untruthful)\b|\btell\w*\s+(?:a|the)\s+lie\b"), 0),
    ),
}
_WEAKENED = re.compile(r"\b(?:unlikely|hardly|barely|doubtful|far\s+from|improbable|impossible)\b[^.!?;,:\n]*$")
_TO_BE_FOUND = re.compile(
    r"\b(?:whether|(?:determine|see|check|know|tell|assess|evaluate|decide|verify|(?:find|figure)\s+out)\s+if)\b[^.!?;,:\n]*$"
)
_AWAY = re.compile(
    r"\b(?:not|never|cannot|\w+n't|away|from|steps?|feet|units?|(?:left|right|north|south|east|west)\s+of)\b"
)
_REST_OF_SENTENCE = re.compile(r"[^.!?\n]*([.!?\n]|$)")
_LOOK_BACK = 120


def _last_statement(text: str, subtask: str) -> int | None:
    """Return the last statement of the matter, denied or not; None where nothing is stated."""
    found: list[tuple[int, int]] = []
    for pattern, meaning in _STATEMENTS[subtask]:
        for statement in pattern.finditer(text):
            before = text[max(0, statement.start() - _LOOK_BACK) : statement.start()]
            rest = _REST_OF_SENTENCE.match(text, statement.end())
            if _TO_BE_FOUND.search(before) or (rest and rest[1] == "?"):
                continue
            denied = is_denied(text, statement.start(), statement.end()) or (
                meaning == 1 and bool(_AWAY.search(statement[0]) or _WEAKENED.search(before))
            )
            found.append((statement.end(), meaning != denied))
    return int(max(found)[1]) if found else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for last in pattern.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    return last


def _expected(reference: str, subtask: str) -> int | None:
    text = reference.strip().casefold()
    return int(text) if text in ("0", "1") else _REFERENCES[subtask == OPTIONS].get(text)


def _folded(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.casefold())


def _unknown_subtask(item: Item) -> str:
    named = next((item.meta[key] for key in ("subtask", "task") if isinstance(item.meta.get(key), str)), "")
    hint = did_you_mean(named, SUBTASKS) if named else f"; known: {', '.join(SUBTASKS)}"
    return f"neither the id {item.id!r:.80} nor 'subtask' or 'task' of the row names a subtask{hint}"
