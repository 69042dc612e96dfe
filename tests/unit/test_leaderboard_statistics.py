import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_statistics import by_cluster, cut_off, draws, jackknife, rate, rate_gradient, ratios, total

from audiobench_pytest.leaderboard.statistics import bootstrap as statistics
from audiobench_pytest.leaderboard.statistics.bootstrap import Estimate, bootstrap_sums, estimates, unit_sums
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile, student_within

Columns = dict[str, np.ndarray]
SAMPLES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=2, max_size=25)


def wer(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Error rate and, as a second quantity, the share of samples: defined where the first may not be."""
    units, n = sums["units"], sums["n"]
    rates = np.where(units > 0, 100.0 * sums["errors"] / np.where(units > 0, units, 1.0), np.nan)
    return {"wer": rates, "per_sample": sums["errors"] / n}


def columns_of(pairs: list[tuple[int, int]]) -> Columns:
    errors, units = (np.array(column, float) for column in zip(*pairs, strict=True))
    return {"errors": errors, "units": units, "n": np.ones(len(pairs))}


def random_set(seed: int, size: int) -> Columns:
    rng = np.random.default_rng(seed)
    return columns_of(list(zip(rng.integers(0, 6, size).tolist(), rng.integers(1, 25, size).tolist(), strict=True)))


def rows_of(columns: Columns, *names: str) -> list[tuple[float, ...]]:
    return list(zip(*(columns[name].tolist() for name in names or ("errors", "units")), strict=True))


def sorted_by_id(ids: list[str], columns: Columns) -> Columns:
    order = np.argsort(ids)
    return {name: column[order] for name, column in columns.items()}


# --- draws ---


@pytest.mark.parametrize("size", [2, 7, 38])
def test_sums_equal_a_loop_in_plain_python(size: int) -> None:
    columns = random_set(5, size)
    found = bootstrap_sums(columns, resamples=60, seed=11)
    rows = rows_of(columns)
    expected = [total([rows[k] for k in drawn]) for drawn in draws(size, 60, 11)]
    assert list(zip(found["errors"], found["units"], strict=True)) == expected
    assert found["n"].tolist() == [size] * 60


def test_whole_clusters_are_drawn_as_many_as_there_are() -> None:
    columns = random_set(6, 30)
    clusters = np.array([5, 5, 2, 9, 9, 9, 2, 0, 0, 5] * 3)
    found = bootstrap_sums(columns, clusters=clusters, resamples=80, seed=3)
    rows = by_cluster(rows_of(columns, "errors", "n"), clusters.tolist())
    expected = [total([rows[k] for k in drawn]) for drawn in draws(4, 80, 3)]
    assert list(zip(found["errors"], found["n"], strict=True)) == expected
    assert len(set(found["n"].tolist())) > 1


def test_draws_are_the_same_however_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = random_set(7, 51)
    sums, ends = bootstrap_sums(columns, resamples=90), intervals(columns, wer, resamples=90)
    for chunk in (10, 40, 51, 51 * 7 + 3, 51 * 89):
        monkeypatch.setattr(statistics, "_CHUNK", chunk)
        assert {name: drawn.tolist() for name, drawn in bootstrap_sums(columns, resamples=90).items()} == {
            name: drawn.tolist() for name, drawn in sums.items()
        }
        assert intervals(columns, wer, resamples=90) == ends


def test_every_sample_is_drawn_equally_often() -> None:
    columns = {f"{k}": np.eye(5)[k] for k in range(5)}
    drawn = bootstrap_sums(columns, resamples=20_000)
    for k in range(5):
        # The number of times is binomial(5, 1/5): mean 1, variance 4/5; of the mean of 20,000, sd 0.0063.
        assert drawn[f"{k}"].mean() == pytest.approx(1.0, abs=0.025)
        assert drawn[f"{k}"].var() == pytest.approx(0.8, abs=0.04)


def test_an_interval_never_changes_for_the_same_numbers() -> None:
    # Worked out with `ratios` of the naive implementation; a new numpy or a rewrite must not move published intervals.
    columns = columns_of([(k % 4, k % 7 + 5) for k in range(20)])
    assert intervals(columns, wer)["wer"] == pytest.approx((12.7507344406, 26.9029395921), rel=1e-6)


# --- intervals ---


@pytest.mark.parametrize(("size", "confidence"), [(4, 0.95), (23, 0.95), (23, 0.8)])
def test_bootstrap_t_interval_equals_a_loop_in_plain_python(size: int, confidence: float) -> None:
    columns = random_set(8, size)
    rows = rows_of(columns)
    value, error = rate(total(rows)), jackknife(rows, rate)
    found = ratios(rows, rate, rate_gradient, 400, 17)
    tail = (1 - confidence) / 2
    most = max(student_quantile(1 - tail, size - 1), student_quantile(1 - tail, 2))
    lowest, highest = cut_off(found, tail)
    reach = min(cut_off(sorted(map(abs, found)), 2 * tail)[1], most)
    estimate = estimates(columns, wer, resamples=400, seed=17)["wer"]
    assert (estimate.value, estimate.error, estimate.units) == pytest.approx((value, error, size), rel=1e-9)
    assert estimate.interval(confidence) == pytest.approx(
        (value - min(highest, most) * error, value + min(-lowest, most) * error), rel=1e-4
    )
    assert estimate.interval(confidence, symmetric=True) == pytest.approx(
        (value - reach * error, value + reach * error), rel=1e-4
    )


def test_percentile_interval_of_a_large_set_equals_a_loop_in_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "STUDENTISED", 20)
    columns = random_set(9, 21)
    rows = rows_of(columns)
    drawn = sorted(rate(total([rows[k] for k in one])) for one in draws(21, 300, 5))
    assert intervals(columns, wer, resamples=300, seed=5)["wer"] == pytest.approx(cut_off(drawn, 0.025), rel=1e-11)
    estimate = estimates(columns, wer, resamples=300, seed=5)["wer"]
    assert estimate.error == pytest.approx(np.std(drawn), rel=1e-9)
    assert estimate.ratios is None


def test_very_many_columns_are_not_studentised() -> None:
    columns = {f"{k}": np.arange(400.0) % (k + 2) for k in range(260)}
    found = estimates(columns, lambda sums: {"a": sums["7"] / sums["9"]}, resamples=20)["a"]
    assert found.ratios is None
    assert found.interval() is not None
    few = estimates(
        {name: columns[name] for name in ("7", "9")}, lambda sums: {"a": sums["7"] / sums["9"]}, resamples=20
    )
    assert few["a"].ratios is not None


def test_both_intervals_agree_where_one_gives_way_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = random_set(10, 1500)
    studentised = intervals(columns, wer)["wer"]
    monkeypatch.setattr(statistics, "STUDENTISED", 1000)
    percentile = intervals(columns, wer)["wer"]
    assert studentised is not None
    assert studentised == pytest.approx(percentile, abs=0.06 * (studentised[1] - studentised[0]))


@given(SAMPLES, st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_interval_contains_the_value_and_keeps_its_bounds(pairs: list[tuple[int, int]], symmetric: bool) -> None:
    for estimate in estimates(columns_of(pairs), wer, resamples=50).values():
        ends = estimate.interval(symmetric=symmetric, bounds=(0.0, None))
        assert ends is None or 0.0 <= ends[0] <= estimate.value <= ends[1] < math.inf


@given(SAMPLES)
@settings(max_examples=20, deadline=None)
def test_more_confidence_gives_a_wider_interval(pairs: list[tuple[int, int]]) -> None:
    for estimate in estimates(columns_of(pairs), wer, resamples=60).values():
        narrow, wide = estimate.interval(0.5), estimate.interval(0.95)
        assert (narrow is None) == (wide is None)
        assert narrow is None or (wide[0] <= narrow[0] and narrow[1] <= wide[1])


@given(SAMPLES, st.integers(2, 1000))
@settings(max_examples=20, deadline=None)
def test_an_interval_does_not_depend_on_the_unit(pairs: list[tuple[int, int]], factor: int) -> None:
    plain = intervals(columns_of(pairs), wer, resamples=50)["wer"]
    scaled = intervals(columns_of([(factor * e, factor * u) for e, u in pairs]), wer, resamples=50)["wer"]
    assert scaled == (None if plain is None else pytest.approx(plain, rel=1e-5, abs=1e-5))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_renaming_the_clusters_changes_nothing(labels: list[int], names: list[int]) -> None:
    columns = random_set(11, len(labels))
    renamed = np.array([names[label] for label in labels])
    assert intervals(columns, wer, np.array(labels), resamples=40) == intervals(columns, wer, renamed, resamples=40)


def test_clusters_of_one_sample_are_samples() -> None:
    columns = random_set(12, 40)
    assert intervals(columns, wer, np.arange(40)[::-1]) == intervals(columns, wer)


def test_speakers_who_err_together_make_the_interval_wider() -> None:
    columns = columns_of([(e, 10) for e in (0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 7, 7, 7, 7, 7)])
    alone, together = intervals(columns, wer)["wer"], intervals(columns, wer, np.repeat(range(4), 5))["wer"]
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


@pytest.mark.parametrize("clusters", [None, np.zeros(1, int)])
def test_one_sample_has_no_interval(clusters: np.ndarray | None) -> None:
    assert intervals(columns_of([(1, 10)]), wer, clusters) == {"wer": None, "per_sample": None}


def test_one_cluster_has_no_interval() -> None:
    assert intervals(random_set(1, 9), wer, np.full(9, 4)) == {"wer": None, "per_sample": None}


def test_no_samples_have_no_interval() -> None:
    assert intervals({"errors": np.empty(0), "units": np.empty(0), "n": np.empty(0)}, wer)["wer"] is None


@pytest.mark.parametrize("pair", [(0, 7), (3, 9), (5, 5)])
def test_samples_that_do_not_vary_have_no_interval(pair: tuple[int, int]) -> None:
    found = estimates(columns_of([pair] * 12), wer)["wer"]
    assert (found.error, found.interval()) == (0.0, None)
    assert found.value == pytest.approx(100 * pair[0] / pair[1])


def test_what_nothing_defines_has_no_interval_and_leaves_the_others_alone() -> None:
    found = intervals(columns_of([(1, 0), (2, 0), (0, 0), (4, 0)]), wer)
    assert found["wer"] is None
    assert found["per_sample"] is not None


def test_draws_in_which_nothing_defines_the_value_are_left_out() -> None:
    estimate = estimates(columns_of([(0, 0), (3, 6), (0, 0), (0, 2)]), wer, resamples=300, seed=2)["wer"]
    rows = [(0, 0), (3, 6), (0, 0), (0, 2)]
    sums = [total([rows[k] for k in one]) for one in draws(4, 300, 2)]
    assert any(units == 0 for _, units in sums)
    assert estimate.draws.tolist() == pytest.approx(sorted(rate(one) for one in sums if one[1]))


def test_a_value_that_hangs_on_one_sample_falls_back_to_the_draws() -> None:
    # Without the only sample that has units there is no rate, so the jackknife has no error to give.
    assert intervals(columns_of([(0, 0), (3, 6), (0, 0)]), wer)["wer"] is None
    values = {"share": np.array([1.0, 2.0, 3.0, 10.0])}
    found = estimates(values, lambda sums: {"share": np.where(sums["share"] > 6.5, sums["share"], np.nan)})["share"]
    assert math.isnan(found.error)
    assert found.interval() is None


def test_the_end_beyond_draws_without_any_error_stays_finite() -> None:
    # 3 wrong of 100: a draw holds none of them with e**-3 = 5 %, more than the 2.5 % that are cut off.
    columns = columns_of([(int(k < 3), 1) for k in range(100)])
    ends = intervals(columns, wer)["wer"]
    assert ends is not None
    # The error is sqrt(3 * 97 / 99) / 10 = 1.7145 %, Student's quantile for three 4.3027.
    assert ends[1] == pytest.approx(3.0 + 4.3027 * math.sqrt(3 * 97 / 99) * 1.0, rel=1e-3)


def test_the_value_lies_inside_even_where_all_draws_lie_on_one_side() -> None:
    draws = np.array([6.0, 7.0, 8.0])
    assert Estimate(5.0, 1.0, 10, draws).interval() == (5.0, 8.0)
    assert Estimate(9.0, 1.0, 10, draws).interval() == (6.0, 9.0)
    # Ratios of one sign: the other end is the value itself.
    assert Estimate(5.0, 2.0, 10, draws, np.array([0.5, 1.0, 1.5])).interval() == (2.0, 5.0)


def test_no_end_lies_beyond_what_a_quantity_can_be() -> None:
    estimate = Estimate(95.0, 10.0, 50, np.array([80.0, 110.0]), np.array([-2.0, 2.0]))
    assert estimate.interval() == (75.0, 115.0)
    assert estimate.interval(bounds=(0.0, 100.0)) == (75.0, 100.0)
    assert estimate.interval(bounds=(90.0, None), symmetric=True) == (90.0, 115.0)


def test_small_integer_types_do_not_overflow() -> None:
    columns = {"errors": np.array([120, 0] * 50, np.int8), "units": np.full(100, 120, np.int8)}
    ends = intervals(columns, lambda sums: {"wer": 100 * sums["errors"] / sums["units"]})["wer"]
    assert ends is not None
    assert 30 < ends[0] < 50 < ends[1] < 70


def test_samples_of_two_shards_are_the_samples_of_one() -> None:
    whole = random_set(13, 31)
    ids = [f"utt-{k:03}" for k in range(31)]
    shards = [[k for k in range(31) if k % 3 == shard] for shard in (2, 0, 1)]
    merged = {name: np.concatenate([column[rows] for rows in shards]) for name, column in whole.items()}
    merged_ids = [ids[k] for rows in shards for k in rows]
    assert intervals(sorted_by_id(merged_ids, merged), wer) == intervals(whole, wer)


def test_values_of_many_columns_and_no_simple_slope() -> None:
    # A geometric mean of two shares, with an unused column: the slopes are taken numerically.
    rng = np.random.default_rng(14)
    columns = {name: rng.integers(0, 9, 30).astype(float) for name in "abcd"}

    def values(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"mean": np.sqrt(sums["a"] / sums["c"] * sums["b"] / sums["c"])}

    def value(sums: tuple[float, ...]) -> float:
        return math.sqrt(sums[0] * sums[1]) / sums[2]

    def gradient(sums: tuple[float, ...]) -> tuple[float, ...]:
        at = value(sums)
        return at / (2 * sums[0]), at / (2 * sums[1]), -at / sums[2]

    rows = rows_of(columns, "a", "b", "c")
    estimate = estimates(columns, values, resamples=200, seed=4)["mean"]
    assert estimate.error == pytest.approx(jackknife(rows, value), rel=1e-9)
    assert estimate.ratios is not None
    assert estimate.ratios.tolist() == pytest.approx(ratios(rows, value, gradient, 200, 4), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("columns", "clusters", "resamples"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, None, 10),
        ({"a": np.zeros((2, 2))}, None, 10),
        ({"a": np.zeros(2)}, np.zeros(3, int), 10),
        ({"a": np.zeros(2)}, None, 0),
        ({"a": np.zeros(0)}, None, 10),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    columns: Columns, clusters: np.ndarray | None, resamples: int
) -> None:
    with pytest.raises(ValueError, match=r"one-dimensional|must be positive"):
        bootstrap_sums(columns, clusters=clusters, resamples=resamples)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        Estimate(1.0, 1.0, 5, np.ones(3)).interval(confidence)


def test_cluster_sums_come_in_the_order_of_their_first_samples() -> None:
    names, table = unit_sums({"b": np.array([1.0, 2, 4]), "a": np.array([8.0, 16, 32])}, np.array([7, 3, 7]))
    assert names == ["a", "b"]
    assert [column.tolist() for column in table] == [[40, 16], [5, 2]]


def test_intervals_of_few_speakers_cover_the_true_value() -> None:
    # The whole study is tests/perf/coverage_study.py. 250 sets of 20 speakers: 95 % +- 1.4 %; percentiles give 90 %.
    rng = np.random.default_rng(15)
    covered = 0
    for _ in range(250):
        speakers = np.repeat(np.arange(20), rng.poisson(12, 20) + 1)
        units = 1.0 + rng.poisson(15, len(speakers))
        errors = rng.poisson(units * 0.06 * rng.gamma(2.0, 0.5, 20)[speakers] * rng.gamma(1.0, 1.0, len(speakers)))
        columns = {"errors": errors.astype(float), "units": units, "n": np.ones(len(units))}
        low, high = intervals(columns, wer, speakers)["wer"] or (0.0, 0.0)
        covered += low <= 6.0 <= high
    assert 0.92 <= covered / 250 <= 0.985


# --- Student's t ---


@pytest.mark.parametrize(
    ("share", "degrees", "printed"),  # as in any printed table
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.95, 4, 2.132),
        (0.975, 10, 2.228),
        (0.995, 29, 2.756),
        (0.975, 120, 1.980),
        (0.975, 1000, 1.962),
        (0.975, 10**9, 1.960),
        (0.025, 10, -2.228),
    ],
)
def test_student_quantiles_are_those_of_the_tables(share: float, degrees: int, printed: float) -> None:
    assert student_quantile(share, degrees) == pytest.approx(printed, abs=6e-4)


@given(st.floats(0.5, 0.9999), st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_student_quantile_is_the_inverse_of_the_distribution(share: float, degrees: int) -> None:
    assert student_within(student_quantile(share, degrees), degrees) == pytest.approx(2 * share - 1, abs=1e-9)


def test_the_exact_quantile_and_the_expansion_meet() -> None:
    for share in (0.6, 0.8, 0.975, 0.9995):
        steps = [student_quantile(share, degrees) for degrees in (199, 200, 201, 202)]
        assert steps[0] - steps[1] == pytest.approx(steps[1] - steps[2], rel=0.02, abs=1e-9)
        assert steps == sorted(steps, reverse=True)


@pytest.mark.parametrize(("share", "degrees"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_student_quantiles_of_nonsense_are_refused(share: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="degrees"):
        student_quantile(share, degrees)
