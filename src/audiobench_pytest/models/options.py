"""What `--model-args` may set: each option with its type, and the conversion of what the user wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError, did_you_mean

_OURS = frozenset({"model", "messages", "file", "stream"})


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that `--model-args` may set.

    Attributes:
        type: `str`, `int`, `float` or `bool`; the text of the command line is converted to it.
        default: Used when the user and the catalogue say nothing; None means "the adapter decides".
        help: One line for the error message and the docs.
        choices: The only values allowed, or empty for any.
        affects_answers: False for an option that changes speed only (a thread count): it then stays out of the
            cache key, so that changing it asks the model nothing again.
    """

    type: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    affects_answers: bool = True


class OpenOptions(dict[str, Option]):
    """Options of an adapter that hands on whatever else it is given, as text."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Option:
        return Option(str, None, "an argument of the model itself")


class Configurable(Protocol):
    """What takes options: the class of an adapter."""

    def options_for(self, spec: ModelSpec) -> Mapping[str, Option]:
        """Return what `--model-args` may set for one model."""


def checked_args(adapter: Configurable, spec: ModelSpec, given: Mapping[str, str]) -> dict[str, Any]:
    """Convert and check the arguments of one model: the user's over the catalogue's over the defaults.

    Args:
        adapter: The class that takes them.
        spec: The catalogue entry, whose `args` are defaults.
        given: What the command line says, as text.

    Raises:
        UsageError: An argument the adapter does not take, or a value it cannot be.
    """
    options = adapter.options_for(spec)
    unknown = [k for k in given if k not in options]
    if unknown:
        takes = ", ".join(options) or "none"
        raise UsageError(
            f"--model-args: model '{spec.name}' takes no argument '{unknown[0]}'"
            f"{did_you_mean(unknown[0], options, show_all_below=0)}; it takes: {takes}"
        )
    values: dict[str, Any] = {}
    for name in dict.fromkeys([*options, *given]):
        option = options[name]
        raw = given.get(name, spec.args.get(name, option.default))
        values[name] = raw if raw is None else _convert(spec.name, name, option, raw)
    return values


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _convert(model: str, name: str, option: Option, raw: Any) -> Any:
    text = str(raw).strip()
    try:
        if option.type is bool:
            if text.lower() not in _TRUE + _FALSE:
                raise ValueError("not a yes or no")
            value: Any = text.lower() in _TRUE
        else:
            value = option.type(text)
            if isinstance(value, str):
                value = str(value)  # of a type that checks or reads a text the plain text remains, which can be stored
    except ValueError as exc:
        raise UsageError(
            f"--model-args: {name}={text!r} of model '{model}' is no {option.type.__name__} ({option.help})"
        ) from exc
    if option.choices and value not in option.choices:
        raise UsageError(f"--model-args: {name}={text!r} of model '{model}' must be one of {', '.join(option.choices)}")
    return value


class TextOrFile(str):
    """A text, or `@` and the path of a file that holds it: on the command line a comma ends an argument."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Read the file, if it is one.

        Raises:
            UsageError: It cannot be read.
        """
        if text.startswith("@"):
            try:
                text = Path(text[1:]).expanduser().read_text("utf-8").strip()
            except (OSError, ValueError) as exc:
                raise UsageError(f"--model-args: {text}: {exc}") from exc
        return super().__new__(cls, text)


class BodyFields(TextOrFile):
    """Fields of a question to a server: a JSON object, or `@` and the path of a file that holds one."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Read and check it.

        Raises:
            UsageError: It is no JSON object, or sets a field that the adapter sets.
        """
        found = super().__new__(cls, text)
        try:
            content = json.loads(found)
        except ValueError as exc:
            raise UsageError(f"--model-args: extra_body is not JSON: {exc}") from exc
        if not isinstance(content, dict):
            raise UsageError('--model-args: extra_body must be a JSON object, such as {"top_k": 1}')
        if taken := sorted(_OURS & content.keys()):
            raise UsageError(f"--model-args: extra_body must not set {', '.join(taken)}")
        return found


class VariableName(str):
    """The name of an environment variable; what is refused is not repeated, since it may be the key itself."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check it.

        Raises:
            UsageError: It is no name of a variable.
        """
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", text):
            raise UsageError(
                "--model-args: key_env is the name of an environment variable, in capitals (MY_SERVER_KEY); "
                "never write a key on the command line"
            )
        return super().__new__(cls, text)
