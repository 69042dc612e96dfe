import pytest
from cell_results import cell_result
from cell_results import changed as replace

from audiobench_pytest.leaderboard.cells.totals import best_cells, model_totals
from audiobench_pytest.types import CellId, CellResult, State


def result(dataset: str, model: str, value: float | None, **more: object) -> CellResult:
    cell = cell_result(
        cell=CellId(dataset, model, "wer/audiobench-pytest@1"),
        task="asr",
        family="",
        metric="wer",
        value=value,
        low=None,
        high=None,
        worst=value,
        signature="wer/audiobench-pytest@1|unit:word",
        published_recipe=None,
        expected=10,
        counts={State.OK: 8, State.EMPTY: 1, State.FAILED: 1, State.DATA_ERROR: 0, State.MISSING: 0},
        coverage=1.0,
        sums={"errors": 1, "units": 10, "substitutions": 1, "deletions": 0, "insertions": 0},
        cached=2,
        audio_s=30.0,
        infer_s=10.0,
        wall_s=11.0,
        rtfx=3.0,
    )
    return replace(cell, **more)


def leaders(*results: CellResult) -> list[str]:
    return sorted(str(cell) for cell in best_cells(results))


def test_totals_weigh_every_second_of_sound_alike() -> None:
    (totals,) = model_totals([result("a", "m", 1.0), result("b", "m", 2.0, audio_s=900.0, infer_s=20.0, rtfx=45.0)])
    assert totals.rtfx == pytest.approx(930 / 30)
    assert (totals.samples, totals.scored, totals.cached, totals.wall_s) == (20, 18, 4, 22.0)
    assert (totals.counts[State.OK], totals.counts[State.FAILED]) == (16, 2)


def test_totals_keep_the_order_of_the_models() -> None:
    results = [result("a", "z", 1.0), result("a", "b", 1.0), result("b", "z", 1.0)]
    assert [totals.model for totals in model_totals(results)] == ["z", "b"]


@pytest.mark.parametrize("first", [0, 1, 2])
def test_totals_hold_the_cost_of_every_cell_whichever_comes_first(first: int) -> None:
    costs: list[dict[str, float]] = [
        {},
        {"usd": 0.5, "new_usd": 0.25, "refused": 0},
        {"usd": 1.0, "new_usd": 1.0, "refused": 1},
    ]
    cells = [result(name, "m", 1.0, cost=cost) for name, cost in zip("abc", costs, strict=True)]
    (totals,) = model_totals([*cells[first:], *cells[:first]])
    assert totals.cost == {"usd": 1.5, "new_usd": 1.25, "refused": 1}
    assert model_totals(cells[:1])[0].cost == {}


def test_totals_without_a_time_have_no_speed() -> None:
    assert model_totals([result("a", "m", 1.0, infer_s=0.0)])[0].rtfx is None


def test_totals_do_not_guess_an_unknown_number_of_samples() -> None:
    assert model_totals([result("a", "m", 1.0), result("b", "m", None, expected=None)])[0].samples is None


def test_the_lowest_value_of_each_dataset_leads() -> None:
    results = [result("a", "x", 2.0), result("a", "y", 1.0), result("b", "x", 0.5), result("b", "y", 3.0)]
    assert leaders(*results) == ["a-y", "b-x"]


def test_equal_values_share_the_lead() -> None:
    assert leaders(result("a", "x", 1.0), result("a", "y", 1.0), result("a", "z", 2.0)) == ["a-x", "a-y"]


def test_a_single_model_leads_nothing() -> None:
    assert leaders(result("a", "x", 1.0), result("b", "x", 1.0)) == []


def test_values_of_two_signatures_are_never_compared() -> None:
    other = {"signature": "wer/audiobench-pytest@1|unit:word|jiwer:5"}
    assert leaders(result("a", "x", 1.0), result("a", "y", 2.0, **other)) == []
    assert leaders(result("a", "x", 1.0), result("a", "y", 2.0, **other), result("a", "z", 3.0, **other)) == ["a-y"]


def test_an_incomplete_cell_or_one_without_a_value_never_leads() -> None:
    assert leaders(result("a", "x", 1.0, coverage=0.9), result("a", "y", 2.0), result("a", "z", 3.0)) == ["a-y"]
    assert leaders(result("a", "x", None), result("a", "y", 2.0)) == []


def test_speed_is_summed_weighed_or_told_as_a_span() -> None:
    one = {"samples_per_s": 4.0, "latency_p50_s": 0.5, "decode_s": 1.0, "warmup_s": 0.25}
    two = {"samples_per_s": 1.0, "latency_p50_s": 0.25, "decode_s": 2.0}
    (totals,) = model_totals(
        [
            replace(result("a", "m", 1.0, infer_s=10.0, speed=one), model={"hardware": "x"}),
            replace(result("b", "m", 2.0, infer_s=30.0, speed=two), model={"hardware": ["y", "x"]}),
            result("c", "m", 2.0, infer_s=50.0),
        ]
    )
    assert totals.speed == {"samples_per_s": (40 + 30) / 40, "decode_s": 3.0, "warmup_s": 0.25}
    assert totals.spans == {"latency_p50_s": (0.25, 0.5)}
    assert totals.hardware == ("x", "y")
