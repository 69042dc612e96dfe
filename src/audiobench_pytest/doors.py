"""What other distributions and a project's own conftest add: everything goes through one `Registry`.

A distribution names a function under the entry point group `audiobench_pytest`; it is called with the registry when a
name is looked up that nothing here knows, or when names are listed, and never at start-up. A conftest implements the
hook `pytest_audiobench_register(registry)`. Both may call any method below; ours are found in the same tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from audiobench_pytest import others
from audiobench_pytest.catalog.entries import add_folder
from audiobench_pytest.errors import UsageError

if TYPE_CHECKING:
    from audiobench_pytest.datasets.manifests.dialect import Dialect
    from audiobench_pytest.leaderboard.conclusion import Conclusion

GROUP = "audiobench_pytest"


class Registry:
    """Where everything that has a name can be added. A name that is taken is refused, so that nothing is replaced."""

    def catalog(self, folder: str | Path) -> None:
        """Add a folder of catalogue files: models, datasets, tasks, prompts, recipes, labels, rubrics, boards, suites.

        Args:
            folder: It holds `models/*.yaml`, `datasets/*.yaml`, ... as the built-in catalogue does.

        Raises:
            CatalogError: It does not exist.
        """
        add_folder(Path(folder))

    def adapter(self, name: str, target: str) -> None:
        """Add a way to load models; catalogue entries name it under `adapter`.

        Args:
            name: Its name.
            target: `module:Class` of a subclass of `models.base.ModelAdapter`.

        Raises:
            CatalogError: The name is taken by another.
        """
        from audiobench_pytest.models.registry import register_adapter

        register_adapter(name, target)

    def metric(self, name: str, target: str) -> None:
        """Add a metric; recipes name it under `score`. `target` is `module:Class` of a `metrics.base.Metric`."""
        from audiobench_pytest.metrics.registry import METRICS

        _add(METRICS, name, target, "metric")

    def steps(self, module: ModuleType) -> None:
        """Add the steps of a module that lists them in `TEXT_STEPS`, `EXTRACTIONS`, `MADE_...`, as ours do.

        Raises:
            UsageError: One of their names is taken.
        """
        from audiobench_pytest.metrics.steps import add_steps

        add_steps(module)

    def stage(self, name: str, target: str) -> None:
        """Add a model that scores answers; a metric asks for it by name. `target` is `module:Class` of a `Stage`."""
        from audiobench_pytest.runner.scoring.stages import STAGES

        _add(STAGES, name, target, "stage")

    def dialect(self, dialect: Dialect) -> None:
        """Add a layout of manifests: recognised by the columns that it requires, or named as in `FORMAT:PATH`."""
        from audiobench_pytest.datasets.manifests.dialects import DIALECTS

        if dialect not in DIALECTS:
            DIALECTS.append(dialect)

    def report(self, name: str, render: Callable[[Conclusion], str]) -> None:
        """Add a file `leaderboard.<name>` beside ours.

        Args:
            name: The file's ending (`html`).
            render: From what a run concluded to the file's text.
        """
        from audiobench_pytest.report.run.files import FORMATS

        if FORMATS.setdefault(name, render) is not render:
            raise UsageError(f"the report '{name}' is there already")


def _add(table: dict[str, str], name: str, target: str, what: str) -> None:
    if table.setdefault(name, target) != target:
        raise UsageError(f"the {what} '{name}' is there already ({table[name]}): choose another name")


def open_doors() -> None:
    """Have the entry points loaded as soon as a name is looked up that nothing here knows."""
    others.install(_load_entry_points)


def _load_entry_points() -> Sequence[str]:
    """Load each entry point; return a sentence per one that could not be loaded, and go on to the next."""
    registry, troubles = Registry(), []
    for entry in metadata.entry_points(group=GROUP):
        try:
            entry.load()(registry)
        except Exception as exc:  # somebody else's code: whatever it raises must not take the others along
            owner = entry.dist.name if entry.dist is not None else "an unknown distribution"
            troubles.append(f"{owner}: its entry point '{entry.name}' failed: {type(exc).__name__}: {exc}")
    return troubles
