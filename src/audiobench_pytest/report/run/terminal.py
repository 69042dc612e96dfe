"""The leaderboard as lines for a terminal or a CI log.

Tables are cut into blocks that fit the width. Sentences, signatures and error messages stay on one line each, so that
they can be copied and searched whole; a terminal wraps them by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audiobench_pytest.leaderboard.cells.totals import ModelTotals
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report import numbers
from audiobench_pytest.report.run import content, evidence
from audiobench_pytest.report.run.content import Column
from audiobench_pytest.report.run.doubts import tail_lines
from audiobench_pytest.report.text import GAP, Cell, Span, clean, render, shorten, width, widths
from audiobench_pytest.types import GateResult, Verdict

_LEAST_WIDTH = 40
_BEST = "^"
"""Marks the best value of a column where nothing can be bold."""

_COLOURS: Mapping[Verdict, dict[str, bool]] = {
    Verdict.PASS: {"green": True},
    Verdict.FAIL: {"red": True, "bold": True},
    Verdict.INCONCLUSIVE: {"yellow": True, "bold": True},
    Verdict.SKIP: {"yellow": True},
}

_Grid = list[list[Cell]]
"""Rows of cells; the first two are the header."""


def lines(board: Conclusion, width: int, *, markup: bool = True, brief: bool = False) -> list[list[Span]]:
    """Return the lines of the board, each a list of (text, pytest markup).

    Args:
        board: What was concluded.
        width: Columns of the terminal; less than 40 counts as 40.
        markup: Whether markup is seen; where it is not, the best values have a mark of their own.
        brief: Leave out what explains numbers (tails, speed, recipes), and gates that pass.
    """
    sections = [
        _table(board, max(width, _LEAST_WIDTH), markup),
        [_plain(line) for line in content.footnotes(board)],
        _titled("prompts", content.prompt_lines(board)),
        [] if brief else _titled("tails", tail_lines(board)),
        [] if brief else _titled("speed", content.speed_lines(board)),
        _titled("cost", content.cost_lines(board)),
        _titled("measured on", evidence.measured_lines(board)),
        [] if brief else _titled("recipes", content.signature_lines(board)),
        _errors(board),
        _gates(board, brief),
        [_plain(clean(note)) for note in board.notes],
        _closing(board),
    ]
    joined: list[list[Span]] = []
    for section in sections:
        if section:
            joined += [[], *section] if joined else section
    return joined


def _plain(text: str) -> list[Span]:
    return [(text, {})]


def _titled(title: str, texts: Sequence[str]) -> list[list[Span]]:
    return [[(title, {"bold": True})], *(_plain(f"  {text}") for text in texts)] if texts else []


def _table(board: Conclusion, available: int, markup: bool) -> list[list[Span]]:
    if not board.results:
        return [_plain("no cell was planned: there is nothing to show")]
    rows = content.totals(board)
    groups = [_column(board, column, rows, available // 2, markup) for column in content.columns(board)]
    totals = _totals(rows)
    # A long model name must leave room for the widest column beside it.
    room = max(12, available - len(GAP) - max(sum(widths(group)) for group in groups))
    names = [[Cell("model")], [Cell("")], *([Cell(shorten(clean(row.model), room))] for row in rows)]
    blocks = _blocks(names, groups, totals, available)
    drawn = [_plain(content.legend(board) if markup else content.legend(board, f"marked {_BEST}"))]
    for block in blocks:
        drawn += [[], *render(block, "l" * len(block[0]))]
    return drawn


def _column(board: Conclusion, column: Column, rows: Sequence[ModelTotals], room: int, markup: bool) -> _Grid:
    marks, best = content.signature_marks(board), content.best(board)
    fields: dict[str, tuple[str, str]] = {
        model: content.value_field(result, marks.get(result.signature, "")) for model, result in column.cells.items()
    }
    digits = max(width(value) for value, _ in fields.values())
    grid: _Grid = [[Cell(shorten(column.title, room))], [Cell(column.unit)]]
    for row in rows:
        if row.model not in fields:
            grid.append([Cell(numbers.NOTHING)])
            continue
        value, rest = fields[row.model]
        leads = column.cells[row.model].cell in best
        mark = _BEST if leads and not markup else ""
        grid.append([Cell(value.rjust(digits) + rest + mark, {"bold": True} if leads else {})])
    return grid


def _totals(rows: Sequence[ModelTotals]) -> _Grid:
    fields = content.total_fields(rows)
    grid: _Grid = [[Cell(title) for title in fields], [Cell("") for _ in fields]]
    return grid + [[Cell(texts[number]) for texts in fields.values()] for number in range(len(rows))]


def _blocks(names: _Grid, groups: Sequence[_Grid], totals: _Grid, available: int) -> list[_Grid]:
    """Put side by side what fits; the totals stay together where a whole line is enough for them."""
    blocks: list[_Grid] = []
    current = names
    together = _breadth(_beside(names, totals)) <= available
    for group in [*groups, *([totals] if together else _split(totals))]:
        candidate = _beside(current, group)
        if _breadth(candidate) > available and current is not names:
            blocks.append(current)
            candidate = _beside(names, group)
        current = candidate
    return [_without_blank_rows(block) for block in (*blocks, current)]


def _beside(left: _Grid, right: _Grid) -> _Grid:
    return [[*first, *second] for first, second in zip(left, right, strict=True)]


def _split(grid: _Grid) -> list[_Grid]:
    return [[[row[number]] for row in grid] for number in range(len(grid[0]))]


def _without_blank_rows(block: _Grid) -> _Grid:
    return [row for row in block if any(cell.text for cell in row)]


def _breadth(block: _Grid) -> int:
    return sum(widths(block)) + len(GAP) * (len(block[0]) - 1)


def _errors(board: Conclusion) -> list[list[Span]]:
    rows, more = content.error_rows(board)
    if not rows:
        return []
    drawn = render(
        [[Cell(f"  {cell}"), Cell(sample), Cell(state), Cell(reason)] for cell, sample, state, reason in rows], "llll"
    )
    if more:
        drawn.append(_plain(f"  and {more} more"))
    return [[("errors", {"bold": True})], *drawn]


def _gates(board: Conclusion, brief: bool) -> list[list[Span]]:
    if not board.gates:
        return []
    told = [gate for gate in content.gates_by_verdict(board) if not brief or gate.verdict is not Verdict.PASS]
    passed = [gate for gate in board.gates if gate.metric == "coverage" and gate.verdict is Verdict.PASS]
    drawn = [_gate(gate) for gate in told if len(passed) < 2 or all(gate is not p for p in passed)]
    if len(passed) > 1 and not brief:
        drawn.append([("  PASS", _COLOURS[Verdict.PASS]), (f"  coverage of {len(passed)} cells", {})])
    drawn += [_plain(f"  {line}") for line in evidence.limit_lines(board)]
    failed = board.is_red
    return [[(content.gate_summary(board), {"bold": True, "red" if failed else "green": True})], *drawn]


def _gate(gate: GateResult) -> list[Span]:
    text = f"  {clean(str(gate.cell))}  {content.gate_title(gate)}  {content.finding(gate)}  ({clean(gate.source)})"
    colour = _COLOURS[Verdict.FAIL if gate.effect is Verdict.FAIL else gate.verdict]
    return [(f"  {content.verdict_word(gate)}", colour), (text, {})]


def _closing(board: Conclusion) -> list[list[Span]]:
    drawn = [_plain(f"run: {clean(board.run_dir)}, {numbers.duration(board.wall_s)}")]
    if board.interrupted:
        drawn.append([(content.GO_ON, {"yellow": True, "bold": True})])
    if line := evidence.release_line(board):
        drawn.append([(line, {"bold": True, "red" if board.is_red else "green": True})])
    return drawn
