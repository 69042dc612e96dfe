"""What earlier loads of one hub split left on disk, so that the next one needs neither network nor parquet.

Below `<cache>/datasets/<repository>/<commit>/`, per configuration, split and choice of columns:

- `<stem>-<process>.jsonl`: one line per extracted row (id, reference, place and size of its audio, duration, other
  columns); whole lines are appended as rows are extracted, so an interrupted extraction goes on where it stopped
  (earlier versions kept one file for all processes, `<stem>.jsonl`, which is read likewise);
- `<stem>.layout.json`: the split's files and the number of rows of each, as far as known;
- `<stem>.ids.json`: the ids of all rows, once a subset by id has been asked for.

A commit never changes, so none of this ever goes stale.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import msgspec

from audiobench_pytest.catalog.schema import DatasetSpec, HubSource
from audiobench_pytest.datasets.fields import SOUND_PREFIX, Needs, fields_of, renamed
from audiobench_pytest.datasets.file_check import Checked
from audiobench_pytest.datasets.selection import chosen, unique_ids
from audiobench_pytest.datasets.settings import LoadSettings
from audiobench_pytest.languages import stated_language
from audiobench_pytest.records.append import DAMAGED, AppendFile, read_lines, write_atomically
from audiobench_pytest.records.sounds import SOUNDS, AudioStore, StoredAudio
from audiobench_pytest.types import Sample


@dataclass(frozen=True, slots=True)
class Record:
    """One extracted row.

    Attributes:
        row: Position in the split, from 0.
        id: The row's own id; equal ids of several rows are told apart when samples are made.
        text: The reference.
        audio: Where its audio is, or None when the row has none.
        duration_s: Seconds, or None when the header could not be read.
        meta: The row's other columns, nested ones too.
        problems: What keeps it from being asked.
        aliases: Further references.
        sounds: Where the sounds of further audio columns are, by the name of the column.
    """

    row: int
    id: str
    text: str
    audio: StoredAudio | None
    duration_s: float | None
    meta: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    sounds: Mapping[str, StoredAudio] = field(default_factory=dict)


class Prepared:
    """The extracted rows of one split at one commit; a context manager that closes the file it appends to.

    Reading needs no lock. Writing is guarded by the caller with a lock on `lock_path`.
    """

    def __init__(self, cache: Path, source: HubSource, commit: str) -> None:
        """Read what is there."""
        self.source, self.commit = source, commit
        self.store = AudioStore(cache.absolute() / SOUNDS)
        self.folder = repository_folder(cache, source.repo) / commit
        columns = [source.audio_column, source.text_column, source.id_column, *source.files]
        if source.mapped:  # rows of a set that is not are what they were when nested columns were not kept
            columns.append("nested")
        digest = hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:8]
        self._stem = re.sub(r"[^\w.-]", "_", f"{source.config or 'default'}-{source.split}") + f"-{digest}"
        self._file = AppendFile(self.folder, self._stem)
        self.reload()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def lock_path(self) -> Path:
        """File to lock while rows are extracted."""
        return self._path("lock")

    @property
    def total(self) -> int | None:
        """Number of rows of the split, or None while not all of its files have been seen."""
        if self.ids is not None:
            return len(self.ids)
        counts = [count for _, count in self.layout if count is not None]
        return sum(counts) if self.layout and len(counts) == len(self.layout) else None

    def reload(self) -> None:
        """Read the files again, as another process may have gone on in the meantime."""
        self.records: dict[int, Record] = {}
        # The newest word on a row counts: it may have been extracted again.
        for path in sorted(self.folder.glob(f"{self._stem}*.jsonl"), key=lambda path: path.stat().st_mtime_ns):
            for line in read_lines(path):
                with contextlib.suppress(ValueError, *DAMAGED):  # damaged: that row is extracted again
                    record = msgspec.convert(json.loads(line), Record)
                    self.records[record.row] = record
        self.layout: list[tuple[str, int | None]] = [(name, count) for name, count in self._read("layout.json") or ()]
        self.ids: list[str] | None = self._read("ids.json")

    def set_layout(self, layout: Sequence[tuple[str, int | None]]) -> None:
        """Note the split's files and the row counts that are known."""
        if list(layout) != self.layout:
            self.layout = list(layout)
            self._write("layout.json", self.layout)

    def set_ids(self, ids: Sequence[str]) -> None:
        """Note the ids of all rows."""
        self.ids = list(ids)
        self._write("ids.json", self.ids)

    def add(self, record: Record) -> None:
        """Append one extracted row; its audio must be in the store already."""
        self._file.write(json.dumps(asdict(record)).encode())
        self.records[record.row] = record

    def wanted(self, settings: LoadSettings) -> list[int] | None:
        """Return the rows that the settings select, ascending, or None while that cannot be known."""
        total = self.total
        if settings.sample is not None and (total is None or settings.sample < total):
            if self.ids is None:
                return None
            names = [name for name, _ in unique_ids(self.ids, _marks(len(self.ids)))]
            return chosen(names, limit=settings.limit, sample=settings.sample, seed=settings.seed)
        if total is not None:
            return list(range(settings.selected(total)))
        # Without the total a limit is still answered when that many rows are there.
        if settings.limit is not None and all(row in self.records for row in range(settings.limit)):
            return list(range(settings.limit))
        return None

    def lacking(self, rows: Sequence[int]) -> list[int]:
        """Return those of the rows that are not extracted, or whose audio is gone or cut short."""
        return [row for row in rows if not self._is_whole(self.records.get(row))]

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns that were not kept, as far as a load has said so."""
        return tuple(self._read("dropped.json") or ())

    def set_dropped(self, columns: Sequence[str]) -> None:
        """Note the columns that are not kept."""
        if tuple(columns) != self.dropped:
            self._write("dropped.json", list(columns))

    def checked(self, rows: Sequence[int], spec: DatasetSpec, needs: Needs) -> list[Checked]:
        """Return the samples of rows none of which is lacking.

        Args:
            rows: As `wanted` gives them.
            spec: The set's entry.
            needs: What a row must have.
        """
        # A row's name depends on the rows before it: all of them are known here, from the ids or because the rows are
        # the first ones.
        ids = self.ids if self.ids is not None else [self.records[row].id for row in range(len(rows))]
        names = unique_ids(ids, _marks(len(ids)))
        return [self._sample(self.records[row], *names[row], spec, needs) for row in rows]

    def _sample(self, record: Record, name: str, earlier: int | None, spec: DatasetSpec, needs: Needs) -> Checked:
        problems = list(record.problems)
        columns = self.source.columns
        named = {theirs: ours.removeprefix(SOUND_PREFIX) for ours, (theirs, *_) in columns}
        sounds = {named.get(column, column): self.store.root / kept.name for column, kept in record.sounds.items()}
        others = tuple(pair for pair in columns if pair[1][0] not in record.sounds)
        row = renamed(record.meta, others) if others else record.meta
        fields = fields_of(row, prompt=any(ours == "prompt" for ours, _ in columns))
        problems += fields.problems
        problems += [f"no sound '{lacking}'" for lacking in needs.sounds if lacking not in {"audio", *sounds}]
        if earlier is not None:
            problems.append(f"duplicate id '{record.id}', first seen in row {earlier}")
        silent = "audio" not in needs.sounds
        audio = self.store.root / record.audio.name if record.audio else None
        problems = [problem for problem in problems if not (silent and "holds no audio" in problem)]
        if audio is None and not silent:
            audio = self.folder / f"row{record.row}"
        language, meta = fields.meta.get("language"), dict(fields.meta)
        mapped = any(ours == "language" for ours, _ in columns) and isinstance(language, str) and language.strip()
        if mapped:
            del meta["language"]
        codes = []
        for stated in (language if mapped else None, fields.target):
            try:
                codes.append(stated_language(stated))
            except ValueError as exc:
                codes.append(None)
                problems.append(str(exc))
        sample = Sample(
            id=name,
            audio=audio,
            reference=record.text,
            language=codes[0] or spec.language,
            duration_s=record.duration_s,
            meta=meta,
            sounds=sounds,
            aliases=(*record.aliases, *fields.aliases),
            choices=fields.choices,
            text=fields.text or (record.text if needs.says else ""),
            target=codes[1] or spec.target_language,
            turns=fields.turns,
            tools=fields.tools,
            prompt=fields.prompt,
            problem=f"{self.describe(record.row)}: {'; '.join(problems)}" if problems else None,
        )
        return Checked(sample, record.audio.name if record.audio else "", record.audio.size if record.audio else None)

    def describe(self, row: int) -> str:
        """Name one row for people."""
        config = f"{self.source.config}/" if self.source.config else ""
        return f"{self.source.repo}@{self.commit[:8]} {config}{self.source.split} row {row}"

    def _is_whole(self, record: Record | None) -> bool:
        if record is None:
            return False
        return all(self.store.has(sound) for sound in (record.audio, *record.sounds.values()) if sound is not None)

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self._stem}.{suffix}"

    def _read(self, suffix: str) -> Any:
        path = self._path(suffix)
        return json.loads(path.read_bytes()) if path.exists() else None

    def _write(self, suffix: str, content: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(suffix), json.dumps(content).encode())


def repository_folder(cache: Path, repo: str) -> Path:
    """Return the folder of one hub repository below the cache."""
    return cache / "datasets" / repo.replace("/", "--")


def noted_commit(cache: Path, repo: str, revision: str) -> str | None:
    """Return the commit that a branch or tag stood for when it was last resolved on this machine."""
    path = repository_folder(cache, repo) / "refs" / quote(revision, safe="")
    return path.read_text().strip() if path.exists() else None


def note_commit(cache: Path, repo: str, revision: str, commit: str) -> None:
    """Remember what a branch or tag stands for, for loads without network."""
    path = repository_folder(cache, repo) / "refs" / quote(revision, safe="")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, commit.encode())


def _marks(count: int) -> list[str]:
    return [f"row{row}" for row in range(count)]
