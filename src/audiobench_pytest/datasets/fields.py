"""From the columns of a row to the fields of a sample: one reading for manifests and for the hub."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ColumnMap, TaskSpec
from audiobench_pytest.errors import UnknownNameError
from audiobench_pytest.tool_calls.schemas import read_tools
from audiobench_pytest.types import Call, Message, Sound

SOUND_PREFIX = "sounds."
"""`sounds.second: audio2` among the columns: the audio column `audio2` is the sound `second`."""

_ROLES = ("system", "user", "assistant", "tool")
_PLACE = re.compile(r"<audio>")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a row must have, which follows from its task.

    Attributes:
        sounds: Names of its sounds.
        reference: Whether it must say what is expected.
        target: Whether it must say which language the answer is in.
        says: Whether what is expected is also what is to be said.
        calls: Whether what is expected is a call of one of its tools, or none.
    """

    sounds: tuple[str, ...] = ("audio",)
    reference: bool = True
    target: bool = False
    says: bool = False
    calls: bool = False

    @classmethod
    def of(cls, task: TaskSpec | None) -> Needs:
        """Return what a task needs; that of speech recognition where nobody says which task it is."""
        if task is None:
            return cls()
        return cls(task.sounds, task.needs_reference, task.needs_target, task.says, task.answer == "calls")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the columns of a row that are neither its key nor its sound nor its reference say.

    Attributes:
        choices, aliases, text, target, turns, tools, prompt: As in `types.Sample`.
        meta: Every other column.
        problems: What keeps the row from being asked.
    """

    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    text: str = ""
    target: str = ""
    turns: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    prompt: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


_OURS = frozenset({"choices", "aliases", "input", "target_language", "messages", "tools"})


def fields_of(row: Mapping[str, Any], *, prompt: bool = False) -> Fields:
    """Return what a row says under our names.

    Args:
        row: Its columns, without key, sound and reference.
        prompt: Whether its column `prompt` is its own instruction; else that is a column like any other.
    """
    if not (prompt and "prompt" in row) and _OURS.isdisjoint(row):
        return Fields(meta=row)
    own = {"prompt", *_OURS} if prompt else _OURS
    problems: list[str] = []
    given = row.get("choices")
    choices = texts(given)
    if given is not None and given != "" and not choices:
        problems.append(f"'choices' is {given!r:.80}, not a list of texts")
    turns: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    try:
        turns = tuple(_turns(row.get("messages")))
        tools = _tools(row.get("tools"))
    except (ValueError, TypeError) as exc:
        problems.append(str(exc))
    return Fields(
        choices=choices,
        aliases=texts(row.get("aliases")),
        text=_text(row.get("input")),
        target=_text(row.get("target_language")),
        turns=turns,
        tools=tools,
        prompt=_text(row.get("prompt")) if prompt else "",
        meta={name: value for name, value in row.items() if name not in own},
        problems=tuple(problems),
    )


def renamed(row: Mapping[str, Any], columns: ColumnMap) -> dict[str, Any]:
    """Return a row under our names; what stood under one of them before is kept as `<name>_column`.

    Several columns for one of ours are gathered into a list, without those that are empty.
    """
    found = dict(row)
    for ours, theirs in columns:
        if ours in row and theirs != (ours,):
            found[f"{ours}_column"] = row[ours]
        there = [name for name in theirs if name in row]
        for name in there:
            if name != ours:
                found.pop(name, None)
        if not there:
            found.pop(ours, None)
        elif len(theirs) == 1:
            found[ours] = as_class(row[there[0]]) if ours == "text" else row[there[0]]
        else:
            found[ours] = [row[name] for name in there if row[name] is not None and row[name] != ""]
    return found


def expected_of(value: Any) -> tuple[str, tuple[str, ...], str | None]:
    """Return the reference, further ones that count as well, and what the value is where it is neither.

    A list holds answers any of which will do.
    """
    if isinstance(value, str):
        return value, (), None
    if isinstance(value, list | tuple):
        first, *more = texts(value) or ("",)
        return first, tuple(more), None
    return "", (), _JSON_NAMES.get(type(value), type(value).__name__)


def as_class(value: Any) -> Any:
    """Return a number as text: a class by its number is as good a label as any; a recording's words never are one."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_JSON_NAMES: dict[type, str] = {type(None): "null", bool: "true or false", dict: "an object"}


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; one that a table spelt as JSON is read, anything else is no list."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    return tuple(str(one) for one in value if one is not None) if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _turns(value: Any) -> Iterator[Message]:
    """Yield the turns of a conversation; the sounds of `<audio>` marks are `audio`, `audio2`, ... in order.

    Raises:
        ValueError: It is no list of `{role, content}`.
    """
    if isinstance(value, str):
        value = json.loads(value)
    sounds = 0
    for number, turn in enumerate(value or (), 1):
        role = turn.get("role") if isinstance(turn, Mapping) else None
        if role not in _ROLES:
            raise ValueError(f"'messages': turn {number} has no role of {', '.join(_ROLES)}")
        parts: list[str | Sound] = []
        for piece in _pieces(turn.get("content"), number):
            if isinstance(piece, Sound):
                sounds += 1
                parts.append(Sound(piece.name or ("audio" if sounds == 1 else f"audio{sounds}")))
            elif piece.strip():
                parts.append(piece.strip())
        yield Message(role, tuple(parts), tuple(_calls(turn.get("tool_calls"), number)))


def _pieces(content: Any, turn: int) -> Iterator[str | Sound]:
    """Yield text and places of sound; one without a name is the next of the row's sounds."""
    if content is None:
        return
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            for number, text in enumerate(_PLACE.split(part)):
                if number:
                    yield Sound("")
                yield text
        elif isinstance(part, Mapping) and part.get("type") == "audio":
            yield Sound(str(part.get("name") or ""))
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            yield part["text"]
        else:
            raise ValueError(f"'messages': turn {turn} holds {part!r:.80}, which is neither text nor sound")


def _calls(value: Any, turn: int) -> Iterator[Call]:
    for one in value or ():
        called = one.get("function", one) if isinstance(one, Mapping) else {}
        arguments = called.get("arguments", {})
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except ValueError as exc:
                name = called.get("name")
                raise ValueError(f"'messages': turn {turn} calls {name!r:.40} with what is no JSON: {exc}") from None
        if not isinstance(called.get("name"), str) or not isinstance(arguments, Mapping):
            raise ValueError(f"'messages': turn {turn} calls {one!r:.80}, which is no call of a tool")
        yield Call(called["name"], arguments)


def _tools(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the tools of a row: those that it lists, or those of the catalogue's set that it names.

    Raises:
        ValueError: They are none, or there is no such set.
    """
    if isinstance(value, str) and value.strip() and not value.lstrip().startswith(("[", "{")):
        return _tool_set(value.strip())
    return read_tools(value)


@functools.lru_cache(64)
def _tool_set(name: str) -> tuple[Mapping[str, Any], ...]:
    try:
        found = load_catalog().tool_sets.get(name)
    except UnknownNameError as exc:
        raise ValueError(f"'tools': {exc}; or list them: name, description, parameters") from None
    try:
        listed = [
            {"name": one.name, "description": one.description, "parameters": json.loads(one.parameters)}
            for one in found.tools
        ]
    except ValueError as exc:
        raise ValueError(f"'tools': the set '{name}' of the catalogue: parameters are no JSON: {exc}") from None
    return read_tools(listed)


def lacking(fields: Sequence[str], needs: Needs) -> list[str]:
    """Return the names of the sounds that a row must have and has not."""
    return [name for name in needs.sounds if name not in fields]
