"""Answers that are sounds: what they must be, what is seen of them when they come, how they are kept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from audiobench_pytest.records.sounds import AudioStore
from audiobench_pytest.types import SPEECH, Answer, Audio, KeptSpeech, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_S = 3600.0
"""Seconds beyond which an answered sound is taken for a model that does not stop."""

_FRAME_S, _SILENCE = 0.02, 1e-3
_FULL_SCALE = 32767 / 32768


def spoken(answer: Answer) -> Answer:
    """Return an answer that was wanted as sound, with the reason where it is no sound that could be kept.

    Nothing at all is an answer of nothing, as an empty text is. Text alone is none.
    """
    import numpy as np

    if answer.error is not None:
        return answer
    if answer.speech is None:
        return dataclasses.replace(answer, error="answered with text alone where speech was asked for")
    samples, rate = answer.speech.samples, answer.speech.sample_rate
    if samples.ndim != 1:
        problem = f"answered with sound of shape {samples.shape} where one channel belongs"
    elif rate <= 0:
        problem = f"answered with sound at {rate} Hz"
    elif not np.isfinite(samples).all():
        problem = "answered with sound that holds values that are no numbers (NaN or infinite)"
    elif len(samples) > LONGEST_S * rate:
        problem = f"answered with {len(samples) / rate:.0f} s of sound: more than {LONGEST_S:.0f} s"
    else:
        return answer
    return dataclasses.replace(answer, error=problem, speech=None)


def kept(prediction: Prediction, speech: Audio | None, store: AudioStore) -> Prediction:
    """Return an answer with its sound written to the store, and with what is known of that.

    Raises:
        RecordError: It cannot be written.
    """
    if speech is None or prediction.error is not None:
        return prediction
    facts = described(speech)
    if len(speech.samples):
        facts = dataclasses.replace(facts, file=store.add(_flac(speech), "speech.flac").name)
    return dataclasses.replace(prediction, meta={**prediction.meta, SPEECH: dataclasses.asdict(facts)})


def described(speech: Audio) -> KeptSpeech:
    """Return what is seen of a sound: how loud, how much of it at full scale or silent, where it begins."""
    import numpy as np

    samples, rate = speech.samples, speech.sample_rate
    if not len(samples):
        return KeptSpeech("", 0.0, rate, 0.0, 0.0, 1.0, 0.0)
    loud = np.abs(samples)
    heard = _frames(loud, max(1, round(rate * _FRAME_S))) >= _SILENCE
    first = int(np.argmax(heard)) * _FRAME_S if heard.any() else speech.duration_s
    return KeptSpeech(
        "",
        seconds=round(speech.duration_s, 6),
        sample_rate=rate,
        peak=round(float(loud.max()), 6),
        clipped_share=round(float(np.mean(loud >= _FULL_SCALE)), 6),
        silent_share=round(float(1 - heard.mean()), 6),
        leading_s=round(first, 6),
    )


def is_silent(facts: object) -> bool:
    """Whether what is known of a kept sound says that nothing is heard in it."""
    return not isinstance(facts, dict) or facts.get("silent_share", 1.0) >= 1.0


def _frames(loud: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the peak of each frame."""
    import numpy as np

    padded = np.pad(loud, (0, -len(loud) % size))
    peaks: NDArray[np.float32] = padded.reshape(-1, size).max(axis=1)
    return peaks


def _flac(speech: Audio) -> bytes:
    """Return a sound as FLAC of 16 bits: what a listener, a transcriber and a scorer are all given."""
    import io

    import numpy as np
    import soundfile

    scaled = np.clip(np.rint(speech.samples * 32768.0), -32768, 32767).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, scaled, speech.sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
