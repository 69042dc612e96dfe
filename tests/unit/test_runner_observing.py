"""Who answers behind a server is asked out of the purse of the run: all six questions, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiobench_pytest.catalog.prices import cost_of
from audiobench_pytest.catalog.schema import ModelSpec, PriceSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache
from audiobench_pytest.records.runs.ledger import Ledger
from audiobench_pytest.runner.observing import FIRST, SAME, UNPAID, UNREACHED, observe
from audiobench_pytest.runner.purse import FixedPayer, Purse
from audiobench_pytest.types import Answer, Audio

PRICE = PriceSpec(as_of="2025-06", audio_second=0.01, text_tokens=1e6)


class Vendor(ModelAdapter):
    """Answers alike every time, but for those questions that it is told to fail at."""

    fails: tuple[int, ...] = ()

    def identity(self):
        return self.base_identity()

    def load(self):
        self.asked = []

    def generate(self, batch):
        self.asked += batch
        if self.fails == (-1,):
            raise RuntimeError("gone")
        sound = Audio(np.ones(8, np.float32), 16_000) if self.reads_aloud else None
        return [Answer(error="no") if i in self.fails else Answer("words", speech=sound) for i, _ in enumerate(batch)]


def vendor(fails: tuple[int, ...] = (), **spec: object) -> Vendor:
    made = Vendor(ModelSpec("vendor", "openai", **spec), {})
    made.load()
    made.fails = fails
    return made


@pytest.fixture
def known(tmp_path: Path) -> ModelCache:
    return PredictionCache([tmp_path]).model("vendor", {})


def cost(requests: list) -> float:
    return sum(
        cost_of(PRICE, r.audio.duration_s if r.audio else 0.0, r.prompt.text or "", "words", {}) for r in requests
    )


@pytest.mark.parametrize("spec", [{}, {"reads_aloud": True}], ids=["listens", "reads aloud"])
def test_all_six_are_paid_once(known, tmp_path, spec):
    adapter, ledger = vendor(**spec), Ledger(tmp_path / "paid")
    assert observe(adapter, known, FixedPayer(Purse(ledger, 100.0), PRICE)).state == FIRST
    assert len(adapter.asked) == 6
    assert ledger.total() == pytest.approx(cost(adapter.asked)) != 0
    assert observe(adapter, known, FixedPayer(Purse(ledger), PRICE)).state == SAME
    assert ledger.total() == pytest.approx(cost(adapter.asked))


@pytest.mark.parametrize("spec", [{}, {"reads_aloud": True}], ids=["listens", "reads aloud"])
def test_none_is_asked_where_not_all_fit_below_the_limit(known, tmp_path, spec):
    ledger = Ledger(tmp_path / "paid")
    free = vendor(**spec)
    observe(free, known)
    adapter, purse = vendor(**spec), Purse(ledger, cost(free.asked[:5]))
    assert observe(adapter, known, FixedPayer(purse, PRICE)).state == UNPAID
    assert (adapter.asked, ledger.total(), purse.refused) == ([], 0.0, True)
    # Nothing of it is set aside any more.
    assert purse.admit(PRICE, "a question", free.asked[0].audio.duration_s if free.asked[0].audio else 0.0, "")


@pytest.mark.parametrize(("fails", "paid"), [((1,), 4), ((-1,), 0)], ids=["one", "all"])
def test_what_was_answered_is_paid_though_something_failed(known, tmp_path, fails, paid):
    adapter, purse = vendor(fails), Purse(Ledger(tmp_path / "paid"), 100.0)
    assert observe(adapter, known, FixedPayer(purse, PRICE)).state == UNREACHED
    answered = [request for i, request in enumerate(adapter.asked) if i % 3 not in fails][:paid]
    assert Ledger(tmp_path / "paid").total() == pytest.approx(cost(answered))
    assert purse._open == {}, "what came back without an answer is set aside no more"
