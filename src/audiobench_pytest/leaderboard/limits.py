"""The gates file: which limits exist, checked before any model loads.

A table is named scope, metric and, where it holds for one model only, the model:

    [default.coverage]                            # every cell; the built-in minimum is 1.0
    min = 0.99

    ["librispeech-test-clean".wer]                # a dataset, a family marker or a task
    max = 5.0

    ["librispeech-test-clean".wer.kimiaudio]      # this model only
    max = 1.5

`default` is no name of a dataset here. Rates are in percent, coverage is a share from 0 to 1, `rtfx` is
seconds of audio per second of inference.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError, did_you_mean

EVERYTHING = "*"
"""Scope of the limits in the `default` table."""

RATES = ("wer", "cer")
"""Metrics that are the headline value of a cell."""

METRICS = (*RATES, "coverage", "rtfx")
"""Metrics that may be limited."""

BOUNDS = ("max", "min")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a gates file.

    Attributes:
        scope: Name of a dataset, a family or a task, or `EVERYTHING`.
        metric: One of `METRICS`.
        model: The only model it holds for, or None for all.
        bound: `"max"` or `"min"`; the limit itself still passes.
        value: In the metric's unit.
        source: Where it is written (`gates.toml [minispeech.wer.pocketsphinx]`).
    """

    scope: str
    metric: str
    model: str | None
    bound: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class GatesFile:
    """All limits of a run.

    Attributes:
        limits: In the order of the file.
        path: The file, or None when there is none.
        min_coverage: Coverage that a cell needs where the file says nothing.
    """

    limits: tuple[Limit, ...] = ()
    path: Path | None = None
    min_coverage: float = 1.0


def load_gates(
    path: Path,
    *,
    datasets: Iterable[str],
    families: Iterable[str],
    tasks: Iterable[str],
    models: Iterable[str],
    open_models: tuple[str, ...] = ("hf:",),
) -> GatesFile:
    """Read and check a gates file.

    The names are those that exist, not those that this run runs: a file serves many runs. An unknown name is an error
    all the same, since a limit that never applies is a gate that never closes.

    Args:
        path: The TOML file.
        datasets: Names of the catalogue's datasets and of the user's own ones in this run.
        families: Family markers.
        tasks: Tasks.
        models: Names of the models.
        open_models: Beginnings of model names that need no registration and thus cannot be checked.

    Raises:
        UsageError: The file cannot be read, is not TOML, or holds an unknown scope, metric, key or model, a value of
            the wrong type or out of range, or a table without a limit; names file and table.
    """
    return GatesFile(tuple(_Reader(path, {*datasets, *families, *tasks}, set(models), open_models).limits()), path)


class _Reader:
    """Walks the tables of one file."""

    def __init__(self, path: Path, scopes: set[str], models: set[str], open_models: tuple[str, ...]) -> None:
        self._path = path
        self._scopes = (scopes - {""}) | {"default"}
        self._models = models
        self._open_models = open_models

    def limits(self) -> Iterator[Limit]:
        for scope, metrics in self._content().items():
            if scope not in self._scopes:
                hint = f"; {_QUOTE}" if _cut_by_dot(scope, self._scopes) else ""
                raise self._error(
                    [scope], f"unknown dataset, family or task '{scope}'{did_you_mean(scope, self._scopes)}{hint}"
                )
            for metric, table in self._tables(metrics, [scope], "a metric").items():
                if metric not in METRICS:
                    raise self._error([scope, metric], f"unknown metric '{metric}'{did_you_mean(metric, METRICS)}")
                yield from self._metric(scope, metric, table)

    def _metric(self, scope: str, metric: str, table: Any) -> Iterator[Limit]:
        where = [scope, metric]
        self._tables(table, where, "max or min")
        yield from self._bounds(scope, metric, None, {key: v for key, v in table.items() if not isinstance(v, dict)})
        for model, inner in table.items():
            if not isinstance(inner, dict):
                continue
            if model in BOUNDS:
                raise self._error([*where, model], f"'{model}' must be a number, not a table")
            if model not in self._models and not model.startswith(self._open_models):
                hint = f"; {_QUOTE}" if _cut_by_dot(model, self._models) else ""
                raise self._error([*where, model], f"unknown model '{model}'{did_you_mean(model, self._models)}{hint}")
            yield from self._bounds(scope, metric, model, self._tables(inner, [*where, model], "max or min"))

    def _bounds(self, scope: str, metric: str, model: str | None, keys: Mapping[str, Any]) -> Iterator[Limit]:
        where = [scope, metric] if model is None else [scope, metric, model]
        for key in keys:
            if key not in BOUNDS:
                raise self._error(where, f"unknown key '{key}'{did_you_mean(key, BOUNDS)}")
        values = {key: self._number(where, metric, key, value) for key, value in keys.items()}
        if len(values) == 2 and values["min"] > values["max"]:
            raise self._error(where, f"min = {values['min']:g} is above max = {values['max']:g}: no value can pass")
        name = EVERYTHING if scope == "default" else scope
        for bound, value in values.items():
            yield Limit(name, metric, model, bound, value, f"{self._path.name} {_table(where)}")

    def _number(self, where: list[str], metric: str, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(where, f"{key} must be a number, it is {_toml(value)}")
        if not math.isfinite(value) or value < 0:
            raise self._error(where, f"{key} must be a finite number, 0 or more; it is {value}")
        if metric == "coverage" and key == "max":
            raise self._error(where, "coverage takes min only")
        if metric == "coverage" and value > 1:
            raise self._error(
                where, f"coverage is a share from 0 to 1, it is {value:g}; write {value / 100:g} for {value:g} %"
            )
        return float(value)

    def _tables(self, value: Any, where: list[str], wanted: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(where[:-1], f"'{where[-1]}' must be a table, it is {_toml(value)}")
        if not value:
            raise self._error(where, f"the table is empty: give {wanted}, or remove it")
        return value

    def _content(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._path.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError as exc:
            raise UsageError(f"{self._path}: there is no such gates file") from exc
        except OSError as exc:
            raise UsageError(f"{self._path}: cannot read the gates file: {exc.strerror or exc}") from exc
        except ValueError as exc:  # TOMLDecodeError and UnicodeDecodeError; the former names line and column
            raise UsageError(f"{self._path}: not a TOML file: {exc}") from exc

    def _error(self, where: list[str], what: str) -> UsageError:
        return UsageError(f"{self._path}: {_table(where)}: {what}" if where else f"{self._path}: {what}")


_QUOTE = "a name with a dot in it needs quotes"


def _cut_by_dot(name: str, known: Iterable[str]) -> bool:
    return any(other.startswith(f"{name}.") for other in known)


def _table(where: Iterable[str]) -> str:
    """Return the header of a table as one writes it."""
    return f"[{'.'.join(key if re.fullmatch('[A-Za-z0-9_-]+', key) else json.dumps(key) for key in where)}]"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    return str(value).lower() if isinstance(value, bool) else repr(value)
