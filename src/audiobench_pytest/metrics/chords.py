"""Chord recognition, scored by `mir_eval`: the share of the time in which the right chord is named."""

from __future__ import annotations

import functools
import importlib.util
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

RULES = ("majmin", "root", "mirex", "sevenths")
"""mir_eval's ways to compare two chords, the headline first."""

NO_CHORD = "N"
UNKNOWN = "X"
"""mir_eval's label of a stretch that is not scored; stands for the gaps of a reference."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One chord: from `start` to `end` in seconds (in positions, for a list without times), and its label."""

    start: float
    end: float
    label: str


class Chords(Metric):
    """Weighted chord symbol recall: per rule the seconds named rightly over the seconds that can be compared.

    Reference and prediction are lines `start end label` (a `.lab` file), a JSON list of `[start, end, label]` or of
    objects with these keys, or, both of them, a JSON list of labels only, each of which then counts as one. Labels are
    in Harte's syntax (`C`, `A:min7/b3`, `N`). Per sample and rule: `RULE_right` and `RULE_time`.

    A prediction is cropped to the span of the reference, what it leaves open is no chord (`N`), and of chords that
    overlap the later one ends the earlier. Wrong wherever the reference can be compared, also where that has no chord,
    are a label that is no chord, an unknown one (`X`), and an answer without any chord, which is `invalid` unless it is
    empty. A reference that cannot be read or overlaps is a `data_error`; not scored are its gaps, and stretches whose
    label is a chord of a quality that mir_eval does not know (`C:aug7`). Times may be clock times (`1:02.5`),
    accidentals the signs of print (`B♭`). Source: Raffel et al., "mir_eval: A Transparent Implementation of Common MIR
    Metrics", 2014.
    """

    packages = ("mir_eval",)
    sees = ()

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the recall under each rule, in percent of the time."""
        return tuple(Quantity(name, higher_is_better=True, maximum=100.0) for name in RULES)

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Compare two sequences of chords stretch by stretch."""
        _require_mir_eval()
        wanted, said = read_chords(reference), read_chords(prediction or "")
        if (fault := _fault(wanted)) is not None:
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, fault)
        usable = said.segments if said.timed == wanted.timed else ()
        numbers = _compare(wanted.segments, usable)
        if not usable and (prediction is None or prediction.strip()):
            reason = f"no {'chord with its times' if wanted.timed else 'list of chords'} could be read"
            return SampleScore(numbers, reference, "", State.INVALID, reason)
        return SampleScore(numbers, reference, prediction or "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return the recall of all samples under each rule."""
        return {name: ratio(total(sums, f"{name}_right"), total(sums, f"{name}_time")) for name in RULES}

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return what the average weighs by."""
        _require_mir_eval()
        return ["avg:duration"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a text.

    Attributes:
        segments: The chords in order of their start, without those that last no time.
        timed: Whether they came with times; False for a list of labels.
        unread: Lines or entries that are no chord with its times.
    """

    segments: tuple[Segment, ...]
    timed: bool = True
    unread: tuple[str, ...] = ()


def read_chords(text: str) -> Reading:
    """Read the chords that a text lists: a JSON list in it, else its lines.

    Lines and entries that are no chord with its times (a heading, a remark, a fence) are passed over and named.
    """
    rows = _json_list(text)
    if rows and all(isinstance(row, str) for row in rows):
        return Reading(tuple(Segment(place, place + 1, _label(label)) for place, label in enumerate(rows)), timed=False)
    listed = _reading(rows)
    if listed.segments:
        return listed
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return _reading([line.split() for line in lines])


def _reading(rows: Sequence[object]) -> Reading:
    segments, unread = [], []
    for row in rows:
        segment = _segment(row)
        if segment is None:
            unread.append(" ".join(map(str, row)) if isinstance(row, list) else str(row))
        elif segment.end > segment.start:
            segments.append(segment)
    return Reading(tuple(sorted(segments, key=lambda segment: segment.start)), unread=tuple(unread))


def _json_list(text: str) -> list[Any]:
    start, end = text.find("["), text.rfind("]")
    if not 0 <= start < end:
        return []
    try:
        rows = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return []
    return rows if isinstance(rows, list) else []


def _segment(row: object) -> Segment | None:
    parts = [row.get(key) for key in ("start", "end", "label")] if isinstance(row, dict) else row
    if not isinstance(parts, list) or len(parts) != 3 or not isinstance(parts[2], str):
        return None
    start, end = _seconds(parts[0]), _seconds(parts[1])
    return None if start is None or end is None else Segment(start, end, _label(parts[2]))


_ACCIDENTALS = str.maketrans("♭♯", "b#")


def _label(written: str) -> str:
    return written.strip().translate(_ACCIDENTALS)


_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d(?:\.\d*)?)")


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (clock := _CLOCK.fullmatch(value)):
        return 3600.0 * int(clock[1] or 0) + 60.0 * int(clock[2]) + float(clock[3])
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _fault(reference: Reading) -> str | None:
    """Return why a reference cannot be used, or None."""
    if reference.unread:
        return f"the reference has '{reference.unread[0]:.60}', which is no chord with its times (`start end label`)"
    if not reference.segments:
        return "the reference lists no chord: write lines `start end label`"
    for segment in reference.segments:
        if not is_written_as_chord(segment.label):
            return f"the reference has the label '{segment.label:.60}', which is no chord in Harte's syntax"
    for earlier, later in pairwise(reference.segments):
        if later.start < earlier.end - _JITTER:
            return f"the reference has two chords at {later.start:g} s"
    return None


_JITTER = 1e-3
"""Overlap of two neighbours, in seconds, that rounding in an annotation explains."""


def _compare(wanted: Sequence[Segment], said: Sequence[Segment]) -> dict[str, float]:
    """Return per rule the time that can be compared and the time that is right."""
    import numpy as np
    from mir_eval import chord

    edges = sorted({edge for segment in (*wanted, *said) for edge in (segment.start, segment.end)})
    edges = [edge for edge in edges if wanted[0].start <= edge <= wanted[-1].end]
    references, answers = _labels(edges, wanted, UNKNOWN), _labels(edges, said, NO_CHORD)
    references = [label if is_chord(label) else UNKNOWN for label in references]
    wrong = np.array([not said or label == UNKNOWN or not is_chord(label) for label in answers])
    answers = [label if is_chord(label) else NO_CHORD for label in answers]
    durations = np.diff(np.array(edges))
    numbers: dict[str, float] = {}
    for name in RULES:
        verdicts = getattr(chord, name)(references, answers)
        comparable = verdicts >= 0
        right = np.where(wrong, 0.0, verdicts)
        numbers[f"{name}_right"] = float(np.sum((durations * right)[comparable]))
        numbers[f"{name}_time"] = float(np.sum(durations[comparable]))
    return numbers


def _labels(edges: Sequence[float], segments: Sequence[Segment], between: str) -> list[str]:
    """Return the label of each stretch between two edges: that of the segment that began last, if it still lasts."""
    labels, current = [], -1
    for edge in edges[:-1]:
        while current + 1 < len(segments) and segments[current + 1].start <= edge:
            current += 1
        lasts = current >= 0 and segments[current].end > edge
        labels.append(segments[current].label if lasts else between)
    return labels


@functools.lru_cache(4096)
def is_chord(label: str) -> bool:
    """Return whether a label is a chord that mir_eval can compare."""
    from mir_eval import chord

    return _accepts(chord.encode, label)


@functools.lru_cache(4096)
def is_written_as_chord(label: str) -> bool:
    """Return whether a label is in Harte's syntax, whether or not mir_eval can compare a chord of its quality."""
    from mir_eval import chord

    return _accepts(chord.validate_chord_label, label)


def _accepts(reads: Callable[[str], object], label: str) -> bool:
    from mir_eval import chord

    try:
        reads(label)
    except (chord.InvalidChordException, ValueError, KeyError, IndexError):
        return False
    return True


def _require_mir_eval() -> None:
    if importlib.util.find_spec("mir_eval") is None:
        raise MissingExtraError("scoring chords", "mir_eval", "music")
