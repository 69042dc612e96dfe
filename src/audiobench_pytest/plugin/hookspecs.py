"""Hooks that other plugins and a conftest may implement around a run with benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from audiobench_pytest.doors import Registry
    from audiobench_pytest.leaderboard.conclusion import Conclusion
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.types import CellResult, GateResult


@pytest.hookspec
def pytest_audiobench_register(registry: Registry) -> None:
    """Add models, data sets, recipes, metrics, ... before names are looked up; called in every process of a run.

    Example::

        # conftest.py
        def pytest_audiobench_register(registry):
            registry.catalog("benchmarks/catalog")
            registry.adapter("my-runtime", "my_runtime.adapter:MyAdapter")

    Args:
        registry: Where everything that has a name can be added.
    """


@pytest.hookspec
def pytest_audiobench_run_started(run: RunDirectory) -> None:
    """Take note of a run that begins; called on the controller, before the first sample is asked.

    Example::

        def pytest_audiobench_run_started(run):
            notify(f"benchmark began: {run.path}")

    Args:
        run: The run's directory.
    """


@pytest.hookspec
def pytest_audiobench_cell(result: CellResult) -> None:
    """Take note of a cell's numbers; called on the controller, once per cell, when the run is concluded.

    Example::

        def pytest_audiobench_cell(result):
            wandb.log({f"{result.cell}/{result.metric}": result.value})

    Args:
        result: The reduced numbers, with intervals and what they were measured on.
    """


@pytest.hookspec
def pytest_audiobench_gate(result: GateResult) -> None:
    """Take note of a verdict; called on the controller, once per gate, after all cells.

    Example::

        def pytest_audiobench_gate(result):
            if result.effect == "fail":
                page_release_owner(result.message)

    Args:
        result: The limit, what was measured, and the verdict.
    """


@pytest.hookspec
def pytest_audiobench_leaderboard(conclusion: Conclusion) -> None:
    """Take note of all that a run concluded; called on the controller, once, after all gates.

    Example::

        def pytest_audiobench_leaderboard(conclusion):
            Path("board.txt").write_text(render(conclusion))

    Args:
        conclusion: Results, gates and notes.
    """
