"""What a verdict rests on, in sentences: weights, which part of each set, answers of which day, limits, the release."""

from __future__ import annotations

from collections.abc import Iterator

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.leaderboard.gates.words import told_time
from audiobench_pytest.report.text import clean
from audiobench_pytest.types import ENDINGS, HEARD, CellResult, Verdict

_MOST_LINES = 20
_SCRIPT_SHARE = 0.03
"""Of the answers: below, names and words of other languages may well be all there is to it."""

_OBSERVED = {
    "changed": "another model answers under this name than at first, and its answers are kept apart",
    "varies": "the server does not answer a fixed clip alike twice, so nobody can tell whether the model is the same",
    "unreached": "the server could not be asked who answers",
    "unpaid": "--max-cost left nothing to ask the server who answers",
}


def measured_lines(board: Conclusion) -> list[str]:
    """Return a line per model on what was measured: weights, which part of each set, answers of which day."""
    by_model: dict[str, list[CellResult]] = {}
    for result in board.results:
        cells = by_model.setdefault(result.cell.row, [])
        if all(one.cell.dataset != result.cell.dataset for one in cells):  # recipes share their answers
            cells.append(result)
    lines = []
    for model, cells in by_model.items():
        told = [f"weights {weights[:10]}" for weights in dict.fromkeys(c.evidence.weights for c in cells) if weights]
        told += [f"{clean(c.cell.dataset)}: {text}" for c in cells if (text := "; ".join(_evidence(c)))]
        if told:
            lines.append(f"{clean(model)}: {', '.join(told)}")
    return lines


def _evidence(result: CellResult) -> Iterator[str]:
    evidence = result.evidence
    if evidence.imported:
        yield clean(evidence.imported)
    if (observed := result.model.get("observed")) in _OBSERVED:
        yield _OBSERVED[observed]
    if settings := result.model.get("not_greedy"):
        yield f"not decoded greedily: {clean(str(settings))}"
    if script := result.data.get("script"):
        yield clean(str(script))
    if evidence.selection:
        yield f"the {evidence.selection} samples"
    if evidence.reused and not evidence.imported:  # when they were given, nobody knows
        when = told_time(evidence.oldest, evidence.newest)
        pinned = "" if evidence.pinned else ", of a model that cannot be pinned"
        yield f"{evidence.reused} of {result.scored} answers of {when}{pinned}"
    for ending, number in evidence.endings.items():
        yield f"{number} of {result.scored} answers {ENDINGS[ending]}"
    if (scripts := sum(evidence.scripts.values())) and scripts >= _SCRIPT_SHARE * result.scored:
        most = max(evidence.scripts, key=lambda name: evidence.scripts[name])
        yield f"{scripts} of {result.scored} answers are not written in the script of their language but in {most}"
    if odd := [f"{evidence.heard[name]} {words}" for name, words in HEARD.items() if evidence.heard.get(name)]:
        yield f"heard: of {evidence.heard['clips']} clips {', '.join(odd)}"
    if language := result.data.get("language"):
        yield clean(str(language))
    if evidence.remeasured:
        yield f"{evidence.remeasured} samples asked afresh for their time"
    if evidence.failed_first:
        share = 100.0 * evidence.failed_first / max(1, result.scored)
        yield f"{evidence.failed_first} answers ({share:.3g} %) only after earlier attempts had failed"


def limit_lines(board: Conclusion) -> list[str]:
    """Return how many limits there were, and each that applied to nothing with the reason."""
    limits = board.limits
    if limits is None:
        return []
    if not limits.file:
        return ["no file of limits: nothing but coverage was judged"]
    if not limits.total:
        return [f"no limit in {clean(limits.file)}: nothing but coverage was judged"]
    lines = []
    if limits.unmatched:
        applied = limits.total - len(limits.unmatched)
        lines.append(f"{applied} of {limits.total} limits applied; to nothing here:")
        lines += [f"  {clean(source)}: {clean(reason)}" for source, reason in limits.unmatched[:_MOST_LINES]]
        if len(limits.unmatched) > _MOST_LINES:
            lines.append(f"  and {len(limits.unmatched) - _MOST_LINES} more")
    return lines


def release_line(board: Conclusion) -> str:
    """Return what a release was judged on, in a line; "" where none was promised."""
    if board.limits is None or not board.limits.release:
        return ""
    weights = {r.cell.model: r.evidence.weights[:10] or "no digest" for r in board.results}
    models = ", ".join(f"{clean(model)} ({digits})" for model, digits in weights.items())
    asked = {(r.cell.dataset, r.cell.row): r.scored for r in board.results}
    waived = sum(bool(gate.waiver) for gate in board.gates)
    still_open = sum(gate.verdict is Verdict.INCONCLUSIVE for gate in board.gates)
    red = "red" if board.is_red else "green"
    return (
        f"release {red}: {models}; {len(board.results)} cells, {sum(asked.values())} samples, {waived} waived, "
        f"{still_open} inconclusive"
    )
