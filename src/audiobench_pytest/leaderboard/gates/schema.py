"""What a gates file may say: its nouns, and the keys of its tables. docs/gates.md explains each with an example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.leaderboard.quantities import FIXED
from audiobench_pytest.types import Verdict

if TYPE_CHECKING:
    from audiobench_pytest.catalog.schema.protocols import ExpectedRef
    from audiobench_pytest.records.runs.plan import PlannedCell

EVERYTHING = "*"
"""Scope of the limits in the `default` table, and the slice that stands for each of its key."""

BOUNDS = ("max", "min")
CHECKS = (*BOUNDS, "regression", "anchor", "published")
"""What is checked of a metric, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table.

    Attributes:
        name: As it is written.
        kind: What its value is, in words.
        needs: The key without which it means nothing, or "".
        help: What it does, in a sentence.
    """

    name: str
    kind: str
    needs: str
    help: str


KEYS = {
    key.name: key
    for key in (
        Key("max", "a number", "", "The greatest value that passes."),
        Key("min", "a number", "", "The least value that passes."),
        Key("recipe", "text", "", "Hold only for cells scored by this recipe."),
        Key("hardware", "text", "", "Fingerprint of the hardware that a limit on speed is meant for."),
        Key("on_other_hardware", "skip or fail", "hardware", "What becomes of the limit elsewhere; default skip."),
        Key(
            "max_regression", "a number or text like 5%", "", "By how much the value may be worse than the baseline's."
        ),
        Key("baseline", "text", "max_regression", "A run directory or a lock file, from the folder of the gates file."),
        Key("baseline_model", "text", "max_regression", "The baseline's model, where it is called otherwise."),
        Key("confidence", "a number", "max_regression", "How sure a verdict must be, above 0.5; default 0.95."),
        Key("anchor", "text", "max_regression", "A baseline that is never updated: small steps must not add up."),
        Key(
            "inconclusive",
            "pass, fail or skip",
            "",
            "Of max_regression and percentiles: what an open verdict counts as; default fail where the value is worse "
            "than allowed, else skip.",
        ),
        Key("trade", "a table", "max_regression", "What a gain in speed may cost: {rtfx = 2.0, allow = 1.0}."),
        Key("against", "published", "", "Compare with the value that others published."),
        Key("tolerance", "a number or text like 5%", "against", "How far off, in either direction, the value may be."),
        Key("published", "a table", "against", "Which cell: {table, model, benchmark, metric, scale}."),
        Key("limited", "judge or skip", "", "What becomes of the limit with --limit or --sample; default skip."),
        Key("min_samples", "a whole number", "", "Of a slice: with fewer samples it is not judged."),
        Key("required", "true or false", "", "Be red where the limit applies to nothing or is not judged."),
        Key("samples", "a number", "", "Of coverage: how many samples the set has."),
        Key("data", "text", "", "Of coverage: the first digits of the data's digest (leaderboard.json, data_info)."),
        Key("waive", "a table", "", 'Let it be red for a while: {until = 2026-12-31, by = "...", why = "..."}.'),
    )
}
"""Keys of a table that limits a metric."""

SETTINGS = ("baseline", "anchor", "confidence", "inconclusive", "hardware", "on_other_hardware", "limited")
"""Keys that may also stand above all tables, and hold where a table does not say otherwise."""

LISTS = ("datasets", "models")
"""Keys above all tables that list what only other jobs have."""

RELEASE = "release"
"""The table of what a release promises."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A limit that may be missed for a while.

    Attributes:
        until: The last day.
        by: Who said so.
        why: For which reason.
    """

    until: date
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What a file says that cells were measured on.

    Attributes:
        about: `samples`, `data` or `weights`.
        wanted: A number of samples, or the first digits of a digest or revision.
        source: Where it is written.
        scope: The data set, family or task it holds for, or `EVERYTHING`.
        model: The only model it holds for, or None for all.
    """

    about: str
    wanted: int | str
    source: str
    scope: str = EVERYTHING
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """What a release promises beside its limits.

    Attributes:
        cells: Data set and model of each cell that must have been measured, on the whole set.
        source: Where it is written.
    """

    cells: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Trade:
    """What a gain in speed may cost.

    Attributes:
        speed: Which of `SPEED` must be better.
        factor: How many times as fast as the baseline, on the same hardware.
        allow: The regression then allowed.
        relative: Whether `allow` is a share of the baseline's value, else in the metric's unit.
    """

    speed: str
    factor: float
    allow: float
    relative: bool


@dataclass(frozen=True, slots=True)
class RegressionRule:
    """How a value is compared with a baseline's.

    Attributes:
        baseline: Run directory or lock file.
        shown: The baseline as the gates file names it.
        relative: Whether the limit is a share of the baseline's value, else in the metric's unit.
        confidence: Above 0.5, below 1.
        inconclusive: What a verdict that stays open counts as; None decides by the value: a failure where it is worse
            than allowed, else a skip.
        baseline_model: Name of the baseline's model where it is another one, else None.
        trade: What a gain in speed may cost, or None.
    """

    baseline: Path
    shown: str
    relative: bool
    confidence: float
    inconclusive: Verdict | None
    baseline_model: str | None
    trade: Trade | None


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """How a value is compared with a published one.

    Attributes:
        relative: Whether the tolerance is a share of the published value, else in the metric's unit.
        cell: The published cell, or None to find it by data set, model and recipe.
    """

    relative: bool
    cell: ExpectedRef | None


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a gates file.

    Attributes:
        scope: Name of a dataset, a family or a task, or `EVERYTHING`.
        metric: Name of a quantity, of one of `SPEED` or `FLIPS`, or `coverage`.
        model: The only model it holds for, or None for all.
        bound: One of `CHECKS`; the limit itself still passes.
        value: In the metric's unit, or a share where the rule is relative.
        source: Where it is written (`gates.toml [minispeech.wer.pocketsphinx]`).
        recipe: The only recipe it holds for, or None for all.
        slice: Key and name of the part of the samples it holds for; the name may be `EVERYTHING`, for each.
        hardware: Fingerprint of the hardware it is meant for, or "" for any.
        on_other_hardware: What becomes of it elsewhere: `skip` or `fail`.
        rule: The rest of a comparison.
        judges_limited: Whether it also judges a part of the set (`--limit`, `--sample`).
        required: Whether it must be judged.
        waiver: Until when it may be missed, or None.
        min_samples: Samples that a slice needs to be judged.
        inconclusive: What a limit on a percentile counts as that stays open; None for a skip.
    """

    scope: str
    metric: str
    model: str | None
    bound: str
    value: float
    source: str
    recipe: str | None = None
    slice: tuple[str, str] | None = None
    hardware: str = ""
    on_other_hardware: Verdict = Verdict.SKIP
    rule: RegressionRule | PublishedRule | None = None
    judges_limited: bool = False
    required: bool = False
    waiver: Waiver | None = None
    min_samples: int = 0
    inconclusive: Verdict | None = None

    @property
    def is_family(self) -> bool:
        """Whether it holds for each slice of a key, so that some are worse by chance alone."""
        return self.slice is not None and self.slice[1] == EVERYTHING

    @property
    def is_of_the_recipe(self) -> bool:
        """Whether it limits a quantity that the cell's recipe gives."""
        return self.metric not in FIXED


@dataclass(frozen=True, slots=True)
class GatesFile:
    """All limits of a run.

    Attributes:
        limits: In the order of the file.
        path: The file, or None when there is none.
        min_coverage: Coverage that a cell needs where the file says nothing.
        promises: What cells must have been measured on.
        release: What the file promises as a whole, or None.
        refuses_unmatched: Whether a limit that applies to nothing is red.
        corrects_file: Whether all comparisons with baselines are corrected for together, not only the slices of a key.
    """

    limits: tuple[Limit, ...] = ()
    path: Path | None = None
    min_coverage: float = 1.0
    promises: tuple[Promise, ...] = ()
    release: Release | None = None
    refuses_unmatched: bool = False
    corrects_file: bool = False

    def slice_keys(self, plan: PlannedCell) -> Iterator[str]:
        """Yield the keys of the slices that limits of a planned cell are about."""
        levels = {EVERYTHING, plan.task, plan.family, plan.cell.dataset} - {""}
        for limit in self.limits:
            if limit.slice and limit.scope in levels and limit.model in (None, plan.cell.model):
                yield limit.slice[0]

    def expected(self, plan: PlannedCell) -> int:
        """Return how many gates a planned cell will have, as far as that is known before it has run.

        A limit on each slice of a key counts as one: which slices there are, the samples tell.
        """
        levels = {EVERYTHING, plan.task, plan.family, plan.cell.dataset} - {""}
        found = {
            (limit.metric, limit.bound, limit.slice)
            for limit in self.limits
            if limit.scope in levels
            and limit.model in (None, plan.cell.model)
            and limit.recipe in (None, plan.cell.recipe)
            and limit.metric != "coverage"
        }
        return 1 + len(found)

    def baselines(self) -> set[Path]:
        """Return the run directories and lock files that values are compared with."""
        return {limit.rule.baseline for limit in self.limits if isinstance(limit.rule, RegressionRule)}
