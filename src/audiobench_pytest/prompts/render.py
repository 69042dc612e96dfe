"""Puts a sample's fields into the words of a prompt."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from audiobench_pytest.catalog.schema import PromptSpec
from audiobench_pytest.errors import CatalogError, SampleError
from audiobench_pytest.types import Sample

HIDDEN = frozenset({"aliases", "answer", "answers", "label", "reference", "references"})
"""Fields of a row that a prompt never sees, since they hold what is expected; nor does it see one that equals it."""


class Template:
    """The words of one prompt.

    Attributes:
        name: Name of the prompt.
    """

    def __init__(self, spec: PromptSpec) -> None:
        """Compile a prompt.

        Raises:
            CatalogError: Its text is no template.
        """
        self.name = spec.name
        self._text = spec.text.strip()
        # Most prompts of speech recognition name no field, and are asked a hundred thousand times.
        self._fill = _compiled(spec.name, self._text) if "{" in self._text else None

    def render(self, sample: Sample) -> str:
        """Return the words for one sample.

        Raises:
            SampleError: The sample lacks a field that the prompt names.
        """
        if self._fill is None:
            return self._text
        import jinja2

        fields = {
            name: value for name, value in sample.meta.items() if name not in HIDDEN and value != sample.reference
        }
        fields |= {"language": sample.language, "choices": _listed(fields.get("choices"))}
        fields = {name: value for name, value in fields.items() if value is not None}
        try:
            return self._fill(fields).strip()
        except jinja2.TemplateError as exc:
            has = ", ".join(sorted(fields))
            raise SampleError(
                f"the prompt '{self.name}' cannot be filled in: {exc.message}; the row has {has}"
            ) from None


def _listed(value: Any) -> Any:
    """Return the choices of a row as a list; a table may spell them as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return list(value) if isinstance(value, tuple) else value


def _compiled(name: str, text: str) -> Callable[[dict[str, Any]], str]:
    import jinja2

    try:
        template = _environment().from_string(text)
    except jinja2.TemplateSyntaxError as exc:
        raise CatalogError(f"prompt '{name}': line {exc.lineno}: {exc.message}") from None
    render: Callable[[dict[str, Any]], str] = template.render
    return render


@functools.cache
def _environment() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
