"""Whether a tool is one: a name, and a JSON schema of what it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"[^\s\"'`]{1,128}")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf")
_ONE = ("items", "additionalProperties", "not", "contains", "propertyNames")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def read_tools(value: Any) -> tuple[dict[str, Any], ...]:
    """Return the tools of a row: their schemas, each with `name`, `parameters` and perhaps `description`.

    Args:
        value: A list of them, or its JSON; each may be wrapped as `{"type": "function", "function": {...}}`.

    Raises:
        ValueError: It is none, a schema is no JSON schema, or a name comes twice; says which tool and field.
    """
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError as exc:
            raise ValueError(f"'tools' is no JSON: {exc}") from None
    if not value:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"'tools' is {value!r:.80}, not a list of tools")
    found = [_tool(one, number) for number, one in enumerate(value, 1)]
    names = [tool["name"] for tool in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'tools' names '{name}' twice: a call could mean either; rename or drop one")
    return tuple(found)


def _tool(value: Any, number: int) -> dict[str, Any]:
    schema = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(schema.get("name"), str):
        raise ValueError(f"'tools' holds {value!r:.80}, which is no schema of a tool (name, parameters)")
    name = schema["name"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"'tools': tool {number} is called {name!r:.60}, which is no name of a tool")
    parameters = schema.get("parameters", {})
    for where, what in _wrong(parameters, "parameters"):
        raise ValueError(f"'tools': tool '{name}' is no JSON schema: {where} {what}")
    if isinstance(parameters, Mapping) and parameters.get("type", "object") not in ("object", ["object"]):
        raise ValueError(f"'tools': tool '{name}' is no JSON schema of arguments: parameters.type is not 'object'")
    if not isinstance(parameters, Mapping):
        raise ValueError(f"'tools': tool '{name}' is no JSON schema of arguments: parameters is {parameters!r:.40}")
    if not isinstance(schema.get("description", ""), str):
        raise ValueError(f"'tools': the description of tool '{name}' is no text")
    return dict(schema)


def _wrong(schema: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield where a JSON schema is none, and what is wrong there."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield where, f"is {schema!r:.40}, not a schema"
        return
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            yield f"{where}.type", f"is {kind!r:.40}, none of {', '.join(_TYPES)}"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        yield f"{where}.required", f"is {required!r:.40}, not a list of names"
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        yield f"{where}.enum", f"is {schema['enum']!r:.40}, not a list of values"
    for name in _NUMBERS:
        if name in schema and (isinstance(schema[name], bool) or not isinstance(schema[name], int | float)):
            yield f"{where}.{name}", f"is {schema[name]!r:.40}, not a number"
    for name in _COUNTS:
        if name in schema and (isinstance(schema[name], bool) or not isinstance(schema[name], int)):
            yield f"{where}.{name}", f"is {schema[name]!r:.40}, not a whole number"
    yield from _inside(schema, where)


def _inside(schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for name in _OF_SCHEMAS:
        named = schema.get(name, {})
        if not isinstance(named, Mapping):
            yield f"{where}.{name}", f"is {named!r:.40}, not an object of schemas"
            continue
        for key, one in named.items():
            yield from _wrong(one, f"{where}.{name}.{key}")
    for name in _LISTS:
        if name not in schema:
            continue
        if not isinstance(schema[name], list) or not schema[name]:
            yield f"{where}.{name}", f"is {schema[name]!r:.40}, not a list of schemas"
            continue
        for number, one in enumerate(schema[name]):
            yield from _wrong(one, f"{where}.{name}[{number}]")
    for name in _ONE:
        for one in schema[name] if name == "items" and isinstance(schema.get(name), list) else [schema.get(name, True)]:
            yield from _wrong(one, f"{where}.{name}")
