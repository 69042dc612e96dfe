import subprocess
import sys

import pytest
from cell_results import cell_result
from cell_results import changed as replace
from made_runs import make_run, make_set

from audiobench_pytest.catalog.schema.protocols import ExpectedRef
from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.gates.published_values import targets
from audiobench_pytest.leaderboard.gates.schema import GatesFile, Limit, PublishedRule
from audiobench_pytest.leaderboard.gates.verdicts import verdicts
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.types import (
    CellId,
    CellResult,
    Evidence,
    GateResult,
    MetricValue,
    Percentile,
    Quantity,
    State,
    Verdict,
)

CELL = CellId("librispeech-test-clean", "kimiaudio", "wer/audiobench-pytest@1")
PLAN = PlannedCell(CELL, "asr", "librispeech", "benchmarks/asr/test_asr.py::test_asr", shards=4, selected=(0, 1, 2, 3))
RESULT = cell_result(
    cell=CELL,
    task="asr",
    family="librispeech",
    value=6.0,
    low=5.0,
    high=7.0,
    worst=6.0,
    signature="wer/audiobench-pytest@1|unit:word",
    published_recipe=None,
    expected=92,
    counts={**dict.fromkeys(State, 0), State.OK: 92},
    coverage=1.0,
    sums={"errors": 6, "units": 100, "substitutions": 6},
    cached=0,
    audio_s=100.0,
    infer_s=10.0,
    wall_s=12.0,
    rtfx=10.0,
)


def limit(
    scope: str, metric: str = "wer", value: float = 5.0, *, model: str | None = None, bound: str = "max"
) -> Limit:
    return Limit(scope, metric, model, bound, value, f"gates.toml [{scope}.{metric}.{model}]")


def counted(**counts: int) -> CellResult:
    """Return the result with these counts; samples not named are ok."""
    by_state = {state: counts.get(state.value, 0) for state in State}
    by_state[State.OK] = counts.get("ok", 92 - sum(counts.values()))
    scored = by_state[State.OK] + by_state[State.EMPTY]
    return replace(RESULT, counts=by_state, coverage=scored / 92)


def judged(
    result: CellResult = RESULT, *limits: Limit, plan: PlannedCell = PLAN, interrupted: bool = False, **gates: float
) -> list[GateResult]:
    return verdicts([result], [plan], GatesFile(limits, **gates), interrupted=interrupted).gates


def value_gate(result: CellResult = RESULT, *limits: Limit, interrupted: bool = False) -> GateResult:
    (gate,) = [gate for gate in judged(result, *limits, interrupted=interrupted) if gate.metric != "coverage"]
    return gate


ALL_SCOPES = [
    limit("librispeech-test-clean", value=1, model="kimiaudio"),
    limit("librispeech-test-clean", value=2),
    limit("librispeech", value=3, model="kimiaudio"),
    limit("librispeech", value=4),
    limit("asr", value=5, model="kimiaudio"),
    limit("asr", value=6),
    limit("*", value=7, model="kimiaudio"),
    limit("*", value=8),
]


@pytest.mark.parametrize("most_specific", range(len(ALL_SCOPES)))
@pytest.mark.parametrize("backwards", [False, True])
def test_the_most_specific_limit_wins_wherever_it_stands(most_specific: int, backwards: bool) -> None:
    limits = ALL_SCOPES[most_specific:]
    gate = value_gate(RESULT, *(reversed(limits) if backwards else limits))
    assert gate.limit == ALL_SCOPES[most_specific].value
    assert gate.source == ALL_SCOPES[most_specific].source


def test_a_name_that_is_dataset_and_family_counts_as_the_dataset() -> None:
    cell = replace(CELL, dataset="librispeech")
    limits = (limit("librispeech", value=2), limit("librispeech", value=3, model="kimiaudio"))
    (_, gate) = judged(replace(RESULT, cell=cell), *limits, plan=replace(PLAN, cell=cell))
    assert gate.limit == 3


def test_limits_of_other_datasets_models_and_tasks_do_not_apply() -> None:
    others = (limit("librispeech-test-other"), limit("asr", model="pocketsphinx"), limit("emotion"), limit(""))
    assert [gate.metric for gate in judged(replace(RESULT, family="gigaspeech"), *others)] == ["coverage"]


def test_bounds_are_chosen_one_by_one() -> None:
    limits = (limit("librispeech-test-clean", value=7), limit("asr", value=1, bound="min"), limit("asr", value=3))
    gates = judged(RESULT, *limits)
    assert [(gate.metric, gate.bound, gate.limit) for gate in gates] == [
        ("coverage", "min", 1.0),
        ("wer", "max", 7),
        ("wer", "min", 1),
    ]


@pytest.mark.parametrize(
    ("bound", "value", "verdict", "message"),
    [
        ("max", 5.0, Verdict.FAIL, "WER 6.00 % is above the maximum of 5.00 %"),
        ("max", 6.0, Verdict.PASS, "WER 6.00 % is within the maximum of 6.00 %"),
        ("min", 6.0, Verdict.PASS, "WER 6.00 % is not below the minimum of 6.00 %"),
        ("min", 6.5, Verdict.FAIL, "WER 6.00 % is below the minimum of 6.50 %"),
        ("max", 5.9999, Verdict.FAIL, "WER 6.0000 % is above the maximum of 5.9999 %"),
    ],
)
def test_a_value_on_the_limit_passes_and_one_beyond_fails(
    bound: str, value: float, verdict: Verdict, message: str
) -> None:
    gate = value_gate(RESULT, limit("asr", value=value, bound=bound))
    assert (gate.verdict, gate.message, gate.value, gate.limit) == (verdict, message, 6.0, value)


def test_speed_is_judged_without_a_percent_sign() -> None:
    gate = value_gate(RESULT, limit("*", "rtfx", 12, bound="min"))
    assert (gate.verdict, gate.message) == (Verdict.FAIL, "RTFx 10.00 is below the minimum of 12.00")


def test_every_cell_needs_full_coverage_without_any_file() -> None:
    (gate,) = judged()
    assert (gate.metric, gate.bound, gate.limit, gate.value) == ("coverage", "min", 1.0, 1.0)
    assert (gate.verdict, gate.message, gate.source) == (Verdict.PASS, "92 of 92 answered", "built-in default")


def test_missed_coverage_names_the_counts_and_the_first_reason() -> None:
    errors = (("utt-07", State.DATA_ERROR, "x.flac:\n  no such file"),)
    (gate,) = judged(replace(counted(data_error=1), first_errors=errors))
    assert gate.verdict is Verdict.FAIL
    assert gate.message == "91 of 92 answered: 1 data_error (utt-07: x.flac: no such file)"


def test_an_endless_reason_is_cut() -> None:
    (gate,) = judged(replace(counted(failed=1), first_errors=(("utt-07", State.FAILED, "x" * 5000),)))
    assert len(gate.message) < 300


def test_a_sample_lost_without_an_interruption_fails() -> None:
    (gate,) = judged(counted(failed=2, missing=3))
    assert (gate.verdict, gate.message) == (Verdict.FAIL, "87 of 92 answered: 2 failed, 3 missing")


def test_a_file_may_lower_the_minimum_coverage() -> None:
    (gate,) = judged(counted(failed=1), limit("*", "coverage", 0.98, bound="min"))
    assert (gate.verdict, gate.message) == (Verdict.PASS, "91 of 92 answered: 1 failed; the minimum is 98 %")
    (gate,) = judged(counted(failed=2), limit("*", "coverage", 0.98, bound="min"))
    assert gate.verdict is Verdict.FAIL


def test_the_default_coverage_can_be_set_by_the_caller() -> None:
    (gate,) = judged(counted(failed=46), min_coverage=0.5)
    assert (gate.verdict, gate.limit) == (Verdict.PASS, 0.5)


@pytest.mark.parametrize(
    ("expected", "message"),
    [(0, "no sample was selected"), (None, "no sample was reached: none of the cell's shards started")],
)
def test_a_cell_that_scored_nothing_is_red_even_with_a_minimum_of_0(expected: int | None, message: str) -> None:
    nothing = replace(counted(ok=0), expected=expected, value=None, worst=None, rtfx=None, coverage=0.0)
    coverage, wer = judged(nothing, limit("*", "coverage", 0.0, bound="min"), limit("asr"))
    assert (coverage.verdict, coverage.message) == (Verdict.FAIL, message)
    assert (wer.verdict, wer.value, wer.message) == (Verdict.FAIL, None, "no WER: nothing was scored")


def test_a_missing_time_fails_a_limit_on_speed() -> None:
    gate = value_gate(replace(RESULT, rtfx=None), limit("asr", "rtfx", 1, bound="min"))
    assert (gate.verdict, gate.message) == (Verdict.FAIL, "no RTFx: no time of inference was recorded")


def test_a_partial_selection_is_never_judged() -> None:
    gates = judged(counted(missing=69), limit("asr", value=1), plan=replace(PLAN, selected=(2,)))
    assert [gate.verdict for gate in gates] == [Verdict.SKIP] * 2
    assert {gate.message for gate in gates} == {"partial selection: shards 1 of 4"}


def test_an_interrupted_cell_is_skipped_with_what_is_done() -> None:
    gates = judged(counted(missing=50, failed=2), limit("asr", value=1), interrupted=True)
    assert [gate.verdict for gate in gates] == [Verdict.SKIP] * 2
    assert {gate.message for gate in gates} == {"interrupted: 42/92 samples"}


def test_a_cell_that_an_interruption_never_reached_is_skipped() -> None:
    (gate,) = judged(replace(counted(ok=0), expected=None, coverage=0.0, value=None), interrupted=True)
    assert (gate.verdict, gate.message) == (Verdict.SKIP, "interrupted before the first sample")


def test_a_finished_cell_of_an_interrupted_run_is_judged() -> None:
    gates = judged(RESULT, limit("asr", value=1), interrupted=True)
    assert [gate.verdict for gate in gates] == [Verdict.PASS, Verdict.FAIL]


def test_a_failed_sample_of_a_finished_cell_is_not_excused_by_an_interruption() -> None:
    (gate,) = judged(counted(failed=1), interrupted=True)
    assert gate.verdict is Verdict.FAIL


def test_an_incomplete_value_over_the_limit_fails_and_says_what_is_missing() -> None:
    gate = value_gate(replace(counted(failed=2), worst=9.0), limit("asr", value=5))
    assert gate.verdict is Verdict.FAIL
    assert gate.message == ("WER 6.00 % is above the maximum of 5.00 %; incomplete: 90 of 92 samples scored, 2 failed")


def test_an_incomplete_value_within_the_limit_says_so_when_the_worst_case_is_not() -> None:
    gate = value_gate(replace(counted(failed=2), worst=9.0), limit("asr", value=7))
    assert gate.verdict is Verdict.PASS
    assert gate.message == (
        "WER 6.00 % is within the maximum of 7.00 %; incomplete: 90 of 92 samples scored, 2 failed; "
        "WER 9.00 % had the others been answered with nothing"
    )
    assert (
        "answered with nothing" not in value_gate(replace(counted(failed=2), worst=6.9), limit("asr", value=7)).message
    )


def test_a_limit_on_the_other_rate_fails_where_it_names_the_dataset() -> None:
    characters = replace(RESULT, metric="cer")
    gate = value_gate(characters, limit("librispeech-test-clean", "wer", 99))
    assert gate.verdict is Verdict.FAIL
    assert gate.message == "this dataset is measured in CER: limit that, not WER"


@pytest.mark.parametrize("scope", ["librispeech", "asr", "*"])
def test_a_limit_on_the_other_rate_of_a_wider_scope_does_not_apply(scope: str) -> None:
    gates = judged(replace(RESULT, metric="cer"), limit(scope, "wer", 1), limit(scope, "cer", 7))
    assert [(gate.metric, gate.verdict) for gate in gates] == [("coverage", Verdict.PASS), ("cer", Verdict.PASS)]


def test_a_cell_without_a_signature_fails_for_want_of_a_value_and_not_of_a_unit() -> None:
    unknown = replace(counted(ok=0), signature="", value=None, expected=None)
    assert value_gate(unknown, limit("librispeech-test-clean", "cer")).message == "no CER: nothing was scored"


def test_gates_keep_the_order_of_the_results() -> None:
    cells = [replace(CELL, model=model) for model in ("b", "a")]
    gates = verdicts(
        [replace(RESULT, cell=cell) for cell in cells],
        [replace(PLAN, cell=cell) for cell in reversed(cells)],
        GatesFile((limit("asr"),)),
        interrupted=False,
    ).gates
    assert [(gate.cell.model, gate.metric) for gate in gates] == [
        ("b", "coverage"),
        ("b", "wer"),
        ("a", "coverage"),
        ("a", "wer"),
    ]


def test_a_planned_cell_without_a_result_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(ValueError, match="librispeech-test-clean-kimiaudio"):
        verdicts([], [PLAN], GatesFile(), interrupted=False)


def test_gates_and_reports_cost_no_heavy_import() -> None:
    code = (
        "import sys, audiobench_pytest.leaderboard.gates.verdicts, audiobench_pytest.leaderboard.gates.file\n"
        "import audiobench_pytest.report.run.terminal, audiobench_pytest.report.run.markdown\n"
        "import audiobench_pytest.report.run.json_file, audiobench_pytest.report.run.csv_file\n"
        "print(sorted({'numpy', 'pandas', 'jiwer', 'soundfile', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Which kind of red: whose turn it is.


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"failed": 1}, Red.HARNESS),
        ({"missing": 1}, Red.HARNESS),
        ({"judge_invalid": 3}, Red.HARNESS),
        ({"data_error": 1}, Red.DATA),
        ({"data_error": 3, "failed": 2}, Red.DATA),
        ({"data_error": 2, "failed": 1, "missing": 1}, Red.HARNESS),
    ],
)
def test_missed_coverage_is_of_the_kind_of_what_lost_most_samples(counts: dict[str, int], kind: Red) -> None:
    (gate,) = judged(counted(**counts))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, kind)


def test_what_was_never_reached_is_the_harness_and_what_was_never_selected_the_data() -> None:
    nothing = replace(counted(ok=0), value=None, worst=None, rtfx=None, coverage=0.0)
    for expected, kind in ((None, Red.HARNESS), (0, Red.DATA)):
        coverage, wer = judged(replace(nothing, expected=expected), limit("asr"))
        assert (coverage.kind, wer.kind) == (kind, kind)


def test_a_missed_limit_is_a_regression_and_a_judge_that_cannot_be_read_the_harness() -> None:
    silent = MetricValue(Quantity("judge_invalid_rate", maximum=100.0), 4.0)
    result = replace(RESULT, values=(*RESULT.values, silent))
    _, wer, judge_rate = judged(result, limit("asr", value=5), limit("asr", "judge_invalid_rate", 1))
    assert (wer.kind, judge_rate.kind) == (Red.REGRESSION, Red.HARNESS)
    assert judge_rate.message == "judge_invalid_rate 4.00 % is above the maximum of 1.00 %"


def test_what_passes_or_is_skipped_is_of_no_kind() -> None:
    assert {gate.kind for gate in judged(RESULT, limit("asr", value=7))} == {None}
    assert {gate.kind for gate in judged(counted(missing=9), limit("asr", value=1), interrupted=True)} == {None}


# Any quantity of the recipe.

ACC = MetricValue(Quantity("acc", higher_is_better=True, maximum=100.0), 71.0, 66.0, 76.0, 65.0)
CHOICES = replace(
    RESULT, values=(ACC, MetricValue(ACC.quantity.__class__("acc_compat", higher_is_better=True), 74.0)), task="qa"
)


def test_any_value_of_the_recipe_may_be_limited_in_its_own_direction_and_order() -> None:
    gates = judged(
        CHOICES, limit("qa", "acc_compat", 75, bound="min"), limit("qa", "acc", 70, bound="min"), limit("qa", "acc", 90)
    )
    assert [(gate.metric, gate.bound, gate.verdict) for gate in gates[1:]] == [
        ("acc", "max", Verdict.PASS),
        ("acc", "min", Verdict.PASS),
        ("acc_compat", "min", Verdict.FAIL),
    ]
    assert gates[2].message == "acc 71.00 % is not below the minimum of 70.00 %"


def test_a_value_that_only_the_answered_samples_keep_above_a_minimum_says_so() -> None:
    short = replace(CHOICES, counts={State.OK: 90, State.FAILED: 2}, coverage=90 / 92)
    gate = value_gate(short, limit("qa", "acc", 70, bound="min"))
    assert gate.verdict is Verdict.PASS
    assert gate.message.endswith("2 failed; acc 65.00 % had the others been answered with nothing")


def test_a_limit_on_what_is_not_measured_lists_what_is() -> None:
    gate = value_gate(CHOICES, limit("librispeech-test-clean", "wer"))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.HARNESS)
    assert gate.message == "this dataset is measured in acc, acc_compat: limit that, not WER"


def test_a_limit_belongs_to_the_recipes_that_measure_it() -> None:
    characters = replace(RESULT, metric="cer", cell=replace(CELL, recipe="cer/x@1"))
    results = [RESULT, characters]
    gates = verdicts(
        results,
        [replace(PLAN, cell=result.cell) for result in results],
        GatesFile((limit("librispeech-test-clean", "wer", 7), limit("librispeech-test-clean", "cer", 1))),
        interrupted=False,
    ).gates
    assert [(gate.cell.recipe, gate.metric, gate.verdict) for gate in gates if gate.metric != "coverage"] == [
        (CELL.recipe, "wer", Verdict.PASS),
        ("cer/x@1", "cer", Verdict.FAIL),
    ]


def test_a_limit_may_be_bound_to_a_recipe_and_then_wins() -> None:
    ours, other = (replace(limit("asr", value=value), recipe=recipe) for value, recipe in ((7, CELL.recipe), (1, "x")))
    gate = value_gate(RESULT, limit("asr", value=2), other, ours)
    assert (gate.limit, gate.verdict) == (7, Verdict.PASS)
    assert [gate.metric for gate in judged(RESULT, other)] == ["coverage"]


# Speed, bound to hardware.


def timed(**more: object) -> CellResult:
    known = {"speed": {"latency_p95_s": 0.4, "samples_per_s": 9.0}, "model": {"hardware": "b0c6e97a7024"}}
    return replace(RESULT, **{**known, **more})


def speed_gate(result: CellResult, hardware: str = "b0c6e97a7024", **more: object) -> GateResult:
    return value_gate(result, replace(limit("asr", "latency_p95_s", 0.5), hardware=hardware, **more))


def test_latency_is_limited_in_seconds() -> None:
    gate = speed_gate(timed())
    assert (gate.verdict, gate.message) == (Verdict.PASS, "latency_p95_s 0.40 s is within the maximum of 0.50 s")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (timed(model={"hardware": "ffffffffffff"}), "measured on hardware ffffffffffff, the limit is for b0c6e97a7024"),
        (timed(model={}), "on which hardware it was measured is not known"),
        (timed(model={"hardware": ["a", "b"]}), "on which hardware it was measured is not known"),
        (timed(cached=92), "92 of 92 answers came from the cache"),
        (timed(cached=1), "1 of 92 answers came from the cache"),
    ],
)
def test_times_of_other_or_unknown_hardware_are_skipped_or_fail(result: CellResult, words: str) -> None:
    skipped = speed_gate(result)
    assert (skipped.verdict, skipped.kind) == (Verdict.SKIP, None)
    assert words in skipped.message
    failed = speed_gate(result, on_other_hardware=Verdict.FAIL)
    assert (failed.verdict, failed.kind) == (Verdict.FAIL, Red.HARNESS)


def test_without_hardware_in_the_limit_any_will_do() -> None:
    assert speed_gate(timed(model={}), hardware="").verdict is Verdict.PASS


def test_times_of_another_run_are_never_judged() -> None:
    gate = speed_gate(timed(model={}, cached=92), hardware="")
    assert gate.verdict is Verdict.SKIP
    assert "92 of 92 answers came from the cache, and with them the times of another run" in gate.message
    here = timed(model={}, cached=92, evidence=Evidence(reused=0))
    assert speed_gate(here, hardware="").verdict is Verdict.PASS, "given by an earlier attempt of this very run"


def percentile_gate(samples: int, high: float | None, **more: object) -> GateResult:
    known = timed(percentiles={"latency_p95_s": Percentile(95, samples, high)})
    return speed_gate(known, **more)


def test_the_bound_of_a_percentile_decides() -> None:
    passed = percentile_gate(130, 0.46)
    assert (passed.verdict, passed.kind) == (Verdict.PASS, None)
    assert passed.message.endswith("is within the maximum of 0.50 s, with 99 % confidence at most 0.46 s")
    assert passed.details == {"samples": 130, "high": 0.46, "confidence": 0.99}
    unsure = percentile_gate(130, 0.52)
    assert (unsure.verdict, unsure.effect, unsure.kind) == (Verdict.INCONCLUSIVE, Verdict.SKIP, None)
    assert unsure.message.endswith("but 130 times tell with 99 % confidence only that it is at most 0.52 s")


def test_too_few_times_leave_a_percentile_open() -> None:
    gate = percentile_gate(89, None)
    assert (gate.verdict, gate.effect) == (Verdict.INCONCLUSIVE, Verdict.SKIP)
    assert gate.message.endswith("but 89 times cannot tell with 99 % confidence: it takes 90, none of them above")
    strict = percentile_gate(89, None, inconclusive=Verdict.FAIL)
    assert (strict.effect, strict.kind) == (Verdict.FAIL, Red.REGRESSION)


def test_a_percentile_above_its_limit_is_red_however_few() -> None:
    known = timed(speed={"latency_p95_s": 0.6}, percentiles={"latency_p95_s": Percentile(95, 3, None)})
    assert speed_gate(known).verdict is Verdict.FAIL


def test_a_time_that_was_not_taken_is_the_harness() -> None:
    gate = value_gate(timed(speed={}), replace(limit("asr", "latency_p95_s", 0.5), hardware="b0c6e97a7024"))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.HARNESS)
    assert gate.message == "no latency_p95_s: no time of inference was recorded"


# A probe.


def test_a_flip_rate_is_judged_where_the_run_was_probed_and_else_skipped() -> None:
    wanted = limit("asr", "flip_rate", 2)
    probed = replace(RESULT, values=(*RESULT.values, MetricValue(Quantity("flip_rate", maximum=100.0), 5.0)))
    gate = value_gate(probed, wanted)
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.REGRESSION)
    assert gate.message == "flip_rate 5.00 % is above the maximum of 2.00 %"
    gate = value_gate(RESULT, wanted)
    assert (gate.verdict, gate.message) == (
        Verdict.SKIP,
        "no flip_rate: the run asked nothing twice (--probe K)",
    )


# Slices, from a real run: even samples are of a man, odd ones of a woman.


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("slices")
    return RunDirectory(make_run(folder / "run", make_set(folder / "data", 30), args={"wer": "0.3"}))


def judge_slices(run: RunDirectory, *limits: Limit, interrupted: bool = False) -> list[GateResult]:
    gates = GatesFile(limits)
    cells = run.cells(gates.slice_keys)
    found = verdicts(
        [reduce_cell(cell) for cell in cells],
        [cell.plan for cell in cells],
        gates,
        interrupted=interrupted,
        data={cell.plan.cell: cell for cell in cells},
    ).gates
    return [gate for gate in found if gate.metric != "coverage"]


def part(name: str, value: float, key: str = "gender", **more: object) -> Limit:
    return replace(limit("small", value=value), slice=(key, name), **more)


def rate(run: RunDirectory, gender: str) -> float:
    """Return the error rate of a gender, from the outcomes one by one."""
    (cell,) = run.cells()
    scores = [o.score.numbers for o in cell.outcomes.values() if o.meta["gender"] == gender and o.score]
    assert len(scores) == 15
    return 100 * sum(s.get("errors", 0) for s in scores) / sum(s["units"] for s in scores)


def test_a_limit_on_a_slice_is_judged_over_its_samples(sliced: RunDirectory) -> None:
    women = rate(sliced, "female")
    (gate,) = judge_slices(sliced, part("female", women))
    assert (gate.verdict, gate.slice, gate.value) == (Verdict.PASS, "gender=female", pytest.approx(women))
    (gate,) = judge_slices(sliced, part("female", women - 0.01))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.REGRESSION)
    assert gate.message.startswith("WER of gender=female (15 samples) ")


def test_a_star_is_each_slice_and_a_name_wins_over_it(sliced: RunDirectory) -> None:
    gates = judge_slices(sliced, part("*", 99), part("female", 1), limit("small", value=100))
    assert [(gate.slice, gate.limit) for gate in gates] == [("", 100), ("gender=female", 1), ("gender=male", 99)]


def test_a_slice_that_no_sample_is_of_is_a_data_error(sliced: RunDirectory) -> None:
    for wanted in (part("diverse", 99), part("north", 99, key="accent")):
        (gate,) = judge_slices(sliced, wanted)
        assert (gate.verdict, gate.kind, gate.value) == (Verdict.FAIL, Red.DATA, None)
        assert gate.message == f"no scored sample has {gate.slice}"


def test_a_key_that_no_sample_has_is_a_mistake_where_the_limit_names_the_dataset(sliced: RunDirectory) -> None:
    (gate,) = judge_slices(sliced, part("*", 99, key="accent"))
    assert (gate.verdict, gate.kind, gate.message) == (Verdict.FAIL, Red.DATA, "no scored sample says its accent")
    for name in ("*", "north"):
        (gate,) = judge_slices(sliced, part(name, 99, key="accent", scope="asr"))
        assert (gate.verdict, gate.kind) == (Verdict.SKIP, None)


def test_durations_are_sliced_by_bins(sliced: RunDirectory) -> None:
    # The clips are a hundredth of a second long, and the model does not decode them: nobody knows how long.
    (gate,) = judge_slices(sliced, part("< 2 s", 99, key="duration"))
    assert gate.kind is Red.DATA


# Published values.

REPLICATION = CellId("librispeech-test-clean", "kimiaudio", "wer/ultraeval@1.1")


def published(value: float, tolerance: float, cell: CellId = REPLICATION, **more: object) -> GateResult:
    result = replace(RESULT, cell=cell, value=value, **more)
    wanted = Limit(
        cell.dataset, "wer", cell.model, "published", tolerance, "gates.toml [x.wer]", rule=PublishedRule(False, None)
    )
    (_, gate) = verdicts([result], [replace(PLAN, cell=cell)], GatesFile((wanted,)), interrupted=False).gates
    return gate


def test_a_protocol_says_which_published_value_a_cell_is_to_give() -> None:
    # kimi_audio_replication.csv prints 1.28 for test-clean; half of its last digit is rounding.
    values = {(one.printed.table, one.printed.printed) for one in targets(REPLICATION)}
    assert ("kimi-audio-replication", "1.28") in values


@pytest.mark.parametrize(("value", "verdict"), [(1.28, "pass"), (1.584, "pass"), (1.586, "fail"), (0.9, "fail")])
def test_a_value_off_in_either_direction_does_not_reproduce(
    value: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = [one for one in targets(REPLICATION) if one.printed.table == "kimi-audio-replication"]
    monkeypatch.setattr("audiobench_pytest.leaderboard.gates.published.targets", lambda cell, part: only)
    gate = published(value, 0.3)
    assert gate.verdict == verdict
    assert gate.value == pytest.approx(abs(value - 1.28))
    assert gate.kind is (Red.REGRESSION if verdict == "fail" else None)
    assert gate.details["published"] == 1.28


def test_what_was_published_under_another_recipe_is_not_comparable() -> None:
    gate = published(1.28, 0.3, replace(REPLICATION, recipe="wer/audiobench-pytest@1"))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.DATA)
    assert "not by wer/audiobench-pytest@1" in gate.message


def test_what_was_published_of_spoken_answers_is_no_number_of_written_ones() -> None:
    spoken = CellId("speech-triviaqa", "kimiaudio-speech", "asr-match/qa-exist")
    gate = published(38.2, 0.3, spoken)
    assert (gate.verdict, gate.details["recipe"]) == (Verdict.PASS, spoken.recipe)
    gate = published(38.2, 0.3, replace(spoken, recipe="match/qa-exist"))
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.DATA)
    assert "scored by asr-match/qa-exist, not by match/qa-exist: give --answer, since one is spoken" in gate.message


def test_nothing_published_is_red_where_the_limit_names_the_cell_and_else_skipped() -> None:
    cell = replace(REPLICATION, model="whisper-tiny")
    gate = published(1.28, 0.3, cell)
    assert (gate.verdict, gate.kind) == (Verdict.FAIL, Red.DATA)
    wide = Limit("asr", "wer", None, "published", 0.3, "x", rule=PublishedRule(False, None))
    (_, gate) = verdicts(
        [replace(RESULT, cell=cell)], [replace(PLAN, cell=cell)], GatesFile((wide,)), interrupted=False
    ).gates
    assert (gate.verdict, gate.message) == (
        Verdict.SKIP,
        "nothing is published for 'librispeech-test-clean' with model 'whisper-tiny'",
    )


def test_the_sources_own_reading_is_what_is_compared_with_what_it_published() -> None:
    compat = MetricValue(Quantity("wer_compat"), 1.3)
    result = replace(RESULT, cell=REPLICATION, value=9.0)
    named = ("kimi-audio-replication", "Kimi-Audio-7B-Instruct", "librispeech-test-clean", "WER")
    wanted = Limit("asr", "wer", None, "published", 0.1, "x", rule=PublishedRule(False, ExpectedRef(*named)))
    for values, verdict, metric in (
        (result.values, Verdict.FAIL, "wer"),
        ((*result.values, compat), Verdict.PASS, "wer_compat"),
    ):
        (_, gate) = verdicts(
            [replace(result, values=values)], [replace(PLAN, cell=REPLICATION)], GatesFile((wanted,)), interrupted=False
        ).gates
        assert (gate.verdict, gate.details["metric"]) == (verdict, metric)
