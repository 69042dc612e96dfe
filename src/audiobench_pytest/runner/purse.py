"""What a run may cost: questions are asked as long as what was paid, and what is on its way, stays below the limit."""

from __future__ import annotations

from collections.abc import Sequence

from audiobench_pytest.catalog.prices import cost_of, estimated
from audiobench_pytest.catalog.schema import PriceSpec
from audiobench_pytest.records.runs.ledger import Ledger
from audiobench_pytest.types import Answer, Request


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

    def admit(self, price: PriceSpec, key: str, audio_s: float, asked: str, *, aloud: bool = False) -> bool:
        """Whether a question may be asked; then about its cost is set aside until it is settled.

        Args:
            price: What its answer costs.
            key: The question's.
            audio_s: Seconds of its sound.
            asked: Its words.
            aloud: Whether the answer is wanted in speech.
        """
        if self.limit is None:
            return True
        cost = estimated(price, audio_s, asked, aloud=aloud)
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


class FixedPayer:
    """Pays for questions that are no sample's: all of them may be asked, or none; see `runner.observing`."""

    def __init__(self, purse: Purse, price: PriceSpec) -> None:
        """Pay out of a purse, at a price."""
        self._purse, self._price = purse, price

    def admit(self, requests: Sequence[Request]) -> bool:
        """Whether all of them fit below the limit; then their cost is set aside."""
        for number, request in enumerate(requests):
            seconds, prompt = _seconds(request), request.prompt
            aloud = prompt.answer == "speech"
            if not self._purse.admit(self._price, _key(number), seconds, prompt.text or "", aloud=aloud):
                for before in range(number):
                    self._purse.settle(_key(before), 0.0)
                return False
        return True

    def settle(self, number: int, request: Request, answer: Answer | None) -> None:
        """Pay for one that has come back; without an answer, or with an error for one, it costs nothing.

        Raises:
            RecordError: It cannot be noted.
        """
        usd = 0.0
        if answer is not None and answer.error is None:
            usd = cost_of(self._price, _seconds(request), request.prompt.text or "", answer.text, answer.meta)
        self._purse.settle(_key(number), usd)


def _key(number: int) -> str:
    return f"fixed question {number}"


def _seconds(request: Request) -> float:
    return request.audio.duration_s if request.audio is not None else 0.0
