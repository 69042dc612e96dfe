"""The leaderboard as GitHub Markdown (`leaderboard.md`)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report import numbers
from audiobench_pytest.report.run import content
from audiobench_pytest.report.run.doubts import tail_lines
from audiobench_pytest.report.text import clean


def render(board: Conclusion) -> str:
    """Return the board as Markdown, ending in a newline."""
    sections = [
        ["# Leaderboard"],
        _leaderboard(board),
        [f"- {_text(line)}" for line in content.footnotes(board)],
        _section("Gates", _gates(board)),
        _section("Prompts", [f"- {_text(line)}" for line in content.prompt_lines(board)]),
        _section("Tails", [f"- {_text(line)}" for line in tail_lines(board)]),
        _section("Speed", [f"- {_text(line)}" for line in content.speed_lines(board)]),
        _section("Recipes", [f"- {_signature(line)}" for line in content.signature_lines(board)]),
        _section("Models", _models(board)),
        _section("Errors", _errors(board)),
        [f"- {_text(note)}" for note in board.notes],
        [f"Run {_code(board.run_dir)}, {numbers.duration(board.wall_s)}."],
        [_text(content.GO_ON)] if board.interrupted else [],
    ]
    text = "\n\n".join("\n".join(section) for section in sections if section) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _section(title: str, body: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *body] if body else []


def _leaderboard(board: Conclusion) -> list[str]:
    if not board.results:
        return ["No cell was planned: there is nothing to show."]
    rows, columns = content.totals(board), content.columns(board)
    marks, best, fields = content.signature_marks(board), content.best(board), content.total_fields(rows)
    header = ["model", *(f"{column.title} ({column.unit})" for column in columns), *fields]
    body = []
    for number, row in enumerate(rows):
        texts = [_text(row.model)]
        for column in columns:
            result = column.cells.get(row.model)
            if result is None:
                texts.append(numbers.NOTHING)
                continue
            value, rest = content.value_field(result, marks.get(result.signature, ""))
            texts.append((f"**{value}**" if result.cell in best else value) + _escaped(rest))
        body.append([*texts, *(_text(field[number]) for field in fields.values())])
    return [_text(content.legend(board)), "", *_table([_text(title) for title in header], body, numeric_from=1)]


def _gates(board: Conclusion) -> list[str]:
    body = [
        [
            f"**{content.verdict_word(gate)}**" if gate.effect == "fail" else content.verdict_word(gate),
            _text(str(gate.cell)),
            _text(content.gate_title(gate)),
            _text(content.finding(gate)),
            _code(gate.source),
        ]
        for gate in content.gates_by_verdict(board)
    ]
    return _table(["verdict", "cell", "metric", "finding", "limit from"], body) if body else []


def _models(board: Conclusion) -> list[str]:
    facts: dict[str, None] = {}
    for result in board.results:
        if result.model:
            pairs = (
                f"{key}={value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)}"
                for key, value in sorted(result.model.items())
            )
            facts[f"- {_text(result.cell.row)}: {_code(', '.join(pairs))}"] = None
    return list(facts)


def _errors(board: Conclusion) -> list[str]:
    rows, more = content.error_rows(board)
    if not rows:
        return []
    table = _table(["cell", "sample", "state", "reason"], [[_text(field) for field in row] for row in rows])
    return [*table, "", f"and {more} more"] if more else table


def _signature(line: str) -> str:
    """Put a signature, the one word with bars in it, into a code span."""
    return " ".join(_code(word) if "|" in word else _text(word) for word in line.split(" "))


def _table(header: Sequence[str], body: Sequence[Sequence[str]], numeric_from: int | None = None) -> list[str]:
    rule = ["---:" if numeric_from is not None and number >= numeric_from else "---" for number in range(len(header))]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *body)]


def _text(text: str) -> str:
    return _escaped(clean(text))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*<>|~])", r"\\\1", text)


def _code(text: str) -> str:
    text = clean(text).replace("`", "'")
    return f"`{text}`"
