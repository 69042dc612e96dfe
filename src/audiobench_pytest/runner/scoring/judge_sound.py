"""The sound of an answer as a judge that hears is sent it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.metrics.judge.prompts import SOUND
from audiobench_pytest.models.openai.wire import Container
from audiobench_pytest.records.answers.spoken import sound_at
from audiobench_pytest.types import Audio

_CONTAINER = Container("wav")
"""What every server takes that hears."""


def sound_part(caches: Sequence[Path], name: str) -> dict[str, Any]:
    """Return the sound of an answer as a part of a message, at the rate at which it was answered.

    Args:
        caches: Folders of the cache.
        name: Name of the sound there.

    Raises:
        ModelError: No cache holds it.
        RecordError: The name leads out of a cache.
    """
    import soundfile

    path = sound_at(caches, name) if caches else Path(name)
    if not path.is_file():
        raise ModelError(f"the sound of an answer is not in the cache any more ({path}): run again to have it answered")
    samples, rate = soundfile.read(path, dtype="float32")
    return _CONTAINER.part(Audio(samples, int(rate)))


def with_sound(text: str, sound: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a message as parts, the sound in its place."""
    before, _, after = text.partition(SOUND)
    texts = [{"type": "text", "text": part.strip()} if part.strip() else None for part in (before, after)]
    return [part for part in (texts[0], sound, texts[1]) if part is not None]
