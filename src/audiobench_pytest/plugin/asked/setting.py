"""What a setting is, and what turns written text into its value.

Imported by every pytest run of the environment: standard library only, and little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from audiobench_pytest.plugin.asked.parts import Part

T = TypeVar("T")


class Valued(Protocol):
    """What holds the values of settings, by name."""

    values: Mapping[str, Any]


class Setting(Generic[T]):
    """One thing that may be set; as an attribute of `declared.Settings`, its value.

    Attributes:
        name: Its key. `batch-size` becomes `--audiobench-batch-size`, and `--batch-size` where it has a short form.
        default: Its value when nobody says anything.
        help: For `pytest --help`.
        check: Turns what was written into its value; raises ValueError with what it must be.
        metavar: Of its option; "" for what is only a key of `--audiobench-set`, ini or audiobench.toml.
        short: Whether its option has a short form.
        repeat: Whether its option may be given several times; `check` then gets a list.
        type: What its option's text is converted to, before it is checked.
        ini: Its ini key and that key's type, or "" for none.
        bare: What its option stands for where nothing is written behind it, or None where something has to be.
    """

    # No dataclass: making one takes a millisecond, in every pytest run of the environment.
    __slots__ = ("bare", "check", "default", "help", "ini", "ini_type", "metavar", "name", "repeat", "short", "type")

    def __init__(
        self,
        name: str,
        default: T,
        help: str,
        check: Callable[[Any], T],
        *,
        metavar: str = "",
        short: bool = True,
        repeat: bool = False,
        type: type = str,
        ini: str = "",
        ini_type: str = "string",
        bare: str | None = None,
    ) -> None:
        self.name, self.default, self.help, self.check = name, default, help, check
        self.metavar, self.short, self.repeat, self.type = metavar, short, repeat, type
        self.ini, self.ini_type, self.bare = ini, ini_type, bare

    @property
    def dest(self) -> str:
        """The attribute that holds its option's value; one for both forms, so that the two spellings accumulate."""
        return "audiobench_" + self.name.replace("-", "_")

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Valued, owner: type) -> T: ...
    def __get__(self, settings: Valued | None, owner: type) -> Setting[T] | T:
        if settings is None:
            return self
        found: T = settings.values[self.name]
        return found


def whole(least: int) -> Callable[[Any], int]:
    """Return a check for a whole number of at least `least`."""

    def check(given: Any) -> int:
        value = int(given)
        if value < least:
            raise ValueError(f"must be a whole number, {least} or more")
        return value

    return check


def above_zero(given: Any) -> float:
    """Return a number above 0."""
    value = float(given)
    if not value > 0:
        raise ValueError("must be above 0")
    return value


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a check for one of these words."""

    def check(given: Any) -> str:
        if given not in choices:
            raise ValueError(f"must be {' or '.join(choices) if len(choices) == 2 else 'one of ' + ', '.join(choices)}")
        return str(given)

    return check


def many(given: Any) -> tuple[str, ...]:
    """Return one or several texts as several."""
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def names(given: Any) -> tuple[str, ...]:
    """Split at commas, drop what is empty and what was there before."""
    parts = [part.strip() for text in many(given) for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def word(given: Any) -> str:
    """Return a text that says something."""
    text = str(given).strip()
    if not text:
        raise ValueError("must name something")
    return text


def path(given: Any) -> Path | None:
    """Return a path, or None where nothing is said."""
    return Path(str(given)).expanduser() if given else None


def paths(given: Any) -> tuple[Path, ...]:
    """Return several paths, given with commas between them or several times."""
    return tuple(Path(name).expanduser() for name in names(given))


def to_language(given: Any) -> str:
    """Return the code of a language given by any of its names."""
    if not given:
        return ""
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.languages import known_language

    try:
        return known_language(str(given))
    except UsageError as exc:
        raise ValueError(str(exc)) from None


def to_part(given: Any) -> Part:
    """Return which part of the plan K/N means."""
    from audiobench_pytest.plugin.asked.parts import parse_part

    return parse_part(given)
