"""`audiobench export RUN --format ...`: a run in the layouts of others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiobench_pytest.frames import Run

_TABLES = ("csv", "jsonl", "parquet")
_DOCUMENTS = ("lm-eval", "model-index")
_TRACKERS = ("mlflow", "wandb")

_DESCRIPTION = """\
Write a run for others to read. csv, jsonl, parquet: a row per sample, per cell or per value (--rows). lm-eval: results
as lm-evaluation-harness writes them. model-index: YAML for a model card on the hub. mlflow, wandb: values and what
they rest on, without texts, to a tracker; against a server of theirs this is unverified.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="write a run as CSV, parquet, JSON lines, lm-eval results, a model card's index; log it to a tracker",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, metavar="RUN", help="run directory")
    parser.add_argument("--format", required=True, choices=(*_TABLES, *_DOCUMENTS, *_TRACKERS), help="the layout")
    parser.add_argument(
        "--rows",
        choices=("samples", "cells", "values"),
        help="of csv, jsonl and parquet: what a row is (default: samples)",
    )
    parser.add_argument("--model", metavar="NAME", help="only this model (default: all; lm-eval, model-index take one)")
    parser.add_argument(
        "--output", metavar="FILE", help="file to write (default: print it; parquet needs one); of a tracker its place"
    )
    parser.add_argument("--card-name", metavar="NAME", help="of model-index: what the card calls the model")
    parser.add_argument("--project", metavar="NAME", help="of a tracker: experiment or project (default: audiobench)")
    parser.set_defaults(run=_export)


def _export(given: argparse.Namespace) -> int:
    _refuse_idle(given)
    from audiobench_pytest.frames import read_run

    run = read_run(given.directory)
    if given.format in _TRACKERS:
        from audiobench_pytest.exchange.exports import trackers

        log = trackers.to_mlflow if given.format == "mlflow" else trackers.to_wandb
        told = log(run, given.model, project=given.project or trackers.PROJECT, place=given.output or "")
        print("\n".join(told))
        return 0
    written = _written(run, given)
    if given.output:
        from audiobench_pytest.records.append import write_atomically

        write_atomically(Path(given.output), written)
        print(given.output)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(written) if hasattr(sys.stdout, "buffer") else print(written.decode(), end="")
    return 0


def _refuse_idle(given: argparse.Namespace) -> None:
    """Refuse what the format does not look at: it would be taken to have had an effect.

    Raises:
        UsageError: An option is not of this format, or one is missing.
    """
    from audiobench_pytest.errors import UsageError

    for option, value, formats in (
        ("--rows", given.rows, _TABLES),
        ("--card-name", given.card_name, ("model-index",)),
        ("--project", given.project, _TRACKERS),
    ):
        if value is not None and given.format not in formats:
            raise UsageError(f"{option} is for {', '.join(formats)}, not for {given.format}: leave it out")
    if given.format == "parquet" and not given.output:
        raise UsageError("parquet is no text: name the file with --output")


def _written(run: Run, given: argparse.Namespace) -> bytes:
    from audiobench_pytest.exchange.exports import card, harness, tables
    from audiobench_pytest.exchange.exports.cells import cells_of

    cells = cells_of(run, given.model)
    if given.format in _TABLES:
        frame = tables.rows_of(run, given.rows or "samples")
        return tables.TABLES[given.format](frame[frame["model"] == given.model] if given.model else frame)
    for cell in cells:
        for doubt in cell.doubts():
            print(f"audiobench: {cell.asked} ({cell.recipe}): {doubt}", file=sys.stderr)
    if given.format == "lm-eval":
        return harness.as_results(run, given.model)
    return card.as_model_index(run, given.model, given.card_name)
