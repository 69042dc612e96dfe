"""Batches: every clip once, budgets kept, nothing padded more than it must be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.runner.asking.batches import equal_length_groups, make_batches

SECONDS = st.floats(0, 4000, allow_nan=False)
DURATIONS = st.lists(SECONDS, max_size=60)


@given(DURATIONS, st.integers(1, 20), st.floats(0.1, 1000))
def test_every_clip_is_in_exactly_one_batch(durations, rows, seconds):
    batches = make_batches(durations, rows=rows, seconds=seconds)
    assert sorted(i for batch in batches for i in batch) == list(range(len(durations)))
    assert all(batches)


@given(DURATIONS, st.integers(1, 20), st.floats(0.1, 1000))
def test_both_budgets_are_kept_except_by_a_clip_that_exceeds_them_alone(durations, rows, seconds):
    for batch in make_batches(durations, rows=rows, seconds=seconds):
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * max(durations[i] for i in batch) <= seconds


@given(DURATIONS, st.integers(1, 20), st.floats(0.1, 1000))
def test_longest_first_and_each_batch_as_full_as_it_can_be(durations, rows, seconds):
    batches = make_batches(durations, rows=rows, seconds=seconds)
    order = [durations[i] for batch in batches for i in batch]
    assert order == sorted(durations, reverse=True)
    for batch in batches[:-1]:
        assert len(batch) == rows or (len(batch) + 1) * durations[batch[0]] > seconds


@given(DURATIONS.flatmap(lambda d: st.tuples(st.just(d), st.permutations(range(len(d))))))
def test_the_batches_do_not_depend_on_the_order_of_the_clips(case):
    durations, order = case
    shapes = [
        [[one[i] for i in batch] for batch in make_batches(one, rows=4, seconds=100)]
        for one in (durations, [durations[i] for i in order])
    ]
    assert shapes[0] == shapes[1]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_no_duration_however_wrong_loses_a_clip(durations):
    """Manifests state durations, and some state nonsense."""
    batches = make_batches(durations, rows=4, seconds=30)
    assert sorted(i for batch in batches for i in batch) == list(range(len(durations)))
    assert all(len(batch) <= 4 for batch in batches)


def test_equal_clips_keep_their_order():
    assert make_batches([1.0] * 5, rows=2, seconds=100) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("rows", "seconds", "expected"),
    [
        (2, 100, [[1, 3], [2, 0]]),
        (4, 24, [[1, 3], [2, 0]]),  # two rows of 12 s fill the budget, padding included
        (4, 20, [[1], [3, 2], [0]]),
        (1, 100, [[1], [3], [2], [0]]),
    ],
)
def test_examples(rows, seconds, expected):
    assert make_batches([2, 12, 7, 10], rows=rows, seconds=seconds) == expected


@given(st.lists(st.integers(0, 5), max_size=30))
def test_groups_hold_clips_of_one_length_and_each_clip_once(lengths):
    groups = list(equal_length_groups(lengths))
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(len({lengths[i] for i in group}) == 1 for group in groups)
    assert len(groups) == len(set(lengths))
