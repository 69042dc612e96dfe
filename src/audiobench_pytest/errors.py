"""What can go wrong; each error says what, where and what to do.

Errors that a user's input causes derive from `AudiobenchError`; the plugin turns those found before anything ran into
pytest usage errors (exit status 4), and those of one sample into error records.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable

from audiobench_pytest import others


class Red(enum.StrEnum):
    """Why a gate is red, and so whose turn it is."""

    REGRESSION = "regression"
    """The model is not as good, or not as fast, as it has to be."""
    HARNESS = "harness"
    """The measuring did not work: a model that crashed, samples that were not reached, a judge that cannot be read."""
    DATA = "data"
    """The data cannot be used: a file that is missing or broken, a baseline of other data or another recipe."""


class AudiobenchError(Exception):
    """Base of all errors that this package raises on purpose."""


class UsageError(AudiobenchError):
    """The command line, the configuration or a gates file asks for something that does not exist."""


class UnknownNameError(UsageError):
    """A name that the catalogue does not know; the message lists close matches."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, sorted(known)
        text = f"unknown {what} '{name}'{did_you_mean(name, self.known)}"
        super().__init__("; ".join([text, *others.troubles()]))


class MissingExtraError(UsageError):
    """An optional dependency is not installed; the message has the command that brings it."""

    def __init__(self, what: str, package: str, extra: str, command: str = "") -> None:
        """Say what is not there.

        Args:
            what: What needs it.
            package: Its name.
            extra: The extra of this distribution that brings it.
            command: The command that brings it, where no extra does.
        """
        self.package, self.extra = package, extra
        command = command or f"pip install 'audiobench-pytest[{extra}]'"
        super().__init__(f"{what} needs the package '{package}', which is not installed: {command}")


class CatalogError(AudiobenchError):
    """A catalogue file is wrong; the message names file and entry."""


class DatasetError(AudiobenchError):
    """A whole data set cannot be read: missing manifest, bad JSON at a line, missing column, hub failure."""


class SampleError(AudiobenchError):
    """One sample cannot be used; the message names its file and the reason. The rest of the set goes on."""


class ModelError(AudiobenchError):
    """A model cannot be loaded or used at all."""


class RecordError(AudiobenchError):
    """A cache or a run directory cannot be read or written."""


def red_of(error: AudiobenchError) -> Red:
    """Return which kind of red it is when a benchmark ends in an error: the data's, or else the harness's."""
    return Red.DATA if isinstance(error, DatasetError | SampleError) else Red.HARNESS


def folded(name: str) -> str:
    """Return what all spellings of one name have in common: case, `_` and `-` do not matter."""
    return name.casefold().replace("_", "-")


def did_you_mean(name: str, known: Iterable[str], *, show_all_below: int = 40) -> str:
    """Return " (did you mean ...?); known: ..." for an error message, or an empty string when nothing is known.

    Args:
        name: What was written.
        known: The names that exist.
        show_all_below: List all known names when there are fewer than this many.
    """
    known = sorted(known)
    spelt = {folded(one): one for one in known}
    close = difflib.get_close_matches(folded(name), spelt, n=3, cutoff=0.5)
    text = f" (did you mean {' or '.join(spelt[c] for c in close)}?)" if close else ""
    if known and len(known) < show_all_below:
        text += f"; known: {', '.join(known)}"
    return text
