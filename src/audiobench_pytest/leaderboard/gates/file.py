"""The gates file: which limits exist, checked before any model loads.

A table is named scope, metric and, where it holds for one model only, the model; a part of the samples follows:

    [default.coverage]                            # every cell; the built-in minimum is 1.0
    min = 0.99

    ["librispeech-test-clean".wer]                # a dataset, a family marker or a task
    max = 5.0

    ["librispeech-test-clean".wer.kimiaudio]      # this model only
    max = 1.5
    max_regression = 0.1                          # than its baseline
    baseline = "audiobench.lock.json"

    ["librispeech-test-clean".wer.slice.gender.female]
    max = 6.0

`default` is no name of a dataset here. Rates are in percent, coverage is a share from 0 to 1, `rtfx` is seconds of
audio per second of inference. docs/gates.md has the whole of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from audiobench_pytest.errors import AudiobenchError, UsageError, did_you_mean
from audiobench_pytest.leaderboard.gates.names import LIMITED, Known, Names
from audiobench_pytest.leaderboard.gates.schema import (
    BOUNDS,
    EVERYTHING,
    KEYS,
    LISTS,
    RELEASE,
    SETTINGS,
    GatesFile,
    Limit,
    Promise,
    PublishedRule,
    RegressionRule,
    Release,
)
from audiobench_pytest.leaderboard.gates.values import (
    PROMISED,
    Wrong,
    amount,
    confidence,
    header,
    number,
    one_of,
    shown,
    text,
    texts,
    trade,
    truth,
    waiver,
)
from audiobench_pytest.leaderboard.quantities import COVERAGE, FIXED, PERCENTILES, SPEED
from audiobench_pytest.records.runs.directory import GATES, RunDirectory
from audiobench_pytest.types import Quantity, Verdict

T = TypeVar("T")
_SLICE = "slice"
_WANTED = "max, min, max_regression or against"


def load_gates(path: Path, known: Known, *, folder: Path | None = None) -> GatesFile:
    """Read and check a gates file.

    The names are those that exist, not those that this run runs: a file serves many runs. An unknown name is an error
    all the same, since a limit that never applies is a gate that never closes.

    Args:
        path: The TOML file.
        known: Which names there are.
        folder: Where its relative paths start; its own folder unless it is a copy that a run kept.

    Raises:
        UsageError: The file cannot be read, is not TOML, or holds an unknown scope, metric, key or model, a value of
            the wrong type or out of range, a baseline that is none, or a table without a limit; names file and table.
    """
    return _Reader(path, known, folder or path.parent).read()


def kept_gates(run: RunDirectory, known: Known) -> GatesFile:
    """Return the limits that a run began with; relative paths start where the file lay.

    Args:
        run: The run, which kept a copy.
        known: Which names there are; they were checked when the run began.

    Raises:
        UsageError: As for `load_gates`.
        RecordError: The run cannot be read.
    """
    origin = Path(str((run.manifest() or {}).get("gates") or run.path / GATES))
    return load_gates(run.path / GATES, known, folder=origin.parent)


class _Reader:
    """Walks the tables of one file."""

    def __init__(self, path: Path, known: Known, folder: Path) -> None:
        self._path, self._known, self._folder = path, known, folder
        self._names = Names(known)
        self._settings: dict[str, Any] = {}
        self._promises: list[Promise] = []

    def read(self) -> GatesFile:
        """Return the whole file."""
        content = self._content()
        self._settings = {key: value for key, value in content.items() if key in SETTINGS and not _is_table(value)}
        lists = {key: self._parsed([], key, texts, content[key]) for key in LISTS if isinstance(content.get(key), list)}
        self._names = Names(self._known, **lists)
        unmatched = self._parsed([], "unmatched", one_of("list", "fail"), content.pop("unmatched", "list"))
        corrected = self._parsed([], "correct", one_of("slices", "file"), content.pop("correct", "slices"))
        release = self._release(content.pop(RELEASE)) if _is_table(content.get(RELEASE)) else None
        tables = {key: value for key, value in content.items() if key not in self._settings and key not in lists}
        limits = tuple(self._limits_of(tables))
        return GatesFile(
            limits,
            self._path,
            promises=tuple(self._promises),
            release=release,
            refuses_unmatched=unmatched == "fail",
            corrects_file=corrected == "file",
        )

    def _limits_of(self, tables: Mapping[str, Any]) -> Iterator[Limit]:
        for scope, metrics in tables.items():
            if scope in KEYS and not _is_table(metrics):
                above = ", ".join((*SETTINGS, *LISTS, "unmatched", "correct"))
                self._fail([], f"'{scope}' belongs into a table; above all tables may stand: {above}")
            self._looked_up([scope], self._names.scope, scope)
            for metric, table in self._tables(metrics, [scope], "a metric").items():
                yield from self._metric(scope, self._looked_up([scope, metric], self._names.quantity, metric), table)

    def _release(self, table: Mapping[str, Any]) -> Release:
        where = [RELEASE]
        for key in table:
            if key not in ("cells", *PROMISED):
                self._fail(where, f"unknown key '{key}'{did_you_mean(key, ('cells', *PROMISED))}")
        source = f"{self._path.name} {header(where)}"
        cells = self._parsed(where, "cells", texts, table.get("cells", []))
        for about, check in PROMISED.items():
            for scope, model, wanted in self._promised(where, about, check, table.get(about)):
                self._promises.append(Promise(about, wanted, source, scope, model))
        return Release(tuple(self._looked_up(where, self._names.cell, one) for one in cells), source)

    def _promised(
        self, where: list[str], about: str, check: Callable[[Any], Any], given: Any
    ) -> Iterator[tuple[str, str | None, Any]]:
        """Yield data set, model and value of a promise: one for all cells, or a table by data set, model or cell."""
        if given is not None and not _is_table(given):
            yield EVERYTHING, None, self._parsed(where, about, check, given)
        for name, value in given.items() if _is_table(given) else ():
            wanted = self._parsed([*where, about], name, check, value)
            try:
                yield (
                    (EVERYTHING, self._names.model(name), wanted)
                    if about == "weights"
                    else (
                        self._names.dataset(name),
                        None,
                        wanted,
                    )
                )
            except UsageError as exc:
                try:
                    yield (*self._names.cell(name), wanted)
                except UsageError:
                    self._fail([*where, about], str(exc))

    def _metric(self, scope: str, quantity: Quantity, table: Any) -> Iterator[Limit]:
        where = [scope, quantity.name]
        self._tables(table, where, _WANTED)
        yield from self._table(scope, quantity, None, where, table)
        for model, inner in table.items():
            if not _is_table(inner) or model in KEYS or model == _SLICE:
                continue
            at = [*where, model]
            name = self._looked_up(at, self._names.model, model)
            yield from self._table(scope, quantity, name, at, self._tables(inner, at, _WANTED))

    def _table(
        self, scope: str, quantity: Quantity, model: str | None, where: list[str], table: Mapping[str, Any]
    ) -> Iterator[Limit]:
        """Yield the limits of a table and of the slices below it."""
        own = {key: value for key, value in table.items() if not _is_table(value) or key in KEYS}
        if own:
            yield from self._limits(scope, quantity, model, None, where, own)
        if _SLICE not in table:
            if not own and model is not None:
                self._fail(where, f"the table holds nothing that limits: give {_WANTED}")
            return
        where = [*where, _SLICE]
        if quantity.name in LIMITED:
            self._fail(where, f"{quantity.name} is not measured by slices")
        for key, parts in self._tables(table[_SLICE], where, "a key and a name, as in slice.gender.female").items():
            for name, inner in self._tables(parts, [*where, key], "a name, or '*' for each").items():
                at = [*where, key, name]
                yield from self._limits(scope, quantity, model, (key, name), at, self._tables(inner, at, _WANTED))

    def _limits(
        self,
        scope: str,
        quantity: Quantity,
        model: str | None,
        part: tuple[str, str] | None,
        where: list[str],
        keys: Mapping[str, Any],
    ) -> Iterator[Limit]:
        self._check_keys(quantity, where, keys)
        common = Limit(
            EVERYTHING if scope == "default" else scope,
            quantity.name,
            model,
            "",
            0.0,
            f"{self._path.name} {header(where)}",
            recipe=self._names_recipe(where, keys),
            slice=part,
            judges_limited=self._of(where, "limited", keys, one_of("judge", "skip"), "skip") == "judge",
            required=self._of(where, "required", keys, truth, False),
            waiver=self._of(where, "waive", keys, waiver, None),
            inconclusive=self._inconclusive(where, keys) if quantity.name in PERCENTILES else None,
            min_samples=self._min_samples(where, part, keys),
            **self._hardware(quantity, where, keys),
        )
        pinned = [key for key in ("samples", "data") if key in keys]
        for about in pinned:
            wanted = self._parsed(where, about, PROMISED[about], keys[about])
            self._promises.append(Promise(about, wanted, common.source, common.scope, model))
        limits = {bound: self._bound(where, quantity, bound, keys[bound]) for bound in BOUNDS if bound in keys}
        if len(limits) == 2 and limits["min"] > limits["max"]:
            self._fail(where, f"min = {limits['min']:g} is above max = {limits['max']:g}: no value can pass")
        found = [_with(common, bound=bound, value=value) for bound, value in limits.items()]
        if "max_regression" in keys:
            value, rules = self._regression(where, keys)
            found += [_with(common, bound=bound, value=value, rule=rule) for bound, rule in rules.items()]
        if "against" in keys:
            value, reproduction = self._published(where, keys)
            found.append(_with(common, bound="published", value=value, rule=reproduction))
        if not found and not pinned:
            self._fail(where, f"the table holds nothing that limits: give {_WANTED}")
        yield from found

    def _check_keys(self, quantity: Quantity, where: list[str], keys: Mapping[str, Any]) -> None:
        for key, value in keys.items():
            if key not in KEYS:
                self._fail(where, f"unknown key '{key}'{did_you_mean(key, KEYS)}")
            needs = KEYS[key].needs
            if needs and needs not in keys and not (needs in SETTINGS and needs in self._settings):
                self._fail(where, f"'{key}' means nothing without '{needs}'")
            if _is_table(value) and KEYS[key].kind != "a table":
                self._fail([*where, key], f"'{key}' must be {KEYS[key].kind}, not a table")
        if quantity.name == COVERAGE.name and keys.keys() - {"min", "samples", "data", "required", "waive"}:
            self._fail(where, "coverage takes min, samples and data only")
        if "inconclusive" in keys and "max_regression" not in keys and quantity.name not in PERCENTILES:
            self._fail(where, "'inconclusive' means nothing without 'max_regression'")
        for key in ("samples", "data"):
            if key in keys and quantity.name != COVERAGE.name:
                self._fail(where, f"'{key}' says what was measured: write it under coverage, not under {quantity.name}")
        if quantity.name not in SPEED and "hardware" in keys:
            self._fail(where, f"hardware is for limits on speed ({', '.join(SPEED)}), not for {quantity.name}")
        compared = [key for key in ("max_regression", "against") if key in keys]
        if compared and quantity.name in FIXED:
            self._fail(where, f"'{compared[0]}' compares values of samples: {quantity.name} takes max and min only")

    def _hardware(self, quantity: Quantity, where: list[str], keys: Mapping[str, Any]) -> dict[str, Any]:
        if quantity.name not in SPEED:
            return {}
        hardware = self._of(where, "hardware", keys, text, "")
        elsewhere = self._of(where, "on_other_hardware", keys, one_of("skip", "fail"), "skip")
        return {"hardware": hardware, "on_other_hardware": Verdict(elsewhere)}

    def _inconclusive(self, where: list[str], keys: Mapping[str, Any]) -> Verdict | None:
        given = self._of(where, "inconclusive", keys, one_of("pass", "fail", "skip"), None)
        return None if given is None else Verdict(given)

    def _min_samples(self, where: list[str], part: tuple[str, str] | None, keys: Mapping[str, Any]) -> int:
        if "min_samples" in keys and part is None:
            self._fail(where, "'min_samples' is for slices; coverage says how many samples a set must have")
        return int(self._of(where, "min_samples", keys, PROMISED["samples"], 0))

    def _names_recipe(self, where: list[str], keys: Mapping[str, Any]) -> str | None:
        name = self._of(where, "recipe", keys, text, None)
        return None if name is None else self._looked_up(where, self._names.recipe, name)

    def _bound(self, where: list[str], quantity: Quantity, key: str, value: Any) -> float:
        limit = self._parsed(where, key, lambda given: number(given, least=quantity.minimum), value)
        greatest = quantity.maximum
        if quantity.name == COVERAGE.name and limit > 1:
            self._fail(
                where, f"coverage is a share from 0 to 1, it is {limit:g}; write {limit / 100:g} for {limit:g} %"
            )
        if greatest is not None and limit > greatest:
            self._fail(where, f"{key} = {limit:g} is beyond the greatest {quantity.name} there can be, {greatest:g}")
        return float(limit)

    def _regression(self, where: list[str], keys: Mapping[str, Any]) -> tuple[float, dict[str, RegressionRule]]:
        """Return how much worse a value may be, and than what: the baseline's, the anchor's, or both."""
        allowed, relative = self._parsed(where, "max_regression", amount, keys["max_regression"])
        named = {key: self._of(where, key, keys, text, None) for key in ("baseline", "anchor")}
        if not any(named.values()):
            self._fail(where, "max_regression needs a baseline: a run directory or a lock file")
        inconclusive = self._inconclusive(where, keys)
        rules = {
            {"baseline": "regression", "anchor": "anchor"}[key]: RegressionRule(
                baseline=self._baseline(where, key, shown),
                shown=shown,
                relative=relative,
                confidence=self._of(where, "confidence", keys, confidence, 0.95),
                inconclusive=inconclusive,
                baseline_model=self._of(where, "baseline_model", keys, text, None),
                trade=self._of(where, "trade", keys, trade, None),
            )
            for key, shown in named.items()
            if shown is not None
        }
        return allowed, rules

    def _baseline(self, where: list[str], key: str, named: str) -> Path:
        from audiobench_pytest.leaderboard.baselines.sources import check_baseline

        path = (self._folder / Path(named).expanduser()).resolve()
        try:
            check_baseline(path)
        except AudiobenchError as exc:
            self._fail(where, f"{key}: {exc}")
        return path

    def _published(self, where: list[str], keys: Mapping[str, Any]) -> tuple[float, PublishedRule]:
        from audiobench_pytest.leaderboard.gates.published_values import named_cell

        self._parsed(where, "against", one_of("published"), keys["against"])
        if "tolerance" not in keys:
            self._fail(where, "against needs a tolerance: by how much the value may be off")
        tolerance, relative = self._parsed(where, "tolerance", amount, keys["tolerance"])
        cell = self._of(where, "published", keys, named_cell, None)
        return tolerance, PublishedRule(relative, cell)

    def _of(
        self, where: list[str], key: str, keys: Mapping[str, Any], parse: Callable[[Any], Any], default: Any
    ) -> Any:
        """Return the value of a key of the table, else of the settings above all tables, else the default."""
        if key in keys:
            return self._parsed(where, key, parse, keys[key])
        if key in SETTINGS and key in self._settings:
            return self._parsed([], key, parse, self._settings[key])
        return default

    def _parsed(self, where: list[str], key: str, parse: Callable[[Any], Any], value: Any) -> Any:
        try:
            return parse(value)
        except (Wrong, AudiobenchError) as exc:
            self._fail(where, f"{key} {exc}")

    def _looked_up(self, where: list[str], look_up: Callable[[str], T], name: str) -> T:
        try:
            return look_up(name)
        except UsageError as exc:
            self._fail(where, str(exc))

    def _tables(self, value: Any, where: list[str], wanted: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._fail(where[:-1], f"'{where[-1]}' must be a table, it is {shown(value)}")
        if not value:
            self._fail(where, f"the table is empty: give {wanted}, or remove it")
        return value

    def _content(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._path.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError as exc:
            raise UsageError(f"{self._path}: there is no such gates file") from exc
        except OSError as exc:
            raise UsageError(f"{self._path}: cannot read the gates file: {exc.strerror or exc}") from exc
        except UnicodeDecodeError as exc:
            raise UsageError(f"{self._path}: not UTF-8 (byte {exc.start + 1}): save it as UTF-8") from exc
        except tomllib.TOMLDecodeError as exc:  # names line and column
            raise UsageError(f"{self._path}: not a TOML file: {exc}") from exc

    def _fail(self, where: list[str], what: str) -> NoReturn:
        raise UsageError(f"{self._path}: {header(where)}: {what}" if where else f"{self._path}: {what}")


def _with(limit: Limit, **fields: Any) -> Limit:
    import dataclasses

    return dataclasses.replace(limit, **fields)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)
