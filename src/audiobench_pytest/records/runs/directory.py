"""The run directory: what one invocation planned, what became of each sample, what it concluded."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.records.append import DAMAGED, AppendFile, as_line, read_lines, write_atomically
from audiobench_pytest.records.runs import lines
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.listening import Listened, Rating, listened
from audiobench_pytest.records.runs.plan import PlannedCell, ProbedSample, ShardReceipt
from audiobench_pytest.records.runs.prompts import keep_prompts, read_prompts
from audiobench_pytest.records.runs.stored import read_outcomes
from audiobench_pytest.types import ROUNDS, CellId, Outcome

LATEST, NOT_BEGUN = "latest", "latest-not-begun"
"""In the folder of all runs: a link to the last one, and a note where the last command did not come to have one."""

GATES = "gates.toml"
"""The copy of the gates file that a run was begun with."""

FORMAT = 1
"""Version of the files in a run directory; raised when a reader of the old ones would misread the new."""


def note_not_begun(runs: Path, reason: str) -> None:
    """Note below `runs` that a command ended before its run began, so that nobody takes `latest` for it."""
    if (runs / LATEST).exists():
        with contextlib.suppress(OSError):
            (runs / NOT_BEGUN).write_text(f"{reason}\n", "utf-8", "backslashreplace")


_Receipts = dict[tuple[int, int, int], ShardReceipt]
"""What the shards of one cell said last, by attempt, number of shards and shard."""

_plan_decoder = msgspec.json.Decoder(list[PlannedCell])


class RunDirectory:
    """Reads and writes one run directory.

    Layout: `run.json` (what was asked, by which versions, on which machine), `plan.json` (cells and shards),
    `gates.toml` (a copy of the limits it began with), `doubts.json` (recipes whose judge cannot be trusted),
    `results/<attempt>-<writer>-<pid>-<random>.jsonl` (one file per process), `prompts.jsonl` (the words that were sent,
    each once), `servers/<attempt>/` (logs of servers that were started), `listening/` (what people said who listened),
    `leaderboard.*` (what was concluded).
    The same directory can be given again: each invocation is an attempt, and the newest word on a sample counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new_path(cls, runs: Path) -> Path:
        """Return the path of a new run below `runs`, named by the time, unique among runs started at once."""
        return runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"

    def begin(self, manifest: Mapping[str, Any], *, asked: str) -> int:
        """Make the directory and write `run.json`; return the number of this attempt, from 1.

        Args:
            manifest: Versions, machine, options: plain JSON values.
            asked: Digest of what defines the plan; a directory that holds another plan is refused.

        Raises:
            UsageError: The directory holds another plan, or is not a run directory.
            RecordError: It cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            known = self.manifest()
            if known is None and any(self.path.iterdir()):
                raise UsageError(f"{self.path} is not a run directory and not empty: name a new one")
        except OSError as exc:
            raise RecordError(f"cannot make the run directory {self.path}: {exc.strerror or exc}") from exc
        if known is not None and known.get("asked") != asked:
            raise UsageError(
                f"{self.path} holds another plan (other data, models, arguments or selection): name a new directory, "
                "or leave the option out; what was answered before is taken from the cache anyway"
            )
        attempt = known["attempt"] + 1 if known else 1
        began = (known or {}).get("began") or (known or manifest).get("started")
        content = {"format": FORMAT, "asked": asked, "attempt": attempt, **manifest}
        if began is not None:
            content["began"] = began
        write_atomically(self.path / "run.json", msgspec.json.format(as_line(content), indent=2))
        return attempt

    def began(self) -> float:
        """Return when the first attempt began, in seconds since the epoch; 0 where the run does not say.

        Raises:
            RecordError: As for `manifest`.
        """
        facts = self.manifest() or {}
        return float(facts.get("began") or facts.get("started") or 0.0)

    def point_latest(self, runs: Path) -> None:
        """Let `runs/latest` point to this run."""
        temporary = runs / f".latest-{os.getpid()}-{os.urandom(2).hex()}"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            temporary.symlink_to(os.path.relpath(self.path, runs))
            temporary.replace(runs / LATEST)
            (runs / NOT_BEGUN).unlink(missing_ok=True)
        except OSError:  # read-only, or a file system without symbolic links: there is no `latest`; nothing reads it
            with contextlib.suppress(OSError):
                temporary.unlink()

    def refuse_stale(self) -> None:
        """Refuse `latest` where the last command ended before its run began: it would be the verdict of another day.

        Raises:
            UsageError: It is `latest`, and not of the last command.
        """
        note = self.path.parent / NOT_BEGUN
        if self.path.name == LATEST and note.is_file():
            raise UsageError(
                f"{self.path} is not of the last command, which ended before its run began "
                f"({note.read_text('utf-8', 'replace').strip()}); name the run itself: {self.path.resolve().name}"
            )

    def manifest(self) -> dict[str, Any] | None:
        """Return `run.json`, or None when there is none.

        Raises:
            RecordError: It is there, but cannot be read, or was written by a newer version.
        """
        try:
            content = msgspec.json.decode((self.path / "run.json").read_bytes(), type=dict[str, Any])
        except FileNotFoundError:
            return None
        except (OSError, *DAMAGED) as exc:
            raise RecordError(f"cannot read {self.path / 'run.json'}: {exc}") from exc
        if content.get("format") != FORMAT:
            raise RecordError(f"{self.path} was written in format {content.get('format')}; this version reads {FORMAT}")
        if not isinstance(content.get("attempt"), int):
            raise RecordError(f"cannot read {self.path / 'run.json'}: it does not say which attempt it is of")
        return content

    def write_plan(self, cells: Sequence[PlannedCell]) -> None:
        """Write `plan.json`; every collecting process writes the same content."""
        write_atomically(self.path / "plan.json", as_line(list(cells)))

    def plan(self) -> list[PlannedCell]:
        """Return the planned cells; empty when nothing was planned.

        Raises:
            RecordError: The plan cannot be read.
        """
        try:
            return _plan_decoder.decode((self.path / "plan.json").read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, *DAMAGED) as exc:
            raise RecordError(f"cannot read {self.path / 'plan.json'}: {exc}") from exc

    def keep_gates(self, path: Path | None) -> None:
        """Keep a copy of the gates file, so that the run is judged by the same limits wherever it is read.

        Raises:
            RecordError: It cannot be read or written.
        """
        kept = self.path / GATES
        try:
            if path is None:
                kept.unlink(missing_ok=True)
                return
            write_atomically(kept, path.read_bytes())
        except OSError as exc:
            raise RecordError(f"cannot keep {path} in {self.path}: {exc.strerror or exc}") from exc

    def keep_doubts(self, doubts: Mapping[str, str]) -> None:
        """Note the recipes whose scores are not to be trusted, with the reason; the newest attempt's word counts.

        Raises:
            RecordError: It cannot be written.
        """
        path = self.path / "doubts.json"
        if doubts or path.exists():
            write_atomically(path, as_line(dict(sorted(doubts.items()))))

    def doubts(self) -> dict[str, str]:
        """Return why the scores of some recipes are not to be trusted, by recipe; empty where none is in doubt.

        Raises:
            RecordError: The note cannot be read.
        """
        path = self.path / "doubts.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, *DAMAGED) as exc:
            raise RecordError(f"cannot read {path}: {exc}") from exc

    def writer(self, name: str, attempt: int) -> ResultWriter:
        """Return a writer for one process (`main`, `gw0`)."""
        return ResultWriter(AppendFile(self.path / "results", f"{attempt:04d}-{name}"), self.path)

    def servers(self, attempt: int) -> Path:
        """Return where the servers of an attempt are kept: their logs, and what its processes know of them."""
        return self.path / "servers" / str(attempt)

    def prompts(self) -> dict[str, Mapping[str, Any]]:
        """Return the words that were sent, by the digest that outcomes name them by."""
        return read_prompts(self.path)

    def cells(self, slices: Callable[[PlannedCell], Iterable[str]] | None = None) -> list[CellData]:
        """Return what is known of each planned cell, in the order of the plan.

        Two passes over the result files: what the shards say of themselves decides which attempts count, then the
        numbers of those are read. Texts stay on disk until somebody looks at an outcome.

        Args:
            slices: Meta keys by which a cell is sliced beside those that were planned.
        """
        plan = self.plan()
        if slices is not None:
            plan = [dataclasses.replace(p, slices=tuple(dict.fromkeys((*p.slices, *slices(p))))) for p in plan]
        files = sorted((self.path / "results").glob("[0-9]*-*.jsonl"))
        receipts: dict[CellId, _Receipts] = {p.cell: {} for p in plan}
        probes: list[tuple[int, ProbedSample]] = []
        for path in files:
            for raw in read_lines(path):
                if raw.startswith((lines.SHARD, lines.PROBE)):
                    with contextlib.suppress(*DAMAGED):
                        line = lines.whole.decode(raw)
                        if line.shard is not None and line.shard.cell in receipts:
                            receipts[line.shard.cell][_attempt(path), line.shard.of, line.shard.shard] = line.shard
                        if line.probe is not None:
                            probes.append((_attempt(path), line.probe))
        counted = {p.cell: _attempts_that_count(receipts[p.cell]) if receipts[p.cell] else set() for p in plan}
        outcomes = read_outcomes(
            files, {p.cell: p.keys for p in plan}, counts=lambda cell, path: _attempt(path) in counted[cell]
        )
        asked_twice: dict[CellId, dict[str, ProbedSample]] = {p.cell: {} for p in plan}
        for attempt, probe in probes:
            if attempt in counted.get(probe.cell, ()):
                asked_twice[probe.cell][probe.sample_id] = probe
        said = listened(self.path)
        return [
            _cell_data(
                p,
                receipts[p.cell],
                counted[p.cell],
                outcomes[p.cell],
                asked_twice[p.cell],
                _rated(said, p.cell),
            )
            for p in plan
        ]


def _rated(said: dict[tuple[str, str, str], Listened], cell: CellId) -> Mapping[str, Sequence[Rating]]:
    """Take what was said of the answers of a cell: recipes share them, so that it stands in the first cell, once."""
    ratings: dict[str, list[Rating]] = {}
    for prompt in dict.fromkeys((cell.prompt, "")):  # older sessions do not say which prompt they are of: the first
        for kind, rated in said.pop((cell.dataset, cell.model, prompt), Listened()).ratings.items():
            ratings.setdefault(kind, []).extend(rated)
    return ratings


def _attempt(path: Path) -> int:
    return int(path.name.split("-", 1)[0])


class ResultWriter:
    """Appends receipts and outcomes to this process's result file; raises `RecordError` when it cannot."""

    def __init__(self, file: AppendFile, folder: Path) -> None:
        self._file, self._folder = file, folder

    def shard(self, receipt: ShardReceipt) -> None:
        """Write what a shard says of itself."""
        self._file.write(as_line(lines.Line(shard=receipt)))

    def outcome(self, outcome: Outcome) -> None:
        """Write what became of a sample."""
        self._file.write(as_line(lines.Line(outcome=outcome)))

    def kept(self, outcome: Outcome) -> None:
        """Write what a stage that runs alone kept of a sample."""
        one = outcome
        # Of a dialogue, the sounds of its rounds: as long as a run names them they are kept.
        speech = {name: one.speech[name] for name in ("file", ROUNDS) if one.speech.get(name)}
        news = lines.KeptNews(
            one.cell,
            one.sample_id,
            one.state,
            one.cached,
            one.audio_s,
            one.infer_s,
            draw=one.draw,
            reason=one.reason,
            speech=speech,
        )
        self._file.write(as_line(lines.Line(kept=news)))

    def probe(self, probe: ProbedSample) -> None:
        """Write what came of asking a sample twice."""
        self._file.write(as_line(lines.Line(probe=probe)))

    def prompts(self, prompts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the words that are sent, those that are not there yet."""
        keep_prompts(self._folder, prompts)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _cell_data(
    plan: PlannedCell,
    receipts: _Receipts,
    counted: set[int],
    outcomes: Mapping[str, Outcome],
    probes: Mapping[str, ProbedSample],
    ratings: Mapping[str, Sequence[Rating]],
) -> CellData:
    newest = {key[1:]: receipts[key] for key in sorted(receipts) if key[0] in counted}
    return CellData(plan, tuple(newest[key] for key in sorted(newest)), outcomes, probes, ratings)


def _attempts_that_count(receipts: _Receipts) -> set[int]:
    """Return the attempts whose outcomes count, from the newest one back to the first that ended all its shards.

    An earlier attempt counts only as far as it asked the same model for the same data and scored it the same way: a row
    taken out of the manifest in between must not stay in the score. What an interrupted attempt had not reached yet is
    taken from those before it.
    """
    last = max(attempt for attempt, _, _ in receipts)
    subject = _subject(max((r for (a, _, _), r in receipts.items() if a == last), key=lambda r: r.started))
    counted = set()
    for attempt in sorted({a for a, _, _ in receipts}, reverse=True):
        own = {(of, shard): r for (a, of, shard), r in receipts.items() if a == attempt}
        if all(_subject(r) != subject for r in own.values()):
            continue
        counted.add(attempt)
        ended = {key for key, r in own.items() if r.ended is not None}
        if any(ended >= {(of, shard) for shard in range(of)} for of, _ in ended):
            break
    return counted


def _subject(receipt: ShardReceipt) -> tuple[Any, ...]:
    return receipt.total, receipt.signature, receipt.dataset, receipt.model.get("identity")
