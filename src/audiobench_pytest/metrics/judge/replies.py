"""How a judge's reply is read: strictly for our value, by the source's own rule for the `_compat` value.

All readers are total: any text gives a verdict or None, and none of them raises. A strict reader gives None wherever a
reply could be read in two ways; the judge is then asked again.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.metrics.fairness.replies import begins_with_thoughts, cut_thoughts

Verdict = tuple[float, ...]
"""One number (points, or 1 for yes and 0 for no), or two: of the answer shown first and of the one shown second."""

Reader = Callable[[str], Verdict | None]

_LONGEST_LITERAL = 4000
_MOST_OBJECTS = 50
_ABSURD = 1e6
_NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


@dataclass(frozen=True, slots=True)
class Parser:
    """A strict reader and the range of what it gives.

    Attributes:
        read: From a reply to a verdict, or None.
        low: Least points; 0 for a yes or no.
        high: Most points; 1 for a yes or no.
        points: Whether verdicts are points, rather than yes or no, or first or second.
        pair: Whether verdicts are of two answers.
    """

    read: Reader
    low: float
    high: float
    points: bool = True
    pair: bool = False


def without_thoughts(reply: str) -> str | None:
    """Return what follows the thoughts at the beginning of a reply; None where nothing does.

    Servers without a reasoning parser send a model's thoughts as part of its reply, some with the closing tag only.
    """
    if not begins_with_thoughts(reply):
        return reply
    answer = cut_thoughts(reply)
    return answer if answer == reply or answer.strip() else None


def last_line(text: str) -> str:
    """Return the last line that is not empty, or ""."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


# Strict.


def _score_1_5(reply: str) -> Verdict | None:
    """A whole number from 1 to 5 and nothing else; else one `[[n]]`."""
    alone = re.fullmatch(r"([1-5])(?:\.0)?\.?", _bare(reply))
    return (float(alone[1]),) if alone else _double_brackets(reply, 1, 5)


def _bracket_score_1_10(reply: str) -> Verdict | None:
    """`[[n]]`, 1 to 10; several only where they agree."""
    return _double_brackets(reply, 1, 10)


def _last_bracket_1_5(reply: str) -> Verdict | None:
    """`[n]` in the last line, 1 to 5; several only where they agree."""
    return _whole(_only(_inside(r"\[([^\[\]]{1,16})\]", last_line(reply))), 1, 5)


def _last_score(least: int, most: int) -> Reader:
    """Return a reader of the number that ends the reply: `Rating: 4`, `4/5` where 5 is the most."""

    def read(reply: str) -> Verdict | None:
        words = reply.split()
        token = words[-1].strip("*_`\"'.,;:()[]") if words else ""
        return _whole(token.removesuffix(f"/{most}") if most > 1 else token, least, most)

    return read


def _yes_no_last_word(reply: str) -> Verdict | None:
    """The last word of the last line is yes or no, and no other word of that line says the opposite."""
    words = re.findall(r"[^\W_]+", last_line(reply).casefold())
    if not words or words[-1] not in ("yes", "no"):
        return None
    contrary = {"no", "not", "neither"} if words[-1] == "yes" else {"yes"}
    return None if contrary & set(words[:-1]) else (float(words[-1] == "yes"),)


def _correct_incorrect(reply: str) -> Verdict | None:
    """`the score is [Correct]` or `[Incorrect]`; several only where they agree."""
    # What follows must not be a slash: a judge that repeats the form it was told has said nothing.
    said = re.findall(r"the\s+score\s+is[\s:\[*]{1,8}(correct|incorrect)\b(?!\s*/)", reply, re.IGNORECASE)
    found = _only([word.casefold() for word in said])
    return None if found is None else (float(found == "correct"),)


def _json_judgment(reply: str) -> Verdict | None:
    """A JSON object whose field `judgment` is `correct` or `incorrect`; several only where they agree."""
    said = [value for one in _objects(reply) for key, value in one if key in ("judgment", "judgement")]
    found = _only([value.strip().casefold() if isinstance(value, str) else "" for value in said])
    return (float(found == "correct"),) if found in ("correct", "incorrect") else None


def _two_scores(reply: str) -> Verdict | None:
    """A line that is two whole numbers from 1 to 10 and nothing else; several only where they agree."""
    lines = (re.fullmatch(r"([0-9]{1,2})(?:\s*,\s*|\s+)([0-9]{1,2})\.?", _bare(line)) for line in reply.splitlines())
    found = _only([(int(line[1]), int(line[2])) for line in lines if line])
    if found is None or not all(1 <= score <= 10 for score in found):
        return None
    return float(found[0]), float(found[1])


def _ordered_list(reply: str) -> Verdict | None:
    """A list that ranks `model_1` and `model_2`: objects with `model` and `rank`, or the names, best first."""
    ranks = _ranks(_list(reply))
    if ranks is None or sorted(ranks) != ["model_1", "model_2"] or sorted(ranks.values()) != [1, 2]:
        return None
    return (1.0, 0.0) if ranks["model_1"] == 1 else (0.0, 1.0)


PARSERS: Mapping[str, Parser] = {
    "score_1_5": Parser(_score_1_5, 1, 5),
    "bracket_score_1_10": Parser(_bracket_score_1_10, 1, 10),
    "last_bracket_1_5": Parser(_last_bracket_1_5, 1, 5),
    "last_score_0_5": Parser(_last_score(0, 5), 0, 5),
    "last_score_0_1": Parser(_last_score(0, 1), 0, 1, points=False),
    "yes_no_last_word": Parser(_yes_no_last_word, 0, 1, points=False),
    "correct_incorrect": Parser(_correct_incorrect, 0, 1, points=False),
    "json_judgment": Parser(_json_judgment, 0, 1, points=False),
    "two_scores": Parser(_two_scores, 1, 10, pair=True),
    "ordered_list": Parser(_ordered_list, 0, 1, points=False, pair=True),
}
"""Strict parser by the name that a rubric gives."""


# As the sources read: what published values were parsed by, faults included.


def _number_or_first_bracket(reply: str) -> Verdict | None:
    try:
        return _sane(float(reply))
    except ValueError:
        return _first_bracket(reply)


def _first_bracket(reply: str) -> Verdict | None:
    found = re.search(r"\[\[([0-9]{1,3})\]\]", reply)
    return (float(found[1]),) if found else None


def _last_single_bracket(reply: str) -> Verdict | None:
    found = re.findall(r"\[([0-5])\]", reply)
    return (float(found[-1]),) if found else None


def _contains_yes_in_last_line(reply: str) -> Verdict | None:
    line = reply.strip().split("\n")[-1].lower()
    return (1.0,) if "yes" in line else (0.0,) if "no" in line else None


def _is_yes(reply: str) -> Verdict | None:
    # Never unreadable there: what is not exactly "yes" is wrong.
    return (float(reply.lower() == "yes"),)


def _first_score_is(reply: str) -> Verdict | None:
    found = re.search(r"[Tt]he score is \[(Correct|Incorrect|correct|incorrect)\]", reply)
    return (float(found[1].lower() == "correct"),) if found else None


def _first_braces(reply: str) -> Verdict | None:
    start, end = reply.find("{"), reply.find("}")
    found = _literal(reply[start : end + 1]) if 0 <= start < end else None
    said = found.get("judgment") if isinstance(found, dict) else None
    return (float(said.lower() == "correct"),) if isinstance(said, str) else None


def _two_integers(reply: str) -> Verdict | None:
    words = reply.strip().replace("\n", "").split(" ")
    if len(words) != 2 or not all(re.fullmatch(r"[0-9]{1,2}", word) and int(word) <= 10 for word in words):
        return None
    return float(words[0]), float(words[1])


def _last_token(reply: str) -> Verdict | None:
    try:
        return _sane(float(reply.split()[-1]))
    except (ValueError, IndexError):
        return None


SOURCE_RULES: Mapping[str, Reader] = {
    "number-or-first-bracket": _number_or_first_bracket,
    "first-bracket": _first_bracket,
    "last-single-bracket": _last_single_bracket,
    "contains-yes-in-last-line": _contains_yes_in_last_line,
    "is-yes": _is_yes,
    "first-score-is": _first_score_is,
    "first-braces": _first_braces,
    "two-integers": _two_integers,
    "ordered-list": _ordered_list,
    "last-token": _last_token,
}
"""How sources read replies, by the name that a recipe's option `compat` gives."""


def majority_as_written(replies: Sequence[str]) -> float:
    """Return whether the most frequent lower-cased reply is exactly `yes`: 1, 0, or the chance of it in a tie.

    The source takes any of the most frequent ones, so that a tie is decided by the order of a hash table.
    """
    counted = Counter(reply.lower() for reply in replies)
    most = max(counted.values(), default=0)
    tied = [reply for reply, count in counted.items() if count == most]
    return tied.count("yes") / len(tied) if tied else 0.0


# Pieces.


def _only(found: Sequence[Any]) -> Any:
    """Return the one value of several equal ones, else None."""
    return found[0] if found and all(one == found[0] for one in found) else None


def _bare(text: str) -> str:
    """Return a text without blanks and Markdown emphasis around it."""
    return text.strip().strip("*_`").strip()


def _whole(text: str | None, least: int, most: int) -> Verdict | None:
    if text is None or not re.fullmatch(r"[0-9]{1,2}", text) or not least <= int(text) <= most:
        return None
    return (float(text),)


def _double_brackets(reply: str, least: int, most: int) -> Verdict | None:
    # Whatever stands in double brackets counts, so that [[7]] beside [[7.5]] or [[11]] is no clear word.
    return _whole(_only(_inside(r"\[\[([^\[\]]{1,16})\]\]", reply)), least, most)


def _inside(brackets: str, text: str) -> list[str]:
    return [found.strip() for found in re.findall(brackets, text)]


def _sane(number: float) -> Verdict | None:
    return (number,) if math.isfinite(number) and abs(number) < _ABSURD else None


class _Pairs(list[tuple[str, Any]]):
    """An object's keys and values as they stood, so that a key written twice is seen."""


def _objects(text: str) -> Iterator[_Pairs]:
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs)
    at = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


def _list(text: str) -> Any:
    start, end = text.find("["), text.rfind("]")
    inner = text[start : end + 1] if 0 <= start < end else ""
    try:
        return json.loads(inner)
    except (ValueError, RecursionError):
        return _literal(inner)


def _literal(text: str) -> Any:
    """Return the Python literal that a text is, or None; nothing is executed."""
    if not text or len(text) > _LONGEST_LITERAL:
        return None
    with (
        warnings.catch_warnings(),
        contextlib.suppress(*_NO_LITERAL),
    ):
        warnings.simplefilter("ignore")  # of escapes that Python would not write so
        return ast.literal_eval(text)
    return None


def _ranks(found: Any) -> dict[str, int] | None:
    if not isinstance(found, list) or len(found) != 2:
        return None
    if all(isinstance(one, str) for one in found):
        return {name: rank for rank, name in enumerate(found, start=1)}
    ranks: dict[str, int] = {}
    for one in found:
        name, rank = (one.get("model"), one.get("rank")) if isinstance(one, dict) else (None, None)
        number = {"1": 1, "2": 2}.get(rank) if isinstance(rank, str) else rank
        if not isinstance(name, str) or number not in (1, 2):
            return None
        ranks[name] = int(number)
    return ranks


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """What came back.

    Attributes:
        text: The reply as it was sent.
        error: Why there is none (time-out, refused, ...), else None.
        cut: Whether the server ended it at the limit of tokens: what it would have come to is not known.
    """

    text: str = ""
    error: str | None = None
    cut: bool = False


def unusable(tried: Sequence[JudgeReply]) -> str:
    """Return why a question has no verdict.

    Args:
        tried: All replies to it, in the order in which they came.
    """
    if not tried:
        return "the judge was not asked"
    last = tried[-1]
    if last.error is not None:
        return f"the judge gave no reply: {last.error}"
    shown = " ".join(last.text.split())
    shown = f"{shown[:120]}..." if len(shown) > 120 else shown
    cut = ", which its limit of tokens cut off" if last.cut else ""
    return f"the judge's reply cannot be read after {len(tried)} attempts{cut}: '{shown}'"
