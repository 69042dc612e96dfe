"""Puts a sample's fields into the words of a prompt, and its sounds where their names stand."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from audiobench_pytest.catalog.schema import MessageSpec, PromptSpec
from audiobench_pytest.errors import CatalogError, SampleError
from audiobench_pytest.languages import english_name
from audiobench_pytest.types import MAIN_SOUND, Message, Prompt, Sample, Sound

HIDDEN = frozenset({"aliases", "answer", "answers", "label", "reference", "references", "rounds"})
"""Fields of a row that a prompt never sees, since they hold what is expected; nor does it see one that equals it."""

TURNS = "turns"
"""Role of the message that stands for the row's own conversation."""

ROW = "row"
"""Name of the profile of an instruction that a row brings itself."""

_ROLES = ("system", "user", "assistant", "tool")

# Made afresh in each process, so that no text of a row can be taken for a place of sound.
_MARK = f"\x00{secrets.token_hex(8)}:"
_PLACES = re.compile(f"{_MARK}(.*?)\x00")


class _Place:
    """Stands for a sound while the words around it are made."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"{_MARK}{self._name}\x00"


class Template:
    """The words of one prompt, compiled once.

    Attributes:
        name: Name of the prompt.
    """

    def __init__(self, spec: PromptSpec) -> None:
        """Compile a prompt.

        Raises:
            CatalogError: Its text is no template, or a role does not exist.
        """
        self.name = spec.name
        if spec.text and spec.messages:
            raise CatalogError(f"prompt '{spec.name}': has both text and messages: write the text as one of them")
        self._turns = [(turn.role, _filler(spec.name, turn)) for turn in spec.turns]
        # Most prompts of speech recognition name no field, and are asked a hundred thousand times.
        self._plain = spec.text.strip() if spec.text and "{" not in spec.text else None

    def render(self, sample: Sample, language: str | None = None) -> Prompt:
        """Return what is asked about one sample.

        Args:
            sample: The sample.
            language: The hint that the model is given.

        Raises:
            SampleError: The sample lacks a field or a sound that the prompt names.
        """
        if self._plain is not None and sample.audio is not None and not sample.tools:
            return Prompt(self._plain, language, self.name)
        fields: dict[str, Any] | None = None
        messages: list[Message] = []
        for role, fill in self._turns:
            if role == TURNS:
                messages += self._own_turns(sample)
                continue
            fields = _fields(sample) if fields is None else fields
            parts = tuple(_parts(self._filled(fill, fields)))
            if parts:
                messages.append(Message(cast(Literal["user"], role), parts))
        return _prompt(messages, sample, language, self.name)

    def _filled(self, fill: Callable[[Mapping[str, Any]], str], fields: Mapping[str, Any]) -> str:
        import jinja2

        try:
            return fill(fields)
        except jinja2.TemplateError as exc:
            has = ", ".join(sorted(fields))
            raise SampleError(
                f"the prompt '{self.name}' cannot be filled in: {exc.message}; the row has {has}"
            ) from None
        except (TypeError, ValueError, LookupError, ArithmeticError) as exc:
            raise SampleError(f"the prompt '{self.name}' cannot be filled in: {exc}") from None

    def _own_turns(self, sample: Sample) -> tuple[Message, ...]:
        if not sample.turns and sample.tools and sample.audio is not None:
            return (Message("user", (Sound(),)),)  # a request and the tools for it: a dialogue of one turn
        if not sample.turns:
            raise SampleError(f"the prompt '{self.name}' stands around the row's own conversation; the row has none")
        for message in sample.turns:
            for part in message.parts:
                if isinstance(part, Sound) and part.name not in sample.files:
                    raise SampleError(f"its conversation has the sound '{part.name}', which the row does not bring")
        return sample.turns


def row_prompt(sample: Sample, language: str | None = None) -> Prompt:
    """Return a row's own instruction as a prompt; it is text and no template: braces there are meant so."""
    return _prompt([Message("user", (sample.prompt,))], sample, language, ROW)


def _prompt(messages: list[Message], sample: Sample, language: str | None, profile: str) -> Prompt:
    """Return messages as a prompt: the plain form where its author leaves the place of the sound to the model."""
    alone = messages[0] if len(messages) == 1 and messages[0].role == "user" else None
    if alone is not None and not sample.tools:
        texts = [part for part in alone.parts if isinstance(part, str)]
        sounds = [part.name for part in alone.parts if isinstance(part, Sound)]
        if not sounds and sample.audio is not None:
            return Prompt(" ".join(texts), language, profile)
        if sounds == [MAIN_SOUND]:
            return Prompt("\n".join(texts), language, profile, tuple(messages))
    return Prompt(None, language, profile, tuple(messages), sample.tools)


def _parts(text: str) -> Iterator[str | Sound]:
    """Yield text and places of sound in order; white space beside a sound goes, as it does at both ends."""
    for number, piece in enumerate(_PLACES.split(text)):
        if number % 2:
            yield Sound(piece)
        elif piece.strip():
            yield piece.strip()


def _fields(sample: Sample) -> dict[str, Any]:
    """Return what a template may name: the row, without what is expected."""
    expected = (sample.reference, *sample.aliases)
    fields: dict[str, Any] = {
        name: value
        for name, value in sample.meta.items()
        if name not in HIDDEN and value is not None and not (isinstance(value, str) and value in expected)
    }
    fields |= {"language": sample.language}
    more = {"choices": list(sample.choices), "text": sample.text, "target_language": sample.target}
    fields |= {name: value for name, value in more.items() if value}
    return fields | {name: _Place(name) for name in sample.files}


def _filler(name: str, turn: MessageSpec) -> Callable[[Mapping[str, Any]], str]:
    """Return what fills one message in.

    Raises:
        CatalogError: Its role does not exist, or its text is no template.
    """
    if turn.role != TURNS and turn.role not in _ROLES:
        raise CatalogError(f"prompt '{name}': the role '{turn.role}' is none of {', '.join(_ROLES)}, {TURNS}")
    text = turn.text.strip()
    if "{" not in text:
        return lambda fields: text
    import jinja2

    try:
        template = _environment().from_string(text)
    except jinja2.TemplateSyntaxError as exc:
        raise CatalogError(f"prompt '{name}': line {exc.lineno}: {exc.message}") from None
    render: Callable[[Mapping[str, Any]], str] = template.render
    return render


@functools.cache
def _environment() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    found = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    found.filters["language_name"] = english_name
    found.filters["letter"] = lambda number: chr(ord("A") + int(number))
    return found
