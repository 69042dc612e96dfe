"""What a cache says of the models whose answers it holds: what these depend on, and what decides on their questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.cache import slug
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.records.keys import canonical

IDENTITY, TRAITS = "identity", "traits"
DESCRIPTIONS = ("identity.json", "traits.json")
"""Files beside the answers of a model."""

_DIGEST = 16


def keep_traits(folder: Path, model: str, traits: Mapping[str, Any]) -> None:
    """Write what decides on a model's questions beside its answers, where there are any, once.

    Raises:
        RecordError: It cannot be written.
    """
    path = folder / DESCRIPTIONS[1]
    if folder.is_dir() and not path.exists():
        write_atomically(path, canonical({"model": model, TRAITS: dict(traits)}).encode())


def described(caches: Sequence[Path], model: str) -> list[Mapping[str, Any]]:
    """Return `identity` and `traits` of each model of a name that caches hold answers of.

    Raises:
        RecordError: A description cannot be read.
    """
    found: list[Mapping[str, Any]] = []
    for cache in caches:
        for folder in sorted((cache / "predictions").glob(f"{slug(model)}-{'[0-9a-f]' * _DIGEST}")):
            files = [folder / name for name in DESCRIPTIONS]
            if all(path.is_file() for path in files):
                try:
                    identity, told = (json.loads(path.read_bytes()) for path in files)
                except (OSError, ValueError) as exc:
                    raise RecordError(f"cannot read the descriptions in {folder}: {exc}") from exc
                if told.get("model") == model:
                    found.append({IDENTITY: identity, TRAITS: told[TRAITS]})
    return found
