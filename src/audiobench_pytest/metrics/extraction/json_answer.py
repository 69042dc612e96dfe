"""What models asked for JSON answer: a field of an object, wrapped in whatever they wrap it in."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from audiobench_pytest.metrics.item import Item

_FENCED = re.compile(r"```[A-Za-z]*\s(.*?)```", re.DOTALL)
_OPENING = ("{", "(")  # what a JSON object or a literal of a dictionary begins with
_MOST_BRACES = 200
_DEEPEST = 50
# What reading a text that is no JSON, no literal or no object can raise; the last two for one that is nested too deep.
_UNREADABLE = (ValueError, TypeError, LookupError, SyntaxError, RecursionError, MemoryError)


def ultraeval_content(text: str) -> str:
    """Return the field `content` of an answer as UltraEval-Audio reads it, else the answer without its code fence.

    The fence is cut by length, closed or not; what is left is read as JSON, then as a Python literal. A `content` that
    is no text is written as Python writes it; null is nothing said.
    """
    answer = text.strip()
    if answer.startswith("```"):
        answer = answer[7 if answer.startswith("```json") else 3 : -3].strip()
    if answer[:1] not in _OPENING:
        return answer
    for read in (json.loads, _literal):
        try:
            content = read(answer)["content"]
            return "" if content is None else str(content)
        except _UNREADABLE:
            continue
    return answer


def json_field(argument: str | tuple[str, ...]) -> Callable[[str, Item], str | None]:
    """Make the extraction of a field: of the whole answer, of a fenced block, else of the first object that has it.

    Numbers, truth values, lists and objects are returned as JSON writes them; null, and a field that is nowhere, are
    nothing extracted. An object may also be a Python literal (single quotes).

    Raises:
        ValueError: The argument is no single name.
    """
    if not isinstance(argument, str) or not argument:
        raise ValueError("takes the name of one field")
    name = argument

    def extract(text: str, item: Item) -> str | None:
        if "{" not in text:
            return None
        for found in _objects(text):
            if name in found and found[name] is not None:
                value = found[name]
                return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return None

    return extract


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a text: it itself, its fenced blocks, then whatever stands after a brace."""
    for candidate in (text, *_FENCED.findall(text)):
        for read in (json.loads, _literal):
            try:
                found = read(candidate.strip())
            except _UNREADABLE:
                continue
            if isinstance(found, dict):
                yield found
    decoder = json.JSONDecoder()
    start = -1
    for _ in range(_MOST_BRACES):
        start = text.find("{", start + 1)
        if start < 0:
            return
        try:
            yield decoder.raw_decode(text, start)[0]
        except _UNREADABLE:
            continue


def _literal(text: str) -> Any:
    # A literal nested deep enough can end the interpreter, and only a dictionary is of use.
    if text[:1] not in _OPENING:
        raise ValueError("no dictionary")
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise ValueError("nested too deep")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown escape is the model's, not the reader's
        return ast.literal_eval(text)


TEXT_STEPS = {"ultraeval_content": ultraeval_content}
MADE_EXTRACTIONS = {"json_field": json_field}
