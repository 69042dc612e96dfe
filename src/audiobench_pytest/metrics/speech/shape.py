"""What a spoken answer is like before anybody listens: how long, how much of it silent, clipped, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class SpeechShape(Metric):
    """Shares of the seconds of all answers, and means over answers.

    `n`, `seconds`, `silent_s`, `clipped_s`, `leading_s`, `silent` (1 where nothing is heard), `clipped` (1 where any
    sample is at full scale) per sample. An answer without a sound is silent, of no length.
    """

    sees: ClassVar = ("given",)
    needs_reference: ClassVar = False

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the share of silence, then the other shares, then lengths."""
        return (
            Quantity("silent_share", maximum=100.0),
            Quantity("clipped_share", maximum=100.0),
            Quantity("silent_rate", maximum=100.0),
            Quantity("clipped_rate", maximum=100.0),
            Quantity("leading_silence_s", unit="s"),
            Quantity("speech_s", unit="s"),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Take what was seen of the sound when it came."""
        speech = item.given.get("speech", {})
        seconds = float(speech.get("seconds", 0.0))
        silent, clipped = float(speech.get("silent_share", 1.0)), float(speech.get("clipped_share", 0.0))
        numbers = {
            "n": 1.0,
            "seconds": seconds,
            "silent_s": seconds * silent,
            "clipped_s": seconds * clipped,
            "leading_s": float(speech.get("leading_s", 0.0)),
            "silent": float(silent >= 1),
            "clipped": float(clipped > 0),
        }
        return SampleScore(numbers, "", "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return shares of seconds and of answers in percent, and mean seconds."""
        n, seconds = total(sums, "n"), total(sums, "seconds")
        return {
            "silent_share": ratio(total(sums, "silent_s"), seconds),
            "clipped_share": ratio(total(sums, "clipped_s"), seconds),
            "silent_rate": ratio(total(sums, "silent"), n),
            "clipped_rate": ratio(total(sums, "clipped"), n),
            "leading_silence_s": ratio(total(sums, "leading_s"), n, 1.0),
            "speech_s": ratio(seconds, n, 1.0),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return how the sum is taken: over the seconds of all answers."""
        return ["avg:seconds"]
