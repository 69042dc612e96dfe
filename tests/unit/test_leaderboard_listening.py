"""The value of ratings: means over raters and clips, intervals over both, raters who miss the hidden reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.leaderboard.listening.crossed import crossed_mean
from audiobench_pytest.leaderboard.listening.values import listening_notes, listening_values
from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.listening import AB, ANCHOR, MOS, MUSHRA, REFERENCE, Rating
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.types import CellId

GRADES = (1.0, 5.0)
ANY = (-100.0, 100.0)
"""So wide that the ends are those of the formula."""


def test_a_mean_over_two_raters_and_two_clips_worked_by_hand():
    # Ratings 5 4 / 3 2: mean 3.5; raters are +2 and -2 apart in sum, clips +1 and -1, single ratings 1.5 .5 -.5 -1.5.
    found = crossed_mean([5, 4, 3, 2], ["x", "x", "y", "y"], ["a", "b", "a", "b"], GRADES)
    variance = 2 / 1 * (4 + 4) / 16 + 2 / 1 * (1 + 1) / 16 - 4 / 3 * (2.25 + 0.25 + 0.25 + 2.25) / 16
    assert (found.mean, found.raters, found.clips) == (3.5, 2, 2)
    assert variance == pytest.approx(1.25 - 5 / 12)
    assert (found.low, found.high) == (1.0, 5.0), "12.7 apart, and no end beyond what there can be"
    # The variance between raters alone, 1, is more than what both leave over: it stays.
    assert variance < 1.0
    wide = crossed_mean([5, 4, 3, 2], ["x", "x", "y", "y"], ["a", "b", "a", "b"], ANY)
    reach = student_quantile(0.975, 1) * 1.0
    assert (wide.low, wide.high) == pytest.approx((3.5 - reach, 3.5 + reach))


def test_where_both_vary_their_variances_add_up_less_what_is_in_both():
    # Three raters, three clips: sums of what is above the mean of 25/9 by rater, by clip, and each rating by itself.
    rated = [5, 4, 1, 4, 4, 2, 3, 1, 1]
    found = crossed_mean(rated, [one for one in "xyz" for _ in range(3)], list("abc") * 3, ANY)
    mean = 25 / 9
    of_raters = 3 / 2 * sum((total - 3 * mean) ** 2 for total in (10, 10, 5)) / 81
    of_clips = 3 / 2 * sum((total - 3 * mean) ** 2 for total in (12, 9, 4)) / 81
    of_both = 9 / 8 * sum((one - mean) ** 2 for one in rated) / 81
    variance = of_raters + of_clips - of_both
    assert variance > max(of_raters, of_clips)
    reach = student_quantile(0.975, 2) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach))


def test_one_rater_has_an_interval_over_clips_and_one_rating_has_none():
    found = crossed_mean([1, 2, 4, 5], ["x"] * 4, list("abcd"), ANY)
    reach = student_quantile(0.975, 3) * math.sqrt(4 / 3 * (4 + 1 + 1 + 4) / 16)
    assert (found.low, found.high) == pytest.approx((3 - reach, 3 + reach))
    assert crossed_mean([4], ["x"], ["a"], GRADES).low is None
    assert crossed_mean([4, 4], ["x", "y"], ["a", "a"], GRADES).low is None, "nothing varies"


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from("xyz"), st.sampled_from("abcd")),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_ratings_and_the_names_of_raters_change_nothing(rows, rng):
    found = crossed_mean(*map(list, zip(*rows, strict=True)), GRADES)
    again = [(value, f"new {rater}", clip) for value, rater, clip in rows]
    rng.shuffle(again)
    other = crossed_mean(*map(list, zip(*again, strict=True)), GRADES)
    assert other.mean == pytest.approx(found.mean)
    for ours, theirs in ((found.low, other.low), (found.high, other.high)):
        assert (ours is None) == (theirs is None)
        assert ours is None or ours == pytest.approx(theirs)
    if found.low is not None:
        assert 1.0 <= found.low <= found.mean <= found.high <= 5.0


def test_the_interval_covers_where_raters_and_clips_differ():
    """Of 400 tests of 8 raters and 16 clips, 95 % hold the true mean (+- 2.2 %); over ratings alone far fewer do."""
    rng = np.random.default_rng(3)
    held = naive = 0
    for _ in range(400):
        raters, clips = rng.normal(0, 8, 8), rng.normal(0, 6, 16)
        values = 60 + raters[:, None] + clips[None, :] + rng.normal(0, 8, (8, 16))
        names = [(f"r{r}", f"c{c}") for r in range(8) for c in range(16)]
        found = crossed_mean(values.reshape(-1), [r for r, _ in names], [c for _, c in names], (0.0, 100.0))
        held += found.low <= 60 <= found.high
        reach = 1.96 * values.std() / math.sqrt(values.size)
        naive += abs(values.mean() - 60) <= reach
    assert held >= 370
    assert naive <= 300


def cell(**ratings):
    plan = PlannedCell(CellId("set", "model", "x@1"), "tts", "", "t.py::t", 1, (0,))
    return CellData(plan, (), {}, ratings=ratings)


def rows(values, role="answer", session="s"):
    return [Rating(session, rater, clip, value, role) for rater, clip, value in values]


def test_each_kind_has_its_value_and_preference_counts_none_as_half():
    data = cell(
        **{
            MOS: rows([("x", "a", 4), ("x", "b", 5), ("y", "a", 3), ("y", "b", 4)]),
            AB: rows([("x", "a", 1.0), ("x", "b", 0.5), ("y", "a", 1.0), ("y", "b", 0.0)]),
        }
    )
    found = {one.quantity.name: one for one in listening_values(data)}
    assert found["mos"].value == 4.0
    assert found["preference"].value == 62.5
    assert (found["preference"].quantity.unit, found["preference"].quantity.higher_is_better) == ("%", True)
    notes = list(listening_notes([data]))
    assert notes[0].startswith("set-model: mos 4.00 [")
    assert notes[0].endswith("by 2 raters on 2 clips")


def test_who_misses_the_hidden_reference_too_often_is_left_out_and_named():
    clips = [f"c{k}" for k in range(10)]
    good = rows([("good", clip, 95) for clip in clips], REFERENCE) + rows([("good", clip, 40) for clip in clips])
    # 2 of 10 below 90 are more than 15 %.
    bad = rows([("bad", clip, 80 if k < 2 else 100) for k, clip in enumerate(clips)], REFERENCE)
    bad += rows([("bad", clip, 100) for clip in clips])
    fair = rows([("fair", clip, 80 if k < 1 else 100) for k, clip in enumerate(clips)], REFERENCE)
    fair += rows([("fair", clip, 60) for clip in clips]) + rows([("fair", "c0", 0)], ANCHOR)
    data = cell(**{MUSHRA: good + bad + fair})
    (found,) = listening_values(data)
    assert found.value == 50.0
    (note,) = listening_notes([data])
    assert note.endswith("left out for not knowing the hidden reference: bad")


def test_where_nobody_listened_there_is_no_value():
    assert list(listening_values(cell())) == []
    assert list(listening_values(cell(**{MUSHRA: rows([("x", "a", 50)], REFERENCE)}))) == []
