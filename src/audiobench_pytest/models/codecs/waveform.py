"""Codecs that write down sample by sample: nothing lost, fewer levels, fewer samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.codecs.base import CodecAdapter, Coded
from audiobench_pytest.models.options import Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PCM_BITS = 16


class IdentityCodec(CodecAdapter):
    """Gives the recording back as 16-bit samples: what every other codec is compared with."""

    def encode(self, samples: NDArray[np.float32], rate: int) -> Coded:
        """Return the samples."""
        return Coded(samples, _PCM_BITS * len(samples), float(_PCM_BITS * rate), len(samples))

    def decode(self, coded: Coded, rate: int) -> NDArray[np.float32]:
        """Return the samples."""
        samples: NDArray[np.float32] = coded.payload
        return samples


class MuLawCodec(CodecAdapter):
    """Logarithmic levels after ITU-T G.711's mu law (mu = 2^bits - 1), at the recording's own rate.

    With 8 bits at 8 kHz that is the law of G.711; `g711u` is the standard's own quantiser.
    """

    options: ClassVar[Mapping[str, Option]] = {
        **CodecAdapter.options,
        "bits": Option(int, 8, "bits of a sample"),
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        if not 2 <= self.args["bits"] <= 16:
            raise UsageError(f"--model-args: bits={self.args['bits']} of model '{spec.name}' must be 2 to 16")

    def encode(self, samples: NDArray[np.float32], rate: int) -> Coded:
        """Return the number of each sample's level."""
        import numpy as np

        bits = int(self.args["bits"])
        mu = (1 << bits) - 1
        clipped = np.clip(samples.astype(np.float64), -1, 1)
        companded = np.sign(clipped) * np.log1p(mu * np.abs(clipped)) / np.log1p(mu)
        levels = np.rint((companded + 1) / 2 * mu).astype(np.uint16)
        return Coded(levels, bits * len(samples), float(bits * rate), len(samples))

    def decode(self, coded: Coded, rate: int) -> NDArray[np.float32]:
        """Return the middle of each level."""
        import numpy as np

        mu = (1 << int(self.args["bits"])) - 1
        companded = coded.payload.astype(np.float64) / mu * 2 - 1
        expanded = np.sign(companded) * (np.expm1(np.abs(companded) * np.log1p(mu)) / mu)
        samples: NDArray[np.float32] = expanded.astype(np.float32)
        return samples


class ResampleCodec(CodecAdapter):
    """Takes the recording down to a lower rate and back: the band that is left, in 16-bit samples."""

    options: ClassVar[Mapping[str, Option]] = {
        **CodecAdapter.options,
        "to": Option(int, 8_000, "Hz that it is taken down to"),
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        if not 1_000 <= self.args["to"] <= self.args["rate"]:
            raise UsageError(
                f"--model-args: to={self.args['to']} of model '{spec.name}' must be 1000 Hz to rate={self.args['rate']}"
            )

    def encode(self, samples: NDArray[np.float32], rate: int) -> Coded:
        """Return the recording at the lower rate."""
        import soxr

        low = soxr.resample(samples, rate, int(self.args["to"]), quality="HQ")
        return Coded(low, _PCM_BITS * len(low), float(_PCM_BITS * self.args["to"]), len(low))

    def decode(self, coded: Coded, rate: int) -> NDArray[np.float32]:
        """Return it at the rate that it had."""
        import numpy as np
        import soxr

        back: NDArray[np.float32] = np.asarray(
            soxr.resample(coded.payload, int(self.args["to"]), rate, quality="HQ"), np.float32
        )
        return back
