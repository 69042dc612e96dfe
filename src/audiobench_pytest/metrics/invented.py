"""What a model says where nobody speaks: words per minute of sound that were invented."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.units import unit
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class InventedWords(Metric):
    """Units that were said, per minute of sound: `n`, `invented` (answers with any), `words`, `minutes` per sample.

    The answer to a clip without speech is nothing; an empty one is right.
    """

    uses_units: ClassVar = True
    sees: ClassVar = ("audio_s", "meta")
    needs_reference: ClassVar = False

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's unit.

        Raises:
            CatalogError: There is no such unit.
        """
        unit(rule.unit)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return invented words per minute, and the share of clips that any was invented for."""
        return Quantity("invented_wpm", unit=""), Quantity("invented_rate", maximum=100.0)

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Count what was said."""
        given = item.audio_s or item.meta.get("duration_s")
        seconds = float(given) if isinstance(given, int | float) else 0.0
        if not seconds > 0:
            return SampleScore({}, "", "", State.DATA_ERROR, "nothing tells how long the sound is (duration_s)")
        words = len(unit(rule.unit)(prediction or ""))
        numbers = {"n": 1.0, "invented": float(words > 0), "words": float(words), "minutes": seconds / 60}
        return SampleScore(numbers, "", prediction or "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return words per minute, and the share of clips in percent."""
        return {
            "invented_wpm": ratio(total(sums, "words"), total(sums, "minutes"), 1.0),
            "invented_rate": ratio(total(sums, "invented"), total(sums, "n")),
        }
