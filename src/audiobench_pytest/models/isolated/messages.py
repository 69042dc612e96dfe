"""What is told to a class in another process, and how its answers are read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import waveform_of
from audiobench_pytest.types import Answer, Audio, Prompt, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def messages_of(prompt: Prompt) -> dict[str, Any]:
    """Return a conversation under the key `messages`, as plain values; nothing where its author ordered nothing."""
    if not prompt.messages:
        return {}
    return {
        "messages": [
            {
                "role": message.role,
                "content": [
                    {"type": "text", "text": part} if isinstance(part, str) else {"type": "audio", "name": part.name}
                    for part in message.parts
                ],
            }
            for message in prompt.messages
        ]
    }


def match_answers(ids: Sequence[int], replies: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the answers in the order of the requests, whatever order they came in.

    Args:
        ids: Of the requests.
        replies: `id`, `text`, `error`, `meta` (JSON) each; the `id` is None in all of them where the model answered in
            the order of the requests.

    Raises:
        ModelError: An answer is missing, there is one too many, or it is not clear which request one belongs to. No
            answer of such a batch can be trusted.
    """
    if len(replies) != len(ids):
        raise ModelError(f"generate() gave {len(replies)} answers to {len(ids)} requests")
    named = [reply["id"] for reply in replies]
    if all(name is None for name in named):
        named = list(ids)
    if None in named:
        raise ModelError("generate() gave an id with some of its answers only; give it with all of them or none")
    strange = [name for name in named if name not in ids]
    if strange:
        raise ModelError(f"generate() answered request {strange[0]}, which was not in the batch")
    by_id = dict(zip(named, replies, strict=True))
    if len(by_id) < len(named):
        raise ModelError("generate() answered one request twice and left out another")
    found = (by_id[number] for number in ids)
    return [_read(reply) for reply in found]


def _read(reply: Mapping[str, Any]) -> Answer:
    answer = Answer(text=reply["text"], error=reply["error"], meta=json.loads(reply["meta"]))
    if reply.get("speech") is None:
        return answer
    import numpy as np

    rate, samples = reply["speech"]
    speech = Audio(np.frombuffer(samples, np.float32), rate)
    return dataclasses.replace(answer, speech=speech, timing=json.loads(reply["timing"]))


def heard(request: Request, sample_rate: int, model: str, *, reads_aloud: bool) -> NDArray[np.float32]:
    """Return the sound of a request, nothing of a text that is to be said.

    Raises:
        ModelError: There is none where there must be one, or it is of another rate.
    """
    if reads_aloud and request.audio is None:
        import numpy as np

        return np.zeros(0, np.float32)
    return waveform_of(request, sample_rate, model)
