"""The sentences and fields that the terminal and the Markdown file share; plain text without any markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.cells.losses import lost
from audiobench_pytest.leaderboard.cells.totals import ModelTotals, best_cells, model_totals
from audiobench_pytest.leaderboard.cells.variation.spreads import PromptSpread, prompt_spreads
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.leaderboard.quantities import FIXED, RATE, SUM, adding_up, heading
from audiobench_pytest.report import numbers
from audiobench_pytest.report.run.doubts import cluster_lines
from audiobench_pytest.report.text import clean
from audiobench_pytest.types import CellId, CellResult, GateResult, Quantity, State, Verdict

MEASURED_EARLIER = "~ measured earlier: every answer came from the cache"
GO_ON = "interrupted: the same command goes on where it stopped"

_RARE_STATES = (
    ("data errors", State.DATA_ERROR),
    ("missing", State.MISSING),
    ("empty", State.EMPTY),
    ("no answer", State.INVALID),
    ("judge invalid", State.JUDGE_INVALID),
)
"""States that get a column only where a sample is in one, by their title."""

_ERROR_LINES = 10
_FOOTNOTES = 20


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of one dataset under one recipe.

    Attributes:
        title: The dataset's name, followed by the recipe where another one gives it a value of the same name.
        unit: What the numbers are (`WER %`).
        cells: By row: model, and prompt where there are several.
    """

    title: str
    unit: str
    cells: Mapping[str, CellResult]


def columns(board: Conclusion) -> list[Column]:
    """Return the columns in order of first appearance; numbers of two recipes never share one."""
    cells: dict[tuple[str, str], dict[str, CellResult]] = {}
    for result in board.results:
        cells.setdefault((result.cell.dataset, result.cell.recipe), {})[result.cell.row] = result
    units = {
        key: " / ".join(dict.fromkeys(_title(result.headline.quantity) for result in by_model.values()))
        for key, by_model in cells.items()
    }
    # Recipes of one data set are told apart by their values' names, where those differ.
    named = Counter((dataset, units[dataset, recipe]) for dataset, recipe in cells)
    alike = {dataset for (dataset, _), count in named.items() if count > 1}
    return [
        Column(
            title=clean(f"{dataset} {recipe}" if dataset in alike else dataset),
            unit=units[dataset, recipe],
            cells=by_model,
        )
        for (dataset, recipe), by_model in cells.items()
    ]


def _title(quantity: Quantity) -> str:
    return f"{heading(quantity.name)} {quantity.unit}".rstrip()


def totals(board: Conclusion) -> list[ModelTotals]:
    """Return the totals of each row, a row per model, and per prompt where several were asked.

    Where all models stand in one comparable column the better value comes first, after it what is incomplete, and last
    what has no value; otherwise the models keep the order in which they were named.
    """
    rows = model_totals(board.results)
    if len(columns(board)) > 1 or len({result.signature for result in board.results}) > 1:
        return rows
    cells = {result.cell.row: result for result in board.results}
    return sorted(rows, key=lambda row: _place(cells[row.model]))


def _place(result: CellResult) -> tuple[bool, bool, float]:
    sign = -1.0 if result.headline.quantity.higher_is_better else 1.0
    return result.value is None, incomplete(result), sign * (result.value or 0.0)


def best(board: Conclusion) -> frozenset[CellId]:
    """Return the cells to be shown in bold."""
    return best_cells(board.results)


def legend(board: Conclusion, best_is: str = "in bold") -> str:
    """Return what the numbers of the table are, and how the best of a column is marked."""
    bold = f", best {best_is}" if best(board) else ""
    quantities = {result.headline.quantity for result in board.results}
    ways = {quantity.higher_is_better for quantity in quantities}
    rates = {quantity.name for quantity in quantities} <= {"wer", "cer"}
    what = "error rate in %" if rates else "value"
    way = "error rates: lower is better" if len(ways) > 1 else f"{'higher' if ways == {True} else 'lower'} is better"
    clusters = {result.clusters for result in board.results if result.clusters}
    over = f" over {'/'.join(sorted(clusters))}" if clusters else ""
    return f"{what} [95 % interval{over}], {way}{bold}; RTFx: seconds of audio per second of inference"


def total_fields(rows: Sequence[ModelTotals]) -> dict[str, list[str]]:
    """Return header and one field per row of the columns that say what each model did, without those nobody needs."""
    fields = {"way": [row.way or "-" for row in rows]} if any(row.way for row in rows) else {}
    fields |= {
        "samples": [_samples(row) for row in rows],
        "failed": [str(row.counts[State.FAILED]) for row in rows],
    }
    for title, state in _RARE_STATES:
        if any(row.counts[state] for row in rows):
            fields[title] = [str(row.counts[state]) for row in rows]
    fields["audio"] = [numbers.hours(row.audio_s) for row in rows]
    fields["wall"] = [numbers.duration(row.wall_s) for row in rows]
    if any(row.cost for row in rows):
        fields["cost"] = [numbers.dollars(row.cost["usd"]) if row.cost else numbers.NOTHING for row in rows]
    fields["RTFx"] = [numbers.significant(row.rtfx) + ("~" if measured_earlier(row) else "") for row in rows]
    return fields


def _samples(row: ModelTotals) -> str:
    draws = max(1, row.draws)
    samples = None if row.samples is None else row.samples // draws
    whole = f" of {numbers.count(row.size)}" if row.size is not None and row.size != samples else ""
    times = f" x {draws}" if draws > 1 else ""
    origins = ((row.cached - row.imported, "from cache"), (row.imported, "imported"))
    told = ", ".join(f"{number} {words}" for number, words in origins if number)
    return numbers.count(samples) + whole + times + (f" ({told})" if told else "")


def measured_earlier(row: ModelTotals) -> bool:
    """Whether none of a model's times was taken in this run."""
    return row.rtfx is not None and row.cached == row.scored > 0


def prompt_lines(board: Conclusion) -> list[str]:
    """Return a line per data set and model on how its score differs between the prompts of the run."""
    return [_spread(one) for one in prompt_spreads(board.results)]


def _spread(one: PromptSpread) -> str:
    digits = numbers.decimals(one.quantity.maximum)
    what = f"{clean(one.dataset)} × {clean(one.model)}, {_title(one.quantity)}"
    left = f"; without {', '.join(map(clean, one.lacking))}, not of all samples" if one.lacking else ""
    if one.range is None or one.deviation is None:
        return f"{what}: no spread: {len(one.values)} of {one.prompts} prompts have a value of all samples"
    (worst, low), (best, high) = one.values[0], one.values[-1]
    return (
        f"{what}: lowest {numbers.percent(low, digits)} ({clean(worst)}), highest {numbers.percent(high, digits)} "
        f"({clean(best)}), range {numbers.percent(one.range, digits)}, standard deviation "
        f"{numbers.percent(one.deviation, digits)}, over {len(one.values)} prompts{left}"
    )


def speed_lines(board: Conclusion) -> list[str]:
    """Return a line per model on its speed; none for one whose times were all taken in another run."""
    rows = [row for row in totals(board) if not measured_earlier(row)]
    return [f"{clean(row.model)}: {text}" for row in rows if (text := "; ".join(_speed(row)))]


def cost_lines(board: Conclusion) -> list[str]:
    """Return a line per model that has a price: what its answers cost, and whether the run's limit was reached."""
    lines = []
    for row in totals(board):
        if row.cost:
            told = f"{clean(row.model)}: {numbers.dollars(row.cost['usd'])}"
            told += f", {numbers.dollars(row.cost['new_usd'])} of it in this run"
            left = row.counts[State.MISSING]
            lines.append(
                told
                + (f"; --max-cost was reached: {left} samples were not asked" if row.cost["refused"] and left else "")
            )
    return lines


def _speed(row: ModelTotals) -> Iterator[str]:
    for name in adding_up(RATE):
        if name in row.speed:
            yield f"{numbers.significant(row.speed[name])} {FIXED[name].title}"
    spans = {FIXED[name].title: _span(ends, FIXED[name].quantity.unit) for name, ends in row.spans.items()}
    latency = [f"{title} {ends}" for title, ends in spans.items() if " " not in title]
    if latency:
        yield f"latency {', '.join(latency)}"
    yield from (f"{title} {ends}" for title, ends in spans.items() if " " in title)
    spent = [
        f"{FIXED[name].title} {numbers.seconds(row.speed[name])}"
        for name in adding_up(SUM)
        if row.speed.get(name, 0.0) >= 0.001 or (name == "harness_s" and name in row.speed)
    ]
    if spent:
        yield ", ".join(spent)
    if row.hardware:
        yield f"hardware {' '.join(row.hardware)}"


def _span(ends: tuple[float, float], unit: str) -> str:
    low, high = (numbers.seconds(end) if unit == "s" else numbers.significant(end) for end in ends)
    return low if low == high else f"{low.removesuffix(' s')} to {high}"


def incomplete(result: CellResult) -> bool:
    """Whether a sample of the cell has no score."""
    return result.coverage < 1.0


def value_field(result: CellResult, mark: str) -> tuple[str, str]:
    """Return a cell's value and what follows it: interval, `*` when incomplete, mark of the signature."""
    digits = numbers.decimals(result.headline.quantity.maximum)
    value = "no score" if result.value is None else numbers.percent(result.value, digits)
    interval = numbers.interval(result.headline.low, result.headline.high, digits)
    rest = (f" {interval}" if interval else "") + ("*" if incomplete(result) else "") + (f" {mark}" if mark else "")
    return value, rest


def signature_marks(board: Conclusion) -> dict[str, str]:
    """Return a mark (`#1`) per signature where the cells of some column differ in it, else an empty mapping."""
    if all(len({result.signature for result in column.cells.values()}) == 1 for column in columns(board)):
        return {}
    return {signature: f"#{number}" for number, signature in enumerate(_signatures(board), 1)}


def _signatures(board: Conclusion) -> dict[str, list[CellResult]]:
    found: dict[str, list[CellResult]] = {}
    for result in board.results:
        if result.signature:
            found.setdefault(result.signature, []).append(result)
    return found


def signature_lines(board: Conclusion) -> list[str]:
    """Return each signature once, with its datasets where there are several, and what published numbers use instead."""
    found, marks = _signatures(board), signature_marks(board)
    lines = []
    for signature, results in found.items():
        mark = f"{marks[signature]} " if signature in marks else ""
        datasets = f"  ({_names(result.cell.dataset for result in results)})" if len(found) > 1 else ""
        lines.append(f"{mark}{clean(signature)}{datasets}")
    published: dict[str, list[str]] = {}
    for result in board.results:
        if result.published_recipe:
            published.setdefault(result.published_recipe, []).append(result.cell.dataset)
    lines += [f"published numbers use {clean(recipe)}  ({_names(sets)})" for recipe, sets in published.items()]
    return lines


def _names(names: Iterable[str]) -> str:
    return ", ".join(clean(name) for name in dict.fromkeys(names))


def footnotes(board: Conclusion) -> list[str]:
    """Return what `*` and `~` mean where they stand: the bounds of each incomplete cell, times taken in another run."""
    open_cells = [result for result in board.results if incomplete(result)]
    lines = [_incomplete_line(result) for result in open_cells[:_FOOTNOTES]]
    if len(open_cells) > _FOOTNOTES:
        lines.append(f"* and {len(open_cells) - _FOOTNOTES} more incomplete cells")
    lines += cluster_lines(board)
    if any(measured_earlier(row) for row in model_totals(board.results)):
        lines.append(MEASURED_EARLIER)
    return lines


def _incomplete_line(result: CellResult) -> str:
    line = f"* incomplete: {clean(str(result.cell))}, {result.scored} of {numbers.count(result.expected)} scored"
    line += f" ({missing})" if (missing := lost(result)) else ""
    worst, unit = result.headline.worst, result.headline.quantity.unit
    unit = f" {unit}" if unit else ""
    if worst is None or worst == result.value:
        return line
    # Samples that were never reached have no known reference: no bound can speak of them.
    others = "those that failed" if result.counts[State.MISSING] else "the others"
    bound = f"{numbers.percent(worst)}{unit} had {others} been answered with nothing"
    over = "" if result.value is None else f"{numbers.percent(result.value)}{unit} over these, "
    return f"{line}: {over}{bound}"


def error_rows(board: Conclusion) -> tuple[list[tuple[str, str, str, str]], int]:
    """Return the first errors as (cell, sample id, state, reason), and how many more there are."""
    rows = [
        (clean(str(result.cell)), clean(sample_id), str(state), clean(reason))
        for result in board.results
        for sample_id, state, reason in result.first_errors
    ][:_ERROR_LINES]
    total = sum(result.counts[State.FAILED] + result.counts[State.DATA_ERROR] for result in board.results)
    return rows, total - len(rows)


RED_TITLES: Mapping[str, str] = {Red.REGRESSION: "regression", Red.HARNESS: "harness error", Red.DATA: "data error"}
"""What the kinds of red are called."""

VERDICTS = {
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.SKIP: "skipped",
    Verdict.PASS: "passed",
}
"""Verdicts in the order in which they are told, and how gates are counted by them."""


def gate_summary(board: Conclusion) -> str:
    """Return `gates: 3 failed (1 regression, 2 data errors), 1 inconclusive, 2 passed`."""
    counts = [(sum(_told_as(gate) == word for gate in board.gates), word) for word in (*VERDICTS.values(), _WAIVED)]
    told = [f"{number} {word}" for number, word in counts if number]
    failed = [gate for gate in board.gates if gate.effect is Verdict.FAIL]
    kinds = [
        (sum((gate.kind, gate.verdict is Verdict.INCONCLUSIVE) == (kind, is_open) for gate in failed), title, is_open)
        for kind, title in RED_TITLES.items()
        for is_open in (False, True)
    ]
    if failed:
        shown = (
            f"{number} {title}{'s' * (number > 1)}{' not ruled out' * is_open}"
            for number, title, is_open in kinds
            if number
        )
        told[0] += f" ({kinds_told})" if (kinds_told := ", ".join(shown)) else ""
    return "gates: " + ", ".join(told)


_WAIVED = "waived"


def _told_as(gate: GateResult) -> str:
    """Return by which word a gate is counted: a red one as failed, however it came to be red."""
    if gate.waiver:
        return _WAIVED
    return VERDICTS[Verdict.FAIL if gate.effect is Verdict.FAIL else gate.verdict]


def verdict_word(gate: GateResult) -> str:
    """Return a gate's verdict as it is printed: `PASS`, `WAIVED`, `INCONCLUSIVE`."""
    return _WAIVED.upper() if gate.waiver else str(gate.verdict).upper()


def gates_by_verdict(board: Conclusion) -> Iterator[GateResult]:
    """Yield the gates: what failed first, then what stayed open, then what was not judged, then what passed."""
    for verdict in VERDICTS:
        yield from (gate for gate in board.gates if gate.verdict is verdict)


def gate_title(gate: GateResult) -> str:
    """Return what a gate is about: `wer`, `wer gender=female`."""
    return f"{gate.metric} {clean(gate.slice)}".rstrip()


def finding(gate: GateResult) -> str:
    """Return what a gate found, the kind of red in front: `harness error: 3 of 6 answered: 3 failed`."""
    message = clean(gate.message)
    if gate.verdict is Verdict.INCONCLUSIVE:
        message = f"{message} (counts as {gate.effect})"
        return f"{RED_TITLES[gate.kind]} not ruled out: {message}" if gate.kind is not None else message
    return f"{RED_TITLES[gate.kind]}: {message}" if gate.kind is not None else message
