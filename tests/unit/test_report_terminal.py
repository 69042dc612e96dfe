import pytest
from cell_results import cell_result
from cell_results import changed as replace

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run import terminal
from audiobench_pytest.report.text import Span, width
from audiobench_pytest.types import CellId, CellResult, GateResult, State, Verdict

SIGNATURE = "wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro|jiwer:4.0.0"


def counts(**given: int) -> dict[State, int]:
    return {state: given.get(state.value, 0) for state in State}


def result(dataset: str = "minispeech", model: str = "pocketsphinx", **more: object) -> CellResult:
    cell = cell_result(
        cell=CellId(dataset, model, "wer/audiobench-pytest@1"),
        task="asr",
        family="minispeech",
        metric="wer",
        value=23.104,
        low=20.014,
        high=26.296,
        worst=23.104,
        signature=SIGNATURE,
        published_recipe=None,
        expected=92,
        counts=counts(ok=92),
        coverage=1.0,
        sums={"errors": 231, "units": 1000, "substitutions": 200, "deletions": 21, "insertions": 10},
        cached=0,
        audio_s=374.4,
        infer_s=45.6,
        wall_s=47.04,
        rtfx=374.4 / 45.6,
    )
    return replace(cell, **more)


def gate(
    verdict: Verdict, metric: str = "wer", message: str = "WER 23.10 % is above the maximum of 20.00 %"
) -> GateResult:
    return GateResult(
        result().cell, metric, "max", 20.0, 23.104, verdict, message, "gates.toml [minispeech.wer.pocketsphinx]"
    )


def board(*results: CellResult, gates: tuple[GateResult, ...] = (), **more: object) -> Conclusion:
    defaults: dict = {"run_dir": ".audiobench/runs/1", "interrupted": False, "wall_s": 61.0}
    return Conclusion(results, gates, **{**defaults, **more})


def drawn(shown: Conclusion, columns: int = 100) -> str:
    return "\n".join("".join(text for text, _ in line) for line in terminal.lines(shown, columns))


def spans(shown: Conclusion, columns: int = 100) -> list[Span]:
    return [span for line in terminal.lines(shown, columns) for span in line]


def test_one_model_on_one_dataset() -> None:
    failed = result(
        counts=counts(ok=90, empty=1, data_error=1),
        coverage=91 / 92,
        worst=24.0,
        first_errors=(("utt-07", State.DATA_ERROR, "clips/utt-07.flac:\nno such file"),),
    )
    shown = board(
        failed,
        gates=(
            gate(Verdict.FAIL, "coverage", "91 of 92 answered: 1 data_error (utt-07: clips/utt-07.flac: no such file)"),
            gate(Verdict.FAIL),
        ),
    )
    assert (
        drawn(shown)
        == """\
error rate in % [95 % interval], lower is better; RTFx: seconds of audio per second of inference

model         minispeech             samples  failed  data errors  empty  audio    wall    RTFx
              WER %
pocketsphinx  23.10 [20.01, 26.30]*  92       0       1            1      0.104 h  47.0 s  8.21

* incomplete: minispeech-pocketsphinx, 91 of 92 scored (1 data_error): 23.10 % over these, 24.00 % had the others been answered with nothing

recipes
  wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro|jiwer:4.0.0

errors
  minispeech-pocketsphinx  utt-07  data_error  clips/utt-07.flac: no such file

gates: 2 failed
  FAIL  minispeech-pocketsphinx  coverage  91 of 92 answered: 1 data_error (utt-07: clips/utt-07.flac: no such file)  (gates.toml [minispeech.wer.pocketsphinx])
  FAIL  minispeech-pocketsphinx  wer  WER 23.10 % is above the maximum of 20.00 %  (gates.toml [minispeech.wer.pocketsphinx])

run: .audiobench/runs/1, 1m01s"""  # noqa: E501
    )


def several() -> tuple[CellResult, ...]:
    """Return two models on two datasets; one model failed on a sample, the other was answered by the cache."""
    tiny = {"cached": 92, "value": 6.119, "low": 5.0, "high": 7.3, "worst": 6.119}
    return (
        result(),
        result(model="whisper-tiny", **tiny),
        result(
            "digits",
            value=3.5,
            low=3.0,
            high=4.25,
            expected=8,
            counts=counts(ok=7, failed=1),
            coverage=7 / 8,
            worst=9.5,
        ),
        result("digits", "whisper-tiny", value=4.0, low=3.5, high=4.5, expected=8, counts=counts(ok=8), cached=8),
    )


def test_a_row_per_model_and_a_column_per_dataset_in_blocks_that_fit() -> None:
    assert (
        drawn(board(*several(), interrupted=True, notes=("a note",)), 60)
        == """\
error rate in % [95 % interval], lower is better, best in bold; RTFx: seconds of audio per second of inference

model         minispeech            digits
              WER %                 WER %
pocketsphinx  23.10 [20.01, 26.30]  3.50 [3.00, 4.25]*
whisper-tiny   6.12 [5.00, 7.30]    4.00 [3.50, 4.50]

model         samples               failed  audio    wall
pocketsphinx  100                   1       0.208 h  1m34s
whisper-tiny  100 (100 from cache)  0       0.208 h  1m34s

model         RTFx
pocketsphinx  8.21
whisper-tiny  8.21~

* incomplete: digits-pocketsphinx, 7 of 8 scored (1 failed): 3.50 % over these, 9.50 % had the others been answered with nothing
~ measured earlier: every answer came from the cache

recipes
  wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro|jiwer:4.0.0

a note

run: .audiobench/runs/1, 1m01s
interrupted: the same command goes on where it stopped"""  # noqa: E501
    )


def test_only_the_best_of_complete_and_comparable_cells_is_bold() -> None:
    bold = [text for text, markup in spans(board(*several())) if markup.get("bold") and "[" in text]
    assert bold == [" 6.12 [5.00, 7.30]"]


def test_a_single_model_has_nothing_in_bold() -> None:
    assert not any(markup.get("bold") for text, markup in spans(board(result())) if "[" in text)


def test_the_better_model_stands_first_in_a_single_column() -> None:
    models = [
        result(model="none", value=None, low=None, high=None, coverage=0.0),
        result(model="second", value=2.0),
        result(model="incomplete", value=0.5, coverage=0.5),
        result(model="first", value=1.0),
    ]
    rows = [line.split()[0] for line in drawn(board(*models)).splitlines()[4:8]]
    assert rows == ["first", "second", "incomplete", "none"]
    assert "no score*" in drawn(board(*models))


def test_a_model_that_did_not_run_on_a_dataset_leaves_a_dash() -> None:
    lines = drawn(board(result(), result("digits", "other"))).splitlines()
    assert lines[4].split()[:5] == ["pocketsphinx", "23.10", "[20.01,", "26.30]", "-"]
    assert lines[5].split()[:2] == ["other", "-"]


def test_signatures_are_marked_only_where_those_of_a_column_differ() -> None:
    changed = SIGNATURE.replace("jiwer:4.0.0", "jiwer:5.0.0")
    text = drawn(board(result(), result(model="other", signature=changed)))
    assert "23.10 [20.01, 26.30] #1" in text
    assert "23.10 [20.01, 26.30] #2" in text
    assert f"  #2 {changed}  (minispeech)" in text
    apart = drawn(board(result(), result("aishell-1", signature=changed, metric="cer")))
    assert "#" not in apart
    assert f"  {changed}  (aishell-1)" in apart
    assert "CER %" in apart


def test_one_dataset_under_two_recipes_takes_two_columns() -> None:
    other = replace(result(), cell=replace(result().cell, recipe="wer/openasr@2026-08"))
    header = drawn(board(result(), other), 150).splitlines()[2]
    assert "minispeech wer/audiobench-pytest@1  minispeech wer/openasr@2026-08" in header


def test_a_published_recipe_is_named() -> None:
    text = drawn(board(result("librispeech-test-clean", published_recipe="wer/ultraeval@1.1")))
    assert "  published numbers use wer/ultraeval@1.1  (librispeech-test-clean)" in text


def test_missing_samples_are_no_part_of_the_bound() -> None:
    lost = result(counts=counts(ok=50, failed=2, missing=40), coverage=50 / 92, worst=30.0)
    assert (
        "50 of 92 scored (2 failed, 40 missing): 23.10 % over these, "
        "30.00 % had those that failed been answered with nothing"
    ) in drawn(board(lost))


def test_gates_show_what_failed_first_and_sum_up_passing_coverage() -> None:
    covered = gate(Verdict.PASS, "coverage", "92 of 92 answered")
    text = drawn(board(result(), gates=(covered, gate(Verdict.PASS), gate(Verdict.SKIP), gate(Verdict.FAIL), covered)))
    body = text[text.index("gates:") :].splitlines()
    assert body[0] == "gates: 1 failed, 1 skipped, 3 passed"
    assert [line.split()[0] for line in body[1:5]] == ["FAIL", "SKIP", "PASS", "PASS"]
    assert body[4] == "  PASS  coverage of 2 cells"
    assert "92 of 92 answered" in drawn(board(result(), gates=(covered,)))


def test_kinds_of_red_are_counted_apart_and_stand_in_front_of_what_was_found() -> None:
    kinds = (Red.REGRESSION, Red.HARNESS, Red.DATA, Red.DATA)
    text = drawn(board(result(), gates=tuple(replace(gate(Verdict.FAIL), kind=kind) for kind in kinds)))
    body = text[text.index("gates:") :].splitlines()
    assert body[0] == "gates: 4 failed (1 regression, 1 harness error, 2 data errors)"
    assert [line.split("  ")[4].partition(":")[0] for line in body[1:5]] == [
        "regression",
        "harness error",
        "data error",
        "data error",
    ]


def test_an_open_verdict_says_what_it_counts_as_and_is_red_only_then() -> None:
    for choice, colour in ((Verdict.PASS, "yellow"), (Verdict.SKIP, "yellow"), (Verdict.FAIL, "red")):
        kind = Red.REGRESSION if choice is Verdict.FAIL else None
        one = replace(gate(Verdict.INCONCLUSIVE, message="cannot tell"), counts_as=choice, kind=kind)
        shown = board(result(), gates=(one, gate(Verdict.PASS)))
        body = drawn(shown)[drawn(shown).index("gates:") :].splitlines()
        counted = "1 failed (1 regression not ruled out)" if choice is Verdict.FAIL else "1 inconclusive"
        assert body[0] == f"gates: {counted}, 1 passed"
        assert f"cannot tell (counts as {choice})" in body[1]
        assert ("regression not ruled out: " in body[1]) is (choice is Verdict.FAIL)
        markup = {text.strip(): markup for text, markup in spans(shown)}
        assert markup["INCONCLUSIVE"].get(colour), choice
        assert markup[body[0]].get("red" if choice is Verdict.FAIL else "green")


def test_a_slice_stands_behind_the_metric() -> None:
    assert "  wer gender=female  " in drawn(
        board(result(), gates=(replace(gate(Verdict.PASS), slice="gender=female"),))
    )


def test_a_failed_gate_is_red_and_a_passed_one_green() -> None:
    colours = {
        text.strip(): markup for text, markup in spans(board(result(), gates=(gate(Verdict.PASS), gate(Verdict.FAIL))))
    }
    assert colours["FAIL"] == {"red": True, "bold": True}
    assert colours["PASS"] == {"green": True}


def test_only_the_first_errors_are_listed_and_the_others_counted() -> None:
    errors = tuple((f"utt-{n}", State.FAILED, "out of memory") for n in range(5))
    cells = [
        result(f"set{n}", counts=counts(ok=50, failed=42), coverage=50 / 92, first_errors=errors) for n in range(3)
    ]
    text = drawn(board(*cells))
    assert text.count("out of memory") == 10
    assert "  and 116 more" in text


def test_many_incomplete_cells_do_not_flood_the_summary() -> None:
    cells = [result(f"set{n}", counts=counts(ok=50, missing=42), coverage=50 / 92) for n in range(50)]
    text = drawn(board(*cells))
    assert text.count("* incomplete") == 20
    assert "* and 30 more incomplete cells" in text


def test_an_empty_board_says_so() -> None:
    assert drawn(board()).startswith("no cell was planned: there is nothing to show")


@pytest.mark.parametrize("longest", [5, 120])
def test_tables_fit_the_width_and_show_every_dataset_and_model(longest: int) -> None:
    sets = [f"{n}-测试集-{'x' * longest}" for n in range(12)]
    models = [f"hf:{n}/{'m' * longest}" for n in range(3)]
    cells = [
        result(dataset, model, value=123.456, low=100.0, high=150.0, cached=92, signature=f"{model}|unit:word")
        for dataset in sets
        for model in models
    ]
    for columns in (0, *range(40, 161)):
        table = drawn(board(*cells), columns).split("\n\n~")[0].splitlines()[2:]
        assert max(map(width, table)) <= max(columns, 40)
        for name in [f"{n}-" for n in range(12)] + [f"hf:{n}/" for n in range(3)]:
            assert any(name in line for line in table)


def test_a_time_is_measured_earlier_only_if_every_answer_was_cached() -> None:
    assert "8.21~" in drawn(board(result(cached=92)))
    partly = drawn(board(result(cached=91)))
    assert "92 (91 from cache)" in partly
    assert "~" not in partly


def test_escape_codes_in_names_and_reasons_do_not_reach_the_terminal() -> None:
    hostile = result(
        "set\x1b[2J", first_errors=(("id\x1b", State.FAILED, "\x1b]0;title\x07"),), counts=counts(ok=1, failed=1)
    )
    assert "\x1b" not in drawn(board(hostile, notes=("\x1b[2J",)))


SPEED = {
    "samples_per_s": 2.5,
    "latency_p50_s": 0.312,
    "latency_p95_s": 1.04,
    "ttft_p50_s": 0.0451,
    "decode_s": 3.0,
    "load_s": 12.0,
    "warmup_s": 0.5,
    "decode_wait_s": 0.0001,
    "harness_s": 0.25,
}


def test_a_line_per_model_tells_its_speed() -> None:
    digits = {**SPEED, "samples_per_s": 5.0, "latency_p50_s": 0.5, "harness_s": 0.75, "load_s": 0.0}
    cells = (
        replace(result(infer_s=30.0, speed=SPEED), model={"hardware": "0123456789ab"}),
        result("digits", infer_s=30.0, speed={**digits, "warmup_s": 0.0}),
        result("digits", "server", infer_s=10.0, speed={"samples_per_s": 4.0, "decode_s": 0.0}),
        result("digits", "earlier", speed=SPEED, cached=92),
        result("digits", "untimed"),
    )
    text = drawn(board(*cells))
    body = text[text.index("speed\n") :].split("\n\n")[0].splitlines()
    assert body[1:] == [
        "  pocketsphinx: 3.75 samples/s; latency p50 0.312 to 0.500 s, p95 1.04 s; first token p50 0.0451 s; "
        "load 12.0 s, warm-up 0.500 s, decoding 6.00 s, harness 1.00 s; hardware 0123456789ab",
        "  server: 4.00 samples/s",
    ]


def test_every_machine_that_a_model_ran_on_is_told() -> None:
    mixed = replace(result(speed={"harness_s": 0.0}), model={"hardware": ["b1", "a2"]})
    assert "  pocketsphinx: harness 0 s; hardware a2 b1" in drawn(board(mixed))
