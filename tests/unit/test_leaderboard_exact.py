"""Bounds that are counted: shares at and near their ends, percentiles, effective numbers, power."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.discordance import discordance
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.power import smallest_shown
from audiobench_pytest.leaderboard.statistics.regression import Outlook, regression
from audiobench_pytest.leaderboard.statistics.units import effective_number
from audiobench_pytest.types import Quantity

ACC = Quantity("acc", higher_is_better=True, maximum=100.0)
WER = Quantity("wer")


def values(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return {"acc": 100.0 * sums["correct"] / sums["n"], "wer": 100.0 * (sums["n"] - sums["correct"]) / sums["n"]}


def answers(right: int, of: int) -> dict[str, np.ndarray]:
    return {"correct": (np.arange(of) < right).astype(float), "n": np.ones(of)}


def binomial(hits: int, size: int, share: float) -> float:
    return math.fsum(math.comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(hits + 1))


@given(st.integers(1, 60), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_bound_of_a_share_is_where_the_binomial_sum_says(size: int, data: st.DataObject, confidence: float) -> None:
    hits = data.draw(st.integers(0, size - 1))
    found = exact.upper(hits, size, confidence)
    assert binomial(hits, size, found) == pytest.approx(1 - confidence, rel=1e-6)
    assert exact.lower(size - hits, size, confidence) == pytest.approx(1 - found)


@pytest.mark.parametrize(
    ("hits", "size", "low", "high"),
    # Printed in tables of Clopper-Pearson limits.
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (3, 100, 0.0062, 0.0852),
    ],
)
def test_printed_limits(hits: int, size: int, low: float, high: float) -> None:
    assert exact.two_sided(hits, size) == pytest.approx((low, high), abs=5e-5)


def test_a_large_set_has_the_limits_of_the_normal_distribution() -> None:
    low, high = exact.two_sided(20_000, 100_000)
    reach = 1.95996 * math.sqrt(0.2 * 0.8 / 100_000)
    assert (low, high) == pytest.approx((0.2 - reach, 0.2 + reach), abs=2e-5)


@pytest.mark.parametrize(
    ("percent", "none_over", "one_over"), [(50, 7, 11), (90, 44, 64), (95, 90, 130), (99, 459, 662)]
)
def test_how_many_times_a_limit_on_a_percentile_needs(percent: float, none_over: int, one_over: int) -> None:
    assert exact.least_size(percent) == none_over
    assert [exact.most_beyond(size, percent) for size in (none_over - 1, none_over)] == [None, 0]
    assert [exact.most_beyond(size, percent) for size in (one_over - 1, one_over)] == [0, 1]


@pytest.mark.parametrize(("hits", "size", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 5, 1.0)])
def test_what_is_no_share_is_refused(hits: int, size: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="hits"):
        exact.upper(hits, size, confidence)


def test_all_of_an_effective_number_is_all_whatever_the_rounding() -> None:
    size = effective_number(np.array([31.0, 12, 88, 40, 7, 19, 55, 3]))
    more = math.nextafter(size, math.inf)
    assert exact.upper(more, size, 0.975) == 1.0
    assert exact.lower(size - more, size, 0.975) == 0.0
    with pytest.raises(ValueError, match="hits"):
        exact.upper(size * 1.001, size, 0.975)


def test_an_effective_number_of_clusters() -> None:
    assert effective_number(np.full(7, 4.0)) == pytest.approx(7)
    assert effective_number(np.array([120.0, 10, 10, 10, 10])) == pytest.approx(160**2 / (120**2 + 400))
    assert effective_number(np.empty(0)) == 0


@pytest.mark.parametrize("right", [0, 1, 19, 20])
def test_right_and_wrong_answers_have_the_clopper_pearson_interval(right: int) -> None:
    low, high = exact.two_sided(right, 20)
    found = intervals(answers(right, 20), values, quantities=[ACC])["acc"]
    assert found == pytest.approx((100 * low, 100 * high))


def test_samples_without_a_value_do_not_count_among_the_answers() -> None:
    columns = {"correct": np.array([1.0] * 8 + [0.0] * 4), "n": np.array([1.0] * 10 + [0.0] * 2)}
    found = intervals(columns, values, quantities=[ACC])["acc"]
    assert found == pytest.approx(tuple(100 * end for end in exact.two_sided(8, 10)))


def test_an_error_rate_of_zero_may_be_three_in_n() -> None:
    found = intervals(answers(60, 60), values, quantities=[WER])["wer"]
    assert found is not None
    assert found == (0.0, pytest.approx(100 * (1 - 0.05 ** (1 / 60))))
    assert found[1] == pytest.approx(100 * 3 / 60, rel=0.03)


def test_of_clusters_it_is_their_effective_number_that_counts() -> None:
    clusters = np.repeat(range(5), [120, 10, 10, 10, 10])
    for quantity, edge in ((WER, 0.0), (ACC, 100.0)):
        found = intervals(answers(160, 160), values, clusters, quantities=[quantity])[quantity.name]
        assert found is not None
        assert edge in found
        reach = 100 * (1 - 0.05 ** (1 / effective_number(np.array([120.0, 10, 10, 10, 10]))))
        assert found[1] - found[0] == pytest.approx(reach)


def test_answers_of_clusters_are_not_counted_one_by_one() -> None:
    right = np.repeat([1.0, 0.0, 1.0, 1.0], 10)
    columns = {"correct": right, "n": np.ones(40)}
    alone = intervals(columns, values, quantities=[ACC])["acc"]
    together = intervals(columns, values, np.repeat(range(4), 10), quantities=[ACC])["acc"]
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])
    assert intervals(columns, values, np.arange(40), quantities=[ACC])["acc"] == alone


def test_few_errors_are_uncertain_by_their_number() -> None:
    # 2 of 200 utterances hold one error each of ten words: as many as 3.57 % may.
    columns = {"correct": np.array([9.0] * 2 + [10.0] * 198), "n": np.full(200, 10.0)}
    found = intervals(columns, values, quantities=[WER])["wer"]
    assert found is not None
    assert found[1] >= 10 * exact.upper(2, 200, 0.975) - 1e-9


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9), st.integers(0, 6)), min_size=1, max_size=40
    ),
    st.sampled_from([0.0, 1.0, 30.0]),
)
@settings(max_examples=120, deadline=None)
def test_whatever_the_clusters_no_end_is_on_the_wrong_side(
    rows: list[tuple[int, int, int, int]], allowed: float
) -> None:
    first, second, units, clusters = (np.array(column) for column in zip(*rows, strict=True))
    base, new = ({"errors": errors.astype(float), "units": units.astype(float)} for errors in (first, second))

    def rate(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"wer": 100.0 * sums["errors"] / sums["units"]}

    for labels in (None, clusters):
        ends = intervals(base, rate, labels, quantities=[WER], resamples=30)["wer"]
        value = 100.0 * first.sum() / units.sum()
        assert ends is None or 0.0 <= ends[0] <= value + 1e-9 <= ends[1] + 2e-9
        found = regression(new, base, rate, WER, allowed, clusters=labels, resamples=30)
        if found.low is not None and found.high is not None and found.worsening is not None:
            assert found.low <= found.worsening + 1e-9 <= found.high + 2e-9
            assert found.p is None or 0.0 < found.p <= 1.0
        if len(set(clusters.tolist())) < 3 and labels is not None:
            assert found.verdict is not Outlook.FAIL


def apart(first: int, second: int, of: int):  # type: ignore[no-untyped-def]
    return discordance(answers(first, of), answers(second, of), values, ACC)


def test_of_five_that_could_differ_no_test_shows_anything() -> None:
    found, reason = smallest_shown(1.0, apart(5, 3, 5))
    assert found is None
    assert reason == "of 5 that could differ, none can give a p-value below 0.0625"
    assert smallest_shown(1.0, apart(6, 3, 6))[0] is not None
    found, reason = smallest_shown(1.0, apart(6, 3, 6), tests=2)
    assert found is None
    assert reason.endswith("below 0.03125 times 2 comparisons")


def test_runs_that_do_not_differ_tell_nothing_of_what_a_set_can_show() -> None:
    found, reason = smallest_shown(0.0, apart(30, 30, 60))
    assert found is None
    assert "do not differ" in reason


def test_a_correction_makes_the_smallest_difference_larger() -> None:
    alone, among_ten = (smallest_shown(1.0, apart(40, 20, 80), tests)[0] for tests in (1, 10))
    assert alone is not None
    assert among_ten is not None
    assert among_ten > 1.25 * alone


@pytest.mark.parametrize("units", [6, 10])
def test_few_units_show_the_difference_that_they_are_said_to_show(units: int) -> None:
    # Units whose differences are normal: the exact sign-flip test, written out once more.
    spread = discordance(answers(units, units), answers(0, units), values, ACC)
    rng = np.random.default_rng(5)
    ways = 1 - 2 * (np.arange(2**units)[:, None] >> np.arange(units) & 1)
    shift, _ = smallest_shown(1.0 / math.sqrt(units), dataclasses.replace(spread, each=0.0))
    assert shift is not None
    shown = 0
    for _ in range(300):
        one = rng.normal(shift, 1.0, units)
        shown += (np.abs(ways @ one) >= abs(one.sum()) - 1e-9).mean() <= 0.05
    assert 0.72 <= shown / 300 <= 0.88
