"""Writes the folder: one page, its style and script, data in pieces, sounds."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import RecordError
from audiobench_pytest.metrics.accuracy.confusion import confusion
from audiobench_pytest.records.answers.spoken import sound_at
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.report.html.parts import page, refuse_others, write_script
from audiobench_pytest.report.html.pictures import picture_of
from audiobench_pytest.report.html.published import published_of
from audiobench_pytest.report.html.samples import Before, Shown, confusions, groups_of, labels_of, samples_of
from audiobench_pytest.report.html.speeds import speeds_of
from audiobench_pytest.report.run.json_file import stored_board
from audiobench_pytest.types import SCORED_STATES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ASSETS = ("report.css", "drawn.js", "report.js")
PIECE = 500
"""Samples of one script: a page takes what it shows."""

MARKER = ".audiobench-report"
"""File in a folder that a report may replace what is in: it wrote all of it."""

WORST = 50
"""Samples of a cell whose sound is copied into the folder; that of the others is linked where it lies."""


def _unseen(_path: Path) -> None:
    return None


def _no_sounds(_data: CellData) -> Mapping[str, Path]:
    return {}


def write_report(
    run: Path,
    target: Path,
    *,
    baseline: Path | None = None,
    worst: int = WORST,
    private: bool = False,
    sounds_of: Callable[[CellData], Mapping[str, Path]] = _no_sounds,
    caches: Sequence[Path] = (),
    seen: Callable[[Path], NDArray[np.float32] | None] = _unseen,
) -> Path:
    """Write the report of a run; return its page.

    Args:
        run: A run directory with a leaderboard.
        target: The folder to write; what an earlier report left in it is replaced, and nothing of anybody else's.
        baseline: A run directory to compare sample by sample with, or None.
        worst: Samples of each cell whose sound is copied.
        private: Leave out texts, sounds and all that samples say of themselves.
        sounds_of: Where the sound of each sample of a cell is, by id.
        caches: Folders of the caches that hold the sounds of spoken answers.
        seen: Decodes a sound to `(samples,)` at `pictures.RATE` Hz, to be drawn; None where it cannot.

    Raises:
        UsageError: The run has no leaderboard, the baseline is no run, or the folder holds what no report wrote.
        RecordError: A run cannot be read, or the folder not be written.
    """
    board = stored_board(run)
    cells = RunDirectory(run).cells()
    before = Before(baseline)
    refuse_others(target, MARKER, "report")
    try:
        (target / "data").mkdir(parents=True, exist_ok=True)
        (target / MARKER).touch()
        for old in (*(target / "data").glob("*.js"), *(target / "sounds").glob("*")):
            old.unlink()
        shown = []
        for number, data in enumerate(cells):
            sounds = {} if private else sounds_of(data)
            spoken = {} if private or not caches else _spoken(data, caches)
            found = list(samples_of(data, before.of(data), sounds, spoken, private=private))
            compared = before.of(data) is not None
            labels = None if private else labels_of(data.outcomes.values())
            groups = groups_of(data.outcomes.values(), private=private)
            cell = _write_cell(target, number, data, found, worst, seen)
            shown.append({**cell, "compared": compared, "labels": labels, "groups": groups})
        told = {**_public(board, private), "shown": shown, "verdict": verdict_of(board)}
        told["prompts"] = {} if private else _asked(run)
        told["published"] = published_of(board["cells"])
        told["speeds"] = speeds_of(run)
        told["results"] = "" if private else (run / "results").resolve().as_uri()
        write_script(target / "data" / "board.js", "board", told)
        for name in ASSETS:
            source = resources.files("audiobench_pytest.report.html") / "assets" / name
            write_atomically(target / name, source.read_bytes())
        write_atomically(target / "index.html", _page(board).encode())
    except OSError as exc:
        raise RecordError(f"cannot write the report into {target}: {exc.strerror or exc}") from exc
    return target / "index.html"


def _asked(run: Path) -> dict[str, str]:
    """Return what was put to models in a run, by digest, turn by turn with the place of each sound."""
    return {digest: _as_text(said) for digest, said in RunDirectory(run).prompts().items()}


def _as_text(said: Mapping[str, Any]) -> str:
    if "messages" not in said:
        return str(said.get("text", ""))
    turns = []
    for role, parts, *_ in said["messages"]:
        words = [part if isinstance(part, str) else f"[{part[1]}]" for part in parts]
        turns.append(f"{role}: {' '.join(words)}")
    return "\n".join(turns)


def source_of(cell: CellData) -> str:
    """Return where a cell's data came from, as its shards say."""
    return next((str(receipt.dataset.get("source") or "") for receipt in cell.receipts), "")


def _public(board: Mapping[str, Any], private: bool) -> dict[str, Any]:
    if not private:
        return dict(board)
    # Errors, slices and sentences name samples, speakers and files: what is left is numbers and what users typed.
    hidden: dict[str, Any] = {"first_errors": [], "slices": []}
    cells = [
        {
            **cell,
            **hidden,
            "data_info": {**cell["data_info"], "source": ""},
            # Counts of labels taken for others are named by the labels.
            "sums": {name: number for name, number in cell["sums"].items() if not confusion({name: number})[0]},
        }
        for cell in board["cells"]
    ]
    gates = [
        {**gate, "message": f"{gate['metric']}: {gate['verdict']}", "slice": None}
        for gate in board["gates"]
        if not gate.get("slice")
    ]
    return {**board, "cells": cells, "gates": gates, "notes": [], "measured": []}


def _write_cell(
    target: Path,
    number: int,
    data: CellData,
    samples: Sequence[Shown],
    worst: int,
    seen: Callable[[Path], NDArray[np.float32] | None],
) -> dict[str, Any]:
    rows = []
    for place, sample in enumerate(samples):
        sound = _sound(target, f"{number}-{place}", sample.sound, copied=place < worst)
        said = _sound(target, f"{number}-{place}-said", sample.spoken, copied=place < worst)
        drawn = [path for path in (sample.sound, sample.spoken) if place < worst and path is not None]
        pictures = {path: picture_of(seen(path)) for path in drawn if path.is_file()}
        looks = [pictures.get(path) if path is not None else None for path in (sample.sound, sample.spoken)]
        rows.append({**sample.fields, "sound": sound, "said": said, "look": looks[0], "look_said": looks[1]})
    for piece in range(0, max(1, len(rows)), PIECE):
        name = f"{number}-{piece // PIECE}"
        write_script(target / "data" / f"{name}.js", name, rows[piece : piece + PIECE])
    cell = data.plan.cell
    return {
        "dataset": cell.dataset,
        "model": cell.model,
        "recipe": cell.recipe,
        "prompt": cell.prompt,
        "samples": len(rows),
        "pieces": -(-max(1, len(rows)) // PIECE),
        "confusions": confusions(list(samples)),
        "told": sorted({key for row in rows for key in row["keys"]}),
        # One number a sample, so that the page can count and filter without the texts.
        "index": [[row["state"], row["errors"], row["units"], _flip(row)] for row in rows],
    }


def _flip(row: Mapping[str, Any]) -> int:
    """Return 1 for a sample that is worse than the baseline's, -1 for one that is better, else 0.

    One that has a score in one of the two runs only is worse where it has none.
    """
    if row["before"] is None:
        return 0
    lost, was_lost = row["state"] not in SCORED_STATES, row["before"]["state"] not in SCORED_STATES
    if lost or was_lost:
        return int(lost) - int(was_lost)
    now, before = float(row["errors"]), float(row["before"]["errors"])
    return (now > before) - (now < before)


def _spoken(data: CellData, caches: Sequence[Path]) -> dict[str, Path]:
    named = {sample: outcome.speech.get("file") for sample, outcome in data.outcomes.items()}
    return {sample: sound_at(caches, str(name)) for sample, name in named.items() if name}


def _sound(target: Path, name: str, path: Path | None, *, copied: bool) -> str:
    """Return where the page finds a sound, copied or linked; empty where there is none, or none any more."""
    if path is None or not path.is_file():
        return ""
    if not copied:
        return path.resolve().as_uri()
    (target / "sounds").mkdir(exist_ok=True)
    shutil.copyfile(path, target / "sounds" / f"{name}{path.suffix}")
    return f"sounds/{name}{path.suffix}"


def verdict_of(board: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict of a run in a word (`red`, `green`, `open`) and in a sentence.

    What was not judged (a part of a set, a run that was stopped) makes no green.
    """
    counted = Counter(gate["counts_as"] for gate in board["gates"])
    of = len(board["gates"])
    if counted["fail"]:
        return "red", f"Red: {counted['fail']} of {of} gates failed"
    if counted["pass"]:
        rest = of - counted["pass"]
        return "green", f"Green: {counted['pass']} gate{'s' * (counted['pass'] != 1)}" + (
            f", {rest} not judged" if rest else ""
        )
    return "open", f"Open: none of {of} gates was judged" if of else "Open: nothing was limited"


def _page(board: Mapping[str, Any]) -> str:
    return page(f"audiobench: {verdict_of(board)[0]}", _BODY, "report.css", ["drawn.js", "report.js", "data/board.js"])


_BODY = """<header><h1 id="verdict"></h1><p id="rests"></p>
<button id="theme" type="button">Dark or light</button></header>
<main id="main">
<section aria-labelledby="gates-title"><h2 id="gates-title">Gates</h2><div id="gates"></div>
<div id="measured"></div></section>
<section aria-labelledby="board-title"><h2 id="board-title">Board</h2><div id="board"></div></section>
<section aria-labelledby="cell-title"><h2 id="cell-title">Cell</h2><div id="cell"></div></section>
<section aria-labelledby="samples-title"><h2 id="samples-title">Samples</h2>
<div id="filters"></div><p id="count" role="status"></p><div id="samples"></div></section>
</main>
<noscript>This report needs scripts: it reads its data from the folder it lies in.</noscript>"""


def folder_for(given: str | None, run: Path) -> Path:
    """Return where a report goes: the folder that was named, else `report` in the run."""
    return run / "report" if given in (None, "") else Path(str(given)).expanduser()
