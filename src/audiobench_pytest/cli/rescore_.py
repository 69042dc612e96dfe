"""`audiobench rescore RUN --recipe ...`: what a run answered, under other recipes; no model is needed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.packing import packed
from audiobench_pytest.cli import add_catalog
from audiobench_pytest.cli.score_ import add_judge, add_recipes, as_document, helpers, recipe_specs, write_items

if TYPE_CHECKING:
    from audiobench_pytest.catalog.schema import RecipeSpec
    from audiobench_pytest.records.runs.cells import CellData


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "rescore",
        help="score a run's answers by other recipes",
        description="Score what a run answered by other recipes, side by side with its own. The model is not asked; "
        "scores that the cache knows are not computed again.",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directory (several: parts of one plan)")
    add_recipes(parser, required=True)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--items", type=Path, metavar="OUT", help="write one JSON object per sample and recipe there")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write leaderboard.json, .md and .csv there")
    add_judge(parser)
    parser.add_argument(
        "--transcriber", default="", metavar="MODEL", help="who writes spoken answers down (default: the recipe's)"
    )
    add_catalog(parser)
    parser.set_defaults(run=_rescore)


def _rescore(given: argparse.Namespace) -> int:
    from audiobench_pytest.leaderboard.conclusion import conclude
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.records.runs.merge import merge_runs
    from audiobench_pytest.report.run.files import write_board
    from audiobench_pytest.report.run.terminal import lines

    specs = recipe_specs(given.recipe)
    cells = merge_runs([RunDirectory(path) for path in given.runs])
    rescored = [_rescored(given, cell, spec) for cell in _answers(cells) for spec in _read_in(cell, specs)]
    if given.items:
        write_items(given.items, rescored)
    note = "scored again from the answers of the run; no model was asked"
    concluded = conclude(rescored, None, run_dir=", ".join(map(str, given.runs)), notes=(note,))
    results = concluded.results
    if given.json:
        documents = [
            {"dataset": r.cell.dataset, "model": r.cell.model, "prompt": r.cell.prompt, **as_document(r)}
            for r in results
        ]
        print(json.dumps(documents, indent=2, ensure_ascii=False))
    else:
        for line in lines(concluded, shutil.get_terminal_size().columns):
            print("".join(text for text, _ in line))
    if given.output:
        given.output.mkdir(parents=True, exist_ok=True)
        write_board(concluded, given.output)
    return 0 if results and all(result.value is not None for result in results) else 1


def _answers(cells: list[CellData]) -> list[CellData]:
    """Return one cell per dataset and model: the recipes of a run share their answers."""
    return list({(cell.plan.cell.dataset, cell.plan.cell.row): cell for cell in reversed(cells)}.values())[::-1]


def _read_in(data: CellData, specs: list[RecipeSpec]) -> tuple[RecipeSpec, ...]:
    """Return recipes as they read the answers of a cell.

    Raises:
        UsageError: One needs the sound of an answer, and the answers are texts.
    """
    from audiobench_pytest.catalog.loader import is_of_sounds
    from audiobench_pytest.catalog.schema.protocols import SPEECH, TEXT
    from audiobench_pytest.leaderboard.cells.planned import recipe_of
    from audiobench_pytest.metrics.speech.channels import read_in

    spoken = is_of_sounds(recipe_of(data.plan).spec) or any(outcome.speech for outcome in data.outcomes.values())
    cell = data.plan.cell
    return read_in(
        SPEECH if spoken else TEXT,
        load_catalog(),
        specs,
        answers=f"{cell.model} on {cell.dataset} has answered",
        mend="name a recipe of texts",
    )


def _rescored(given: argparse.Namespace, data: CellData, spec: RecipeSpec) -> CellData:
    import dataclasses

    from audiobench_pytest.metrics.recipes import Recipe
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.runner.scoring.scorer import unscored
    from audiobench_pytest.runner.scoring.stages import score_all

    recipe = Recipe(spec)
    cell = dataclasses.replace(data.plan.cell, recipe=spec.name)
    caches = [given.cache] if given.cache.is_dir() or recipe.metric.stage is not None else []
    found = score_all(
        recipe,
        [unscored(outcome, cell) for outcome in data.outcomes.values()],
        set(data.table.languages),
        caches=caches,
        helpers=helpers(given, given.transcriber),
    )
    for note in found.notes:
        print(f"audiobench: {note}", file=sys.stderr)
    outcomes = {outcome.row: outcome for outcome in found.outcomes}
    entries = {entry.name: entry.recipe for entry in load_catalog().datasets}
    published = data.plan.published_recipe or entries.get(cell.dataset) or spec.name
    plan = dataclasses.replace(
        data.plan,
        cell=cell,
        recipe=packed(spec),
        published_recipe=None if published == spec.name else published,
    )
    receipts = tuple(dataclasses.replace(r, cell=cell, signature=found.signature) for r in data.receipts)
    return CellData(plan, receipts, outcomes)
