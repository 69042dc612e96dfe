"""The lock file: what a release is compared with, small enough for git, and without a text of any sample.

Per cell: recipe and its signature, the data's digest, the model's identity, hardware, values, and the sufficient
numbers of each sample under a hash of its id, with which samples are of one cluster (a speaker). Equal contents are
equal bytes: cells are sorted, samples by their hash, and nothing is compressed, since compressors differ between
machines. A column that is mostly zero is kept as places and values, in the smallest integer type that holds it.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.quantities import FIXED
from audiobench_pytest.types import CellId, CellResult, Quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.baselines.measured import Measured

FORMAT = 1
"""Version of the file; raised when a reader of the old one would misread the new."""

_INTEGERS, _FLOAT = ("u1", "u2", "u4"), "f8"
_ID_BYTES = 8
_SPEED = tuple(name for name, fixed in FIXED.items() if fixed.locked)


@dataclass(frozen=True, slots=True)
class LockedCell:
    """One cell of a lock file.

    Attributes:
        document: As the file holds it.
    """

    document: Mapping[str, Any]

    @property
    def cell(self) -> CellId:
        """Which cell."""
        dataset, model, recipe = (str(self.document[name]) for name in ("dataset", "model", "recipe"))
        return CellId(dataset, model, recipe, str(self.document.get("prompt", "")))

    @property
    def words(self) -> str | None:
        """Name of the prompt of a run that asked in one alone, "" for the usual one; None in older files."""
        return self.document.get("words")

    @property
    def hardware(self) -> str:
        """Fingerprint of the hardware its times were taken on, or ""."""
        return str(self.document["hardware"] or "")

    @property
    def made(self) -> Mapping[str, str]:
        """When and of what it was made: `date`, `commit`, `reason`; empty in files of earlier versions."""
        found: Mapping[str, str] = self.document.get("made") or {}
        return found

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        """What stood in its place before, the oldest first."""
        found: Sequence[Mapping[str, Any]] = self.document.get("history") or ()
        return found

    def measured(self, where: str) -> Measured:
        """Return its samples.

        Args:
            where: The file, as it is shown to people.

        Raises:
            RecordError: They cannot be read.
        """
        import numpy as np

        from audiobench_pytest.leaderboard.baselines.measured import Measured

        document, samples = self.document, self.document["samples"]
        try:
            raw = base64.b64decode(samples["ids"], validate=True)
            ids = [raw[start : start + _ID_BYTES].hex() for start in range(0, len(raw), _ID_BYTES)]
            columns = {name: _unpacked(packed, len(ids)) for name, packed in samples["numbers"].items()}
            silent = np.zeros(len(ids), dtype=bool)
            silent[samples["silent"]] = True
            packed = samples.get("clusters")
            clusters = None if packed is None else [f"{label:g}" for label in _unpacked(packed, len(ids))]
            quantities = [_quantity(name, document["values"][name]) for name in self._names()]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
            raise RecordError(f"{where}: {self.cell} ({self.cell.recipe}) cannot be read: {exc}") from exc
        return Measured(
            cell=self.cell,
            where=where,
            signature=str(document["signature"]),
            digest=str(document["data"]["digest"]),
            total=document["data"]["samples"],
            identity=document["identity"],
            hardware=self.hardware,
            speed=document["speed"],
            cached=0,
            ids=ids,
            columns=columns,
            silent=silent,
            clusters=clusters,
            quantities=quantities,
            hashed=True,
            words=self.words,
        )

    def _names(self) -> list[str]:
        """Return the names of its values, the headline first."""
        names: list[str] = [self.document["metric"]]
        return [*names, *(name for name in self.document["values"] if name not in names)]


def locked(result: CellResult, side: Measured) -> LockedCell:
    """Return a cell as it is kept.

    Args:
        result: Its values.
        side: Its samples, from the same run.
    """
    import numpy as np

    from audiobench_pytest.leaderboard.baselines.measured import id_hash

    hashes = [id_hash(one) for one in side.ids]
    order = np.array(sorted(range(len(hashes)), key=hashes.__getitem__), np.intp)
    values = {
        one.quantity.name: {
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "unit": one.quantity.unit,
            "higher_is_better": one.quantity.higher_is_better,
            "range": [one.quantity.minimum, one.quantity.maximum],
        }
        for one in result.values
    }
    return LockedCell(
        {
            "dataset": result.cell.dataset,
            "model": result.cell.model,
            "recipe": result.cell.recipe,
            **({"prompt": result.cell.prompt} if result.cell.prompt else {}),
            "words": side.words,
            "signature": side.signature,
            "data": {"digest": side.digest, "revision": result.data.get("revision"), "samples": side.total},
            "identity": dict(side.identity),
            "hardware": side.hardware or None,
            "metric": result.metric,
            "values": values,
            "n": result.clips,
            **({"draws": result.draws.draws} if result.draws is not None else {}),
            "coverage": result.coverage,
            # Times that were taken in another run say nothing of this hardware.
            "speed": {name: side.speed[name] for name in _SPEED if name in side.speed and not side.cached},
            "samples": {
                "ids": base64.b64encode(b"".join(bytes.fromhex(hashes[row]) for row in order)).decode(),
                "numbers": {name: _packed(column[order]) for name, column in sorted(side.columns.items())},
                "silent": np.flatnonzero(side.silent[order]).tolist(),
                "clusters": _packed(_numbered([side.clusters[row] for row in order])) if side.clusters else None,
            },
        }
    )


def encoded(cells: Iterable[LockedCell]) -> bytes:
    """Return the file of some cells: the same bytes for the same cells, in whatever order they come.

    Raises:
        ValueError: A number is not finite.
    """
    documents = [one.document for one in sorted(cells, key=lambda one: dataclasses.astuple(one.cell))]
    content = {"format": FORMAT, "cells": documents}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode()


def read_lock(path: Path) -> list[LockedCell]:
    """Return the cells of a lock file.

    Raises:
        RecordError: It cannot be read, is none, or was written by a newer version.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise RecordError(f"there is no {path}") from exc
    except OSError as exc:
        raise RecordError(f"cannot read {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise RecordError(f"{path} is no lock file: {exc}") from exc
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise RecordError(f"{path} is no lock file: it holds no list 'cells'")
    if content.get("format") != FORMAT:
        raise RecordError(f"{path} was written in format {content.get('format')}; this version reads {FORMAT}")
    cells = [LockedCell(document) for document in content["cells"] if isinstance(document, dict)]
    for number, document in enumerate(content["cells"], start=1):
        missing = _missing(document)
        if missing:
            raise RecordError(f"{path}: cell {number}: '{missing}' is missing or of the wrong type")
    places: dict[CellId, int] = {}
    for number, one in enumerate(cells, start=1):
        if (first := places.setdefault(one.cell, number)) != number:
            raise RecordError(
                f"{path}: cells {first} and {number} are both {one.cell} ({one.cell.recipe}), and nothing tells which "
                "counts: remove one of them"
            )
    return cells


_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "dataset": str,
    "model": str,
    "recipe": str,
    "signature": str,
    "data": dict,
    "identity": dict,
    "hardware": (str, type(None)),
    "metric": str,
    "values": dict,
    "n": int,
    "coverage": (int, float),
    "speed": dict,
    "samples": dict,
}


_OPTIONAL = ("prompt", "words")
"""Texts that not every cell has."""


def _missing(document: Any) -> str:
    """Return the first field that a cell does not have, or ""."""
    if not isinstance(document, dict):
        return "dataset"
    wrong = [name for name, kind in _FIELDS.items() if name not in document or not isinstance(document[name], kind)]
    wrong += [name for name in _OPTIONAL if not isinstance(document.get(name, ""), str)]
    wrong += [f"data.{name}" for name in ("digest", "samples") if not wrong and name not in document["data"]]
    return wrong[0] if wrong else ""


def _quantity(name: str, value: Mapping[str, Any]) -> Quantity:
    least, greatest = value["range"]
    return Quantity(name, str(value["unit"]), bool(value["higher_is_better"]), least, greatest)


def _numbered(labels: Sequence[str]) -> NDArray[np.float64]:
    """Return the number of each label, in order of first appearance: who belongs together, and not who it is."""
    import numpy as np

    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.float64)


def _packed(column: NDArray[np.float64]) -> str:
    """Return type and values of a column, followed by type and places where only the values that are not 0 are kept."""
    import numpy as np

    places = np.flatnonzero(column)
    values, where = _smallest(column), _smallest(places.astype(np.float64))
    sparse = len(places) * (values.dtype.itemsize + where.dtype.itemsize) < len(column) * values.dtype.itemsize
    return " ".join(map(_text, (values[places], where) if sparse else (values,)))


def _unpacked(packed: str, size: int) -> NDArray[np.float64]:
    import numpy as np

    values, *more = map(_numbers, packed.split(" "))
    if not more:
        if len(values) != size:
            raise ValueError(f"a column holds {len(values)} numbers for {size} samples")
        return values.astype(np.float64)
    (places,) = more
    if len(places) != len(values):
        raise ValueError(f"a column holds {len(values)} numbers for {len(places)} places")
    column = np.zeros(size)
    column[places.astype(np.intp)] = values
    return column


def _text(numbers: NDArray[Any]) -> str:
    return f"{numbers.dtype.str[1:]}:{base64.b64encode(numbers.tobytes()).decode()}"


def _numbers(text: str) -> NDArray[Any]:
    import numpy as np

    kind, _, data = text.partition(":")
    if kind not in (*_INTEGERS, _FLOAT):
        raise ValueError(f"a column is of the unknown type '{kind}'")
    return np.frombuffer(base64.b64decode(data, validate=True), f"<{kind}")


def _smallest(numbers: NDArray[np.float64]) -> NDArray[Any]:
    """Return numbers in the smallest little-endian type that holds them exactly."""
    import numpy as np

    if np.all(numbers == np.floor(numbers)) and np.all(numbers >= 0):
        greatest = numbers.max() if len(numbers) else 0
        for kind in _INTEGERS:
            if greatest <= np.iinfo(kind).max:
                return numbers.astype(f"<{kind}")
    return numbers.astype(f"<{_FLOAT}")
