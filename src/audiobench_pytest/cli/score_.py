"""`audiobench score FILE`: anybody's predictions under a recipe, without a run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.packing import packed
from audiobench_pytest.cli import add_cache, add_catalog
from audiobench_pytest.types import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audiobench_pytest.catalog.schema import RecipeSpec
    from audiobench_pytest.metrics.recipes import Recipe
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.runner.hearing.asking import Hearing
    from audiobench_pytest.runner.scoring.stages import Helpers
    from audiobench_pytest.types import CellResult, SampleScore

_DESCRIPTION = """\
Score a file of predictions: one JSON object a line with `reference` and `prediction`, and where the recipe uses them
`id`, `language`, `choices` (option texts), `aliases` (further references, as are all but the first of a list given as
`reference`); every other key is kept, and may be named by --cluster and --slices. A row without a prediction counts as
failed: never scored as text, never left out unseen.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "score",
        help="score a file of predictions",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="JSONL file, or - for standard input")
    add_recipes(parser, required=True)
    parser.add_argument("--language", metavar="L", help="ISO 639 code of rows that name none (default: en)")
    parser.add_argument("--json", action="store_true", help="print JSON: an object, or a list for several recipes")
    parser.add_argument("--items", type=Path, metavar="OUT", help="write one JSON object per sample there")
    add_statistics(parser)
    add_judge(parser)
    add_catalog(parser)
    parser.set_defaults(run=_score)


def add_recipes(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the option that names recipes."""
    parser.add_argument(
        "--recipe",
        action="append",
        required=required,
        metavar="NAME",
        help="recipe of `audiobench list recipes`; repeatable",
    )


def add_statistics(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how samples belong together."""
    parser.add_argument(
        "--cluster",
        default=AUTO,
        metavar="KEY|none",
        help="resample whole groups of this key for the interval (default: speaker, session or recording where the "
        "samples name one)",
    )
    parser.add_argument(
        "--slices", default="", metavar="KEY,...", help="give the values also by these keys (gender,accent)"
    )


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Add the options of recipes that ask a judge."""
    group = parser.add_argument_group("recipes that ask a judge (judge/..., airbench/chat)")
    group.add_argument("--judge-url", metavar="URL", help="OpenAI-compatible endpoint, as in http://host:8000/v1")
    group.add_argument("--judge-model", metavar="NAME", help="judge's model (default: the rubric's)")
    group.add_argument("--judge-key-env", metavar="NAME", help="variable that holds the key (default: OPENAI_API_KEY)")
    group.add_argument("--judge-concurrency", type=int, default=16, metavar="N", help="questions at once (default: 16)")
    add_cache(group, "where the judge's replies, transcripts and ratings are kept")


def recipe_specs(names: list[str]) -> list[RecipeSpec]:
    """Return the catalogue's entries of some names, each checked.

    Raises:
        UsageError: One does not exist (the message lists close matches), or names what does not exist.
    """
    from audiobench_pytest.catalog.loader import load_catalog

    wanted = [part.strip() for name in names for part in name.split(",") if part.strip()]
    return list({spec.name: spec for spec in map(load_catalog().recipes.get, wanted)}.values())


def _score(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.catalog.schema.protocols import TEXT
    from audiobench_pytest.metrics.speech.channels import read_in

    mend = "name a recipe of texts"
    specs = read_in(TEXT, load_catalog(), recipe_specs(given.recipe), answers="a file holds answers", mend=mend)
    if given.items and str(given.file) != "-" and given.items.resolve() == given.file.resolve():
        from audiobench_pytest.errors import UsageError

        raise UsageError(f"--items would overwrite {given.file}: name another file")
    scored = [(spec, _cell(given, spec)) for spec in specs]
    from audiobench_pytest.leaderboard.cells.reduce import reduce_cell

    results = [reduce_cell(data) for _, data in scored]
    if given.items:
        write_items(given.items, [data for _, data in scored])
    if given.json:
        documents = [as_document(result) for result in results]
        print(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2, ensure_ascii=False))
    else:
        for number, result in enumerate(results):
            print("\n" * (number > 0) + "\n".join(as_text(result)))
    empty = [result for result in results if result.value is None]
    for result in empty:
        print(f"audiobench: {result.cell.recipe}: nothing could be scored", file=sys.stderr)
    return 1 if empty else 0


def _cell(given: argparse.Namespace, spec: RecipeSpec) -> CellData:

    from audiobench_pytest.metrics.recipes import Recipe
    from audiobench_pytest.records.predictions import read_predictions
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
    from audiobench_pytest.runner.scoring.stages import score_all
    from audiobench_pytest.types import CellId

    recipe = Recipe(spec)
    name = "standard input" if str(given.file) == "-" else given.file.stem
    cell = CellId(name, "predictions", spec.name)
    outcomes = read_predictions(
        given.file, cell, language=given.language, needs_reference=recipe.metric.needs_reference
    )
    languages = {outcome.language for outcome in outcomes.values()} or {given.language or "en"}
    # Scores that cost nothing are not kept by this command.
    caches = [given.cache] if recipe.metric.stage is not None else []
    found = score_all(recipe, outcomes.values(), languages, caches=caches, helpers=helpers(given))
    for note in found.notes:
        print(f"audiobench: {note}", file=sys.stderr)
    scored = {outcome.sample_id: outcome for outcome in found.outcomes}
    plan = PlannedCell(
        cell,
        task="",
        family="",
        node="",
        shards=1,
        selected=(0,),
        samples=len(scored),
        recipe=packed(spec),
        clusters=given.cluster,
        slices=tuple(part for part in given.slices.split(",") if part),
    )
    receipt = ShardReceipt(cell, 0, 1, expected=len(scored), total=len(scored), started=0.0, signature=found.signature)
    return CellData(plan, (receipt,), scored)


def helpers(given: argparse.Namespace, transcriber: str = "") -> Helpers:
    """Return who the command line names for recipes that ask another model."""
    from audiobench_pytest.runner.scoring.judge_record import JudgeSettings

    judge = JudgeSettings(
        url=given.judge_url,
        model=given.judge_model,
        key_env=given.judge_key_env,
        concurrency=given.judge_concurrency,
    )

    # Called by who hears: most recipes need none of it.
    def hearing() -> Hearing:
        from audiobench_pytest.runner.hearing.asking import hearing_for

        return hearing_for(given.cache, transcriber)

    return {"judge": judge, "listening": judge, "transcript": hearing, "rating": hearing, "felt": hearing}


def write_items(path: Path, cells: list[CellData]) -> None:
    """Write one line per answer and recipe: id, state, its own value, its numbers, the normalised texts.

    Every scored line of a recipe has the same numbers, those that are zero included. What several cells differ in
    (`dataset`, `model`, `prompt`) stands in each line, and which draw it is where samples have several.

    Raises:
        RecordError: The file cannot be written.
    """
    from audiobench_pytest.leaderboard.cells.planned import recipe_of
    from audiobench_pytest.leaderboard.cells.reduce import values_at
    from audiobench_pytest.records.append import as_line, write_atomically

    lines = []
    told = [one for one in ("dataset", "model", "prompt") if len({getattr(data.plan.cell, one) for data in cells}) > 1]
    told += ["recipe"] if len(cells) > 1 else []
    for data in cells:
        recipe = recipe_of(data.plan)
        known = {row: outcome.score for row, outcome in data.outcomes.items() if outcome.score is not None}
        scores = dict(zip(known, recipe.corpus(list(known.values())), strict=True))
        zeros = dict.fromkeys(_numbers_of(recipe, scores.values()), 0)
        for outcome in data.outcomes.values():
            row: dict[str, Any] = {"id": outcome.sample_id, "state": str(outcome.state)}
            row |= {name: getattr(outcome.cell, name) for name in told}
            row |= {"draw": outcome.draw} if data.plan.draws > 1 else {}
            if outcome.reason:
                row["reason"] = outcome.reason
            score = scores.get(outcome.row)
            if score is not None and outcome.prediction is not None:
                head = recipe.quantities([outcome.language])[0].name
                row["score"] = values_at(recipe, score.numbers).get(head)
                row |= {**zeros, **score.numbers}
                row |= {"reference": score.reference, "prediction": score.prediction}
            lines.append(as_line(row))
    write_atomically(path, b"".join(line + b"\n" for line in lines))


class _Asked(dict[str, Any]):
    """Sums that remember which of them were looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def __contains__(self, name: object) -> bool:
        self.names[str(name)] = None
        return False


def _numbers_of(recipe: Recipe, scores: Iterable[SampleScore]) -> list[str]:
    """Return the names of a recipe's numbers: those that some sample has, and those that its values are made of.

    An error rate always has its counts, and what its options add is only looked for where some sample has it.
    """
    asked = _Asked()
    if not recipe.metric.uses_units:
        recipe.values(asked)
    return list(dict.fromkeys([*asked.names, *(name for score in scores for name in score.numbers)]))


def as_document(result: CellResult) -> dict[str, Any]:
    """Return a result as plain JSON values."""
    from audiobench_pytest.report.run.json_file import cell_document

    document = cell_document(result)
    head = {"recipe": result.cell.recipe, "metric": result.metric, "value": result.value}
    keep = ("unit", "higher_is_better", "low", "high", "worst")
    more = (
        "expected",
        "coverage",
        "counts",
        "values",
        "tails",
        "sums",
        "clusters",
        "n_clusters",
        "effective_clusters",
        "slices",
        "first_errors",
    )
    return {
        **head,
        **{name: document[name] for name in keep},
        "n": result.scored,
        **{name: document[name] for name in more},
        "incomplete": result.coverage < 1.0,
        "signature": result.signature,
    }


def as_text(result: CellResult) -> list[str]:
    """Return a result as lines for people."""
    from audiobench_pytest.leaderboard.quantities import LEAST_EFFECTIVE
    from audiobench_pytest.report import numbers
    from audiobench_pytest.types import State

    head = result.headline
    over = ""
    if result.clusters:
        effective = result.effective_clusters or 0.0
        over = f" over {result.n_clusters} values of {result.clusters}, effectively {effective:.1f}"
        if effective < LEAST_EFFECTIVE:
            over += f": below {LEAST_EFFECTIVE:g} it is a rough guess"
    lines = [result.cell.recipe]
    wide = max(len(value.quantity.name) for value in (*result.values, *result.tails))
    for value in result.values:
        unit = f" {value.quantity.unit}".rstrip()
        interval = numbers.interval(value.low, value.high)
        shown = "-" if value.value is None else f"{value.value:.4f}{unit}"
        lines.append(f"  {value.quantity.name:<{wide}}  {shown}  {interval}".rstrip())
    for value in result.tails:
        interval = numbers.interval(value.low, value.high)
        if value.value is not None:
            lines.append(f"  {value.quantity.name:<{wide}}  {value.value:.4f} %  {interval}".rstrip())
    other = ", ".join(f"{n} {state}" for state, n in result.counts.items() if n and state is not State.OK)
    lines.append(f"  n {result.scored} of {numbers.count(result.expected)}" + (f" ({other})" if other else ""))
    if head.low is not None:
        lines.append(f"  [low, high]: 95 % interval{over}")
    if result.coverage < 1.0:
        bound = "" if head.worst is None else f"; {head.worst:.4f} had all others been answered with nothing"
        lines.append(f"  incomplete: coverage {result.coverage:.4f}{bound}")
        lines += [f"    {sample}: {state}: {reason}" for sample, state, reason in result.first_errors]
    for part in result.slices:
        value = part.values[0]
        shown = "-" if value.value is None else f"{value.value:.4f}"
        interval = numbers.interval(value.low, value.high)
        lines.append(f"  {part.key}={part.name}  {shown}  {interval}  n {part.samples}")
    lines.append(f"  {result.signature}")
    return lines
