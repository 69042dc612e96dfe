"""Speech over the wire: a text goes out through `/audio/speech`, a file of sound comes back, piece by piece."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

SPEECH = "audio/speech"

PCM_HZ = 24_000
"""Rate of the bare samples that OpenAI's API reference calls `pcm`: 16 bit, one channel, little-endian."""

_LARGEST_SOUND = 512 << 20
_HEADER = 44


def speech_question(text: str, fields: Mapping[str, Any]) -> Question:
    """Return a question for a text to be said.

    Args:
        text: The text.
        fields: Everything else of the body; what is None is left out.
    """
    body = {name: value for name, value in fields.items() if value is not None} | {"input": text}
    return Question(SPEECH, json.dumps(body).encode(), "application/json", 0.0)


async def read_speech(response: httpx.Response, started: float) -> Answer:
    """Return the sound of a reply, with the seconds to its first sound and to all of it.

    Args:
        response: The reply, its status known to be good.
        started: When it was asked for, by `time.perf_counter`.

    Raises:
        Trouble: It is no sound.
    """
    pieces: list[bytes] = []
    size, first = 0, None
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size += len(piece)
        if first is None and size > _HEADER:  # a header alone is no sound yet
            first = time.perf_counter() - started
        if size > _LARGEST_SOUND:
            raise Trouble(Kind.FAILED, f"the reply is longer than {_LARGEST_SOUND >> 20} MiB")
    data, kind = b"".join(pieces), response.headers.get("content-type", "").partition(";")[0].strip()
    latency = time.perf_counter() - started
    return Answer(
        speech=_decoded(data, kind),
        meta={"content_type": kind} if kind else {},
        timing={"latency_s": latency, "ttfa_s": latency if first is None else first},
    )


def _decoded(data: bytes, kind: str) -> Audio:
    import numpy as np
    import soundfile

    if not data:
        return Audio(np.zeros(0, np.float32), PCM_HZ)
    if kind in ("audio/pcm", "audio/l16") or (not _is_file(data) and kind == "application/octet-stream"):
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768.0
        return Audio(samples, PCM_HZ)
    try:
        samples, rate = soundfile.read(io.BytesIO(_mended(data)), dtype="float32")
    except (soundfile.SoundFileError, ValueError) as exc:
        shown = data[:60].decode("utf-8", "replace").replace("\n", " ")
        raise Trouble(
            Kind.FAILED, f"the reply of type '{kind}' is no sound that can be read ({exc}): {shown}"
        ) from None
    return Audio(samples, int(rate))


def _is_file(data: bytes) -> bool:
    return data[:4] in (b"RIFF", b"fLaC", b"OggS") or data[:3] == b"ID3" or data[:2] in (b"\xff\xfb", b"\xff\xf3")


def _mended(data: bytes) -> bytes:
    """Return a WAV whose lengths say how much there is: one that was streamed was begun before anybody knew."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    place = 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] == b"data":
            there = len(data) - place - 8
            if 0 < size <= there:
                return data
            lengths = (len(data) - 8).to_bytes(4, "little"), there.to_bytes(4, "little")
            return data[:4] + lengths[0] + data[8 : place + 4] + lengths[1] + data[place + 8 :]
        place += 8 + size + size % 2
    return data
