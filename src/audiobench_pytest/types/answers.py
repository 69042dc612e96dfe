"""What a model said, as its adapter gives it and as the cache keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.types.samples import Audio, Call


@dataclass(frozen=True, slots=True)
class Answer:
    """What an adapter returns for one request.

    Attributes:
        text: The answer; `""` when the model said nothing.
        error: When the model could not answer this one request while others of the batch were fine: the reason.
        meta: Whatever else is worth keeping (detected language, token count, ...); must be JSON.
        timing: What the adapter knows of this one answer's time, in seconds: `latency_s` (from the question to the
            whole answer), `ttft_s` (to its first token). The runner fills in a `latency_s` that is not given.
        calls: Tools that the answer calls, in order; an answer may be calls alone.
        speech: What it says aloud: spoken by a model, or what a codec makes of the sound it was given. Then `timing`
            may have `ttfa_s` (to its first sound), and of a codec `codec_encode_s` and `codec_decode_s`.
    """

    text: str = ""
    error: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    speech: Audio | None = None


CALLS = "calls"
"""Key of a kept answer's meta that holds its calls, as plain values."""

HEARD_LEVELS = "heard"
"""Key of a kept answer's meta that holds the levels of the clip it is about, see `datasets.audio.levels`."""

SPEECH = "speech"
"""Key of a kept answer's meta that holds what is known of its sound: `KeptSpeech`, as plain values."""

ROUNDS = "rounds"
"""Key of a row's meta that says what each round of a dialogue was: `question` and `expected` where the row tells them,
then `reply`, of a spoken one `speech`, and what a transcriber `heard`."""


@dataclass(frozen=True, slots=True)
class KeptSpeech:
    """An answered sound as it is kept: a FLAC file by content beside the answers, and what was seen when it came.

    Attributes:
        file: Its place below a cache folder's `audio`.
        seconds: Its length.
        sample_rate: In Hz.
        peak: Largest absolute sample before it was written; above 1 is clipped there.
        clipped_share: Share of samples at or beyond full scale, 0 to 1.
        silent_share: Share of 20 ms frames below -60 dB of full scale, 0 to 1; 1 is an answer of nothing.
        leading_s: Seconds before the first frame that is not silent.
    """

    file: str
    seconds: float
    sample_rate: int
    peak: float
    clipped_share: float
    silent_share: float
    leading_s: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer as it is kept in the cache.

    Attributes:
        key: Digest of all the answer depends on (see `records.keys`).
        text: The answer.
        error: The reason why there is no answer; then `text` is empty and the sample is asked again by the next run.
        audio_s: Seconds of sound.
        infer_s: Seconds of inference attributed to this sample: its batch's time divided evenly over the batch's rows.
        decode_s: Seconds spent decoding and resampling this sample's file.
        batch: Number of rows in the batch it was answered in.
        meta: As in `Answer`, with its calls under `CALLS`.
        timing: As in `Answer`; the `latency_s` of an answer that came in a batch is the whole batch's time.
        at: Nanoseconds since the epoch when the cache took it (which sets it), 0 where that was not noted yet: of two
            answers to one question, given to runs at the same time, the earlier one counts.
        failures: How often the question was asked in vain before this answer, by earlier runs or attempts.
    """

    key: str
    text: str
    error: str | None
    audio_s: float
    infer_s: float
    decode_s: float = 0.0
    batch: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    at: int = field(default=0, compare=False)
    failures: int = 0
