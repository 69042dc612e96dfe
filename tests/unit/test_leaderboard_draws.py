"""Several answers to each clip: how they are recorded, what resamples them, what stands beside runs of one answer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.leaderboard.cells.clusters import clusters_of
from audiobench_pytest.leaderboard.cells.draws import by_clip, draws_of, spread_of
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.records.keys import prediction_key
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.records.runs.table import table_of
from audiobench_pytest.types import (
    CLIP,
    CellId,
    Outcome,
    Prompt,
    Quantity,
    SampleScore,
    State,
    draw_of,
    row_id,
    sample_of,
)

CELL = CellId("set", "model", "wer/audiobench-pytest@1")
WER = Quantity("wer")


def rate(sums):
    return {"wer": 100.0 * sums["errors"] / sums["units"]}


def outcome(sample, draw, errors, units=10, **meta):
    score = SampleScore({"errors": float(errors), "units": float(units)}, "", "")
    return Outcome(CELL, sample, State.OK, "", "", score=score, meta=meta, draw=draw)


def plan(draws, clusters=""):
    return PlannedCell(CELL, "asr", "", "t.py::t", 1, (0,), clusters=clusters, draws=draws)


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 10_000))
def test_a_record_says_of_which_sample_and_draw_it_is(sample, draw):
    if draw:
        assert (sample_of(row_id(sample, draw)), draw_of(row_id(sample, draw))) == (sample, draw)
    else:
        assert row_id(sample) == sample


@given(st.sets(st.tuples(st.sampled_from(["a", "a b", "a!", "b", "a\x1e"]), st.integers(0, 12)), min_size=1))
def test_records_stand_by_sample_then_by_draw_in_whatever_order_they_came(pairs):
    table = table_of(outcome(sample, draw, draw) for sample, draw in pairs)
    assert list(zip(table.samples, table.draws.tolist(), strict=True)) == sorted(pairs)
    assert table.numbers["errors"].tolist() == [float(draw) for _, draw in sorted(pairs)]


def test_a_draw_that_comes_again_replaces_its_own_record_only():
    table = table_of([outcome("a", 0, 1), outcome("a", 1, 2), outcome("a", 1, 3)])
    assert table.numbers["errors"].tolist() == [1.0, 3.0]


def test_the_first_draw_has_the_key_of_a_question_that_is_answered_once():
    keys = [prediction_key("model", Prompt("x"), "sound", draw=draw) for draw in range(4)]
    assert keys[0] == prediction_key("model", Prompt("x"), "sound")
    assert len({*keys, *(prediction_key("model", Prompt("x"), "sound", repeat=k) for k in range(4))}) == 7


def test_values_and_spread_of_three_draws_worked_by_hand():
    # 2 clips of 10 words: 1 + 2, 3 + 4 and 0 + 2 errors: 15, 35 and 10 %; their mean 20, deviations -5, 15, -10.
    found = [(1, 2), (3, 4), (0, 2)]
    table = table_of(outcome(clip, draw, found[draw][k]) for draw in range(3) for k, clip in enumerate("ab"))
    draws = draws_of(table, table.numbers, rate, "wer")
    assert (draws.clips, draws.draws, draws.values) == (2, 3, (15.0, 35.0, 10.0))
    (spread,) = spread_of(draws, WER)
    assert spread.value == pytest.approx(math.sqrt((25 + 225 + 100) / 2))
    assert (spread.quantity.name, spread.quantity.unit) == ("draw_sd", "%")


def test_one_draw_spreads_over_nothing():
    table = table_of([outcome("a", 0, 1)])
    assert list(spread_of(draws_of(table, table.numbers, rate, "wer"), WER)) == []
    assert list(spread_of(None, WER)) == []


def test_clips_are_the_clusters_of_their_draws_unless_a_speaker_is():
    rows = [
        outcome(clip, draw, 0, speaker=who) for clip, who in (("a", "x"), ("b", "x"), ("c", "y")) for draw in (0, 1)
    ]
    everything = np.ones(6, dtype=bool)
    table = table_of(rows, ["speaker"])
    assert clusters_of(plan(2, "none"), table, everything).names == ["a", "a", "b", "b", "c", "c"]
    assert clusters_of(plan(2, "none"), table, everything).key == CLIP
    assert clusters_of(plan(2, "auto"), table, everything).names == ["x", "x", "x", "x", "y", "y"]
    apart = table_of([outcome(clip, draw, 0, speaker=clip) for clip in "ab" for draw in (0, 1)], ["speaker"])
    assert clusters_of(plan(2, "auto"), apart, np.ones(4, dtype=bool)).key == CLIP, "speakers that are all apart"
    silent = table_of([outcome("a", 0, 0, speaker="x"), outcome("b", 0, 0), outcome("b", 1, 0)], ["speaker"])
    found = clusters_of(plan(2, "speaker"), silent, np.ones(3, dtype=bool))
    assert len(found.sizes) == 2, "a clip that names no speaker is one cluster, not one for each draw"


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=12),
    st.integers(1, 4),
)
def test_answers_that_are_all_alike_are_worth_one(clips, draws):
    """K equal answers to each clip tell what one tells: the same value, and no narrower an interval."""
    errors, units = (np.array(column, np.float64) for column in zip(*clips, strict=True))
    once = {"errors": errors, "units": units}
    often = {name: np.repeat(column, draws) for name, column in once.items()}
    samples = [f"{clip:03d}" for clip in range(len(clips)) for _ in range(draws)]
    names, first, means = by_clip(samples, often)
    assert names == [f"{clip:03d}" for clip in range(len(clips))]
    assert first.tolist() == [clip * draws for clip in range(len(clips))]
    for name, column in once.items():
        np.testing.assert_allclose(means[name], column)
    own = np.arange(len(clips)).astype(np.intp)
    quantities = [WER]
    one = intervals(once, rate, own, quantities=quantities)["wer"]
    several = intervals(often, rate, np.repeat(own, draws), quantities=quantities)["wer"]
    assert (one is None) == (several is None)
    if one is not None:
        np.testing.assert_allclose(several, one, rtol=1e-6, atol=1e-9)


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=8))
def test_a_clip_is_worth_the_mean_of_its_answers_however_many_it_has(clips):
    samples = [f"{k}" for k, answers in enumerate(clips) for _ in answers]
    errors = np.array([one for answers in clips for one in answers], np.float64)
    _, _, means = by_clip(samples, {"errors": errors})
    np.testing.assert_allclose(means["errors"], [np.mean(answers) for answers in clips])


@pytest.mark.slow
def test_intervals_over_clips_and_their_draws_cover_where_those_over_answers_do_not():
    # The whole study is tests/perf/draws_study.py. 200 sets of 100 clips x 3: 95 % +- 1.5 %.
    import importlib.util
    import sys
    from pathlib import Path

    place = Path(__file__).parents[1] / "perf" / "draws_study.py"
    made = importlib.util.spec_from_file_location("draws_study", place)
    study = sys.modules["draws_study"] = importlib.util.module_from_spec(made)
    made.loader.exec_module(study)
    world, held = study.World(100, 3, 0.8, 0.3), {"clips": 0, "answers": 0}
    for number in range(200):
        columns, clips = study.answered(world, np.random.default_rng([7, number]))
        for name, clusters in (("clips", clips), ("answers", None)):
            low, high = intervals(columns, study.rate, clusters, quantities=[study.RATE])["rate"]
            held[name] += low <= world.percent <= high
    assert held["clips"] >= 182
    assert held["answers"] <= 172
