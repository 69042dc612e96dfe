"""`audiobench import FORMAT:PATH --model NAME`: old answers of others as a run, without inference."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.cli import add_catalog
from audiobench_pytest.cli.score_ import add_judge, add_recipes, helpers, recipe_specs

if TYPE_CHECKING:
    from audiobench_pytest.exchange.imports.sources import Wanted

_DESCRIPTION = """\
Make a run directory of result files of others, so that gate, rescore, compare, report, export and baseline work on old
answers without inference. Formats: ultraeval, kimi, voicebench, lmms-eval, open-asr, nemo, ms-swift, wenet, trn, ctm,
predictions; recognised by content where none is named. References are those of --dataset, else of --references, else
the file's own. Every cell says that its answers were imported, from which files.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "import",
        help="make a run of result files of other harnesses, without inference",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="[NAME=][FORMAT:]PATH",
        help="result file; NAME is what its data is called (default: the file's name), files of one NAME are its parts",
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="what the model is called that answered")
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="data set that was asked: once for all files, or once for each in order; its references count",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="file of references: trn, stm, lines of key and text, JSON lines",
    )
    add_recipes(parser, required=False)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N samples of the data set were asked")
    parser.add_argument("--subset", default="", metavar="NAME", help="only rows whose field `subset` is this")
    parser.add_argument(
        "--answer", default="", metavar="FIELD", help="field that holds the answer (default: the format's own)"
    )
    parser.add_argument("--language", metavar="L", help="language of rows that name none (default: en)")
    parser.add_argument("--task", default="", metavar="NAME", help="task of answers without --dataset, as asr")
    parser.add_argument(
        "--cluster", default="", metavar="KEY|none", help="resample whole groups of this key for the interval"
    )
    parser.add_argument("--slices", default="", metavar="KEY,...", help="give the values also by these keys")
    parser.add_argument(
        "--output", type=Path, metavar="RUN", help="run directory to make (default: a new one in .audiobench/runs)"
    )
    add_judge(parser)
    add_catalog(parser)
    parser.set_defaults(run=_import)


def _import(given: argparse.Namespace) -> int:
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.exchange.imports.making import Asked, write_run
    from audiobench_pytest.exchange.imports.sources import Source, imported_sets
    from audiobench_pytest.leaderboard.conclusion import conclude
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.report.run.files import write_board
    from audiobench_pytest.report.run.terminal import lines

    if not given.model.strip():
        raise UsageError("--model: an empty name; say what the model is called that answered")
    wanted = _wanted(given)
    sets = imported_sets([Source.of(text) for text in given.sources], wanted)
    asked = Asked(
        model=given.model.strip(),
        command=["audiobench", "import", *given.sources],
        selection={"limit": given.limit},
        caches=[given.cache],
        helpers=helpers(given),
        tell=lambda text: print(f"audiobench: {text}", file=sys.stderr),
    )
    run = write_run(given.output or RunDirectory.new_path(Path(".audiobench/runs")), sets, asked)
    concluded = conclude(run.cells(), None, run_dir=str(run.path))
    write_board(concluded, run.path)
    for line in lines(concluded, shutil.get_terminal_size().columns):
        print("".join(text for text, _ in line))
    print(run.path)
    results = concluded.results
    return 0 if results and all(result.value is not None for result in results) else 1


def _wanted(given: argparse.Namespace) -> Wanted:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.datasets import LoadSettings
    from audiobench_pytest.exchange.imports.sources import Wanted
    from audiobench_pytest.languages import known_language

    return Wanted(
        datasets=given.dataset,
        references=given.references,
        recipes=recipe_specs(given.recipe or []),
        language=known_language(given.language) if given.language else "",
        task=load_catalog().tasks.get(given.task).name if given.task else "",
        answer=given.answer,
        subset=given.subset,
        clusters=given.cluster,
        slices=tuple(part for part in given.slices.split(",") if part),
        settings=LoadSettings(given.cache, limit=given.limit),
    )
