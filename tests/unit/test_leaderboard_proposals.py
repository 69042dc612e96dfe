"""Limits proposed from repeated runs: the worst of N, outliers rejected by a stated rule, slack stated."""

import dataclasses
import tomllib

import pytest
from cell_results import cell_result, changed

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.gates.proposals import Proposal, outliers, propose, snippet
from audiobench_pytest.types import CellResult, MetricValue, Quantity, State


def run(value: float, **more: object) -> list[CellResult]:
    defaults: dict = {"data": {"digest": "d"}, "model": {"hardware": "abc"}, "speed": {"latency_p95_s": 0.5}}
    defaults["sums"] = {"units": 1e7}  # one more error changes nothing that is seen
    return [cell_result(value=value, rtfx=20.0, **{**defaults, **more})]


def proposed(*runs: list[CellResult], **more: float) -> dict[str, Proposal]:
    found, _ = propose({f"run{number}": results for number, results in enumerate(runs)}, **more)
    return {one.quantity.name: one for one in found}


def test_the_limit_is_the_worst_value_and_the_range_of_all() -> None:
    found = proposed(run(10.0), run(10.4), run(10.1), slack=0.0)["wer"]
    # Worst 10.4, range 0.4.
    assert (found.bound, found.worst, found.limit) == ("max", 10.4, 10.8)
    assert found.slack == pytest.approx(0.4)
    assert found.values == (10.0, 10.4, 10.1)


def test_runs_that_agree_get_the_least_slack() -> None:
    found = proposed(run(10.0), run(10.0), slack=0.02)["wer"]
    assert (found.limit, found.slack) == (10.2, pytest.approx(0.2))


def test_a_limit_is_rounded_so_that_it_never_becomes_stricter() -> None:
    assert proposed(run(10.001), run(10.001), slack=0.0)["wer"].limit == 10.01
    assert proposed(run(0.12341), run(0.12341), slack=0.0)["wer"].limit == 0.1235
    accuracy = [changed(one, metric="acc", higher_is_better=True) for one in run(71.239)]
    assert proposed(accuracy, accuracy, slack=0.0)["acc"].limit == 71.23


def test_what_is_better_when_higher_gets_a_minimum() -> None:
    runs = [[changed(one, metric="acc", higher_is_better=True) for one in run(v)] for v in (70.0, 72.0)]
    found = proposed(*runs, slack=0.01)["acc"]
    assert (found.bound, found.worst, found.limit) == ("min", 70.0, 68.0)


def test_no_limit_lies_beyond_what_there_can_be() -> None:
    rate = Quantity("invalid_rate", maximum=100.0)
    runs = [
        [dataclasses.replace(one, values=(*one.values, MetricValue(rate, v))) for one in run(1.0)] for v in (60, 95)
    ]
    assert proposed(*runs)["invalid_rate"].limit == 100.0


def test_the_outliers_are_those_of_the_stated_rule() -> None:
    # Median 10.3, deviations .3 .2 .1 0 .1 .2 9.7: their median is .2, times 1.4826 and 3.5 that is 1.038.
    values = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 20.0]
    assert outliers(values) == {6}
    # 11.3 lies 1.0 from the median of the same numbers, 11.4 lies 1.1 from it.
    assert outliers([*values[:-1], 11.3]) == set()
    assert outliers([*values[:-1], 11.4]) == {6}


def test_an_outlier_is_left_out_and_named() -> None:
    found = proposed(*(run(value) for value in (10.0, 10.1, 10.2, 10.3, 30.0)), slack=0.0)["wer"]
    assert (found.outliers, found.worst) == ((30.0,), 10.3)


def test_too_few_runs_or_equal_ones_have_no_outliers() -> None:
    assert outliers([1.0, 1.0, 1.0, 99.0]) == set()
    assert outliers([1.0, 1.0, 1.0, 1.0, 99.0]) == set()


def test_speed_is_bound_to_the_hardware_that_all_runs_share() -> None:
    found = proposed(run(10.0), run(10.0), speed_slack=0.1)
    assert (found["rtfx"].bound, found["rtfx"].limit, found["rtfx"].hardware) == ("min", 18.0, "abc")
    assert (found["latency_p95_s"].bound, found["latency_p95_s"].limit) == ("max", 0.55)


@pytest.mark.parametrize("model", [{"hardware": "other"}, {}, {"hardware": ["a", "b"]}])
def test_speed_of_different_or_unknown_hardware_gets_no_limit(model: dict) -> None:
    found, notes = propose({"a": run(10.0), "b": run(10.0, model=model)})
    assert [one.quantity.name for one in found] == ["wer"]
    assert any("no limit on speed" in note for note in notes)


def test_a_run_that_repeats_the_cache_is_no_run() -> None:
    found, notes = propose({"a": run(10.0), "b": run(10.1), "c": run(10.0, cached=92)})
    assert found[0].values == (10.0, 10.1)
    assert any("c took all answers from the cache" in note for note in notes)
    found, notes = propose({"a": run(10.0), "c": run(10.0, cached=92)})
    assert found == []
    assert any("--audiobench-cache" in note for note in notes)


def test_samples_that_are_never_answered_get_a_minimum_of_coverage() -> None:
    short = {"counts": {State.OK: 90, State.DATA_ERROR: 2}, "coverage": 90 / 92}
    found = proposed(run(10.0, **short), run(10.0, **short))["coverage"]
    # 89/92, one more than were lost, is 0.96739...
    assert (found.bound, found.limit) == ("min", 0.9673)


@pytest.mark.parametrize(
    ("more", "what"),
    [({"signature": "other"}, "signatures"), ({"expected": 5}, "samples"), ({"data": {"digest": "e"}}, "data")],
)
def test_runs_of_other_data_or_recipes_are_refused(more: dict, what: str) -> None:
    with pytest.raises(UsageError, match=f"the {what} of a and b differ"):
        propose({"a": run(10.0), "b": run(10.0, **more)})


def test_one_run_is_not_enough() -> None:
    with pytest.raises(UsageError, match="at least two runs"):
        propose({"a": run(10.0)})


def test_the_snippet_is_a_gates_file_that_says_where_it_comes_from() -> None:
    found, _ = propose({"a": run(10.0), "b": run(10.4)})
    text = snippet(found)
    assert tomllib.loads(text) == {
        "minispeech": {
            "wer": {"pocketsphinx": {"max": 10.8, "recipe": "wer/audiobench-pytest@1"}},
            "rtfx": {"pocketsphinx": {"min": 18.0, "hardware": "abc"}},
            "latency_p95_s": {"pocketsphinx": {"max": 0.55, "hardware": "abc"}},
        }
    }
    assert "# 2 runs: 10, 10.4\n# provisional (5 runs make it calibrated): worst 10.4, slack 0.4\n" in text


def test_five_runs_make_a_limit_calibrated() -> None:
    for count, calibrated in ((4, False), (5, True)):
        found, notes = propose({f"run{k}": run(10.0 + k / 10) for k in range(count)})
        assert [one.calibrated for one in found] == [calibrated] * len(found)
        assert ("# calibrated: worst" in snippet(found)) is calibrated
        assert any("provisional" in note for note in notes) is not calibrated


@pytest.mark.parametrize("errors", [0, 3, 500])
def test_one_more_error_does_not_break_a_limit(errors: int) -> None:
    units = 930
    runs = [run(100 * errors / units, sums={"units": units, "errors": errors}) for _ in range(5)]
    limit = proposed(*runs, slack=0.0)["wer"].limit
    assert 100 * (errors + 1) / units <= limit < 100 * (errors + 2) / units


def test_one_more_wrong_answer_does_not_break_a_limit() -> None:
    right = [changed(one, metric="acc", higher_is_better=True, sums={}) for one in run(100.0)]
    assert proposed(*[right] * 5, slack=0.0)["acc"].limit == 98.91
    rates = [changed(one, sums={"units": 900, "rate": 3.0}) for one in run(10.0)]
    # A mean of 92 utterances, of which one may be all wrong.
    assert proposed(*[rates] * 5, slack=0.0)["wer"].limit == 11.09


def test_two_recipes_cannot_share_a_table() -> None:
    (one,) = run(10.0)
    both = [one, dataclasses.replace(one, cell=dataclasses.replace(one.cell, recipe="wer/x@1"))]
    found, _ = propose({"a": both, "b": both})
    with pytest.raises(UsageError, match="one recipe at a time"):
        snippet(found)


def test_two_prompts_cannot_share_a_table() -> None:
    (one,) = run(10.0)
    both = [dataclasses.replace(one, cell=dataclasses.replace(one.cell, prompt=prompt)) for prompt in ("a", "b")]
    found, _ = propose({"a": both, "b": both})
    with pytest.raises(UsageError, match=r"\(a\), .*\(b\)\): propose limits for one prompt at a time"):
        snippet(found)
