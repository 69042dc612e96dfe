"""What a codec is: bits out of a recording, and a recording out of the bits."""

from __future__ import annotations

import abc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.base import ModelAdapter, waveform_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import Answer, Audio, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000


@dataclass(frozen=True, slots=True)
class Coded:
    """A recording as bits.

    Attributes:
        payload: What `decode` is given.
        bits: Its length in bits, without the container where that can be told apart.
        nominal_bps: Bits per second that the settings say, or None where they say none.
        frames: How many frames, or None.
        codebooks: How many codebooks each frame is written in, or None.
    """

    payload: Any
    bits: int
    nominal_bps: float | None = None
    frames: int | None = None
    codebooks: int | None = None


class CodecAdapter(ModelAdapter):
    """A model that answers a recording with what is left of it after coding.

    The answer is as long as the recording and not shifted against it: what a codec adds or delays is cut off, and told
    as `length_difference` and `lag` in samples (of `rate`).
    """

    options: ClassVar[Mapping[str, Option]] = {
        "rate": Option(int, 16_000, "Hz at which recordings are coded"),
    }
    gives = frozenset({"speech"})

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        rate = self.args["rate"]
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise UsageError(
                f"--model-args: rate={rate} of model '{spec.name}' must be {LOWEST_RATE} to {HIGHEST_RATE} Hz"
            )
        self.sample_rate = rate

    @abc.abstractmethod
    def encode(self, samples: NDArray[np.float32], rate: int) -> Coded:
        """Return a recording as bits.

        Args:
            samples: `(samples,) float32`, full scale [-1, 1], at least one.
            rate: In Hz.
        """

    @abc.abstractmethod
    def decode(self, coded: Coded, rate: int) -> NDArray[np.float32]:
        """Return a recording of bits, `(samples,) float32` at `rate` Hz."""

    def identity(self) -> dict[str, Any]:
        """Return the base identity: there are no weights."""
        return self.base_identity()

    def load(self) -> None:
        """Do nothing: there is nothing to load."""

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Code and decode each recording by itself."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Request) -> Answer:
        rate = int(self.args["rate"])
        samples = waveform_of(request, rate, self.spec.name)
        if not len(samples):
            return Answer(error="there is nothing in the recording to be coded")
        began = time.perf_counter()
        coded = self.encode(samples, rate)
        encoded = time.perf_counter()
        decoded = self.decode(coded, rate)
        ended = time.perf_counter()
        facts = {
            "bits": coded.bits,
            "nominal_bps": coded.nominal_bps,
            "frames": coded.frames,
            "codebooks": coded.codebooks,
            "length_difference": len(decoded) - len(samples),
        }
        return Answer(
            speech=Audio(fitted(decoded, len(samples)), rate),
            meta={"codec": {name: value for name, value in facts.items() if value is not None}},
            timing={"codec_encode_s": round(encoded - began, 6), "codec_decode_s": round(ended - encoded, 6)},
        )


def fitted(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return sound cut, or filled up with silence, to a length in samples."""
    import numpy as np

    if len(samples) >= length:
        return samples[:length]
    return np.pad(samples, (0, length - len(samples)))
