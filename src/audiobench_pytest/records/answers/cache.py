"""The prediction cache: what models answered, shared between runs, kept for ever, apart from any run."""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.columns import SUFFIX, read_columns
from audiobench_pytest.records.append import DAMAGED, AppendFile, as_line, read_lines, write_atomically
from audiobench_pytest.records.keys import canonical, digest
from audiobench_pytest.types import Prediction

_decoder = msgspec.json.Decoder(Prediction)


class PredictionCache:
    """Folders of predictions: the first is written, the others are only read."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Use `folders[0]` for writing and all of them for reading."""
        self.folders = tuple(folders)

    def model(self, name: str, identity: Mapping[str, Any], *, writer: str = "main") -> ModelCache:
        """Return the part of the cache that holds the answers of one model.

        Args:
            name: The model's name, for a readable folder.
            identity: What its answers depend on, see `ModelAdapter.identity`.
            writer: Who writes (`main`, `gw0`), the beginning of the file's name.
        """
        return ModelCache(self.model_folders(name, identity), identity, writer)

    def model_folders(self, name: str, identity: Mapping[str, Any]) -> list[Path]:
        """Return where the answers of one model lie, the folder that is written first."""
        part = f"{slug(name)}-{digest(identity)[:16]}"
        return [folder / "predictions" / part for folder in self.folders]


class ModelCache:
    """The answers of one model; the first complete answer of a key wins, an error is not an answer."""

    def __init__(self, folders: Sequence[Path], identity: Mapping[str, Any], writer: str) -> None:
        self.identity = digest(identity)
        self._description = canonical(identity)
        self._folders = tuple(folders)
        self._file = AppendFile(folders[0], writer)
        self._known: dict[str, Prediction] | None = None
        self._failures: Counter[str] = Counter()
        self._described = False
        self._synced = 0.0

    def get(self, key: str) -> Prediction | None:
        """Return the answer of a key, or None when it must be asked (never asked, or failed).

        Raises:
            RecordError: A file of the cache cannot be read.
        """
        if self._known is None:
            self._known = {}
            for folder in self._folders:
                found = _answers_below(folder)
                for answer_key, answer in found.answers.items():
                    self._known.setdefault(answer_key, answer)
                self._failures.update(found.unanswered)
        return self._known.get(key)

    @property
    def is_empty(self) -> bool:
        """Whether no answer is known.

        Raises:
            RecordError: A file of the cache cannot be read.
        """
        self.get("")
        return not self._known

    def put(self, prediction: Prediction) -> None:
        """Keep an answer or an error; on return it survives the death of this process.

        Raises:
            RecordError: It cannot be written.
        """
        if not self._described:
            # For people who look into the cache: which model, revision and arguments a folder belongs to.
            try:
                self._folders[0].mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise RecordError(
                    f"cannot make the cache folder {self._folders[0]}: {exc.strerror or exc}; "
                    "name another one with --audiobench-cache (NEW,THIS reads this one and writes there)"
                ) from exc
            write_atomically(self._folders[0] / "identity.json", self._description.encode())
            self._described = True
        if prediction.error is not None:
            self._failures[prediction.key] += 1
        failures = self._failures[prediction.key] if prediction.error is None else 0
        prediction = dataclasses.replace(prediction, at=time.time_ns(), failures=failures)
        self._file.write(as_line(prediction))
        if prediction.error is None and self._known is not None:
            self._known.setdefault(prediction.key, prediction)

    def sync(self, *, every_s: float = 0.0) -> None:
        """Make all that was put survive a power loss; called once per batch.

        Args:
            every_s: Do nothing when the last time is less than this many seconds ago.
        """
        now = time.monotonic()
        if now - self._synced >= every_s:
            self._file.sync()
            self._synced = now

    def close(self) -> None:
        """Close the file of this process."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Answers:
    """What some files of one model hold.

    Attributes:
        answers: The answer of each key.
        unanswered: How often each key that has no answer was asked in vain.
    """

    answers: dict[str, Prediction]
    unanswered: Counter[str]


def read_answers(files: Sequence[Path]) -> Answers:
    """Return the answer of each key in some files of one model; the earliest one wins, of errors the number is kept.

    Raises:
        FileNotFoundError: A file has been merged into another one meanwhile.
        RecordError: A columnar file is damaged.
    """
    answers: dict[str, Prediction] = {}
    failed: Counter[str] = Counter()
    for path in files:
        if path.suffix == SUFFIX:
            columns = read_columns(path)
            failed.update(columns.unanswered)
            found: Iterable[Prediction] = columns.answers
        else:
            found = (p for line in read_lines(path) if (p := _decoded(line)) is not None)
        for prediction in found:
            if prediction.error is not None:
                failed[prediction.key] += 1
                continue
            # By the time of the answer, not of its file: it is the same whichever files are merged, and when.
            known = answers.setdefault(prediction.key, prediction)
            if prediction.at < known.at:
                answers[prediction.key] = prediction
    # An answer says itself how often it was asked for in vain.
    return Answers(answers, Counter({key: number for key, number in failed.items() if key not in answers}))


def _answers_below(folder: Path) -> Answers:
    while folder.is_dir():
        # Lines before columns, since answers move that way: a file of lines that is merged after it was listed cannot
        # be opened, one that was merged before is in a columnar file listed below.
        # A dangling link is never there: it is no file that was merged meanwhile.
        lines = sorted(path for path in folder.glob("*.jsonl") if path.exists() or not path.is_symlink())
        columns = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.exists() or not path.is_symlink())
        try:
            return read_answers([*columns, *lines])
        except FileNotFoundError:
            continue  # merged between listing and reading: its answers are in a file that is listed now
        except OSError as exc:
            raise RecordError(f"cannot read the cache {exc.filename or folder}: {exc.strerror or exc}") from exc
    return Answers({}, Counter())


def _decoded(line: bytes) -> Prediction | None:
    try:
        return _decoder.decode(line)
    except DAMAGED:
        return None  # damaged: the sample is simply asked again


def slug(name: str) -> str:
    """Return a name that is safe for files and node ids: letters, digits, dot, underscore and hyphen."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
