"""Several answers to each clip: how they are recorded, what resamples them, what stands beside runs of one answer."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.leaderboard.cells.clusters import clusters_of
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.cells.variation.draws import by_clip, draws_of, spread_of
from audiobench_pytest.leaderboard.gates.schema import GatesFile, Limit
from audiobench_pytest.leaderboard.gates.verdicts import verdicts
from audiobench_pytest.leaderboard.gates.words import incomplete
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.records.keys import prediction_key
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.records.runs.table import table_of
from audiobench_pytest.types import (
    CLIP,
    CellId,
    Outcome,
    Prompt,
    Quantity,
    SampleScore,
    State,
    Verdict,
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


def clips(found, draws, **planned):
    """Return a cell of a plan's clips: errors of each answer by clip, two clips a speaker; None is no answer."""
    outcomes = [
        outcome(f"clip-{k}", draw, errors, speaker=f"s{k // 2}")
        if errors is not None
        else Outcome(CELL, f"clip-{k}", State.FAILED, "", None, "it died", meta={"speaker": f"s{k // 2}"}, draw=draw)
        for k, answers in enumerate(found)
        for draw, errors in enumerate(answers)
    ]
    receipt = ShardReceipt(
        CELL, 0, 1, len(outcomes), len(outcomes), 1.0, 2.0, f"{CELL.recipe}|lang:en", {"digest": "d"}
    )
    planned = dataclasses.replace(plan(draws), recipe={}, **planned)
    return CellData(planned, (receipt,), {row_id(one.sample_id, one.draw): one for one in outcomes})


def test_where_the_slices_are_the_clusters_their_clips_are_resampled_and_not_their_answers():
    errors = [(1, 5), (2, 8), (0, 3), (7, 1), (4, 2), (6, 9), (3, 0), (5, 5)]
    # Four equal answers to each clip tell what one tells.
    one, often = (
        reduce_cell(clips([(e,) * draws for e, _ in errors], draws, clusters="speaker", slices=("speaker",)))
        for draws in (1, 4)
    )
    assert [(part.key, part.name) for part in often.slices] == [("speaker", f"s{k}") for k in range(4)]
    for alone, several in zip(one.slices, often.slices, strict=True):
        ends = (several.values[0].low, several.values[0].high)
        assert ends == pytest.approx((alone.values[0].low, alone.values[0].high)), several.name


def test_samples_are_counted_once_and_answers_each():
    # The second clip lost its last draw, and so did the run: nobody reached a third one.
    data = clips([(1, 2), (3, None), (None, None)], 3, clusters="none", slices=("speaker",))
    result = reduce_cell(dataclasses.replace(data, receipts=(dataclasses.replace(data.receipts[0], total=9),)))
    assert (result.selected, result.expected, result.clips, result.scored) == (3, 9, 2, 3)
    assert (result.draws.draws, result.draws.values) == (3, (20.0, 20.0, None))
    assert incomplete(result) == "; incomplete: 3 of 9 answers scored, 3 failed, 3 missing"
    whole = reduce_cell(clips([(1, 2), (3, 4), (0, 0), (0, 0)], 2, clusters="none", slices=("speaker",)))
    assert [(part.name, part.samples) for part in whole.slices] == [("s0", 2), ("s1", 2)]


def limited(data, *limits):
    gates = verdicts([reduce_cell(data)], [data.plan], GatesFile(limits), interrupted=False, data={CELL: data}).gates
    return [one for one in gates if one.metric == "wer"]


def test_a_limit_on_a_slice_is_on_the_value_that_the_report_shows_of_it():
    # The first clip lost two of its three answers: over all answers 8 of 40 words are wrong, by means of clips 6 of 20.
    data = clips([(5, None, None), (1, 1, 1), (2, 2, 2), (2, 2, 2)], 3, clusters="none", slices=("speaker",))
    shown = next(part for part in reduce_cell(data).slices if part.name == "s0").values[0].value
    limit = Limit("set", "wer", None, "max", 25.0, "here", slice=("speaker", "s0"))
    (found,) = limited(data, limit)
    assert (found.value, found.verdict) == (shown, Verdict.PASS) == (20.0, Verdict.PASS)
    assert "speaker=s0 (2 samples)" in found.message


def test_the_samples_that_decide_a_limit_are_told_of_the_value_that_is_limited():
    # 100 clips x 2 of 10 words. Ten lost an answer and are all wrong, the next is wrong twice: 120 of 1,900 words are,
    # 100 of 1,880 without it. By means of clips 110 of 1,000 would be, and no single clip would change that much.
    data = clips([*[(10, None)] * 10, (10, 10), *[(0, 0)] * 89], 2, clusters="none")
    assert reduce_cell(data).value == pytest.approx(100 * 120 / 1900)
    (found,) = limited(data, Limit("set", "wer", None, "max", 6.0, "here"))
    assert found.verdict is Verdict.FAIL
    assert "1 of 100 samples decides it: clip-10" in found.message


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
