"""Which published value a cell is to reproduce: named, or found by data set, model and recipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.catalog.boards import load_boards
from audiobench_pytest.catalog.loader import is_of_sounds, load_catalog
from audiobench_pytest.catalog.published import PublishedRef, PublishedValue, load_published
from audiobench_pytest.catalog.schema.protocols import ExpectedRef
from audiobench_pytest.catalog.suites import load_protocols
from audiobench_pytest.errors import UnknownNameError, did_you_mean
from audiobench_pytest.leaderboard.gates.values import Wrong, number, table, text
from audiobench_pytest.types import CellId

_FIELDS = ("table", "model", "benchmark", "metric", "scale")


@dataclass(frozen=True, slots=True)
class Target:
    """A published value in the unit of our own.

    Attributes:
        printed: The cell.
        value: What it prints, times the scale.
        rounding: By how much the rounding of what is printed may have moved it.
    """

    printed: PublishedValue
    value: float
    rounding: float

    def __str__(self) -> str:
        one = self.printed
        return f"{one.printed} ({one.table}: {one.model}, {one.benchmark}, {one.metric})"


def named_cell(value: Any) -> ExpectedRef:
    """Return the published cell that a gates file names; `metric` may be left out where the table has but one.

    Raises:
        Wrong: There is no such cell, or it is open, or the table has several metrics there.
    """
    keys = table(value, set(_FIELDS))
    texts: dict[str, str] = {}
    for key in ("table", "model", "benchmark"):
        if key not in keys:
            raise Wrong(f"lacks '{key}': {{table, model, benchmark}} name a cell, metric and scale may follow")
        texts[key] = _inner(key, text, keys[key])
    published = load_published()
    try:
        cells = published.table(texts["table"])
    except UnknownNameError as exc:
        raise Wrong(f"names no published table: {exc}") from None
    for key, known in (
        ("model", cells.models()),
        ("benchmark", list(dict.fromkeys(benchmark for benchmark, _ in cells.columns()))),
    ):
        if texts[key] not in known:
            raise Wrong(
                f"names {key} '{texts[key]}', which table '{cells.name}' does not have{did_you_mean(texts[key], known)}"
            )
    metrics = [metric for benchmark, metric in cells.columns() if benchmark == texts["benchmark"]]
    metric = _inner("metric", text, keys.get("metric", metrics[0]))
    if metric not in metrics or (len(metrics) > 1 and "metric" not in keys):
        raise Wrong(f"must name one metric of '{texts['benchmark']}': {', '.join(metrics)}")
    found = cells.get(texts["model"], texts["benchmark"], metric)
    if found is None or found.value is None:
        raise Wrong(f"names a cell that table '{cells.name}' leaves open")
    scale = _inner("scale", number, keys.get("scale", 1.0))
    return ExpectedRef(texts["table"], texts["model"], texts["benchmark"], metric, scale)


def _inner(key: str, parse: Any, value: Any) -> Any:
    try:
        return parse(value)
    except Wrong as exc:
        raise Wrong(f"{key} {exc}") from None


def target_of(ref: ExpectedRef) -> Target | None:
    """Return the value of a published cell, or None where the table leaves it open."""
    printed = load_published().value(ref, ref.model)
    if printed is None or printed.value is None:
        return None
    return Target(printed, printed.value * ref.scale, printed.tolerance * ref.scale)


def targets(cell: CellId, part: str = "") -> list[Target]:
    """Return what is published for the data set and model of a cell, under any recipe.

    Protocols say it outright; columns of boards say which data set a published column is of, and the model is then the
    one whose printed name is a name, an alias or the source of ours.

    Args:
        cell: The cell.
        part: `key=name` of the slice, or "" for the whole set.
    """
    found: dict[tuple[str, str, str, str], Target] = {}
    for ref in _refs(cell, part):
        target = target_of(ref)
        if target is not None:
            found.setdefault((ref.table, ref.model, ref.benchmark, ref.metric), target)
    return list(found.values())


def _refs(cell: CellId, part: str) -> Iterator[ExpectedRef]:
    for protocol in load_protocols():
        asked = (protocol.dataset, protocol.slice, protocol.model)
        if asked == (cell.dataset, part, cell.model):
            yield protocol.expected
    names = _names(cell.model)
    published = load_published()
    for board in load_boards():
        for column in board.columns:
            if column.datasets != (cell.dataset,) or column.slice != part:
                continue
            for ref in column.published:
                # A column scaled for its board (a cosine times 100) is not in the recipe's unit.
                scaled = PublishedRef(ref.table, ref.benchmark, ref.metric, ref.scale / column.scale)
                for model in published.table(ref.table).models():
                    if _fold(model) in names:
                        yield ExpectedRef(scaled.table, model, scaled.benchmark, scaled.metric, scaled.scale)


def same_recipe(printed: str, ours: str) -> bool:
    """Whether two names mean one recipe."""
    recipes = load_catalog().recipes
    return printed == ours or (printed in recipes and ours in recipes and recipes.get(printed) is recipes.get(ours))


def other_channel(printed: str, ours: str) -> bool:
    """Whether one of two recipes scores answers in speech and the other answers in text."""
    recipes = load_catalog().recipes
    known = [is_of_sounds(recipes.get(name)) for name in (printed, ours) if name in recipes]
    return len(set(known)) > 1


def _names(model: str) -> set[str]:
    names = [model.rpartition(":")[2].partition("@")[0]]
    models = load_catalog().models
    if model in models:
        spec = models.get(model)
        names += [spec.name, *spec.aliases, spec.source or ""]
    return {_fold(name.rpartition("/")[2]) for name in names} - {""}


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
