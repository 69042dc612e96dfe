"""What a prediction is keyed by: all the answer depends on, and nothing else.

Dataset name, manifest, reference and position are not in it: a corrected reference costs no inference, and the same
clip from two sets is answered once. An adapter that *sees* the reference or the sample id has it in its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from audiobench_pytest.types import Prompt


def canonical(value: Any) -> str:
    """Return the one JSON text of a plain value: sorted keys, no spaces, no NaN.

    Raises:
        TypeError: The value is not made of plain JSON types.
        ValueError: The value holds a NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return 32 hex digits (128 bits) of SHA-256 over `canonical(value)`."""
    # "surrogatepass": JSON can spell half of a surrogate pair, and a text that holds one has a key of its own too.
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def prediction_key(
    identity: str, prompt: Prompt, audio: str, *, sees: Mapping[str, str | None] | None = None, repeat: int = 0
) -> str:
    """Return the cache key of one answer.

    Args:
        identity: `digest` of the adapter's identity.
        prompt: What was asked.
        audio: SHA-256 of the encoded audio file.
        sees: What else the adapter declared to see, with its values (`reference`, `sample_id`).
        repeat: Index of the repetition when one question is asked several times.
    """
    asked: list[Any] = [identity, prompt.text, prompt.language, audio, repeat]
    if sees:
        asked.append(dict(sees))
    return digest(asked)
