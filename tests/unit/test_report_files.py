import csv
import io
import json

from cell_results import cell_result
from cell_results import changed as replace

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run import csv_file as as_csv
from audiobench_pytest.report.run import json_file as as_json
from audiobench_pytest.report.run import markdown as as_markdown
from audiobench_pytest.types import CellId, CellResult, GateResult, State, Verdict

SIGNATURE = "wer/audiobench-pytest@1|lang:en|unit:word"
RESULT = cell_result(
    cell=CellId("minispeech", "pocketsphinx", "wer/audiobench-pytest@1"),
    task="asr",
    family="minispeech",
    metric="wer",
    value=100 / 3,
    low=20.0,
    high=40.0,
    worst=50.0,
    signature=SIGNATURE,
    published_recipe="wer/ultraeval@1.1",
    expected=92,
    counts={State.OK: 90, State.EMPTY: 1, State.FAILED: 1, State.DATA_ERROR: 0, State.MISSING: 0},
    coverage=91 / 92,
    sums={"errors": 1, "units": 3, "substitutions": 1, "deletions": 0, "insertions": 0},
    cached=0,
    audio_s=374.4,
    infer_s=45.6,
    wall_s=47.0,
    rtfx=374.4 / 45.6,
    model={"name": "pocketsphinx", "device": "cpu", "threads": 2},
    first_errors=(("utt-07", State.FAILED, "a | b"),),
)
OTHER = replace(
    RESULT,
    cell=replace(RESULT.cell, model="b"),
    value=10.0,
    coverage=1.0,
    counts={**RESULT.counts, State.FAILED: 0},
    first_errors=(),
)
THIRD = replace(OTHER, cell=replace(RESULT.cell, model="c"), value=20.0)
GATES = tuple(
    GateResult(RESULT.cell, metric, bound, limit, value, verdict, f"{metric} message", "gates.toml [x.wer]")
    for metric, bound, limit, value, verdict in (
        ("coverage", "min", 1.0, 91 / 92, Verdict.SKIP),
        ("wer", "max", 5.0, 100 / 3, Verdict.FAIL),
    )
)
BOARD = Conclusion((RESULT, OTHER, THIRD), GATES, ".audiobench/runs/1", True, 61.5, ("a note",))


def test_json_keeps_every_number_to_the_last_bit() -> None:
    document = json.loads(as_json.render(BOARD))
    assert document["schema_version"] == as_json.SCHEMA_VERSION
    assert (document["run_dir"], document["interrupted"], document["wall_s"]) == (".audiobench/runs/1", True, 61.5)
    assert document["notes"] == ["a note"]
    cell = document["cells"][0]
    assert (cell["dataset"], cell["model"], cell["recipe"]) == ("minispeech", "pocketsphinx", "wer/audiobench-pytest@1")
    for name in CellResult.__dataclass_fields__:
        if name not in ("cell", "values", "tails", "counts", "slices", "model", "data", "first_errors", "evidence"):
            assert cell[name] == getattr(RESULT, name), name
    assert (cell["metric"], cell["unit"], cell["higher_is_better"]) == ("wer", "%", False)
    headline = {name: cell[name] for name in ("value", "low", "high", "worst")}
    assert headline == {"value": 100 / 3, "low": 20.0, "high": 40.0, "worst": 50.0}
    plain = {"name": "wer", "unit": "%", "higher_is_better": False, "range": [0.0, None]}
    assert cell["values"] == [{**plain, **headline}]
    assert (cell["slices"], cell["tails"]) == ([], [])
    assert cell["counts"] == {**dict.fromkeys(map(str, State), 0), "ok": 90, "empty": 1, "failed": 1}
    assert cell["model_info"] == RESULT.model
    assert cell["first_errors"] == [{"id": "utt-07", "state": "failed", "reason": "a | b"}]
    assert [entry["best"] for entry in document["cells"]] == [False, True, False]
    assert document["gates"][1] == {
        "dataset": "minispeech",
        "model": "pocketsphinx",
        "recipe": "wer/audiobench-pytest@1",
        "prompt": "",
        "metric": "wer",
        "bound": "max",
        "limit": 5.0,
        "value": 100 / 3,
        "verdict": "fail",
        "counts_as": "fail",
        "kind": None,
        "slice": "",
        "message": "wer message",
        "source": "gates.toml [x.wer]",
        "details": {},
        "waiver": "",
    }


def test_json_does_not_depend_on_the_order_of_keys() -> None:
    shuffled = replace(
        RESULT, model=dict(reversed(RESULT.model.items())), counts=dict(reversed(list(RESULT.counts.items())))
    )
    assert as_json.render(replace(BOARD, results=(shuffled, OTHER, THIRD))) == as_json.render(BOARD)


def test_json_has_no_nan_and_survives_names_that_are_not_utf8() -> None:
    odd = replace(RESULT, model={"beam": float("nan"), "deep": [{"x": float("inf")}], "文": "字"}, signature="a\udc80")
    text = as_json.render(replace(BOARD, results=(odd,)))
    text.encode("utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    cell = json.loads(text, parse_constant=refuse)["cells"][0]
    assert cell["model_info"] == {"beam": None, "deep": [{"x": None}], "文": "字"}
    assert cell["signature"] == "a\udc80"


def test_csv_has_one_row_per_cell_and_the_documented_columns() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv.render(BOARD))))
    assert list(rows[0]) == list(as_csv.COLUMNS)
    assert [row["model"] for row in rows] == ["pocketsphinx", "b", "c"]
    assert float(rows[0]["value"]) == 100 / 3
    counts = {state: rows[0][state] for state in ("ok", "empty", "failed", "data_error", "missing")}
    assert counts == {"ok": "90", "empty": "1", "failed": "1", "data_error": "0", "missing": "0"}
    assert rows[0]["signature"] == SIGNATURE
    assert [row["verdict"] for row in rows] == ["fail", "", ""]


def test_csv_and_markdown_tell_open_verdicts_and_kinds_of_red() -> None:
    open_gate = replace(GATES[1], verdict=Verdict.INCONCLUSIVE, counts_as=Verdict.SKIP)
    counted = replace(open_gate, counts_as=Verdict.FAIL, kind=Red.REGRESSION)
    broken = replace(GATES[0], verdict=Verdict.FAIL, kind=Red.DATA)
    for gates, verdict, red in (
        ((open_gate,), "inconclusive", ""),
        ((counted,), "fail", "regression"),
        ((counted, broken), "fail", "regression data"),
    ):
        shown = replace(BOARD, gates=gates)
        row = next(csv.DictReader(io.StringIO(as_csv.render(shown))))
        assert (row["verdict"], row["red"]) == (verdict, red)
    text = as_markdown.render(replace(BOARD, gates=(counted, broken)))
    assert "| **FAIL** | minispeech-pocketsphinx | coverage | data error: coverage message |" in text
    assert "| **INCONCLUSIVE** | minispeech-pocketsphinx | wer | regression not ruled out: wer message (counts" in text
    gate = json.loads(as_json.render(replace(BOARD, gates=(counted,))))["gates"][0]
    assert (gate["verdict"], gate["counts_as"], gate["kind"]) == ("inconclusive", "fail", "regression")


def test_csv_leaves_fields_empty_where_there_is_no_number() -> None:
    nothing = replace(RESULT, value=None, low=None, rtfx=None, expected=None, published_recipe=None)
    (row,) = csv.DictReader(io.StringIO(as_csv.render(replace(BOARD, results=(nothing,)))))
    assert {row[name] for name in ("value", "low", "rtfx", "expected", "published_recipe")} == {""}


def test_csv_quotes_what_needs_it() -> None:
    odd = replace(RESULT, cell=CellId('a,"b"\nc', "文\udc80", "r"))
    text = as_csv.render(replace(BOARD, results=(odd,)))
    text.encode("utf-8")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["dataset"], row["model"]) == ('a,"b"\nc', "文\\udc80")


def test_markdown_is_the_same_table_with_gates_recipes_models_and_errors() -> None:
    assert (
        as_markdown.render(BOARD)
        == """\
# Leaderboard

error rate in % [95 % interval], lower is better, best in bold; RTFx: seconds of audio per second of inference

| model | minispeech (WER %) | samples | failed | empty | audio | wall | RTFx |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| b | **10.00** [20.00, 40.00] | 92 | 0 | 1 | 0.104 h | 47.0 s | 8.21 |
| c | 20.00 [20.00, 40.00] | 92 | 0 | 1 | 0.104 h | 47.0 s | 8.21 |
| pocketsphinx | 33.33 [20.00, 40.00]\\* | 92 | 1 | 1 | 0.104 h | 47.0 s | 8.21 |

- \\* incomplete: minispeech-pocketsphinx, 91 of 92 scored (1 failed): 33.33 % over these, 50.00 % had the others been answered with nothing

## Gates

| verdict | cell | metric | finding | limit from |
| --- | --- | --- | --- | --- |
| **FAIL** | minispeech-pocketsphinx | wer | wer message | `gates.toml [x.wer]` |
| SKIP | minispeech-pocketsphinx | coverage | coverage message | `gates.toml [x.wer]` |

## Recipes

- `wer/audiobench-pytest@1|lang:en|unit:word`
- published numbers use wer/ultraeval@1.1  (minispeech)

## Models

- pocketsphinx: `device=cpu, name=pocketsphinx, threads=2`
- b: `device=cpu, name=pocketsphinx, threads=2`
- c: `device=cpu, name=pocketsphinx, threads=2`

## Errors

| cell | sample | state | reason |
| --- | --- | --- | --- |
| minispeech-pocketsphinx | utt-07 | failed | a \\| b |

- a note

Run `.audiobench/runs/1`, 1m02s.

interrupted: the same command goes on where it stopped
"""  # noqa: E501
    )


def test_markdown_rows_keep_their_number_of_fields_whatever_the_names() -> None:
    odd = replace(RESULT, cell=CellId("a|b\n`c`", "<m>*", "r"), first_errors=(("|", State.FAILED, "|\n|"),))
    lines = [
        line
        for line in as_markdown.render(Conclusion((odd,), (), "x|`", False, 1.0)).splitlines()
        if line.startswith("|")
    ]
    fields = [len(line.replace("\\|", "").split("|")) - 2 for line in lines]
    assert fields == [8, 8, 8, 4, 4, 4]
    assert "\\<m\\>\\*" in lines[2]


def test_markdown_of_an_empty_board_says_so() -> None:
    assert "No cell was planned" in as_markdown.render(Conclusion((), (), "run", False, 0.0))


def test_the_speed_of_a_cell_reaches_every_file() -> None:
    speed = {"samples_per_s": 2.5, "latency_p50_s": 0.3, "ttft_p95_s": 0.2, "warmup_s": 0.5, "harness_s": 0.25}
    timed = replace(RESULT, speed=speed, model={"hardware": ["a", "b"]})
    shown = replace(BOARD, results=(timed,))
    assert json.loads(as_json.render(shown))["cells"][0]["speed"] == speed
    (row,) = csv.DictReader(io.StringIO(as_csv.render(shown)))
    assert {name: float(row[name]) for name in speed} == speed
    assert row["hardware"] == "a b"
    line = "- pocketsphinx: 2.50 samples/s; latency p50 0.300 s; warm-up 0.500 s, harness 0.250 s; hardware a b"
    assert f"## Speed\n\n{line}\n\n" in as_markdown.render(shown)
