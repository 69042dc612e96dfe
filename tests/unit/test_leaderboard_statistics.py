import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.leaderboard import statistics
from audiobench_pytest.leaderboard.statistics import bootstrap_interval

SETS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=40)


def naive_interval(errors: list[int], units: list[int], resamples: int, seed: int) -> tuple[float, float]:
    """Draw one index at a time in plain Python and interpolate the percentiles by hand."""
    source, rates = np.random.PCG64(seed), []
    for _ in range(resamples):
        drawn = [((int(source.random_raw()) >> 32) * len(errors)) >> 32 for _ in errors]
        total = sum(units[i] for i in drawn)
        if total:
            rates.append(100 * sum(errors[i] for i in drawn) / total)
    rates.sort()

    def percentile(share: float) -> float:
        position = share * (len(rates) - 1)
        below = math.floor(position)
        above = min(below + 1, len(rates) - 1)
        return rates[below] + (rates[above] - rates[below]) * (position - below)

    return percentile(0.025), percentile(0.975)


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([e for e, _ in pairs]), np.array([u for _, u in pairs])


def test_interval_equals_a_loop_in_plain_python() -> None:
    rng = np.random.default_rng(5)
    errors, units = rng.integers(0, 6, 37), rng.integers(0, 25, 37)
    expected = naive_interval(errors.tolist(), units.tolist(), resamples=300, seed=11)
    assert bootstrap_interval(errors, units, resamples=300, seed=11) == pytest.approx(expected, rel=1e-12)


def test_interval_is_the_same_however_the_draws_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    errors, units = rng.integers(0, 6, 50), rng.integers(1, 25, 50)
    whole = bootstrap_interval(errors, units)
    for chunk in (1, 50 * 7 + 3, 50 * 999):
        monkeypatch.setattr(statistics, "_CHUNK", chunk)
        assert bootstrap_interval(errors, units) == whole


def test_interval_agrees_with_an_independent_generator() -> None:
    rng = np.random.default_rng(7)
    errors, units = rng.integers(0, 5, 400), rng.integers(5, 30, 400)
    drawn = rng.integers(0, 400, (4000, 400))
    low, high = np.quantile(100 * errors[drawn].sum(1) / units[drawn].sum(1), [0.025, 0.975])
    ours = bootstrap_interval(errors, units, resamples=4000)
    assert ours == pytest.approx((low, high), abs=0.06 * (high - low))


def test_interval_never_changes_for_the_same_numbers() -> None:
    # From `naive_interval` with 1,000 draws; a new numpy or a rewrite must not move published intervals.
    errors, units = np.arange(20) % 4, np.arange(20) % 7 + 5
    assert bootstrap_interval(errors, units) == pytest.approx((12.725182863113897, 25.828972352151162), rel=1e-12)


@given(SETS)
@settings(max_examples=40, deadline=None)
def test_ends_are_ordered_and_lie_between_the_extreme_samples(pairs: list[tuple[int, int]]) -> None:
    low, high = bootstrap_interval(*arrays(pairs), resamples=50)
    rates = [100 * e / u for e, u in pairs]
    assert min(rates) - 1e-9 <= low <= high <= max(rates) + 1e-9


@given(SETS, st.integers(2, 1000))
@settings(max_examples=40, deadline=None)
def test_interval_does_not_depend_on_the_unit(pairs: list[tuple[int, int]], factor: int) -> None:
    errors, units = arrays(pairs)
    plain = bootstrap_interval(errors, units, resamples=50)
    assert bootstrap_interval(errors * factor, units * factor, resamples=50) == pytest.approx(plain, rel=1e-12)


@given(SETS)
@settings(max_examples=20, deadline=None)
def test_more_confidence_gives_a_wider_interval(pairs: list[tuple[int, int]]) -> None:
    narrow = bootstrap_interval(*arrays(pairs), resamples=50, confidence=0.5)
    wide = bootstrap_interval(*arrays(pairs), resamples=50, confidence=0.95)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_small_integer_types_do_not_overflow() -> None:
    errors, units = np.full(100, 120, np.int8), np.full(100, 120, np.int8)
    assert bootstrap_interval(errors, units, resamples=10) == (100.0, 100.0)


@pytest.mark.parametrize("size", [0, 3])
def test_a_set_without_reference_units_has_no_interval(size: int) -> None:
    ends = bootstrap_interval(np.ones(size, int), np.zeros(size, int))
    assert all(math.isnan(end) for end in ends)


def test_draws_without_reference_units_are_left_out() -> None:
    low, high = bootstrap_interval(np.array([0, 3]), np.array([0, 6]))
    assert (low, high) == (50.0, 50.0)


@pytest.mark.parametrize(
    ("errors", "units", "options"),
    [
        (np.zeros(2, int), np.ones(3, int), {}),
        (np.zeros((2, 2), int), np.ones((2, 2), int), {}),
        (np.zeros(2, int), np.ones(2, int), {"resamples": 0}),
        (np.zeros(2, int), np.ones(2, int), {"confidence": 1.0}),
    ],
)
def test_arguments_that_make_no_sense_are_refused(errors: np.ndarray, units: np.ndarray, options: dict) -> None:
    with pytest.raises(ValueError, match=r"one-dimensional|between 0 and 1"):
        bootstrap_interval(errors, units, **options)
