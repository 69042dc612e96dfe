"""What a judge is shown: a rubric's messages, filled in for one answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import RubricSpec
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.records.keys import digest
from audiobench_pytest.types import ROUNDS

Messages = tuple[tuple[str, str], ...]
"""Role and text of each message."""

_FIELD = re.compile(r"\{([a-z_]+|meta\.[^{}\s]+)\}")
_META = "meta."


@dataclass(frozen=True, slots=True)
class Shown:
    """What the fields of a rubric stand for.

    Attributes:
        item: The row.
        reference: The reference after the recipe's steps.
        answer: The model's answer after the recipe's steps.
        question: What was asked, or "".
        answer_first: Whether the model's answer is the one shown first, where two are shown.
    """

    item: Item
    reference: str
    answer: str
    question: str
    answer_first: bool = True


def dialogue_of(item: Item) -> str:
    """Return a dialogue round by round: what the user said, what was replied, what would have done."""
    rounds = item.meta.get(ROUNDS) or ()
    return "\n\n".join(
        "\n".join(
            [f"Round {number}", f"User: {one.get('question', '')}", f"Assistant: {said_in(one)}"]
            + ([f"Would do: {one['expected']}"] if one.get("expected") else [])
        )
        for number, one in enumerate(rounds, 1)
    )


def said_in(one: Mapping[str, Any]) -> str:
    """Return what was replied in a round, of a spoken reply what was heard."""
    return str(one.get("heard", one.get("reply", "")))


SOUND = "\x00sound\x00"
"""Stands in a message where the sound of the answer is sent."""

_FIELDS: Mapping[str, Callable[[Shown], str]] = {
    "question": lambda shown: shown.question,
    "reference": lambda shown: shown.reference,
    "references": lambda shown: "\n".join(dict.fromkeys((shown.reference, *shown.item.aliases))),
    "answer": lambda shown: shown.answer,
    "sound": lambda shown: SOUND,
    "dialogue": lambda shown: dialogue_of(shown.item),
    "choices": lambda shown: "\n".join(f"({_letter(n)}) {text}" for n, text in enumerate(shown.item.choices)),
    "first": lambda shown: shown.answer if shown.answer_first else shown.reference,
    "second": lambda shown: shown.reference if shown.answer_first else shown.answer,
}

_OPTIONAL = ("choices",)
"""Fields that may be empty: a row without options is asked openly."""


class Template:
    """A rubric's messages with their fields.

    Attributes:
        fields: Names of the fields, in order of their appearance.
        digest: Of the words, 12 hex digits.
    """

    def __init__(self, rubric: RubricSpec) -> None:
        """Check the words of a rubric.

        Raises:
            CatalogError: A field does not exist, the answer is never shown, or the official file cannot be read.
        """
        self._texts = {"system": rubric.system, "user": rubric.user}
        if rubric.official_file is not None:
            self._texts |= _official(Path(rubric.official_file))
        found = [match[1] for text in self._texts.values() for match in _FIELD.finditer(text)]
        self.fields = tuple(dict.fromkeys(found))
        for field in self.fields:
            if field not in _FIELDS and not field.startswith(_META):
                raise CatalogError(f"there is no field '{{{field}}}'{did_you_mean(field, [*_FIELDS, 'meta.KEY'])}")
        if not {"answer", "first", "sound", "dialogue"} & set(self.fields):
            raise CatalogError(
                "its words never show the answer: write {answer}, {sound}, {dialogue}, or {first} and {second}"
            )
        if ("first" in self.fields) != ("second" in self.fields):
            raise CatalogError("{first} and {second} belong together")
        self.pair = "first" in self.fields
        self.digest = digest(self._texts)[:12]

    def missing(self, shown: Shown) -> str | None:
        """Return what a row lacks to be judged, for people, or None."""
        for field in self.fields:
            if field in _OPTIONAL:
                continue
            if field.startswith(_META):
                if not _text(shown.item.meta.get(field.removeprefix(_META))).strip():
                    return f"the row has no '{field.removeprefix(_META)}', which the judge is to be shown"
            elif field in ("first", "second"):
                if not shown.reference.strip():
                    return "the row has no reference to compare the answer with"
            elif field != "answer" and not _FIELDS[field](shown).strip():
                return f"the row has no {field}, which the judge is to be shown"
        return None

    def messages(self, shown: Shown) -> Messages:
        """Return the messages; braces in what is filled in stay what they are."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith(_META):
                return _text(shown.item.meta.get(name.removeprefix(_META)))
            return _FIELDS[name](shown)

        # One pass: what an answer holds is never looked at for fields.
        filled = {role: _FIELD.sub(value, text).strip() for role, text in self._texts.items()}
        return tuple((role, text) for role, text in filled.items() if text)


def _official(path: Path) -> dict[str, str]:
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, ValueError) as exc:
        raise CatalogError(f"official_file: {path}: {exc}") from exc
    if path.suffix not in (".yaml", ".yml"):
        return {"system": "", "user": text}
    import yaml

    try:
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as exc:
        raise CatalogError(f"official_file: {path}: {exc}") from exc
    known = isinstance(content, dict) and set(content) <= {"system", "user"}
    if not known or not isinstance(content.get("user"), str) or not isinstance(content.get("system", ""), str):
        raise CatalogError(f"official_file: {path}: expected the texts `user` and, where there is one, `system`")
    return {"system": content.get("system", ""), "user": content["user"]}


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(str(one) for one in value)
    return "" if value is None else str(value)
