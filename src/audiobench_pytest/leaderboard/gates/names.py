"""Which names a gates file may use: an unknown one is an error, since a limit that never applies is no gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.leaderboard.quantities import FIXED
from audiobench_pytest.types import Quantity

LIMITED = {name: fixed.quantity for name, fixed in FIXED.items() if fixed.limited}
"""What may be limited whatever the recipe."""

_COMMON = {name: Quantity(name) for name in ("wer", "cer")}
_QUOTE = "a name with a dot in it needs quotes"


def _as_it_is(name: str) -> str:
    return name


def _never(_name: str) -> bool:
    return False


@dataclass(frozen=True)
class Known:
    """What exists, as who reads a gates file knows it.

    Attributes:
        datasets: Names of the catalogue's data sets and of the user's own ones in this run.
        families: Family markers.
        tasks: Tasks.
        models: Names of models as the board shows them.
        quantities: What recipes measure beside what those of the catalogue do, by name.
        recipes: Names of recipes beside those of the catalogue.
        row_name: A model as it is typed (`hf:org/name`) to its name on the board.
        is_elsewhere: Whether a data set that is not in this run is known all the same, say as a manifest on disk.
        checked: Whether names were checked before, when the run began; then any name is let through.
    """

    datasets: Iterable[str] = ()
    families: Iterable[str] = ()
    tasks: Iterable[str] = ()
    models: Iterable[str] = ()
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    recipes: Iterable[str] = ()
    row_name: Callable[[str], str] = _as_it_is
    is_elsewhere: Callable[[str], bool] = _never
    checked: bool = False


class Names:
    """Looks names up for one file; each method raises UsageError with what is wrong."""

    def __init__(self, known: Known, datasets: Iterable[str] = (), models: Iterable[str] = ()) -> None:
        """Know what exists, and what the file itself says that other jobs have.

        Args:
            known: What exists.
            datasets: Data sets that the file lists.
            models: Models that the file lists, as they are typed.
        """
        self._known = known
        self._datasets = {*known.datasets, *datasets} - {""}
        self._scopes = {*self._datasets, *known.families, *known.tasks, "default"} - {""}
        self._models = {*known.models, *map(known.row_name, models)}
        self._recipes = set(known.recipes)
        self._everything: dict[str, Quantity] | None = None

    def scope(self, name: str) -> str:
        """Return the name of a data set, a family, a task, or `default`."""
        if self._known.checked or name in self._scopes or self._known.is_elsewhere(name):
            return name
        raise UsageError(f"unknown dataset, family or task '{name}'{_hints(name, self._scopes, 'datasets')}")

    def dataset(self, name: str) -> str:
        """Return the name of a data set."""
        if self._known.checked or name in self._datasets or self._known.is_elsewhere(name):
            return name
        raise UsageError(f"unknown dataset '{name}'{_hints(name, self._datasets, 'datasets')}")

    def model(self, name: str) -> str:
        """Return the name of a model on the board, given that or what is typed on the command line."""
        if name in self._models:
            return name
        row = self._known.row_name(name)
        if self._known.checked or row in self._models:
            return row
        raise UsageError(f"unknown model '{name}'{_hints(name, self._models, 'models')}")

    def cell(self, text: str) -> tuple[str, str]:
        """Return data set and model of a cell as node ids name it: `librispeech-test-clean-kimiaudio`."""
        parts = text.split("-")
        cuts = [("-".join(parts[:cut]), "-".join(parts[cut:])) for cut in range(1, len(parts))]
        for dataset, model in cuts:
            if (dataset in self._datasets or self._known.is_elsewhere(dataset)) and model in self._models:
                return dataset, model
        if self._known.checked and cuts:
            return cuts[-1]
        raise UsageError(
            f"no cell is called '{text}': write DATASET-MODEL, both as the leaderboard names them; what only other "
            "jobs have is listed above all tables (datasets = [...], models = [...])"
        )

    def quantity(self, name: str) -> Quantity:
        """Return what is limited by a name."""
        found = {**LIMITED, **_COMMON}.get(name) or self.everything().get(name)
        if found is None:
            raise UsageError(f"unknown metric '{name}'{did_you_mean(name, self.everything())}")
        return found

    def everything(self) -> Mapping[str, Quantity]:
        """Return all that can be limited; asking every recipe of the catalogue takes a tenth of a second."""
        if self._everything is None:
            from audiobench_pytest.leaderboard.cells.planned import quantities

            self._everything = {**quantities(), **self._known.quantities, **LIMITED, **_COMMON}
        return self._everything

    def recipe(self, name: str) -> str:
        """Return the full name of a recipe."""
        from audiobench_pytest.catalog.loader import load_catalog

        return name if name in self._recipes else load_catalog().recipes.get(name).name


def _hints(name: str, known: set[str], key: str) -> str:
    hint = f"; {_QUOTE}" if any(other.startswith(f"{name}.") for other in known) else ""
    listed = f'what only another job has is listed above all tables: {key} = ["{name}"]'
    return f"{did_you_mean(name, known)}{hint}; {listed}"
