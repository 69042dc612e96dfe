"""The sounds of a question: which one stands where, and a clip as a file."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

from audiobench_pytest.errors import ModelError
from audiobench_pytest.types import Audio, Request, Sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def placed(request: Request, place: Sound) -> Audio:
    """Return the sound that a prompt has a place for.

    Raises:
        ModelError: The request does not bring it.
    """
    sound = request.sound(place.name)
    if sound is None:
        raise ModelError(f"the question has a place for the sound '{place.name}', which was not handed over")
    return sound


def samples_of_16_bit(audio: Audio) -> NDArray[np.int16]:
    """Return a clip as samples of 16 bit, little-endian; a 16-bit recording comes out sample by sample as it was."""
    import numpy as np

    samples: NDArray[np.int16] = np.clip(np.rint(audio.samples * 32768.0), -32768, 32767).astype("<i2")
    return samples


def encoded(audio: Audio, container: str) -> bytes:
    """Return a clip as a file of 16 bit; a 16-bit recording at the same rate comes out sample by sample as it was.

    Args:
        audio: The clip, `(samples,) float32`.
        container: `wav` or `flac`.
    """
    samples = samples_of_16_bit(audio)
    file = io.BytesIO()
    if container == "flac":
        import soundfile

        soundfile.write(file, samples, audio.sample_rate, format="FLAC", subtype="PCM_16")
        return file.getvalue()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.sample_rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()
