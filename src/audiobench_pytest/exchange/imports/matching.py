"""Answers find their samples: by id, by the name of the sound, or by their place in the set."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audiobench_pytest.datasets.fields import fields_of
from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.rows import Row, stem
from audiobench_pytest.types import Sample

_ALIKE = 50.0
"""Least similarity, 0 to 100, of two spellings of one reference: below, they are two references."""

_MOST_OTHERS = 0.05
"""Share of references that may read otherwise before the file is of another set: a few are corrected in any version."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Samples with their answers.

    Attributes:
        pairs: Every sample of the set, with its row or None.
        how: How rows were found, in words.
    """

    pairs: tuple[tuple[Sample, Row | None], ...]
    how: str


def own_samples(rows: Sequence[Row], language: str) -> list[Sample]:
    """Return the samples that rows themselves are about.

    Args:
        rows: The rows; what they do not say of the reference nobody knows.
        language: Of rows that name none; "" leaves it open, see `in_language`.

    Raises:
        UsageError: A field of a row that means something to us is not as it must be.
    """
    found = []
    for row in rows:
        own = fields_of(row.meta)
        if own.problems:
            raise UsageError(f"{row.where}: {own.problems[0]}")
        found.append(
            Sample(
                id=row.id,
                audio=None,
                reference=row.reference or "",
                language=row.language or language,
                duration_s=row.audio_s or None,
                meta=own.meta,
                aliases=(*row.aliases, *own.aliases),
                choices=own.choices,
                target=own.target,
            )
        )
    return found


def in_language(pairs: Sequence[tuple[Sample, Row | None]], language: str) -> list[tuple[Sample, Row | None]]:
    """Return samples that say their language: the reference's own, else that of the row that answers them.

    Args:
        pairs: Samples, "" for the language of those whose reference names none, each with its answer.
        language: Of samples of which nobody says it; one without an answer is of the set's, where that has one alone.
    """
    told = {row.language for _, row in pairs if row is not None}
    lost = next(iter(told)) if len(told) == 1 else ""
    found = []
    for sample, row in pairs:
        said = sample.language or (lost if row is None else row.language) or language
        found.append((dataclasses.replace(sample, language=said), row))
    return found


def digest_of(samples: Sequence[Sample]) -> str:
    """Return a digest over id and reference of samples that have no sound; never that of a set that has."""
    digest = hashlib.sha256(b"imported\n")
    for sample in sorted(samples, key=lambda one: one.id):
        digest.update((json.dumps([sample.id, sample.reference, list(sample.aliases)]) + "\n").encode())
    return digest.hexdigest()


def matched(rows: Sequence[Row], samples: Sequence[Sample], of: str, *, picked: bool = False) -> Matched:
    """Return the samples of a set with the rows that answer them.

    Ids are tried as they are, then as names of sound files without folder and ending, then the places in the set that
    the file tells. Where the file says what was expected, that must be what the set says.

    Args:
        rows: The answers, each id once.
        samples: The set, in its order.
        of: What the set is called.
        picked: Whether the rows are a subset of a file in which places count on from one set to the next.

    Raises:
        UsageError: Rows are of no sample of the set, or of another one than they say.
    """
    found, how = _found(rows, samples, of, picked)
    by_id = {sample.id: row for sample, row in found}
    if len(by_id) < len(rows):
        raise _twice(found)
    _refuse_others(found, of)
    return Matched(tuple((sample, by_id.get(sample.id)) for sample in samples), how)


def _found(
    rows: Sequence[Row], samples: Sequence[Sample], of: str, picked: bool
) -> tuple[list[tuple[Sample, Row]], str]:
    by_id = {sample.id: sample for sample in samples}
    by_stem = _by_stem(samples)
    if not _are_places(rows):  # a number that is a place may by chance be another sample's id
        if all(row.id in by_id for row in rows):
            return [(by_id[row.id], row) for row in rows], "by id"
        if all(stem(row.id) in by_stem for row in rows):
            return [(by_stem[stem(row.id)], row) for row in rows], "by the name of the sound"
    placed = [(samples[place], row) for place, row in _places(rows, picked) if place < len(samples)]
    if len(placed) == len(rows):
        return placed, "by place in the set"
    raise _unknown(rows, by_id, by_stem, of, picked)


def _are_places(rows: Sequence[Row]) -> bool:
    """Whether the ids of the file are nothing but places in the set."""
    return all(row.id == str(row.position) for row in rows)


def _places(rows: Sequence[Row], picked: bool) -> list[tuple[int, Row]]:
    """Return the rows that tell their place, with it; a subset of a file counts on from where it begins there."""
    told = [(row.position, row) for row in rows if row.position is not None]
    first = min((place for place, _ in told), default=0) if picked else 0
    return [(place - first, row) for place, row in told]


def _by_stem(samples: Sequence[Sample]) -> dict[str, Sample]:
    """Return samples by the names of their sounds; where two share one, that is no name."""
    found: dict[str, Sample | None] = {}
    for sample in samples:
        names = {stem(sample.id)} | ({stem(sample.audio.name)} if sample.audio is not None else set())
        for name in names:
            found[name] = None if name in found and found[name] is not sample else sample
    return {name: sample for name, sample in found.items() if sample is not None}


def _unknown(
    rows: Sequence[Row], by_id: Mapping[str, Sample], by_stem: Mapping[str, Sample], of: str, picked: bool
) -> UsageError:
    if _are_places(rows):
        lost = [row for place, row in _places(rows, picked) if place >= len(by_id)]
    else:
        lost = [row for row in rows if row.id not in by_id and stem(row.id) not in by_stem]
    named = ", ".join(f"'{row.id}' ({row.where})" for row in lost[:3]) + (", ..." if len(lost) > 3 else "")
    return UsageError(
        f"{len(lost)} of {len(rows)} answers are of no sample of {of}: {named}; its {len(by_id)} samples are called "
        f"{', '.join(repr(one) for one in list(by_id)[:3])}, ... Name the data set (or the part of it, --limit, "
        "--subset) that was asked, or leave --dataset out to take the file's own references"
    )


def _twice(found: Sequence[tuple[Sample, Row]]) -> UsageError:
    seen: dict[str, Row] = {}
    for sample, row in found:
        if sample.id in seen:
            return UsageError(
                f"{row.where}: '{row.id}' is sample '{sample.id}', which {seen[sample.id].where} answers already"
            )
        seen[sample.id] = row
    raise AssertionError("no sample is answered twice")


def _refuse_others(found: Sequence[tuple[Sample, Row]], of: str) -> None:
    told = [(sample, row) for sample, row in found if row.reference and sample.reference]
    others = _others(told)
    if len(others) <= _MOST_OTHERS * len(told):
        return
    sample, row = others[0]
    raise UsageError(
        f"{row.where}: the file expects {row.reference!r:.60}, sample '{sample.id}' of {of} {sample.reference!r:.60} "
        f"({len(others)} of {len(told)} differ so): it is of another set, version or order; name the right one, or "
        "leave --dataset out to take the file's own references"
    )


def _others(told: Sequence[tuple[Sample, Row]]) -> list[tuple[Sample, Row]]:
    """Return the pairs of which the file expects something else than the set.

    A text may read a little otherwise. A label may be spelt otherwise, but always means the same: `male` is much like
    `female`, and is no spelling of it where it is a label itself, or stands for another one elsewhere.
    """
    expected = {_folded(sample.reference) for sample, _ in told}
    meant: dict[str, Counter[str]] = {}
    for sample, row in told:
        meant.setdefault(_folded(row.reference or ""), Counter())[_folded(sample.reference)] += 1
    usual = {said: found.most_common(1)[0][0] for said, found in meant.items()}
    others = []
    for sample, row in told:
        said, known = _spelt(row.reference or "", row.aliases), _spelt(sample.reference, sample.aliases)
        if not said.isdisjoint(known):
            continue
        label = _folded(row.reference or "")
        if label in expected or usual[label] != _folded(sample.reference) or not _alike(said, known):
            others.append((sample, row))
    return others


def _spelt(reference: str, aliases: Sequence[str]) -> set[str]:
    return {_folded(text) for text in (reference, *aliases)}


def _alike(said: Iterable[str], known: Iterable[str]) -> bool:
    from rapidfuzz import fuzz

    return any(fuzz.ratio(one, other) >= _ALIKE for one in said for other in known)


def _folded(text: str) -> str:
    """Return letters and digits in one case; a text of signs alone (`+`) is what it is."""
    return "".join(letter for letter in text.casefold() if letter.isalnum()) or text.strip()
