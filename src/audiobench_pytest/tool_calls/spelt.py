r"""Calls of tools as models write them into their text, and as we write them.

A server that knows its model's spelling takes calls out of the text itself; a checkpoint that is asked here, or a
server that does not, answers with the text as it came. These spellings are read:

- `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, as Hermes and Qwen have it;
- `<tool_call>function\nNAME\n{...}</tool_call>`, as Step-Audio has it;
- `<function=NAME>{...}</function>` of Llama;
- `[TOOL_CALLS][{"name": ..., "arguments": {...}}]` of Mistral, `<|python_tag|>{...}` of Llama;
- an answer that is nothing but such an object, or a list of them, in a fence or not.

`parameters` will do for `arguments`.

What begins as a call and is none (no JSON, cut off) is a call too: it holds its text under `""`, see `types.Call`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from audiobench_pytest.types import Call

AS_TEXT = ""
"""Key of arguments that are no JSON object: under it stands what was written."""

_BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.S)
_FUNCTION = re.compile(r"<function=([^>\n]*)>(.*?)(?:</function>|\Z)", re.S)
_LED = re.compile(r"(?:\[TOOL_CALLS\]|<\|python_tag\|>)\s*(.*)\Z", re.S)
_STEP = re.compile(r"\s*function\s*\n\s*(\S+)[ \t]*(?:\n(.*))?\Z", re.S)
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.S)


def calls_in(text: str) -> tuple[str, tuple[Call, ...]]:
    """Return what an answer says beside its calls, and its calls, in order.

    Args:
        text: The answer as the model wrote it, without its thoughts.
    """
    if "<tool_call>" in text:
        found = [call for match in _BLOCK.finditer(text) for call in _block(match[1])]
        return _BLOCK.sub(" ", text).strip(), tuple(found)
    if "<function=" in text:
        found = [_call(match[1].strip(), match[2]) for match in _FUNCTION.finditer(text)]
        return _FUNCTION.sub(" ", text).strip(), tuple(found)
    led = _LED.search(text)
    if led is not None:
        return text[: led.start()].strip(), tuple(_listed(led[1]) or [Call("", {AS_TEXT: led[1].strip()})])
    fenced = _FENCE.match(text)
    alone = _listed(fenced[1] if fenced else text)
    return ("", tuple(alone)) if alone else (text, ())


def spelt(call: Call) -> str:
    """Return a call as the one text that stands for it: JSON with `name` and `arguments`."""
    return json.dumps({"name": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False, sort_keys=True)


def is_malformed(call: Call) -> bool:
    """Whether a call is none that could be carried out: no name, or arguments that are no JSON object."""
    return not call.name or AS_TEXT in call.arguments


def stated_call(value: Any) -> Call | None:
    """Return the call that a row states: an object with `name` and `arguments`, its JSON, or one of the spellings.

    Returns:
        None where it states none: null, or an empty text.

    Raises:
        ValueError: It is something else, or several.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, Mapping):
        found = _named(value)
    else:
        calls = calls_in(value)[1] if isinstance(value, str) else ()
        found = calls[0] if len(calls) == 1 else None
    if found is None or is_malformed(found):
        raise ValueError(f"{value!r:.80} is no call of a tool: write an object with 'name' and 'arguments', or null")
    return found


def _block(text: str) -> Iterator[Call]:
    step = _STEP.match(text)
    if step is not None:
        yield _call(step[1], step[2] or "")
        return
    functions = list(_FUNCTION.finditer(text))
    if functions:
        yield from (_call(match[1].strip(), match[2]) for match in functions)
        return
    yield from _listed(text) or [Call("", {AS_TEXT: text.strip()})]


def _listed(text: str) -> list[Call]:
    """Return the calls of a text that is nothing but JSON of them; none where it is anything else."""
    text = text.strip()
    if not text.startswith(("{", "[")):
        return []
    try:
        value = _json(text)
    except (ValueError, RecursionError):
        return []
    values = value if isinstance(value, list) else [value]
    found = [_named(one) if isinstance(one, Mapping) else None for one in values]
    return [call for call in found if call is not None] if all(call is not None for call in found) else []


def _named(value: Mapping[str, Any]) -> Call | None:
    """Return an object as a call, or None where it names no tool."""
    value = value["function"] if isinstance(value.get("function"), Mapping) else value
    name = value.get("name")
    given = next((value[key] for key in ("arguments", "parameters") if key in value), None)
    if not isinstance(name, str) or not name.strip() or (given is None and set(value) - {"name", "arguments"}):
        return None
    return _call(name.strip(), "" if given is None else given)


def _call(name: str, arguments: Any) -> Call:
    if isinstance(arguments, str):
        text = arguments.strip()
        try:
            arguments = _json(text or "{}")
        except (ValueError, RecursionError):
            arguments = text
        if not isinstance(arguments, dict):
            return Call(name, {AS_TEXT: text})
    if not isinstance(arguments, Mapping):
        return Call(name, {AS_TEXT: json.dumps(arguments, ensure_ascii=False)})
    return Call(name, dict(arguments))


def _json(text: str) -> Any:
    """Return what a JSON text says that records can hold: no NaN, and no whole number beyond 64 bits.

    Raises:
        ValueError: It is none.
    """

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    return json.loads(
        text, parse_constant=refuse, parse_int=lambda digits: int(digits) if len(digits) < 19 else float(digits)
    )
