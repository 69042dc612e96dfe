"""Takes the figures of this project and prints them as a table: `python tests/perf/run.py [--only NAME ...]`.

Nothing here is a test: a figure that misses its goal is a row that says so. Exit status 1 means that a figure could not
be taken at all.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import machine
from figures import NAMES, measure_of
from inputs import Inputs
from measuring import ChildFailedError
from result import Result


def main() -> int:
    options = _options()
    folder = options.work or Path(tempfile.mkdtemp(prefix="audiobench-perf-"))
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    inputs = Inputs(folder, options.quick)
    (folder / "data").mkdir(exist_ok=True)
    described = machine.describe()
    print(machine.text(described), end="\n\n", flush=True)
    results: dict[str, Result] = {}
    failures: dict[str, str] = {}
    try:
        for name in options.only or NAMES:
            began = time.monotonic()
            print(f"taking {name} ...", end="", file=sys.stderr, flush=True)
            try:
                results[name] = measure_of(name)(inputs)
            except ChildFailedError as exc:
                failures[name] = str(exc)
            finally:
                shutil.rmtree(folder / "projects", ignore_errors=True)
            print(f" {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    finally:
        if options.work is None:
            shutil.rmtree(folder, ignore_errors=True)
    described["load_after"] = machine.load()
    print(_table(list(results.values())))
    if options.quick:
        print("\n--quick: small data, few repetitions; these numbers show that the figures can be taken, no more.")
    for name, reason in failures.items():
        print(f"\n{name} could not be taken: {reason}")
    if options.json is not None:
        content = {
            "machine": described,
            "quick": options.quick,
            "figures": {name: dataclasses.asdict(result) for name, result in results.items()},
            "failures": failures,
        }
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/perf/run.py", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was seen as JSON")
    parser.add_argument("--quick", action="store_true", help="small data and few repetitions, to see that it runs")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep the generated data there for the next time")
    return parser.parse_args()


def _table(results: list[Result]) -> str:
    heads = ("figure", "measured", "goal", "met")
    rows = [(r.figure, r.measured, r.goal, {True: "yes", False: "NO", None: "-"}[r.met]) for r in results]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(cells: tuple[str, ...]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    lines = [line(heads), line(tuple("-" * width for width in widths))]
    for row, result in zip(rows, results, strict=True):
        lines += [line(row), *textwrap.wrap(result.how, 110, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
