"""Mimi as a stream: chunk after chunk, with what is kept in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STATES = ("kept", "fresh")


@dataclass(frozen=True, slots=True)
class CodedChunks:
    """Codes of a stream.

    Attributes:
        audio_codes: All of them, `(1, codebooks, frames)`.
    """

    audio_codes: Any


def encoded(model: Any, values: Any, samples: int, codebooks: int | None) -> CodedChunks:
    """Return the codes of a recording that is heard chunk by chunk.

    Convolutions and attention go on where the chunk before ended, so these are the codes of the whole recording.

    Args:
        model: Mimi.
        values: `(1, channels, samples)`, whole frames.
        samples: Length of a chunk, whole frames.
        codebooks: How many of a frame are kept; None keeps all.
    """
    import torch

    kept: dict[str, Any] = {}
    codes = []
    for chunk in values.split(samples, dim=-1):
        found = model.encode(chunk, num_quantizers=codebooks, use_streaming=True, **kept)
        kept = {"encoder_cache": found.encoder_cache, "padding_cache": found.padding_cache}
        codes.append(found.audio_codes)
    return CodedChunks(torch.cat(codes, dim=-1))


def decoded(model: Any, codes: Any, frames: int, state: str) -> Any:
    """Return the sound of codes that arrive chunk by chunk, `(1, channels, samples)`.

    Args:
        model: Mimi.
        codes: `(1, codebooks, frames)`.
        frames: Length of a chunk.
        state: `kept` lets attention go on where the chunk before ended; `fresh` decodes each chunk as if it were
            alone. Convolutions begin anew in each chunk either way: the library keeps nothing of them in decoding.
    """
    import torch

    cache = None
    sound = []
    for chunk in codes.split(frames, dim=-1):
        if state == "fresh":
            sound.append(model.decode(chunk).audio_values)
            continue
        found = model.decode(chunk, decoder_cache=cache, use_cache=True)
        cache = found.decoder_cache
        sound.append(found.audio_values)
    return torch.cat(sound, dim=-1)
