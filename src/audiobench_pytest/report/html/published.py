"""What others published of the data sets of a run, under the recipe that the run has scored them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def published_of(cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the published numbers that a run's cells may be compared with, as the protocols know them.

    Args:
        cells: Of `leaderboard.json`.

    Returns:
        `dataset`, `recipe`, `model` (as printed), `value` (in the recipe's unit), `table` and `differs` (in what the
        published question is known to be another) of each, in the order of the tables.
    """
    # Only here: a run of somebody's own data reads no table.
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.catalog.suites import load_suites, plan

    wanted = {(cell["dataset"], cell["recipe"]) for cell in cells}
    known = {entry.name for entry in load_catalog().datasets}
    if not any(dataset in known for dataset, _ in wanted):
        return []
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for suite in load_suites():
        for one in plan(suite):
            protocol = one.protocol
            if (protocol.dataset, protocol.recipe) not in wanted or one.expected is None or protocol.slice:
                continue
            key = (protocol.dataset, protocol.recipe, protocol.expected.model, one.published.table)
            found.setdefault(
                key,
                {
                    "dataset": protocol.dataset,
                    "recipe": protocol.recipe,
                    "model": protocol.expected.model,
                    "value": one.expected,
                    "table": one.published.table,
                    "differs": "; ".join(one.differs),
                },
            )
    return list(found.values())
