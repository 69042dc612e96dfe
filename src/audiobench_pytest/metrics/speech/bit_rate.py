"""How many bits a codec spends, as measured and as its settings say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class BitRate(Metric):
    """Bits over seconds of all answers: `bits`, `seconds`, `nominal_bits`, `frames`, `framed_s`, `codebooks`, `n`.

    The payload counts, the container apart where the codec can tell them apart. A codec of continuous latents spends no
    number of bits: its answers have no score.
    """

    sees: ClassVar = ("given",)
    needs_reference: ClassVar = False

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the measured rate, the nominal one, frames per second and codebooks."""
        return (
            Quantity("bit_rate", unit="kbit/s"),
            Quantity("bit_rate_nominal", unit="kbit/s"),
            Quantity("frame_rate", unit="1/s"),
            Quantity("codebooks", unit=""),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Take what the codec says of itself."""
        speech = item.given.get("speech", {})
        codec: Mapping[str, Any] = speech.get("codec") or {}
        seconds, bits = float(speech.get("seconds", 0.0)), codec.get("bits")
        if not isinstance(bits, int | float) or seconds <= 0:
            return SampleScore({}, "", "", State.JUDGE_INVALID, "the model does not say how many bits it spent")
        numbers = {"n": 1.0, "bits": float(bits), "seconds": seconds}
        if isinstance(nominal := codec.get("nominal_bps"), int | float):
            numbers |= {"nominal_bits": nominal * seconds, "nominal_s": seconds}
        if isinstance(frames := codec.get("frames"), int | float):
            numbers |= {"frames": float(frames), "framed_s": seconds}
        if isinstance(books := codec.get("codebooks"), int | float):
            numbers |= {"codebooks": float(books), "coded": 1.0}
        return SampleScore(numbers, "", "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return kbit/s, frames per second and the mean number of codebooks."""
        return {
            "bit_rate": ratio(total(sums, "bits"), total(sums, "seconds"), 1e-3),
            "bit_rate_nominal": ratio(total(sums, "nominal_bits"), total(sums, "nominal_s"), 1e-3),
            "frame_rate": ratio(total(sums, "frames"), total(sums, "framed_s"), 1.0),
            "codebooks": ratio(total(sums, "codebooks"), total(sums, "coded"), 1.0),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return how the sum is taken: over the seconds of all answers."""
        return ["avg:seconds"]
