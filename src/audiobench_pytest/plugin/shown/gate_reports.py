"""Gates as test cases of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import pytest

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run.content import finding
from audiobench_pytest.types import CellId, CellResult, GateResult, Verdict

_OUTCOME = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.SKIP: "skipped"}
"""By what a verdict counts as; one that is inconclusive counts as what its owner chose."""


def emit(session: pytest.Session, concluded: Conclusion, nodes: Mapping[CellId, str]) -> None:
    """Report each gate as a test case, so that exit status, `-ra`, JUnit and other reporters need no special case.

    Setup, call and teardown are emitted (no call for a skipped gate): JUnit writes a case's properties at teardown. A
    gate has a node id of its own, so that `--lf` after a missed gate does not rerun one arbitrary shard.

    Args:
        session: pytest's session; its exit status follows from the reports.
        concluded: What was judged.
        nodes: Node id of the benchmark function of each cell.
    """
    names, gates = _names(nodes), concluded.gates
    results = {result.cell: result for result in concluded.results}
    hook = session.config.hook
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.currentfspath = None  # a line of their own, not behind the "[100%]" of the items
    for gate in gates:
        # What is red because it is not there belongs to no function: it stands in the file that asks for it.
        path = nodes[gate.cell].split("::", 1)[0] if gate.cell in nodes else gate.source.split(" ", 1)[0]
        part = f"-{gate.slice}" if gate.slice else ""
        name = f"gate[{names.get(gate.cell, gate.cell)}-{gate.metric}-{gate.bound}{part}]"
        nodeid, location = f"{path}::{name}", (path, None, name)
        hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        phases = ("setup", "teardown") if gate.effect is Verdict.SKIP else ("setup", "call", "teardown")
        for when in phases:
            report = _report(gate, nodeid, location, when)
            if gate.cell in results:
                report.user_properties += _of_the_cell(results[gate.cell], gate, concluded.run_dir)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)


def _names(cells: Collection[CellId]) -> dict[CellId, str]:
    """Return the name of each cell in node ids: with its recipe only where its answers are scored by several."""
    short = Counter(str(cell) for cell in cells)
    return {cell: str(cell) if short[str(cell)] == 1 else f"{cell}-{cell.recipe}" for cell in cells}


def _of_the_cell(result: CellResult, gate: GateResult, run_dir: str) -> list[tuple[str, str]]:
    """Return what a reader of a test report needs to know of the cell that a gate is about.

    The interval is of the value that the gate is about; coverage, times, slices and differences have none here.
    """
    own = gate.bound in ("max", "min") and not gate.slice
    value = result.named(gate.metric) if own else None
    found = {
        "cell": str(result.cell),
        "recipe": result.cell.recipe,
        "headline": f"{result.metric}={result.value!r}",
        "n": str(result.scored),
        "expected": str(result.expected),
        "run": run_dir,
        "size": str(result.evidence.size),
        "weights": result.evidence.weights,
    }
    if result.evidence.selection:
        found["selection"] = result.evidence.selection
    if value is not None and value.low is not None and value.high is not None:
        found |= {"low": repr(value.low), "high": repr(value.high)}
    return [(f"audiobench_{name}", text) for name, text in found.items()]


def _report(gate: GateResult, nodeid: str, location: tuple[str, int | None, str], when: str) -> pytest.TestReport:
    skipped = gate.effect is Verdict.SKIP
    judged_here = "setup" if skipped else "call"
    outcome = _OUTCOME[gate.effect] if when == judged_here else "passed"
    open_verdict = "inconclusive: " if gate.verdict is Verdict.INCONCLUSIVE else ""
    longrepr: object = None
    if outcome == "failed":
        # The kind of red comes first: it is what a summary of one line still shows.
        longrepr = finding(gate)
    elif outcome == "skipped":
        longrepr = (location[0], 0, f"Skipped: {open_verdict}{gate.message}")
    return pytest.TestReport(
        nodeid=nodeid,
        location=location,
        keywords={"audiobench_gate": 1},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=longrepr,  # type: ignore[arg-type]
        when=when,  # type: ignore[arg-type]
        sections=(),
        duration=0.0,
        start=0.0,
        stop=0.0,
        user_properties=[
            ("audiobench_metric", gate.metric),
            ("audiobench_limit", repr(gate.limit)),
            ("audiobench_value", repr(gate.value)),
            ("audiobench_source", gate.source),
            ("audiobench_verdict", str(gate.verdict)),
            *([("audiobench_kind", str(gate.kind))] if gate.kind is not None else []),
            *([("audiobench_slice", gate.slice)] if gate.slice else []),
        ],
    )
