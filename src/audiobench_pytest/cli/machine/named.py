"""The models that `--model` of a command names, as a run on this machine would run them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiobench_pytest.catalog.schema import ModelSpec


def models_named(texts: Iterable[str]) -> list[ModelSpec]:
    """Return the models that some texts of `--model` name, each once; a text may hold several, parted by commas.

    Raises:
        UsageError: There is none of a name, or it cannot be run in the way that is named.
    """
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.models.ways import find_each

    known = load_catalog().models.get
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    found = [spec for part in dict.fromkeys(parts) for spec in find_each(part, known, {}).values()]
    return list({spec.name: spec for spec in found}.values())
