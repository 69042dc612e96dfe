"""The numbers of a cell's samples as columns: what statistics need, at a tenth of the memory of objects."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiobench_pytest.types import SCORED_STATES, Outcome, State, draw_of, sample_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.records.runs.lines import OutcomeNumbers

STATES = tuple(State)
_CODES = {state: code for code, state in enumerate(STATES)}
_TIMES = ("audio_s", "infer_s", "decode_s")
_DTYPES = {"states": "uint8", "has_score": "bool", "cached": "bool", **dict.fromkeys(_TIMES, "float64")}
"""The columns that each sample has a value in."""


@dataclass(frozen=True, slots=True)
class CellTable:
    """One row per sample and draw, in order of sample id, then of draw.

    Attributes:
        ids: What the rows are called, see `types.row_id`: of a set that is answered once, the ids of its samples.
        states: `(samples,) uint8`, index into `STATES`.
        has_score: `(samples,) bool`: whether there are numbers; an unanswered sample has those of an empty answer.
        numbers: `(samples,) float64` per sufficient number, zero where a sample has none of it.
        audio_s: `(samples,) float64`, seconds of sound.
        infer_s: `(samples,) float64`, seconds of inference.
        decode_s: `(samples,) float64`, seconds of decoding.
        cached: `(samples,) bool`: answered by the cache.
        languages: Language of each sample.
        keys: Text per sample of the meta keys that were asked for (`speaker`); "" where a sample has none.
        more: Further `(samples,) float64` per sample, NaN where it has none (`ttft_s`, `heard_peak`).
        reasons: Why, by row, for samples without a score.
        endings: How answers ended, by row, for those that did not end of themselves.
        scripts: The script of answers, by row, for those that are not in the script of their language.
    """

    ids: Sequence[str]
    states: NDArray[np.uint8]
    has_score: NDArray[np.bool_]
    numbers: Mapping[str, NDArray[np.float64]]
    audio_s: NDArray[np.float64]
    infer_s: NDArray[np.float64]
    decode_s: NDArray[np.float64]
    cached: NDArray[np.bool_]
    languages: Sequence[str]
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    more: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    reasons: Mapping[int, str] = field(default_factory=dict)
    endings: Mapping[int, str] = field(default_factory=dict)
    scripts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def samples(self) -> list[str]:
        """The id of the sample that each row is of."""
        return [sample_of(row) for row in self.ids]

    @property
    def draws(self) -> NDArray[np.intp]:
        """`(rows,)`: which draw each row is of, from 0."""
        import numpy as np

        return np.fromiter((draw_of(row) for row in self.ids), np.intp, len(self.ids))

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which samples enter the headline value."""
        import numpy as np

        return np.isin(self.states, [_CODES[state] for state in SCORED_STATES])

    def count(self, state: State) -> int:
        """Return the number of samples in a state."""
        return int((self.states == _CODES[state]).sum())


def _place(row: str) -> tuple[str, int]:
    return sample_of(row), draw_of(row)


class TableBuilder:
    """Collects rows; a sample, or a draw of it, that comes again replaces its row."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self.rows: dict[str, int] = {}
        self._columns: dict[str, array[Any]] = {n: array("d" if n in _TIMES else "B") for n in _DTYPES}
        self._numbers: dict[str, array[float]] = {}
        self._languages: list[str] = []
        self._keys: dict[str, list[str]] = {key: [] for key in keys}
        self._more: dict[str, array[float]] = {}
        self._reasons: dict[int, str] = {}
        self._endings: dict[int, str] = {}
        self._scripts: dict[int, str] = {}
        self._interned: dict[str, str] = {}
        self._drawn = False

    def add(self, outcome: Outcome | OutcomeNumbers) -> int:
        """Add a sample, or replace it; return its row."""
        row = self.rows.get(outcome.row)
        if row is None:
            row = self.rows[outcome.row] = len(self._languages)
            for column in (*self._columns.values(), *self._numbers.values()):
                column.append(0)
            for column in self._more.values():
                column.append(math.nan)
            self._languages.append("")
            for texts in self._keys.values():
                texts.append("")
        else:
            for column in self._numbers.values():
                column[row] = 0.0
            for column in self._more.values():
                column[row] = math.nan
            self._reasons.pop(row, None)
            self._endings.pop(row, None)
            self._scripts.pop(row, None)
        self._drawn = self._drawn or outcome.draw > 0
        columns = self._columns
        columns["states"][row] = _CODES[outcome.state]
        columns["has_score"][row] = outcome.score is not None
        columns["cached"][row] = outcome.cached
        for name in _TIMES:
            columns[name][row] = getattr(outcome, name)
        if outcome.score is not None:
            for name, number in outcome.score.numbers.items():
                self._column(self._numbers, name, 0.0)[row] = number
        for name, value in outcome.timing.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                self._column(self._more, name, math.nan)[row] = value
        self._languages[row] = self._interned.setdefault(outcome.language, outcome.language)
        for key, texts in self._keys.items():
            value = outcome.meta.get(key, outcome.meta.get(f"{key}_id"))  # sets on the hub write `speaker_id`
            text = "" if value is None else str(value)
            texts[row] = self._interned.setdefault(text, text)
        if outcome.reason is not None:
            self._reasons[row] = outcome.reason
        if outcome.ended:
            self._endings[row] = outcome.ended
        if outcome.script:
            self._scripts[row] = outcome.script
        for name, value in outcome.heard.items():
            self._column(self._more, f"heard_{name}", math.nan)[row] = value
        return row

    def _column(self, columns: dict[str, array[float]], name: str, nothing: float) -> array[float]:
        column = columns.get(name)
        if column is None:
            column = columns[name] = array("d", [nothing]) * len(self._languages)
        return column

    def build(self) -> CellTable:
        """Return the table, sorted by sample id."""
        import numpy as np

        ids = sorted(self.rows, key=_place if self._drawn else None)
        order = np.fromiter((self.rows[one] for one in ids), np.intp, len(ids))
        told = self._reasons or self._endings or self._scripts
        place = {int(row): position for position, row in enumerate(order)} if told else {}

        def column(values: Any, dtype: Any) -> Any:
            return np.frombuffer(values, dtype=dtype)[order] if len(values) else np.empty(0, dtype)

        return CellTable(
            ids=ids,
            **{name: column(values, _DTYPES[name]) for name, values in self._columns.items()},
            numbers={name: column(values, np.float64) for name, values in sorted(self._numbers.items())},
            languages=[self._languages[row] for row in order],
            keys={key: [texts[row] for row in order] for key, texts in self._keys.items()},
            more={name: column(values, np.float64) for name, values in sorted(self._more.items())},
            reasons={place[row]: reason for row, reason in self._reasons.items()},
            endings={place[row]: ended for row, ended in self._endings.items()},
            scripts={place[row]: script for row, script in self._scripts.items()},
        )


def table_of(outcomes: Iterable[Outcome], keys: Iterable[str] = ()) -> CellTable:
    """Return the table of outcomes that are in memory."""
    builder = TableBuilder(keys)
    for outcome in outcomes:
        builder.add(outcome)
    return builder.build()
