"""What the user asked for, put together from audiobench.toml, ini keys and the command line (later ones win)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.plugin.asked.declared import OPTIONS, RARER, Settings
from audiobench_pytest.plugin.asked.setting import Setting


def read_settings(config: pytest.Config) -> Settings:
    """Return the settings of this run.

    A relative path starts where it is written: one of the command line in the working folder, one of an ini file or of
    `audiobench.toml` in the folder of that file.

    Raises:
        UsageError: A value is of the wrong type, or a key does not exist.
    """
    root = config.rootpath
    toml = _read_toml(root / "audiobench.toml")
    values: dict[str, Any] = {}
    folders: dict[str, Path] = {}
    for option in OPTIONS:
        given, folders[option.name] = _given(config, option, toml)
        values[option.name] = _checked_option(option, given, folders[option.name])
    for setting, text in _rarer(toml, config):
        values[setting.name] = setting.default if text is None else _checked(setting, text)
    values["cache"] = values["cache"] or (root / ".audiobench" / "cache",)
    args = _model_args(values["model-args"], values["model"], values["transcriber"])
    return Settings(values, args, root, folders["dataset"])


def _given(config: pytest.Config, option: Setting[Any], toml: Mapping[str, Any]) -> tuple[Any, Path]:
    """Return what was written, or None, and the folder where its relative paths start."""
    given = config.getoption(option.dest)
    if given is not None:
        return given, config.invocation_params.dir
    if option.ini and config.getini(option.ini):
        return config.getini(option.ini), config.inipath.parent if config.inipath else config.rootpath
    return toml.get(option.name), config.rootpath


def _checked_option(option: Setting[Any], given: Any, folder: Path) -> Any:
    if given is None and option.name != "part":  # a part may come from the environment
        return option.default
    try:
        value = option.check(given)
    except ValueError as exc:
        raise UsageError(f"--{option.name} {exc}; it is {given!r}") from None
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, tuple) and value and isinstance(value[0], Path):
        return tuple(folder / path for path in value)
    return value


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    import tomllib

    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path}: not UTF-8 (byte {exc.start + 1}): save it as UTF-8") from exc
    except (OSError, ValueError) as exc:
        raise UsageError(f"{path}: {exc}") from exc
    # `set` is not among them: here the rarer settings stand under their own names.
    options = {option.name: option for option in OPTIONS if option.name != "set"}
    known = {*options, *(setting.name for setting in RARER)}
    for key, value in content.items():
        if key not in known:
            raise UsageError(f"{path}: unknown key '{key}'{did_you_mean(key, known)}")
        option = options.get(key)
        many = isinstance(value, list) and option is not None and (option.repeat or key == "cache")
        kind, fitting = _TOML_KINDS[option.type if option is not None else object]
        for one in value if many else [value]:
            if not isinstance(one, fitting) or (isinstance(one, bool) and option is not None and bool not in fitting):
                raise UsageError(f"{path}: '{key}' must be {kind}; it is {value!r}")
    return content


_TOML_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
    object: ("text, a number, true or false", (str, int, float)),
}


def _rarer(toml: Mapping[str, Any], config: pytest.Config) -> Iterable[tuple[Setting[Any], str | None]]:
    """Yield each setting without an option of its own, with what was written for it, or None."""
    known = [setting.name for setting in RARER]
    written = {name: str(toml[name]) for name in known if name in toml}
    pairs = [("audiobench_set", pair) for pair in config.getini("audiobench_set")]
    pairs += [("--audiobench-set", pair) for pair in config.getoption("audiobench_set") or ()]
    for where, pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise UsageError(f"{where}: {pair!r} is no KEY=VALUE of a known key{did_you_mean(name, known)}")
        written[name] = text.strip()
    return ((setting, written.get(setting.name)) for setting in RARER)


def _checked(setting: Setting[Any], text: str) -> Any:
    try:
        return setting.check(text)
    except ValueError as exc:
        raise UsageError(f"setting {setting.name}={text!r}: {exc} ({setting.help})") from exc


def _is_known(name: str) -> bool:
    """Whether a name is that of a model of the catalogue."""
    from audiobench_pytest.catalog.loader import load_catalog

    return name in load_catalog().models


def _model_args(texts: Iterable[str], models: Iterable[str], transcriber: str = "") -> dict[str, dict[str, str]]:
    """Return arguments per model; `a=1,b=2` is for every model under test (key ""), `name:a=1` for one.

    One of the catalogue that is not among the models may be named, too: who hears the answers takes arguments likewise.
    """
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        target, rest = "", text
        for model in (*models, *([transcriber] if transcriber else ())):
            if text.startswith(f"{model}:"):
                target, rest = model, text[len(model) + 1 :]
                break
        else:
            name, colon, _ = text.split("=", 1)[0].partition(":")
            if colon and not _is_known(name):
                raise UsageError(f"--model-args: '{name}' is not among --model{did_you_mean(name, models)}")
            if colon:  # one that hears answers; whether any recipe asks it is known when cells are
                target, rest = name, text[len(name) + 1 :]
        for pair in rest.split(","):
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                raise UsageError(f"--model-args: {pair!r} is no KEY=VALUE; write for example dtype=float16,num_beams=4")
            found.setdefault(target, {})[key.strip().replace("-", "_")] = value.strip()
    return found
