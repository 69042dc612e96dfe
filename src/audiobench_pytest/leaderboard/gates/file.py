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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from audiobench_pytest.errors import AudiobenchError, UsageError, did_you_mean
from audiobench_pytest.leaderboard.gates.schema import (
    BOUNDS,
    EVERYTHING,
    KEYS,
    SETTINGS,
    GatesFile,
    Limit,
    PublishedRule,
    RegressionRule,
)
from audiobench_pytest.leaderboard.gates.values import (
    Wrong,
    amount,
    confidence,
    header,
    number,
    one_of,
    shown,
    text,
    trade,
)
from audiobench_pytest.leaderboard.quantities import COVERAGE, FIXED, SPEED
from audiobench_pytest.types import Quantity, Verdict

_COMMON = {name: Quantity(name) for name in ("wer", "cer")}
_LIMITED = {name: fixed.quantity for name, fixed in FIXED.items() if fixed.limited}
_SLICE = "slice"
_WANTED = "max, min, max_regression or against"


def load_gates(
    path: Path,
    *,
    datasets: Iterable[str],
    families: Iterable[str],
    tasks: Iterable[str],
    models: Iterable[str],
    open_models: tuple[str, ...] = ("hf:", "openai:"),
    quantities: Mapping[str, Quantity] | None = None,
    recipes: Iterable[str] = (),
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
        quantities: What recipes measure beside what those of the catalogue do, by name.
        recipes: Names of recipes beside those of the catalogue.

    Raises:
        UsageError: The file cannot be read, is not TOML, or holds an unknown scope, metric, key or model, a value of
            the wrong type or out of range, a baseline that is none, or a table without a limit; names file and table.
    """
    known = _Names({*datasets, *families, *tasks}, set(models), open_models, dict(quantities or {}), set(recipes))
    return GatesFile(tuple(_Reader(path, known).limits()), path)


class _Names:
    """What exists."""

    def __init__(
        self,
        scopes: set[str],
        models: set[str],
        open_models: tuple[str, ...],
        quantities: dict[str, Quantity],
        recipes: set[str],
    ) -> None:
        self.scopes = (scopes - {""}) | {"default"}
        self.models, self.open_models = models, open_models
        self._quantities, self._recipes = quantities, recipes
        self._everything: dict[str, Quantity] | None = None

    def quantity(self, name: str) -> Quantity | None:
        """Return what is limited by that name, or None."""
        fixed = {**_LIMITED, **_COMMON}
        return fixed.get(name) or self.everything().get(name)

    def everything(self) -> Mapping[str, Quantity]:
        """Return all that can be limited; asking every recipe of the catalogue takes a tenth of a second."""
        if self._everything is None:
            from audiobench_pytest.leaderboard.cells.planned import quantities

            ours = {**_LIMITED, **_COMMON}
            self._everything = {**quantities(), **self._quantities, **ours}
        return self._everything

    def recipe(self, name: str) -> str:
        """Return the full name of a recipe.

        Raises:
            UnknownNameError: There is none.
        """
        from audiobench_pytest.catalog.loader import load_catalog

        return name if name in self._recipes else load_catalog().recipes.get(name).name


class _Reader:
    """Walks the tables of one file."""

    def __init__(self, path: Path, names: _Names) -> None:
        self._path = path
        self._names = names
        self._settings: dict[str, Any] = {}

    def limits(self) -> Iterator[Limit]:
        content = self._content()
        self._settings = {key: value for key, value in content.items() if key in SETTINGS and not _is_table(value)}
        for scope, metrics in content.items():
            if scope in self._settings:
                continue
            if scope in KEYS and not _is_table(metrics):
                self._fail([], f"'{scope}' belongs into a table; above all tables may stand: {', '.join(SETTINGS)}")
            if scope not in self._names.scopes:
                hint = f"; {_QUOTE}" if _cut_by_dot(scope, self._names.scopes) else ""
                what = f"unknown dataset, family or task '{scope}'{did_you_mean(scope, self._names.scopes)}{hint}"
                self._fail([scope], what)
            for metric, table in self._tables(metrics, [scope], "a metric").items():
                quantity = self._names.quantity(metric)
                if quantity is None:
                    self._fail(
                        [scope, metric],
                        f"unknown metric '{metric}'{did_you_mean(metric, self._names.everything())}",
                    )
                yield from self._metric(scope, quantity, table)

    def _metric(self, scope: str, quantity: Quantity, table: Any) -> Iterator[Limit]:
        where = [scope, quantity.name]
        self._tables(table, where, _WANTED)
        yield from self._table(scope, quantity, None, where, table)
        for model, inner in table.items():
            if not _is_table(inner) or model in KEYS or model == _SLICE:
                continue
            if model not in self._names.models and not model.startswith(self._names.open_models):
                hint = f"; {_QUOTE}" if _cut_by_dot(model, self._names.models) else ""
                what = f"unknown model '{model}'{did_you_mean(model, self._names.models)}{hint}"
                self._fail([*where, model], what)
            yield from self._table(
                scope, quantity, model, [*where, model], self._tables(inner, [*where, model], _WANTED)
            )

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
        if quantity.name in _LIMITED:
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
            **self._hardware(quantity, where, keys),
        )
        limits = {bound: self._bound(where, quantity, bound, keys[bound]) for bound in BOUNDS if bound in keys}
        if len(limits) == 2 and limits["min"] > limits["max"]:
            self._fail(where, f"min = {limits['min']:g} is above max = {limits['max']:g}: no value can pass")
        found = [_with(common, bound=bound, value=value) for bound, value in limits.items()]
        if "max_regression" in keys:
            value, rule = self._regression(where, keys)
            found.append(_with(common, bound="regression", value=value, rule=rule))
        if "against" in keys:
            value, reproduction = self._published(where, keys)
            found.append(_with(common, bound="published", value=value, rule=reproduction))
        if not found:
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
        if quantity.name == COVERAGE.name and keys.keys() - {"min"}:
            self._fail(where, "coverage takes min only")
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

    def _names_recipe(self, where: list[str], keys: Mapping[str, Any]) -> str | None:
        name = self._of(where, "recipe", keys, text, None)
        try:
            return None if name is None else self._names.recipe(name)
        except UsageError as exc:
            self._fail(where, str(exc))

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

    def _regression(self, where: list[str], keys: Mapping[str, Any]) -> tuple[float, RegressionRule]:
        allowed, relative = self._parsed(where, "max_regression", amount, keys["max_regression"])
        named = self._of(where, "baseline", keys, text, None)
        if named is None:
            self._fail(where, "max_regression needs a baseline: a run directory or a lock file")
        path = (self._path.parent / Path(named).expanduser()).resolve()
        try:
            from audiobench_pytest.leaderboard.baselines.sources import check_baseline

            check_baseline(path)
        except AudiobenchError as exc:
            self._fail(where, f"baseline: {exc}")
        rule = RegressionRule(
            baseline=path,
            shown=named,
            relative=relative,
            confidence=self._of(where, "confidence", keys, confidence, 0.95),
            inconclusive=Verdict(self._of(where, "inconclusive", keys, one_of("pass", "fail", "skip"), "skip")),
            baseline_model=self._of(where, "baseline_model", keys, text, None),
            trade=self._of(where, "trade", keys, trade, None),
        )
        return allowed, rule

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
        except ValueError as exc:  # TOMLDecodeError and UnicodeDecodeError; the former names line and column
            raise UsageError(f"{self._path}: not a TOML file: {exc}") from exc

    def _fail(self, where: list[str], what: str) -> NoReturn:
        raise UsageError(f"{self._path}: {header(where)}: {what}" if where else f"{self._path}: {what}")


_QUOTE = "a name with a dot in it needs quotes"


def _with(limit: Limit, **fields: Any) -> Limit:
    import dataclasses

    return dataclasses.replace(limit, **fields)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _cut_by_dot(name: str, known: Iterable[str]) -> bool:
    return any(other.startswith(f"{name}.") for other in known)
