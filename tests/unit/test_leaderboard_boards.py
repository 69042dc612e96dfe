"""A board from runs and published rows: what counts in a column, what is marked, what is never averaged."""

import math

import pytest
from board_inputs import RECIPE, board, column, run_cell_of, write_run

from audiobench_pytest.catalog.boards import AverageSpec, CombinedSpec
from audiobench_pytest.catalog.loader import Catalog, Entries
from audiobench_pytest.catalog.published import (
    CellRecipe,
    Published,
    PublishedRef,
    PublishedTable,
    PublishedValue,
    TableSpec,
)
from audiobench_pytest.catalog.schema import DatasetSpec
from audiobench_pytest.errors import UnknownNameError
from audiobench_pytest.leaderboard.boards.cells import CellState, RunCell
from audiobench_pytest.leaderboard.boards.fill import fill
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.types import Draws, MetricValue, Quantity, SliceResult, State


def known(**sizes):
    """Return the catalogue with data sets of these sizes."""
    return Catalog(datasets=Entries("dataset", [DatasetSpec(name, samples=n) for name, n in sizes.items()]))


CATALOG = known(a=100, b=100, c=100)
TWO = board(column("a"), column("b", group="other"))


def only(filled):
    (row,) = filled.rows
    return row


def states(row):
    return {name: cell.state for name, cell in row.columns.items()}


def test_an_average_needs_all_its_cells():
    one = run_cell_of("mine", "a", 10.0)
    row = only(fill(TWO, [one], catalog=CATALOG))
    mean = row.averages["mean"]
    assert (mean.value, mean.partial, mean.missing, mean.of) == (None, 90.0, ("b",), 2)
    board_ = fill(TWO, [one, run_cell_of("mine", "b", 30.0)], catalog=CATALOG)
    assert only(board_).averages["mean"].value == 80.0
    assert (board_.rank_of(0), states(only(board_))) == (1, {"a": CellState.OK, "b": CellState.OK})


def test_an_incomplete_average_is_not_ranked_and_its_missing_cells_are_named():
    cells = [run_cell_of("whole", "a", 50.0), run_cell_of("whole", "b", 50.0), run_cell_of("part", "a", 1.0)]
    filled = fill(TWO, cells, catalog=CATALOG)
    assert [row.model for row in filled.rows] == ["whole", "part"]
    assert [filled.rank_of(place) for place in (0, 1)] == [1, None]
    assert any(
        "part (runs/a) is not ranked: 1 of 2 cells" in note and note.endswith("missing: b") for note in filled.notes
    )


def test_samples_without_a_score_keep_a_cell_out_of_the_average():
    lost = run_cell_of("mine", "a", 10.0, coverage=0.99999, counts={State.OK: 99, State.FAILED: 1})
    row = only(fill(TWO, [lost, run_cell_of("mine", "b", 10.0)], catalog=CATALOG))
    assert row.columns["a"].state is CellState.INCOMPLETE
    assert (row.columns["a"].value, row.columns["a"].reason) == (10.0, "coverage 0.9999")
    assert row.averages["mean"].missing == ("a",)


@pytest.mark.parametrize(
    ("catalog", "expected", "asked", "reason"),
    [
        (CATALOG, 20, 20, "20 samples selected, the set has 100"),
        (CATALOG, 100, 500, ""),
        (known(b=100), 20, 20, "at most 20 samples selected"),
        (known(b=100), 20, 21, ""),  # the set was smaller than the limit
        (known(b=100), 20, None, ""),
    ],
)
def test_a_part_of_a_data_set_is_not_the_data_set(catalog, expected, asked, reason):
    cell = run_cell_of("mine", "a", 10.0, expected=expected, asked=asked)
    found = only(fill(TWO, [cell], catalog=catalog)).columns["a"]
    assert (found.reason, found.state) == (reason, CellState.INCOMPLETE if reason else CellState.OK)


@pytest.mark.parametrize(("clips", "reason"), [(100, ""), (20, "20 samples selected, the set has 100")])
def test_samples_that_were_answered_several_times_are_counted_once(clips, reason):
    drawn = {"expected": 3 * clips, "counts": {State.OK: 3 * clips}, "draws": Draws(clips, 3, (10.0, 10.0, 10.0))}
    found = only(fill(TWO, [run_cell_of("mine", "a", 10.0, **drawn)], catalog=CATALOG)).columns["a"]
    assert found.reason == reason


def test_another_recipe_is_marked_and_not_averaged_unless_asked_for():
    cells = [run_cell_of("mine", "a", 10.0, recipe="wer/ultraeval@1.1"), run_cell_of("mine", "b", 30.0)]
    filled = fill(TWO, cells, catalog=CATALOG)
    row = only(filled)
    assert row.columns["a"].state is CellState.OTHER_RECIPE
    assert row.columns["a"].value == 10.0
    assert row.averages["mean"].value is None
    assert f"! a made by wer/ultraeval@1.1, not by {RECIPE}: mine" in filled.notes
    anyway = fill(TWO, cells, catalog=CATALOG, any_recipe=True)
    mean = only(anyway).averages["mean"]
    assert (mean.value, mean.other_recipe) == (80.0, True)
    assert only(anyway).columns["a"].state is CellState.OTHER_RECIPE


def test_of_several_scores_the_one_under_the_boards_recipe_counts_and_of_several_runs_the_last():
    cells = [
        run_cell_of("mine", "a", 11.0),
        run_cell_of("mine", "a", 12.0, run="runs/b"),
        run_cell_of("mine", "a", 99.0, recipe="wer/ultraeval@1.1", run="runs/c"),
    ]
    found = only(fill(TWO, cells, catalog=CATALOG)).columns["a"]
    assert (found.value, found.source, found.state) == (12.0, "runs/b", CellState.OK)


def test_names_are_found_as_the_catalogue_finds_them():
    spec = board(column("a", datasets=("A_Set",), recipe="WER/audiobench_pytest@1"))
    cell = run_cell_of("mine", "a-set", 10.0)
    assert only(fill(spec, [cell], catalog=known(b=1))).columns["a"].state is CellState.OK
    same = column("a", recipe="wer/of-my-own@1", same_recipes=(RECIPE,))
    assert only(fill(board(same), [run_cell_of("m", "a", 1.0)], catalog=CATALOG)).columns["a"].state is CellState.OK


def test_the_sources_own_reading_is_what_published_numbers_are():
    values = (
        MetricValue(Quantity("acc", higher_is_better=True), 60.0),
        MetricValue(Quantity("acc_compat", higher_is_better=True), 70.0, 65.0, 75.0),
        MetricValue(Quantity("f1", higher_is_better=True), 0.5),
    )
    cell = run_cell_of("mine", "a", None, values=values)
    found = only(fill(board(column("a", error=False)), [cell], catalog=CATALOG)).columns["a"]
    assert (found.value, found.quantity, found.low, found.high) == (70.0, "acc_compat", 65.0, 75.0)
    scaled = board(column("a", error=False, value="f1", scale=100))
    assert only(fill(scaled, [cell], catalog=CATALOG)).columns["a"].value == 50.0
    absent = board(column("a", error=False, value="bleu"))
    found = only(fill(absent, [cell], catalog=CATALOG)).columns["a"]
    assert (found.state, found.reason) == (CellState.MISSING, f"{RECIPE} gives no value 'bleu'")


def test_a_value_of_the_other_direction_never_enters():
    filled = fill(board(column("a", error=False)), [run_cell_of("mine", "a", 10.0)], catalog=CATALOG)
    found = only(filled).columns["a"]
    assert found.state is CellState.MISSING
    assert found.reason == "of 'wer' the lower is better, unlike the board's"
    assert any(found.reason in note for note in filled.notes)


def test_a_column_can_be_a_part_of_a_data_set():
    part = SliceResult("task", "music", 40, (MetricValue(Quantity("wer"), 7.0),))
    spec = board(column("a", slice="task=music"))
    cell = run_cell_of("mine", "a", 10.0, slices=(part,))
    assert only(fill(spec, [cell], catalog=CATALOG)).columns["a"].value == 7.0
    found = only(fill(spec, [run_cell_of("mine", "a", 10.0)], catalog=CATALOG)).columns["a"]
    assert (found.state, found.value) == (CellState.MISSING, None)
    assert "no slice task=music" in found.reason


def test_a_column_of_several_data_sets_is_their_mean_and_needs_all():
    spec = board(column("ab", datasets=("a", "b")))
    cells = [run_cell_of("mine", "a", 10.0), run_cell_of("mine", "b", 40.0)]
    assert only(fill(spec, cells, catalog=CATALOG)).columns["ab"].value == 25.0
    found = only(fill(spec, cells[:1], catalog=CATALOG)).columns["ab"]
    assert (found.value, found.state, found.reason) == (None, CellState.MISSING, "not measured: b")


def test_two_models_of_one_name_do_not_share_a_row():
    cells = [
        run_cell_of("mine", "a", 10.0, model={"identity": {"dtype": "float32"}}),
        run_cell_of("mine", "b", 20.0, model={"identity": {"dtype": "float16"}}, run="runs/b"),
    ]
    filled = fill(TWO, cells, catalog=CATALOG)
    assert [row.model for row in filled.rows] == ["mine [runs/a]", "mine [runs/b]"]
    assert all(row.averages["mean"].value is None for row in filled.rows)


def test_scores_of_different_signatures_or_data_are_told_apart():
    cells = [
        run_cell_of("one", "a", 10.0, signature="s|jiwer:4.0.0", data={"digest": "d1"}),
        run_cell_of("two", "a", 20.0, signature="s|jiwer:3.0.0", data={"digest": "d2"}),
    ]
    notes = fill(board(column("a")), cells, catalog=CATALOG).notes
    assert "#1 s|jiwer:4.0.0" in notes
    assert "#2 s|jiwer:3.0.0" in notes
    assert "a: the runs read different data: one (d1) and two (d2)" in notes


def test_what_a_run_holds_and_the_board_does_not_is_named():
    filled = fill(TWO, [run_cell_of("mine", "a", 1.0), run_cell_of("mine", "elsewhere", 1.0)], catalog=CATALOG)
    assert f"not on this board: elsewhere by {RECIPE}" in filled.notes
    assert fill(TWO, [run_cell_of("mine", "elsewhere", 1.0)], catalog=CATALOG).rows == ()


def test_error_rates_are_not_clipped_and_a_degenerate_one_is_named():
    cells = [run_cell_of("bad", "a", 150.0), run_cell_of("bad", "b", 10.0)]
    cells += [run_cell_of("good", "a", 10.0), run_cell_of("good", "b", 10.0)]
    filled = fill(TWO, cells, catalog=CATALOG)
    assert {row.model: row.averages["mean"].value for row in filled.rows} == {"bad": 20.0, "good": 90.0}
    assert (
        "outlier: a of bad is 150.00 %; at the median of the others its mean would be 70.00 points better"
        in filled.notes
    )


# Combinations and averages of other kinds.

SCORES = [column(name, error=False) for name in ("u", "p", "q")]


def combined(**fields):
    cell = CombinedSpec("mos", ("u", "p", "q"), scale=20, **fields)
    mean = AverageSpec("mean", ("a", "mos"))
    return board(column("a"), *SCORES, combined=(cell,), averages=(mean,))


def scores(**values):
    cells = [run_cell_of("mine", name, value, higher_is_better=True) for name, value in values.items()]
    return [*cells, run_cell_of("mine", "a", 10.0)]


def test_a_combined_cell_is_scaled_and_needs_its_columns():
    row = only(fill(combined(), scores(u=4.0, p=3.0, q=2.0), catalog=CATALOG))
    assert row.cell("mos").value == pytest.approx(60.0)
    assert row.averages["mean"].value == pytest.approx(75.0)
    row = only(fill(combined(), scores(p=3.0, q=2.0), catalog=CATALOG))
    assert (row.cell("mos").value, row.cell("mos").reason) == (None, "without u")
    assert row.averages["mean"].missing == ("mos",)


def test_an_optional_column_may_be_away():
    spec = combined(optional=("u",))
    assert only(fill(spec, scores(p=3.0, q=2.0), catalog=CATALOG)).cell("mos").value == pytest.approx(50.0)
    assert only(fill(spec, scores(u=4.0, p=3.0, q=2.0), catalog=CATALOG)).cell("mos").value == pytest.approx(60.0)
    assert only(fill(spec, scores(u=4.0, p=3.0), catalog=CATALOG)).cell("mos").value is None


def test_error_rates_can_be_averaged_as_they_are_and_rounded_first():
    cells = [run_cell_of("x", "a", 1.004), run_cell_of("x", "b", 2.006)]
    cells += [run_cell_of("y", "a", 1.0), run_cell_of("y", "b", 2.0)]
    plain = AverageSpec("plain", ("a", "b"), as_printed=True)
    rounded = AverageSpec("rounded", ("a", "b"), as_printed=True, decimals=2)
    filled = fill(board(*TWO.columns, averages=(plain, rounded)), cells, catalog=CATALOG)
    assert [row.model for row in filled.rows] == ["y", "x"]  # lower is better
    x = filled.rows[1]
    assert x.averages["plain"].value == pytest.approx(1.505)
    assert x.averages["rounded"].value == pytest.approx(1.505)  # (1.00 + 2.01) / 2
    tied = fill(board(*TWO.columns, averages=(rounded,)), [*cells[:1], *cells[2:]], catalog=CATALOG)
    assert tied.rank_of(0) == 1
    cells[1] = run_cell_of("x", "b", 2.004)
    tied = fill(board(*TWO.columns, averages=(rounded,)), cells, catalog=CATALOG)
    assert [tied.rank_of(0), tied.rank_of(1)] == [1, 1]


def test_a_weighted_average_is_over_the_columns_of_its_combinations():
    parts = (CombinedSpec("ab", ("a", "b")), CombinedSpec("c1", ("c",)))
    spec = board(
        *(column(name) for name in "abc"),
        combined=parts,
        averages=(AverageSpec("sets", ("ab", "c1"), weighted=True), AverageSpec("parts", ("ab", "c1"))),
    )
    cells = [run_cell_of("m", "a", 10.0), run_cell_of("m", "b", 20.0), run_cell_of("m", "c", 60.0)]
    row = only(fill(spec, cells, catalog=CATALOG))
    assert row.averages["sets"].value == pytest.approx(70.0)  # 100 - (10 + 20 + 60) / 3
    assert row.averages["parts"].value == pytest.approx(62.5)  # (85 + 40) / 2


def test_the_average_that_ranks_is_the_first_that_is_there_or_the_one_named():
    averages = (AverageSpec("all", ("a", "b")), AverageSpec("one", ("a",)))
    spec = board(*TWO.columns, averages=averages)
    cells = [run_cell_of("m", "a", 10.0)]
    assert fill(spec, cells, catalog=CATALOG).average.name == "one"
    assert fill(spec, cells, catalog=CATALOG, average="all").average.name == "all"
    assert fill(spec, [*cells, run_cell_of("m", "b", 1.0)], catalog=CATALOG).average.name == "all"
    with pytest.raises(UnknownNameError, match=r"unknown average of board mine 'al' \(did you mean all\?\)"):
        fill(spec, cells, catalog=CATALOG, average="al")


# Published rows.


def published(rows, *, recipe=RECIPE, notes=()):
    """Return one table of rows {model: {benchmark: printed}}."""
    spec = TableSpec("t", "t.csv", "T", "S", (CellRecipe(recipe),), "Paper")
    cells = {
        (model, benchmark, "WER"): PublishedValue("t", model, benchmark, "WER", printed, recipe, notes)
        for model, of in rows.items()
        for benchmark, printed in of.items()
    }
    return Published([PublishedTable(spec, cells)])


PRINTED = board(*(column(name, published=(PublishedRef("t", name.upper(), "WER"),)) for name in "ab"))


def test_published_rows_stand_beside_runs_and_are_ranked_with_them():
    tables = published({"paper": {"A": "20.0", "B": "20.0"}, "better": {"A": "1.0", "B": "1.0"}})
    runs = [run_cell_of("mine", "a", 10.0), run_cell_of("mine", "b", 10.0)]
    filled = fill(PRINTED, runs, tables, catalog=CATALOG)
    assert [(row.model, row.published, filled.rank_of(k)) for k, row in enumerate(filled.rows)] == [
        ("better", True, 1),
        ("mine", False, 2),
        ("paper", True, 3),
    ]
    assert [row.model for row in fill(PRINTED, runs, catalog=CATALOG).rows] == ["mine"]
    cell = filled.rows[0].columns["a"]
    assert (cell.printed, cell.value, cell.source, cell.signature) == ("1.0", 1.0, "t", "")


def test_an_open_published_cell_is_missing():
    filled = fill(PRINTED, (), published({"paper": {"A": "20.0", "B": ""}}), catalog=CATALOG)
    cell = only(filled).columns["b"]
    assert (cell.state, cell.reason) == (CellState.MISSING, "the table leaves it open")
    assert filled.ranks is None


def test_a_published_number_of_another_recipe_is_marked_too():
    tables = published({"paper": {"A": "20.0", "B": "20.0"}}, recipe="wer/elsewhere@1")
    row = only(fill(PRINTED, (), tables, catalog=CATALOG))
    assert states(row) == {"a": CellState.OTHER_RECIPE, "b": CellState.OTHER_RECIPE}
    assert row.averages["mean"].value is None
    assert only(fill(PRINTED, (), tables, catalog=CATALOG, any_recipe=True)).averages["mean"].value == 80.0


def test_a_scale_turns_what_is_printed_into_the_columns_unit():
    spec = board(column("a", error=False, published=(PublishedRef("t", "A", "WER", scale=100),)))
    assert only(fill(spec, (), published({"p": {"A": "0.977"}}), catalog=CATALOG)).columns["a"].value == 97.7


def test_a_combination_can_be_printed_without_its_parts():
    parts = CombinedSpec("both", ("a", "b"), published=(PublishedRef("t", "BOTH", "WER"),))
    spec = board(*TWO.columns, combined=(parts,), averages=(AverageSpec("m", ("both",)),))
    row = only(fill(spec, (), published({"p": {"BOTH": "55.0"}}), catalog=CATALOG))
    assert row.averages["m"].value == 55.0
    # A run's is made of its columns, never taken from a table.
    assert only(fill(spec, [run_cell_of("m", "a", 1.0)], catalog=CATALOG)).averages["m"].value is None


def test_doubts_name_cells_and_models():
    tables = published({"p": {"A": "1.0"}}, notes=("odd",))
    assert "published a: odd" in fill(PRINTED, (), tables, catalog=CATALOG).notes


# Ranks and correlations of a filled board.


def test_robustness_is_over_the_ranked_rows_in_their_order():
    cells = []
    for model, values in {"x": (10.0, 50.0), "y": (50.0, 5.0), "z": (20.0, 20.0)}.items():
        cells += [run_cell_of(model, name, value) for name, value in zip("ab", values, strict=True)]
    filled = fill(TWO, [*cells, run_cell_of("part", "a", 0.0)], catalog=CATALOG, with_robustness=True)
    # Means 70, 72.5, 80; without a (b alone) 50, 95, 80; without b 90, 50, 80.
    assert [row.model for row in filled.rows] == ["z", "y", "x", "part"]
    lobo = filled.ranks.robustness.lobo
    assert lobo.best.tolist() == [2, 1, 1]
    assert lobo.worst.tolist() == [2, 3, 3]
    assert filled.ranks.robustness.lotgo.ways == 2


def test_correlation_leaves_out_what_may_not_be_averaged_and_empty_columns():
    cells = [run_cell_of(f"m{k}", name, value + k) for k in range(5) for name, value in (("a", 1.0), ("b", 7.0))]
    cells += [run_cell_of("other", name, 50.0 * (name == "a"), recipe="wer/ultraeval@1.1") for name in "ab"]
    filled = fill(board(*(column(name) for name in "abc")), cells, catalog=CATALOG, with_correlation=True)
    assert filled.correlation.names == ("a", "b")
    assert (filled.correlation.n[0, 1], filled.correlation.rho[0, 1]) == (5, pytest.approx(1.0))
    anyway = fill(
        board(*(column(name) for name in "abc")), cells, catalog=CATALOG, with_correlation=True, any_recipe=True
    )
    assert anyway.correlation.n[0, 1] == 6
    assert anyway.correlation.rho[0, 1] < 1.0


def sampled(tmp_path, models):
    """Return the cells of a run on disk, with their samples; (errors, words) per sample and data set."""
    path = write_run(
        tmp_path, {(name, model): samples for model, sets in models.items() for name, samples in sets.items()}
    )
    return [RunCell(reduce_cell(data), "runs/a", None, data) for data in RunDirectory(path).cells()]


def test_rank_intervals_come_from_samples(tmp_path):
    # The first is right by far in every sample; the other two differ by one word in one of 40 samples.
    even = [(1, 10), (3, 10)] * 20
    models = {
        "best": {"a": [(0, 10)] * 40, "b": [(0, 10)] * 40},
        "left": {"a": even, "b": even},
        "right": {"a": even[::-1], "b": [(2, 10), *even[1:]]},
    }
    catalog = known(a=40, b=40)
    filled = fill(TWO, sampled(tmp_path, models), catalog=catalog, with_robustness=True)
    assert [row.model for row in filled.rows] == ["best", "left", "right"]
    assert filled.ranks.low == (1, 2, 2)
    assert filled.ranks.high == (1, 3, 3)
    assert math.isclose(filled.rows[0].rtfx, 2.0)


def test_without_samples_ranks_have_no_intervals(tmp_path):
    cells = [run_cell_of(model, name, value) for model, value in (("x", 1.0), ("y", 2.0)) for name in "ab"]
    assert fill(TWO, cells, catalog=CATALOG, with_robustness=True).ranks.low is None
    tables = published({"paper": {"A": "20.0", "B": "20.0"}})
    models = {model: {name: [(k, 10), (1, 10)] for name in "ab"} for k, model in enumerate(("x", "y"))}
    runs = sampled(tmp_path, models)
    filled = fill(PRINTED, runs, tables, catalog=known(a=2, b=2), with_robustness=True)
    assert filled.ranks.low is None
    assert fill(PRINTED, runs, catalog=known(a=2, b=2), with_robustness=True).ranks.low is not None
