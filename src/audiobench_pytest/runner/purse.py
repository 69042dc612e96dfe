"""What a run may cost: questions are asked as long as what was paid, and what is on its way, stays below the limit."""

from __future__ import annotations

from audiobench_pytest.catalog.prices import estimated
from audiobench_pytest.catalog.schema import PriceSpec
from audiobench_pytest.records.runs.ledger import Ledger


class Purse:
    """Pays for answers; shared by the processes of a run through its ledger.

    What other processes have on their way is not known: with `-n` a limit may be passed by as much.

    Attributes:
        limit: US dollars, or None for any number of them.
        refused: Whether a question was not asked because of the limit.
    """

    def __init__(self, ledger: Ledger, limit: float | None = None) -> None:
        self._ledger, self.limit = ledger, limit
        self._open: dict[str, float] = {}
        self.refused = False

    def admit(self, price: PriceSpec, key: str, audio_s: float, asked: str) -> bool:
        """Whether a question may be asked; then about its cost is set aside until it is settled.

        Args:
            price: What its answer costs.
            key: The question's.
            audio_s: Seconds of its sound.
            asked: Its words.
        """
        if self.limit is None:
            return True
        cost = estimated(price, audio_s, asked)
        if self._ledger.total() + sum(self._open.values()) + cost > self.limit:
            self.refused = True
            return False
        self._open[key] = cost
        return True

    def settle(self, key: str, usd: float) -> None:
        """Pay for a question that has come back.

        Args:
            key: The question's.
            usd: What its answer cost; 0 where there is none.

        Raises:
            RecordError: It cannot be noted.
        """
        self._open.pop(key, None)
        if usd:
            self._ledger.add(usd)
