"""Ranks, their ranges and rank correlations, against definitions written down once more in plain loops."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audiobench_pytest.leaderboard.boards.ranks import (
    average_ranks,
    competition_ranks,
    critical,
    rank_intervals,
    robustness,
    spearman,
)

# Two decimals, as tables have: ties happen, and differences are far above rounding.
VALUES = st.integers(-20_000, 10_000).map(lambda n: n / 100)


def matrices(least_cells=2):
    sides = st.tuples(st.integers(2, 7), st.integers(least_cells, 6))
    return sides.flatmap(lambda shape: arrays(np.float64, shape, elements=VALUES))


def naive_ranks(scores):
    return [1 + sum(other > own + 1e-9 for other in scores) for own in scores]


def naive_mean_ranks(rows):
    return naive_ranks([math.fsum(row) / len(row) for row in rows])


def without(rows, left_out):
    return [[v for k, v in enumerate(row) if k not in left_out] for row in rows]


def span(many):
    return [min(ranks) for ranks in zip(*many, strict=True)], [max(ranks) for ranks in zip(*many, strict=True)]


def test_equal_scores_share_the_smallest_rank_and_the_next_is_skipped():
    assert competition_ranks([5.0, 7.0, 5.0, 1.0]).tolist() == [2, 1, 2, 4]
    # 0.1 + 0.2 is not 0.3 in binary: still a tie.
    assert competition_ranks([0.1 + 0.2, 0.3]).tolist() == [1, 1]
    with pytest.raises(ValueError, match="without a score"):
        competition_ranks([1.0, math.nan])


def test_ranges_by_hand():
    # Means 60, 50, 50; without the first cell 50, 70, 10; without the second 70, 30, 90.
    found = robustness([[70.0, 50.0], [30.0, 70.0], [90.0, 10.0]], ["a", "b"])
    assert found.original.tolist() == [1, 2, 2]
    assert found.lobo.best.tolist() == [2, 1, 1]
    assert found.lobo.worst.tolist() == [2, 3, 3]
    assert (found.lobo.ways, found.lotgo.ways, found.altnorm.ways) == (2, 2, 2)
    # Min-max: (2/3, 2/3), (0, 1), (1, 0).
    assert found.minmax.tolist() == [1, 2, 2]


@given(matrices(), st.data())
@settings(max_examples=60)
def test_all_ranges_are_what_plain_loops_give(matrix, data):
    rows = matrix.tolist()
    cells = range(len(rows[0]))
    groups = data.draw(st.lists(st.sampled_from("abc"), min_size=len(cells), max_size=len(cells)))
    found = robustness(matrix, groups)
    assert found.original.tolist() == naive_mean_ranks(rows)
    best, worst = span([naive_mean_ranks(without(rows, {k})) for k in cells])
    assert (found.lobo.best.tolist(), found.lobo.worst.tolist()) == (best, worst)
    if len(set(groups)) == 1:
        assert found.lotgo is None
    else:
        removed = [{k for k in cells if groups[k] == group} for group in dict.fromkeys(groups)]
        best, worst = span([naive_mean_ranks(without(rows, out)) for out in removed])
        assert (found.lotgo.best.tolist(), found.lotgo.worst.tolist()) == (best, worst)
    assert found.minmax.tolist() == naive_mean_ranks(naive_minmax(rows))
    assert found.zscore.tolist() == naive_mean_ranks(naive_zscore(rows))
    both = span([found.minmax.tolist(), found.zscore.tolist()])
    assert (found.altnorm.best.tolist(), found.altnorm.worst.tolist()) == both


def naive_minmax(rows):
    columns = []
    for column in zip(*rows, strict=True):
        low, high = min(column), max(column)
        columns.append([0.0 if high == low else (v - low) / (high - low) for v in column])
    return list(zip(*columns, strict=True))


def naive_zscore(rows):
    columns = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        spread = math.sqrt(sum((v - mean) ** 2 for v in column) / len(column))
        columns.append([0.0 if max(column) == min(column) else (v - mean) / spread for v in column])
    return list(zip(*columns, strict=True))


@given(matrices(), st.randoms(use_true_random=False), st.integers(-300, 300))
@settings(max_examples=60)
def test_neither_the_order_of_columns_nor_a_constant_changes_a_rank(matrix, random, constant):
    groups = ["even" if k % 2 else "odd" for k in range(matrix.shape[1])]
    order = list(range(matrix.shape[1]))
    random.shuffle(order)
    one = robustness(matrix, groups)
    other = robustness(matrix[:, order] + constant, [groups[k] for k in order])
    assert one.original.tolist() == other.original.tolist()
    assert (one.zscore.tolist(), one.minmax.tolist()) == (other.zscore.tolist(), other.minmax.tolist())
    for a, b in ((one.lobo, other.lobo), (one.lotgo, other.lotgo)):
        assert (a.best.tolist(), a.worst.tolist()) == (b.best.tolist(), b.worst.tolist())


@given(matrices())
@settings(max_examples=40)
def test_ranges_hold_the_best_first_and_for_two_models_the_rank_itself(matrix):
    found = robustness(matrix, ["a"] * matrix.shape[1])
    assert (found.lobo.best <= found.lobo.worst).all()
    assert (found.altnorm.best <= found.altnorm.worst).all()
    two = robustness(matrix[:2], ["a"] * matrix.shape[1])
    assert ((two.lobo.best <= two.original) & (two.original <= two.lobo.worst)).all()


@given(matrices(least_cells=1))
@settings(max_examples=30)
def test_a_column_that_is_equal_for_all_changes_no_rank(matrix):
    more = np.column_stack([matrix, np.full(len(matrix), 97.7)])
    plain = robustness(matrix, ["a"] * matrix.shape[1])
    found = robustness(more, ["a"] * more.shape[1])
    assert found.original.tolist() == plain.original.tolist()
    assert (found.zscore.tolist(), found.minmax.tolist()) == (plain.zscore.tolist(), plain.minmax.tolist())


def test_weights_make_a_mean_of_means_the_mean_of_all():
    # (2 * 10 + 1 * 40) / 3 = 20 against (2 * 25 + 0) / 3 = 16.7; unweighted it is 25 against 12.5.
    rows = [[10.0, 40.0], [25.0, 0.0]]
    assert robustness(rows, ["a", "a"], [2.0, 1.0]).original.tolist() == [1, 2]
    assert robustness(rows, ["a", "a"], [9.0, 1.0]).original.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("matrix", "groups", "weights", "words"),
    [
        ([[1.0, math.nan]], ["a", "b"], None, "complete matrix"),
        ([[1.0, 2.0]], ["a"], None, "as many groups"),
        ([[1.0, 2.0]], ["a", "b"], [1.0, 0.0], "positive weights"),
        ([], [], None, "models x cells"),
    ],
)
def test_what_cannot_be_ranked_is_refused(matrix, groups, weights, words):
    with pytest.raises(ValueError, match=words):
        robustness(matrix, groups, weights)


def naive_average_ranks(scores):
    return [sum(other < own for other in scores) + (sum(other == own for other in scores) + 1) / 2 for own in scores]


def naive_spearman(a, b):
    a, b = naive_average_ranks(a), naive_average_ranks(b)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    bottom = math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))
    return top / bottom if bottom else None


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_ties_share_the_mean_of_their_ranks(scores):
    assert average_ranks(scores).tolist() == naive_average_ranks(scores)


@given(st.integers(0, 9), st.data())
@settings(max_examples=60)
def test_spearman_is_what_plain_loops_give_over_the_models_with_both_values(models, data):
    cell = st.one_of(st.just(math.nan), st.integers(0, 6).map(float))
    matrix = data.draw(arrays(np.float64, (models, 3), elements=cell))
    found = spearman(matrix, ["a", "b", "c"])
    for i, j in itertools.product(range(3), repeat=2):
        both = [(x, y) for x, y in matrix[:, [i, j]].tolist() if not math.isnan(x) and not math.isnan(y)]
        assert found.n[i, j] == len(both)
        expected = naive_spearman(*zip(*both, strict=True)) if len(both) >= 4 else None
        if expected is None:
            assert math.isnan(found.rho[i, j])
        else:
            assert found.rho[i, j] == pytest.approx(expected, abs=1e-12)


def test_spearman_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    matrix = np.random.default_rng(4).integers(0, 8, (12, 5)).astype(float)
    expected = stats.spearmanr(matrix).statistic
    assert spearman(matrix, list("abcde")).rho == pytest.approx(expected)


def test_too_few_models_or_a_constant_column_have_no_correlation():
    few = spearman([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], ["a", "b"])
    assert math.isnan(few.rho[0, 1])
    assert few.n[0, 1] == 3
    still = spearman([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]], ["a", "b"])
    assert math.isnan(still.rho[0, 1])
    assert math.isnan(still.rho[1, 1])
    assert still.rho[0, 0] == 1.0


def test_critical_values_are_those_of_all_orders():
    # The least rho whose two tails hold at most 5 % of all permutations.
    for n in range(4, 8):
        orders = list(itertools.permutations(range(n)))
        rhos = sorted((round(naive_spearman(range(n), order), 9) for order in orders), reverse=True)
        allowed = [rho for rho in sorted(set(rhos)) if 2 * sum(other >= rho for other in rhos) <= 0.05 * len(orders)]
        assert critical(n) == (pytest.approx(min(allowed), abs=5e-4) if allowed else None)
    assert critical(12) == pytest.approx(0.587, abs=1e-3)
    assert critical(13) == pytest.approx(0.553, abs=1e-3)  # Student's t; exact is 0.560


def test_rank_intervals_cut_off_both_tails():
    # Of 100 draws the first model leads in 98: the other two are cut off. Of 90 and ten they are not.
    draws = np.array([[2.0, 1.0]] * 98 + [[1.0, 2.0]] * 2)
    low, high = rank_intervals(draws)
    assert (low.tolist(), high.tolist()) == ([1, 2], [1, 2])
    low, high = rank_intervals(np.array([[2.0, 1.0]] * 90 + [[1.0, 2.0]] * 10))
    assert (low.tolist(), high.tolist()) == ([1, 1], [2, 2])
