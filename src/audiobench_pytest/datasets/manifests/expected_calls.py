"""What a row expects whose answer is a call of a tool: which one, or none.

`call` is the call, `{"name": ..., "arguments": {...}}`, or null. `tool` is the tool that the row is about: a row that
expects no call of it may expect one of another. `trigger` says whether it is to be called (`positive`) or not
(`negative`), which follows from `call` where it is not said.
"""

from __future__ import annotations

from typing import Any

from audiobench_pytest.datasets.fields import Fields
from audiobench_pytest.tool_calls.spelt import spelt, stated_call

TOOL, TRIGGER = "tool", "trigger"
"""Columns of the tool that a row is about, and of whether it is to be called."""

TRIGGERS = ("positive", "negative")


def expected_call(value: Any, fields: Fields) -> tuple[str, list[str]]:
    """Return the call that is expected as the text that stands for it ("" for none), and what is wrong with the row.

    Args:
        value: What the row states.
        fields: Its other columns.
    """
    names = [str(tool["name"]) for tool in fields.tools]
    told = ", ".join(names)
    if not names:
        # What is wrong with its tools is told already.
        return "", [] if fields.problems else ["no 'tools': list them, or name a set of the catalogue"]
    problems: list[str] = []
    tool, trigger = fields.meta.get(TOOL), fields.meta.get(TRIGGER)
    if tool is not None and tool not in names:
        problems.append(f"'{TOOL}' is {tool!r:.60}, none of its tools: {told}")
    if trigger is not None and trigger not in TRIGGERS:
        problems.append(f"'{TRIGGER}' is {trigger!r:.60}, neither of {' and '.join(TRIGGERS)}")
    try:
        call = stated_call(value)
    except ValueError as exc:
        return "", [*problems, f"'call': {exc}"]
    wanted = call is not None and (tool is None or call.name == tool)
    if trigger == "negative" and wanted:
        problems.append(f"'{TRIGGER}' is negative, and 'call' calls {call.name if call else ''!r}")
    if wanted and call is not None and call.name not in names:
        problems.append(f"'call' names {call.name!r:.60}, none of its tools: {told}")
    if trigger == "positive" and tool is None and call is None:
        problems.append(f"'{TRIGGER}' is positive, and neither 'call' nor '{TOOL}' says which tool is to be called")
    return "" if call is None else spelt(call), problems
