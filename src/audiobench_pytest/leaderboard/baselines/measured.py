"""One side of a comparison: what a run, or a lock file, says of a cell sample by sample."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from audiobench_pytest.leaderboard.cells.clusters import clusters_of
from audiobench_pytest.leaderboard.cells.evidence import merged
from audiobench_pytest.leaderboard.cells.planned import recipe_of
from audiobench_pytest.leaderboard.cells.reduce import (
    expected_of,
    languages_of,
    numbers_of,
    signature_of,
    slice_keys,
)
from audiobench_pytest.leaderboard.cells.speed import speed_of
from audiobench_pytest.leaderboard.cells.variation.draws import by_clip, summed
from audiobench_pytest.leaderboard.statistics.pairs import Pairs, ScoredSamples, pair
from audiobench_pytest.types import CLIP, CellId, Quantity, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns
    from audiobench_pytest.metrics.recipes import Recipe
    from audiobench_pytest.records.runs.cells import CellData

JUDGE_SILENCE = "judge_invalid_rate"
"""The one quantity in which samples count whose judge said nothing usable."""


_SILENT = "\0silent"
"""Name of a column of ours among the sufficient numbers."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run or one lock file says of one cell.

    Attributes:
        cell: Which cell.
        where: The run or file, as it is shown to people.
        signature: Of the recipe, or "".
        digest: Of the data that was selected, or "" where nobody says.
        total: Number of samples selected, or None.
        identity: What the answers depend on beside prompt and sound; the model's revision is in it.
        hardware: Fingerprint, or "" where it is not known, or not one.
        speed: `rtfx` and the rest of `CellResult.speed`.
        cached: Samples whose times were taken in another run.
        ids: Ids of the samples that have numbers, or their hashes.
        columns: Their sufficient numbers, `(samples,)` each, in the order of `ids`.
        silent: `(samples,) bool`: scored by a judge who said nothing usable.
        clusters: Cluster of each sample, or None.
        quantities: What the recipe measures, the headline first.
        recipe: The recipe as it was planned, or None where only its name is known.
        keys: Text of each sample per slice key.
        hashed: Whether `ids` are hashes.
        words: Name of the prompt of a run that asked in one alone, "" for the usual one (and where the cell names it);
            None where nobody says.
    """

    cell: CellId
    where: str
    signature: str
    digest: str
    total: int | None
    identity: Mapping[str, Any]
    hardware: str
    speed: Mapping[str, float]
    cached: int
    ids: Sequence[str]
    columns: Columns
    silent: NDArray[np.bool_]
    clusters: Sequence[str] | None = None
    quantities: Sequence[Quantity] = ()
    recipe: Recipe | None = None
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hashed: bool = False
    words: str | None = None

    def part(self, key: str, name: str) -> Measured:
        """Return the samples of a slice; none where nobody says of any that it belongs to it."""
        texts = self.keys.get(key, ())
        rows = np.array([text == name for text in texts], dtype=bool) if texts else np.zeros(len(self.ids), dtype=bool)
        part = self._rows(rows)
        # As in `slices`: within a slice whole clusters are resampled, unless the slices are the clusters themselves.
        if self.clusters is not None and texts:
            both = len(set(zip(texts, self.clusters, strict=True)))
            if both == len(set(texts)) == len(set(self.clusters)):
                return replace(part, clusters=None)
        return part

    def scored(self, quantity: str) -> ScoredSamples:
        """Return the samples that count in a quantity."""
        kept = self if quantity == JUDGE_SILENCE or not self.silent.any() else self._rows(~self.silent)
        return ScoredSamples(kept.ids, kept.columns, kept.clusters)

    def _rows(self, rows: NDArray[np.bool_]) -> Measured:
        places = np.flatnonzero(rows).tolist()
        return replace(
            self,
            ids=[self.ids[row] for row in places],
            columns={name: column[rows] for name, column in self.columns.items()},
            silent=self.silent[rows],
            clusters=None if self.clusters is None else [self.clusters[row] for row in places],
            keys={key: [texts[row] for row in places] for key, texts in self.keys.items()},
        )


def measured(data: CellData, where: str) -> Measured:
    """Return what a run says of a cell, clip by clip: several answers to one stand as their mean.

    Raises:
        RecordError: An answered sample carries no numbers.
    """
    return _by_clip(_answer_by_answer(data, where), data.plan.draws)


class Samples:
    """The samples of a cell of a run, read once: clip by clip for comparisons, answer by answer for its own values.

    Args:
        data: The cell.
        where: The run, as it is shown to people.
    """

    def __init__(self, data: CellData, where: str) -> None:
        self._data, self._where = data, where

    @cached_property
    def _answers(self) -> Measured:
        return _answer_by_answer(self._data, self._where)

    @cached_property
    def _clips(self) -> Measured:
        return _by_clip(self._answers, self._data.plan.draws)

    def clips(self, part: tuple[str, str] | None = None) -> Measured:
        """Return each clip once, of all or of a slice."""
        return self._clips if part is None else self._clips.part(*part)

    def answers(self, quantity: str, part: tuple[str, str] | None = None) -> ScoredSamples:
        """Return the answers that count in a quantity, over which the values of the cell and its slices are."""
        return (self._answers if part is None else self._answers.part(*part)).scored(quantity)

    def summed(self, quantity: str, part: tuple[str, str] | None = None) -> ScoredSamples:
        """Return the clips whose answers count, each with the sums over them: what a clip adds to the cell's value."""
        found = self.answers(quantity, part)
        return ScoredSamples(*summed(found.ids, found.columns))


def _by_clip(every: Measured, draws: int) -> Measured:
    if draws == 1:
        return every
    ids, first, means = by_clip(every.ids, {**every.columns, _SILENT: every.silent.astype(np.float64)})
    return replace(
        every,
        total=None if every.total is None else every.total // draws,
        ids=ids,
        silent=means.pop(_SILENT) == 1.0,
        columns=means,
        clusters=None if every.clusters is None else [every.clusters[row] for row in first],
        keys={key: [texts[row] for row in first] for key, texts in every.keys.items()},
    )


def _answer_by_answer(data: CellData, where: str) -> Measured:
    """Return what a run says of a cell; the id of a clip stands there once for each of its answers."""
    table = data.table
    model = merged(receipt.model for receipt in data.receipts)
    selected = merged(receipt.dataset for receipt in data.receipts)
    silent = table.states == list(State).index(State.JUDGE_INVALID)
    counted = table.scored | (table.has_score & silent)
    rows = np.flatnonzero(counted).tolist()
    recipe = recipe_of(data.plan)
    numbers = numbers_of(data, recipe)
    signature = signature_of(data.receipts)
    groups = clusters_of(data.plan, table, counted)
    audio_s, infer_s = table.audio_s[table.scored].sum(), table.infer_s[table.scored].sum()
    speed = speed_of(table, data.receipts) | ({"rtfx": float(audio_s / infer_s)} if infer_s > 0 else {})
    total, own = expected_of(data), [table.samples[row] for row in rows]
    clusters = list(groups.names) if groups.key and groups.key != CLIP else None
    columns = {name: column[counted] for name, column in numbers.items()}
    keys, silent = slice_keys(data, counted), silent[counted]
    return Measured(
        cell=data.plan.cell,
        where=where,
        signature=signature,
        digest=one_text(selected.get("digest")),
        total=total,
        identity=_mapping(model.get("identity")),
        hardware=one_text(model.get("hardware")),
        speed=speed,
        cached=int(table.cached[table.scored].sum()),
        ids=own,
        columns=columns,
        silent=silent,
        clusters=clusters,
        quantities=recipe.quantities(languages_of(table, signature)),
        recipe=recipe,
        keys=keys,
        words="" if data.plan.cell.prompt else data.plan.prompt,
    )


def paired(first: Measured, second: Measured, quantity: str) -> tuple[Pairs, Mapping[str, str]]:
    """Return the samples that both scored, and the ids for which the hashes in the pairs stand, where a side has them.

    Samples are always paired, and thereby ordered, by the hashes of their ids: what a bootstrap draws depends on the
    order, and a lock file must give the very verdict of the run that it was made of.
    """
    names: dict[str, str] = {}
    sides = []
    for side in (first, second):
        scored = side.scored(quantity)
        if not side.hashed:
            hashes = [id_hash(one) for one in scored.ids]
            names |= dict(zip(hashes, scored.ids, strict=True))
            scored = replace(scored, ids=hashes)
        sides.append(scored)
    return pair(*sides), names


def id_hash(sample_id: str) -> str:
    """Return 16 hex digits that stand for a sample id: of 100,000 ids two agree once in 10**9 sets."""
    return hashlib.blake2b(sample_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def one_text(value: Any) -> str:
    """Return a fact on which all processes agree, or "": one on which they differ is a list."""
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
