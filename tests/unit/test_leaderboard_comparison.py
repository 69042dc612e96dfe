import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_statistics import by_cluster, coins, cut_off, jackknife, ratios, total

from audiobench_pytest.leaderboard.statistics import permutation as sign_flips
from audiobench_pytest.leaderboard.statistics.bootstrap import estimates
from audiobench_pytest.leaderboard.statistics.comparison import compare, correct, detectable, holm
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.pairs import Pairs, ScoredSamples, pair
from audiobench_pytest.leaderboard.statistics.permutation import sign_flip_p
from audiobench_pytest.leaderboard.statistics.power import smallest_difference
from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile
from audiobench_pytest.leaderboard.statistics.regression import Outlook, regression
from audiobench_pytest.types import Quantity

Columns = dict[str, np.ndarray]
WER = Quantity("wer")
ACC = Quantity("acc", higher_is_better=True, maximum=100.0)
TRIPLES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 12)), min_size=1, max_size=20)


def values(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    units = sums["units"]
    rates = np.where(units > 0, 100.0 * sums["errors"] / np.where(units > 0, units, 1.0), np.nan)
    return {"wer": rates, "acc": 100.0 - rates}


def runs(triples: list[tuple[int, int, int]], clusters: list[str] | None = None) -> Pairs:
    """Pair two runs: errors of the first, errors of the second, units."""
    ids = [f"utt-{k:04}" for k in range(len(triples))]
    units = [unit for *_, unit in triples]
    first, second = (ScoredSamples(ids, numbers([one[k] for one in triples], units), clusters) for k in (0, 1))
    return pair(first, second)


def numbers(errors: list[int], units: list[int]) -> Columns:
    return {"errors": np.array(errors, float), "units": np.array(units, float)}


def random_triples(seed: int, size: int) -> list[tuple[int, int, int]]:
    rng = np.random.default_rng(seed)
    return [tuple(map(int, (*rng.integers(0, 5, 2), rng.integers(5, 15)))) for _ in range(size)]  # type: ignore[misc]


def difference(sums: tuple[float, ...]) -> float:
    """Of (first errors, first units, second errors, second units), in percent."""
    return 100 * sums[2] / sums[3] - 100 * sums[0] / sums[1]


def gradient(sums: tuple[float, ...]) -> tuple[float, ...]:
    return -100 / sums[1], 100 * sums[0] / sums[1] ** 2, 100 / sums[3], -100 * sums[2] / sums[3] ** 2


def rows_of(triples: list[tuple[int, int, int]]) -> list[tuple[float, ...]]:
    return [(a, units, b, units) for a, b, units in triples]


def symmetric(rows: list[tuple[float, ...]], tail: float, resamples: int, seed: int) -> tuple[float, float]:
    found = sorted(map(abs, ratios(rows, difference, gradient, resamples, seed)))
    most = max(student_quantile(1 - tail, degrees) for degrees in (2, len(rows) - 1))
    reach = min(cut_off(found, 2 * tail)[1], most) * jackknife(rows, difference)
    return difference(total(rows)) - reach, difference(total(rows)) + reach


def naive_p(rows: list[tuple[float, ...]], ways: list[list[int]]) -> int:
    """How many ways to swap make the difference at least as large."""
    observed = abs(difference(total(rows)))
    swapped = (
        [row if keep else (row[2], row[3], row[0], row[1]) for row, keep in zip(rows, way, strict=True)] for way in ways
    )
    return sum(abs(difference(total(one))) >= observed - 1e-9 for one in swapped)


# --- pairing ---


def test_samples_are_paired_by_id_and_those_of_one_run_only_are_told() -> None:
    first = ScoredSamples(["c", "a", "x"], {"errors": np.array([3, 1, 9]), "units": np.array([30, 10, 9])})
    second = ScoredSamples(
        ["a", "c", "z", "y"], {"errors": np.array([2, 4, 9, 9]), "invalid": np.array([0, 1, 1, 1])}, list("ssts")
    )
    pairs = pair(first, second)
    assert (pairs.ids, pairs.only_first, pairs.only_second) == (("a", "c"), ("x",), ("y", "z"))
    assert {name: column.tolist() for name, column in pairs.first.items()} == {
        "errors": [1, 3],
        "invalid": [0, 0],
        "units": [10, 30],
    }
    assert {name: column.tolist() for name, column in pairs.second.items()} == {
        "errors": [2, 4],
        "invalid": [0, 1],
        "units": [0, 0],
    }
    assert pairs.clusters is not None
    assert len(set(pairs.clusters.tolist())) == 1


def test_clusters_are_the_first_runs_own() -> None:
    first = ScoredSamples(["b", "a", "c"], numbers([1, 1, 1], [2, 2, 2]), ["u", "v", "u"])
    second = ScoredSamples(["a", "b", "c"], numbers([1, 1, 1], [2, 2, 2]), ["same", "same", "same"])
    assert pair(first, second).clusters.tolist() == [0, 1, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "broken",
    [
        ScoredSamples(["a", "a"], numbers([1, 1], [2, 2])),
        ScoredSamples(["a"], numbers([1, 1], [2, 2])),
        ScoredSamples(["a", "b"], numbers([1, 1], [2, 2]), ["one"]),
    ],
)
def test_runs_that_do_not_fit_together_are_refused(broken: ScoredSamples) -> None:
    good = ScoredSamples(["a"], numbers([1], [2]))
    for order in ((broken, good), (good, broken)):
        with pytest.raises(ValueError, match="distinct"):
            pair(*order)


def test_runs_without_a_common_sample_cannot_be_compared() -> None:
    pairs = pair(ScoredSamples(["a"], numbers([1], [2])), ScoredSamples(["b"], numbers([1], [2])))
    with pytest.raises(ValueError, match="share no sample"):
        compare(pairs, values, WER)


# --- comparison ---


@pytest.mark.parametrize("speakers", [0, 14])
def test_interval_equals_a_loop_in_plain_python(speakers: int) -> None:
    triples = random_triples(1, 24)
    names = [f"speaker {k % speakers}" for k in range(24)] if speakers else None
    rows = by_cluster(rows_of(triples), names) if names else rows_of(triples)
    found = compare(runs(triples, names), values, WER, resamples=300, seed=5)
    assert found.difference == pytest.approx(difference(total(rows_of(triples))))
    assert (found.low, found.high) == pytest.approx(symmetric(rows, 0.025, 300, 5), rel=1e-4)
    assert (found.samples, found.units) == (24, speakers or 24)
    both = student_quantile(0.975, len(rows) - 1) + student_quantile(0.8, len(rows) - 1)
    assert found.smallest == pytest.approx(jackknife(rows, difference) * both, rel=1e-9)


def test_p_of_few_samples_counts_all_ways_to_swap() -> None:
    rows = rows_of(random_triples(2, 9))
    ways = [list(way) for way in itertools.product((0, 1), repeat=9)]
    found = compare(runs([(int(a), int(b), int(u)) for a, u, b, _ in rows]), values, WER)
    assert found.p == pytest.approx(naive_p(rows, ways) / 512)


def test_p_of_four_samples_all_worse_cannot_be_below_an_eighth() -> None:
    assert compare(runs([(0, 1, 10)] * 4), values, WER).p == 2 / 16


def test_p_of_many_samples_counts_seeded_swaps() -> None:
    triples = [(a, b, 10) for a, b, _ in random_triples(3, 90) if a != b]
    assert len(triples) > 64  # more than a word of coins
    ways = coins(len(triples), 200, 8)
    pairs = runs(triples)
    found = sign_flip_p(pairs.first, pairs.second, values, "wer", flips=200, seed=8)
    assert found == pytest.approx((1 + naive_p(rows_of(triples), ways)) / 201)


def test_a_difference_as_large_but_for_rounding_counts_as_as_large() -> None:
    # Five differences of 0.7 add up to 0.7, 2.1 or 3.5, whatever the signs: never to less than observed, on paper.
    first = {"errors": np.array([0.3, 0.6, 0.7, 0.1, 0.4]), "units": np.array([1.0, 2.0, 3.0, 4.0, 7.0])}
    second = {"errors": first["errors"] + 0.7 * np.array([1, 1, -1, -1, 1]), "units": first["units"]}
    assert sign_flip_p(first, second, values, "wer") == 1.0


def test_p_swaps_whole_clusters() -> None:
    triples = random_triples(4, 20)
    names = [f"{k % 6}" for k in range(20)]
    ways = [list(way) for way in itertools.product((0, 1), repeat=6)]
    rows = by_cluster(rows_of(triples), names)
    assert compare(runs(triples, names), values, WER).p == pytest.approx(naive_p(rows, ways) / 64)


def test_swaps_are_the_same_however_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = runs(random_triples(5, 40))
    whole = compare(pairs, values, WER)
    for chunk in (1, 170, 40 * 9_998):
        monkeypatch.setattr(sign_flips, "_CHUNK", chunk)
        assert compare(pairs, values, WER) == whole


def test_samples_that_do_not_differ_play_no_part_in_p() -> None:
    different = [(0, 2, 10), (1, 0, 10), (0, 1, 10), (0, 3, 10), (2, 1, 10)]
    assert compare(runs(different), values, WER).p == compare(runs([*different, *[(4, 4, 10)] * 50]), values, WER).p


def test_p_is_uniform_where_the_runs_are_equally_good() -> None:
    rng = np.random.default_rng(6)
    seen = []
    for _ in range(400):
        errors = rng.poisson(2.0 * rng.gamma(1.0, 1.0, 30), (2, 30))
        pairs = runs([(int(a), int(b), 10) for a, b in errors.T])
        seen.append(sign_flip_p(pairs.first, pairs.second, values, "wer", flips=199))
    # Binomial: sd 1.1 % at 5 %, 2.5 % at 50 %.
    assert 0.02 <= np.mean(np.array(seen) <= 0.05) <= 0.085
    assert 0.42 <= np.mean(np.array(seen) <= 0.5) <= 0.58


@given(TRIPLES)
@settings(max_examples=30, deadline=None)
def test_identical_runs_do_not_differ(triples: list[tuple[int, int, int]]) -> None:
    found = compare(runs([(a, a, units) for a, _, units in triples]), values, WER, resamples=20)
    assert (found.difference, found.p, found.low, found.high, found.smallest) == (0.0, 1.0, None, None, None)
    assert (found.better, found.worse, found.equal, found.flips) == (0, 0, len(triples), ())


@given(TRIPLES, st.randoms())
@settings(max_examples=30, deadline=None)
def test_swapping_the_runs_turns_everything_round(triples: list[tuple[int, int, int]], random: object) -> None:
    there = compare(runs(triples), values, WER, resamples=40)
    back = compare(runs([(b, a, units) for a, b, units in triples]), values, WER, resamples=40)
    assert there.difference == pytest.approx(-back.difference, abs=1e-9)  # type: ignore[operator]
    assert (there.p, there.better, there.worse, there.equal) == (back.p, back.worse, back.better, back.equal)
    if there.low is None:
        assert back.low is None
    else:
        assert there.low <= there.difference <= there.high  # type: ignore[operator]
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low), rel=1e-4, abs=1e-6)  # type: ignore[operator]


@given(TRIPLES, st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_samples_arrived_does_not_show(triples: list[tuple[int, int, int]], random) -> None:  # type: ignore[no-untyped-def]
    ids = [f"{k}" for k in range(len(triples))]
    shuffled = random.sample(range(len(triples)), len(triples))
    whole, parts = [], []
    for k in (0, 1):
        columns = numbers([one[k] for one in triples], [one[2] for one in triples])
        whole.append(ScoredSamples(ids, columns))
        moved = {name: column[shuffled] for name, column in columns.items()}
        parts.append(ScoredSamples([ids[row] for row in shuffled], moved))
    expected = compare(pair(*whole), values, WER, resamples=20)
    assert compare(pair(*parts), values, WER, resamples=20) == expected
    assert compare(pair(whole[0], parts[1]), values, WER, resamples=20) == expected


def test_flips_are_told_with_their_weight_by_hand() -> None:
    # 100 units, 10 errors: one more error on any sample is one percent of the whole.
    triples = [(1, 3, 20), (4, 0, 40), (5, 5, 30), (0, 1, 10), (0, 0, 0)]
    found = compare(runs(triples), values, WER)
    assert [(one.id, one.first, one.second, one.better) for one in found.flips] == [
        ("utt-0001", 10.0, 0.0, True),
        ("utt-0000", 5.0, 15.0, False),
        ("utt-0003", 0.0, 10.0, False),
    ]
    assert [one.effect for one in found.flips] == pytest.approx([-4.0, 2.0, 1.0])
    assert (found.better, found.worse, found.equal) == (1, 2, 2)
    assert (found.first, found.second, found.difference) == (10.0, 9.0, -1.0)
    assert found.relative == pytest.approx(-0.1)


def test_more_accuracy_is_better_and_more_errors_are_worse() -> None:
    triples = [(1, 3, 20), (4, 0, 40), (0, 1, 10)]
    errors, right = compare(runs(triples), values, WER), compare(runs(triples), values, ACC)
    assert (right.better, right.worse) == (errors.better, errors.worse) == (1, 2)
    assert right.difference == pytest.approx(-errors.difference)  # type: ignore[operator]


def test_an_insertion_where_there_is_nothing_to_say_is_worse_though_it_has_no_rate() -> None:
    found = compare(runs([(0, 2, 0), (1, 1, 10), (1, 0, 10)]), values, WER)
    silent = next(one for one in found.flips if one.id == "utt-0000")
    assert (silent.first, silent.second, silent.better) == (None, None, False)


def test_nothing_can_be_told_where_nothing_defines_a_value() -> None:
    found = compare(runs([(1, 2, 0), (1, 1, 0)]), values, WER)
    assert (found.first, found.second, found.difference, found.relative) == (None,) * 4
    assert (found.low, found.high, found.p, found.smallest) == (None,) * 4


def test_one_sample_has_a_difference_and_no_interval() -> None:
    found = compare(runs([(1, 2, 10)]), values, WER)
    assert (found.difference, found.low, found.high, found.p, found.smallest) == (10.0, None, None, 1.0, None)


def test_a_first_run_without_errors_has_no_relative_difference() -> None:
    assert compare(runs([(0, 2, 10), (0, 0, 10)]), values, WER).relative is None


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no quantity 'cer' among acc, wer"):
        compare(runs([(0, 2, 10)]), values, Quantity("cer"))


# --- many comparisons, power ---


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(deadline=None)
def test_holm_equals_its_definition(p_values: list[float]) -> None:
    def adjusted(p: float) -> float:
        return max(min(1.0, sum(q >= one for q in p_values) * one) for one in p_values if one <= p)

    found = holm(p_values)
    assert found == pytest.approx([adjusted(p) for p in p_values])
    assert all(p <= corrected <= 1.0 for p, corrected in zip(p_values, found, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [found[k] for k in order] == sorted(found)


def test_a_suite_is_corrected_together_and_what_has_no_p_does_not_count() -> None:
    one = compare(runs([(0, 1, 10)] * 4), values, WER)
    suite = [dataclasses.replace(one, p=p) for p in (0.02, None, 0.01)]
    assert [one.p_holm for one in correct(suite)] == pytest.approx([0.02, None, 0.02])
    assert [one.p for one in correct(suite)] == [0.02, None, 0.01]


def test_smallest_difference_by_the_printed_quantiles() -> None:
    assert smallest_difference(1.0, 10**9) == pytest.approx(1.960 + 0.8416, abs=1e-3)
    assert smallest_difference(0.5, 11) == pytest.approx(0.5 * (2.228 + 0.879), abs=1e-3)
    assert smallest_difference(0.0, 11) is None
    assert smallest_difference(math.nan, 11) is None
    assert smallest_difference(1.0, 1) is None


def test_one_run_alone_tells_what_two_unrelated_ones_would_show() -> None:
    columns = runs(random_triples(7, 60)).first
    found = estimates(columns, values)["wer"]
    expected = found.error * math.sqrt(2) * (student_quantile(0.975, 59) + student_quantile(0.8, 59))
    assert detectable(columns, values)["wer"] == pytest.approx(expected)


# --- regression ---


def judged(triples: list[tuple[int, int, int]], allowed: float, **more: object):  # type: ignore[no-untyped-def]
    pairs = runs(triples)
    quantity = more.pop("quantity", WER)
    return regression(pairs.second, pairs.first, values, quantity, allowed, **more)  # type: ignore[arg-type]


def test_ends_are_one_sided_and_the_verdict_follows_from_them() -> None:
    triples = random_triples(8, 30)
    low, high = symmetric(rows_of(triples), 0.05, 400, 3)
    options = {"confidence": 0.95, "resamples": 400, "seed": 3}
    found = judged(triples, 0.0, **options)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-4)
    assert low < 0 < high
    assert found.verdict is Outlook.INCONCLUSIVE
    assert judged(triples, high + 0.01, **options).verdict is Outlook.PASS
    assert judged(triples, high - 0.01, **options).verdict is Outlook.INCONCLUSIVE
    worse = [(a, b + 9, units) for a, b, units in triples]
    low, _ = symmetric(rows_of(worse), 0.05, 400, 3)
    assert judged(worse, low - 0.01, **options).verdict is Outlook.FAIL
    assert judged(worse, low + 0.01, **options).verdict is Outlook.INCONCLUSIVE


def test_less_accuracy_is_a_regression_and_more_is_none() -> None:
    worse = [(0, 4 + k % 2, 10) for k in range(12)]
    found = judged(worse, 5.0, quantity=ACC)
    assert found.verdict is Outlook.FAIL
    assert (found.base, found.new, found.worsening) == (100.0, 55.0, 45.0)
    better = [(b, a, units) for a, b, units in worse]
    assert judged(better, 0.0, quantity=ACC).verdict is Outlook.PASS
    assert judged(better, 0.0).verdict is Outlook.PASS
    assert judged(worse, 0.0).verdict is Outlook.FAIL


def test_a_share_of_the_baseline_is_taken_off_in_each_draw() -> None:
    triples = [(a + 2, b + 3, units) for a, b, units in random_triples(9, 25)]
    share = 0.1
    base, new, units = (sum(column) for column in zip(*triples, strict=True))

    def excess(sums: tuple[float, ...]) -> float:
        return difference(sums) - share * 100 * sums[0] / sums[1]

    def slope(sums: tuple[float, ...]) -> tuple[float, ...]:
        by_first, by_units, *others = gradient(sums)
        return by_first - share * 100 / sums[1], by_units + share * 100 * sums[0] / sums[1] ** 2, *others

    rows = rows_of(triples)
    reach = cut_off(sorted(map(abs, ratios(rows, excess, slope, 300, 4))), 0.1)[1] * jackknife(rows, excess)
    found = judged(triples, share, relative=True, resamples=300, seed=4)
    allowed = share * 100 * base / units
    assert found.allowed == pytest.approx(allowed)
    assert found.worsening == pytest.approx(100 * (new - base) / units)
    middle = excess(total(rows)) + allowed
    assert (found.low, found.high) == pytest.approx((middle - reach, middle + reach), rel=1e-4)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("allowed", [0.0, 0.3])
def test_twelve_identical_answers_prove_little(allowed: float, relative: bool) -> None:
    triples = [(a, a, units) for a, _, units in random_triples(10, 12)]
    found = judged(triples, allowed, relative=relative)
    assert (found.verdict, found.worsening, found.identical) == (Outlook.INCONCLUSIVE, 0.0, True)
    # 1 - 0.05 ** (1 / 12) of all samples may differ, by as much as those err that err: the root of the mean square.
    rates = np.array([100 * a / units for a, _, units in triples if a])
    reach = (1 - 0.05 ** (1 / 12)) * math.sqrt((rates**2).mean())
    assert found.high == pytest.approx(reach)
    assert judged(triples, reach + 0.01).verdict is Outlook.PASS


def test_without_any_error_the_bound_is_the_rule_of_three() -> None:
    found = judged([(0, 0, 1)] * 10, 0.5)
    assert (found.verdict, found.identical) == (Outlook.INCONCLUSIVE, True)
    most = 100 * (1 - 0.05**0.1)
    assert (found.low, found.high) == pytest.approx((-most, most))
    assert judged([(0, 0, 1)] * 700, 0.5).verdict is Outlook.PASS


def test_two_speakers_who_agree_make_no_certainty() -> None:
    pairs = runs([(0, 2, 10)] * 20, ["one"] * 10 + ["two"] * 10)
    found = regression(pairs.second, pairs.first, values, WER, 5.0, clusters=pairs.clusters)
    assert (found.units, found.worsening, found.verdict) == (2, 20.0, Outlook.INCONCLUSIVE)
    better = regression(pairs.first, pairs.second, values, WER, 5.0, clusters=pairs.clusters)
    # 0 of 2 got worse: up to 77.6 % may have, and then 22.4 % are better.
    assert better.high == pytest.approx(-20 + 2 * 20 * (1 - 0.05**0.5))
    assert better.verdict is Outlook.INCONCLUSIVE


def test_few_that_differ_are_bounded_by_their_number() -> None:
    # 2 of 100 answers got worse, none better. Counted exactly, up to 6.16 % may be worse.
    found = judged([(0, 0, 1)] * 98 + [(0, 1, 1)] * 2, 3.0)
    assert (found.differing, found.verdict) == (2, Outlook.INCONCLUSIVE)
    assert found.high is not None
    assert found.high >= 6.16


@pytest.mark.parametrize("seed", range(3))
def test_p_is_where_the_verdict_turns(seed: int) -> None:
    triples = [(a, b + 1, units) for a, b, units in random_triples(20 + seed, 40)]
    found = judged(triples, 9.0)
    assert found.p is not None
    assert 0.5 / 1001 < found.p < 0.4
    assert judged(triples, 9.0, confidence=1 - 1.01 * found.p).verdict is Outlook.FAIL
    assert judged(triples, 9.0, confidence=1 - 0.99 * found.p).verdict is not Outlook.FAIL


def test_a_difference_stays_inside_of_what_is_possible() -> None:
    found = compare(runs([(0, 1, 1)] * 2 + [(0, 0, 1)] * 3 + [(1, 0, 1)] * 3), values, ACC)
    assert found.low is not None
    assert found.high is not None
    assert -100.0 <= found.low <= found.high <= 100.0
    pairs = runs([(1, 0, 10)] * 2 + [(0, 0, 10)] * 28)
    fallen = compare(pairs, values, WER)
    # WER was 0.67 % and is 0: it cannot have fallen by more than it may have been.
    most = intervals(pairs.first, values, quantities=[WER])["wer"]
    assert most is not None
    assert fallen.low is not None
    assert -most[1] <= fallen.low < fallen.difference  # type: ignore[operator]


def test_the_same_worsening_everywhere_is_a_regression() -> None:
    # 8 of 8 are worse, so at least 68.8 % of all; the others may be better by as much.
    assert judged([(1, 2, 10)] * 8, 3.6).verdict is Outlook.FAIL
    assert judged([(1, 2, 10)] * 8, 3.8).verdict is Outlook.INCONCLUSIVE
    assert judged([(1, 2, 10)] * 8, 9.0).verdict is Outlook.INCONCLUSIVE
    assert judged([(1, 2, 10)] * 8, 11.0).verdict is Outlook.PASS


@pytest.mark.parametrize("triples", [[(1, 9, 10)], [(1, 9, 0), (2, 9, 0)], []])
def test_too_little_is_inconclusive(triples: list[tuple[int, int, int]]) -> None:
    assert judged(triples, 0.0).verdict is Outlook.INCONCLUSIVE


def test_one_speaker_is_inconclusive() -> None:
    pairs = runs([(0, 5, 10)] * 6, ["one"] * 6)
    found = regression(pairs.second, pairs.first, values, WER, 0.0, clusters=pairs.clusters)
    assert (found.verdict, found.units, found.low, found.worsening) == (Outlook.INCONCLUSIVE, 1, None, 50.0)


def test_a_run_that_is_as_bad_as_is_allowed_is_seldom_red() -> None:
    # The whole study is tests/perf/coverage_study.py. 300 releases at the limit: at most 5 % +- 1.3 %.
    rng = np.random.default_rng(11)
    red = 0
    for _ in range(300):
        units = 1.0 + rng.poisson(15, 80)
        expected = units * 0.05 * rng.gamma(1.0, 1.0, 80)
        base = rng.poisson(expected)
        new = rng.binomial(base, 0.7) + rng.poisson(expected * 0.4)
        columns = ({"errors": one.astype(float), "units": units} for one in (new, base))
        red += regression(*columns, values, WER, 0.5, resamples=400).verdict is Outlook.FAIL
    assert red / 300 <= 0.085


@pytest.mark.parametrize(("allowed", "confidence"), [(-0.1, 0.95), (math.nan, 0.95), (0.1, 0.5), (0.1, 1.0), (0.1, 95)])
def test_arguments_that_make_no_sense_are_refused(allowed: float, confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        judged([(1, 2, 10)] * 3, allowed, confidence=confidence)
