"""What the user asked for, put together from audiobench.toml, ini keys and the command line (later ones win)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.plugin.asked.parts import Part, parse_part
from audiobench_pytest.plugin.asked.rare import RARE


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's settings, checked and typed.

    Attributes:
        models: As given, commas split.
        datasets: As given; empty means all.
        data_folder: Where the relative paths among them start.
        model_args: Arguments per model as given; the key "" means "the only model, or all of them".
        recipes: As given, commas split; empty means each dataset's own.
        suite: The suite that was named, or None.
        gates: The gates file that was named, or None.
        run: The run directory that was named, or None.
        cache: Cache folders, the first one is written.
        limit: First N samples, or None.
        sample: N samples by id and seed, or None.
        seed: Of `sample`.
        batch_size: Most rows of a batch, or None.
        batch_seconds: Most seconds of a batch, or None.
        probe: Samples of each data set that are asked twice, or None.
        rare: Every setting of `RARE`.
        part: Which part of the plan this machine runs.
        engine: What runs the shards: `pytest` or `ray`.
        root: pytest's root folder; `.audiobench/` lies in it.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    data_folder: Path
    model_args: Mapping[str, Mapping[str, str]]
    recipes: tuple[str, ...]
    suite: str | None
    gates: Path | None
    run: Path | None
    cache: tuple[Path, ...]
    limit: int | None
    sample: int | None
    seed: int
    batch_size: int | None
    batch_seconds: float | None
    probe: int | None
    part: Part
    engine: str
    root: Path
    rare: Mapping[str, Any] = field(default_factory=dict)


def read_settings(config: pytest.Config) -> Settings:
    """Return the settings of this run.

    A relative path starts where it is written: one of the command line in the working folder, one of an ini file or of
    `audiobench.toml` in the folder of that file.

    Raises:
        UsageError: A value is of the wrong type, or a key does not exist.
    """
    root = config.rootpath
    toml = _read_toml(root / "audiobench.toml")

    def given(name: str, ini: str | None = None) -> tuple[Any, Path]:
        option = config.getoption("audiobench_" + name.replace("-", "_"))
        if option is not None:
            return option, config.invocation_params.dir
        if ini is not None and config.getini(ini):
            return config.getini(ini), config.inipath.parent if config.inipath else root
        return toml.get(name), root

    def value(name: str, ini: str | None = None) -> Any:
        return given(name, ini)[0]

    models = _split(value("model", "audiobench_models"))
    for name in ("limit", "sample", "batch-size", "probe"):
        number = value(name)
        if number is not None and number < 1:
            raise UsageError(f"--{name} must be a whole number, 1 or more; it is {number!r}")
    seconds = value("batch-seconds")
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--batch-seconds must be above 0; it is {seconds!r}")
    datasets, data_folder = given("dataset")
    return Settings(
        models=tuple(models),
        datasets=tuple(_many(datasets)),
        data_folder=data_folder,
        model_args=_model_args(_many(value("model-args")), models),
        recipes=tuple(_split(value("recipe"))),
        suite=value("suite"),
        gates=_path(*given("gates", "audiobench_gates")),
        run=_path(*given("run", "audiobench_run_dir")),
        cache=_paths(*given("cache", "audiobench_cache")) or (root / ".audiobench" / "cache",),
        limit=value("limit"),
        sample=value("sample"),
        seed=value("seed") or 0,
        batch_size=value("batch-size"),
        batch_seconds=float(seconds) if seconds is not None else None,
        probe=value("probe"),
        part=parse_part(value("part")),
        engine=_engine(value("engine")),
        root=root,
        rare=_rare(toml, config.getini("audiobench_set"), config.getoption("audiobench_set") or ()),
    )


def _engine(name: str | None) -> str:
    if name not in (None, "pytest", "ray"):
        raise UsageError(f"--engine must be pytest or ray; it is {name!r}")
    return name or "pytest"


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    import tomllib

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise UsageError(f"{path}: {exc}") from exc
    from audiobench_pytest.plugin.asked.options import OPTIONS

    # `set` is not among them: here the rare settings stand under their own names.
    options = {o.name: o for o in OPTIONS if o.name != "set"}
    known = {*options, *(r.name for r in RARE)}
    for key, value in content.items():
        if key not in known:
            raise UsageError(f"{path}: unknown key '{key}'{did_you_mean(key, known)}")
        option = options.get(key)
        many = isinstance(value, list) and option is not None and (option.repeat or key == "cache")
        kind, fitting = _TOML_KINDS[option.type if option is not None else object]
        for one in value if many else [value]:
            if not isinstance(one, fitting) or (isinstance(one, bool) and option is not None):
                raise UsageError(f"{path}: '{key}' must be {kind}; it is {value!r}")
    return content


_TOML_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    object: ("text, a number, true or false", (str, int, float)),
}


def _rare(toml: Mapping[str, Any], ini: Iterable[str], options: Iterable[str]) -> dict[str, Any]:
    texts = {r.name: str(toml[r.name]) for r in RARE if r.name in toml}
    for where, pairs in (("audiobench_set", ini), ("--audiobench-set", options)):
        for pair in pairs:
            name, equals, text = pair.partition("=")
            name = name.strip().replace("-", "_")
            if not equals or name not in {r.name for r in RARE}:
                raise UsageError(
                    f"{where}: {pair!r} is no KEY=VALUE of a known key{did_you_mean(name, [r.name for r in RARE])}"
                )
            texts[name] = text.strip()
    values = {}
    for rare in RARE:
        try:
            values[rare.name] = rare.type(texts[rare.name]) if rare.name in texts else rare.default
        except ValueError as exc:
            raise UsageError(f"setting {rare.name}={texts[rare.name]!r}: {exc} ({rare.help})") from exc
    return values


def _model_args(texts: Iterable[str], models: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return arguments per model; `a=1,b=2` is for every model (key ""), `name:a=1` for one."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        target, rest = "", text
        for model in models:
            if text.startswith(f"{model}:"):
                target, rest = model, text[len(model) + 1 :]
                break
        else:
            name, colon, _ = text.split("=", 1)[0].partition(":")
            if colon:
                raise UsageError(f"--model-args: '{name}' is not among --model{did_you_mean(name, models)}")
        for pair in rest.split(","):
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                raise UsageError(f"--model-args: {pair!r} is no KEY=VALUE; write for example dtype=float16,num_beams=4")
            found.setdefault(target, {})[key.strip().replace("-", "_")] = value.strip()
    return found


def _many(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(v) for v in value]


def _split(value: Any) -> list[str]:
    names = [part.strip() for text in _many(value) for part in text.split(",")]
    return list(dict.fromkeys(n for n in names if n))


def _path(text: Any, folder: Path) -> Path | None:
    return folder / Path(str(text)).expanduser() if text else None


def _paths(value: Any, folder: Path) -> tuple[Path, ...]:
    return tuple(folder / Path(part).expanduser() for part in _split(value))
