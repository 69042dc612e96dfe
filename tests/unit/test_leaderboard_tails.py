"""What an error rate hides, and which few samples decide a verdict."""

import numpy as np
import pytest

from audiobench_pytest.leaderboard.cells import tails as module
from audiobench_pytest.leaderboard.cells.tails import deciders, tails, told
from audiobench_pytest.leaderboard.statistics.exact import two_sided
from audiobench_pytest.types import Quantity

WER = Quantity("wer")
ACC = Quantity("acc", higher_is_better=True, maximum=100.0)


def columns(*pairs: tuple[float, float]) -> dict[str, np.ndarray]:
    errors, units = zip(*pairs, strict=True)
    return {"errors": np.array(errors, float), "units": np.array(units, float)}


def found(table: dict[str, np.ndarray], *more: Quantity, clusters: np.ndarray | None = None) -> dict:
    return {one.quantity.name: one for one in tails(table, (WER, *more), clusters)}


def test_by_hand() -> None:
    # A loop of 60 words, one sample just half wrong, one just above, an insertion where nothing was said.
    table = columns((0, 10), (60, 10), (5, 10), (6, 10), (1, 0), *[(1, 10)] * 195)
    by_name = found(table)
    assert by_name["above_50_rate"].value == pytest.approx(100 * 3 / 200)
    assert by_name["wer_capped"].value == pytest.approx(100 * (10 + 5 + 6 + 195) / 1990)
    # Two of two hundred are the worst 1 %.
    assert by_name["worst_1_share"].value == pytest.approx(100 * 66 / 267)
    low, high = two_sided(3, 200)
    assert (by_name["above_50_rate"].low, by_name["above_50_rate"].high) == pytest.approx((100 * low, 100 * high))
    assert by_name["wer_capped"].low < by_name["wer_capped"].value < by_name["wer_capped"].high


def test_a_mean_of_utterances_is_capped_utterance_by_utterance() -> None:
    table = {**columns((6, 3), (1, 10)), "rate": np.array([2.0, 0.1])}
    assert found(table)["wer_capped"].value == pytest.approx(100 * (1.0 + 0.1) / 2)
    assert "above_50_rate" not in found(table, Quantity("above_50_rate", maximum=100.0))


def test_what_is_no_error_rate_has_no_tail() -> None:
    assert tails({"correct": np.ones(3), "n": np.ones(3)}, (ACC,)) == ()
    assert tails(columns((1, 2)), (ACC,)) == ()


def test_without_an_error_the_worst_make_no_share() -> None:
    by_name = found(columns(*[(0, 10)] * 30))
    assert (by_name["worst_1_share"].value, by_name["wer_capped"].value) == (0.0, 0.0)
    assert by_name["above_50_rate"].high == pytest.approx(100 * two_sided(0, 30)[1])


def test_a_large_set_has_the_interval_of_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    table = columns(*zip(rng.poisson(1.0, 3000).tolist(), rng.integers(5, 20, 3000).tolist(), strict=True))
    drawn = found(table)
    monkeypatch.setattr(module, "STUDENTISED", 1000)
    known = found(table)
    for name in ("wer_capped", "above_50_rate"):
        width = drawn[name].high - drawn[name].low
        assert (known[name].low, known[name].high) == pytest.approx(
            (drawn[name].low, drawn[name].high), abs=0.1 * width
        )


def rate(sums):  # type: ignore[no-untyped-def]
    return 100.0 * sums[0]["errors"] / sums[0]["units"]


def test_the_fewest_samples_that_decide_are_named_the_weightiest_first() -> None:
    table = columns(*[(0, 10)] * 296, (60, 10), (30, 10), (40, 10), (2, 10))
    ids = [f"u{k}" for k in range(300)]
    # 132 errors of 3,000 words: 4.4 %. Without the loop 2.41 %, without two 1.07 %.
    assert deciders(ids, [table], rate, 3.0) == ("u296",)
    assert deciders(ids, [table], rate, 1.2) == ("u296", "u298")
    assert deciders(ids, [table], rate, 0.01) == ()
    # The other side: nothing that goes makes it as bad.
    assert deciders(ids, [table], rate, 5.0) == ()
    assert deciders(ids[:99], [{name: one[:99] for name, one in table.items()}], rate, 0.0) == ()


def test_of_two_runs_the_samples_that_turn_the_difference() -> None:
    base = columns(*[(0, 10)] * 199, (90, 10))
    new = columns(*[(1, 10)] * 199, (0, 10))
    ids = [f"u{k}" for k in range(200)]

    def worse(sums):  # type: ignore[no-untyped-def]
        return rate(sums[1:]) - rate(sums[:1])

    # 199 new errors, 90 fewer: worse by 5.45 points; without the loop of the baseline by 10.
    assert deciders(ids, [base, new], worse, 6.0) == ("u199",)


def test_how_it_is_told() -> None:
    assert told((), 300) == ""
    assert told(("a",), 300) == "; 1 of 300 samples decides it: a"
    assert told(tuple("abcdefg"), 700) == "; 7 of 700 samples decide it: a, b, c, d, e and 2 more"
