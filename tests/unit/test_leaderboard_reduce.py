import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.cells.reduce import FIRST_ERRORS, reduce_cell
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.report.run import json_file as as_json
from audiobench_pytest.types import CellId, CellResult, Outcome, SampleScore, State

CELL = CellId("minispeech", "pocketsphinx", "wer/audiobench-pytest@1")
PLAN = PlannedCell(CELL, "asr", "minispeech", "benchmarks/asr/test_asr.py::test_asr", shards=1, selected=(0,))
WORDS = "wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro|jiwer:4.0.0"


def score(substitutions: int, deletions: int, insertions: int, units: int) -> SampleScore:
    numbers = {"substitutions": substitutions, "deletions": deletions, "insertions": insertions, "units": units}
    return SampleScore({**numbers, "errors": substitutions + deletions + insertions}, "reference", "prediction")


def outcome(sample_id: str, state: State = State.OK, numbers: SampleScore | None = None, **more: object) -> Outcome:
    more = {"audio_s": 2.0, "infer_s": 0.5, **more} if state in (State.OK, State.EMPTY) else more
    return Outcome(CELL, sample_id, state, "a b", "a b" if state is State.OK else None, score=numbers, **more)


def receipt(shard: int = 0, of: int = 1, total: int = 4, **more: object) -> ShardReceipt:
    defaults: dict = {"expected": total // of, "started": 100.0, "ended": 110.0, "signature": WORDS}
    return ShardReceipt(CELL, shard, of, total=total, **{**defaults, **more})


def cell(*outcomes: Outcome, receipts: tuple[ShardReceipt, ...] | None = None, **plan: object) -> CellData:
    if receipts is None:
        receipts = (receipt(total=len(outcomes)),)
    return CellData(dataclasses.replace(PLAN, **plan), receipts, {o.sample_id: o for o in outcomes})


def headline(result: CellResult) -> tuple[float | None, ...]:
    value = result.headline
    return value.value, value.low, value.high, value.worst


def test_value_is_the_corpus_rate_and_not_the_mean_of_the_samples() -> None:
    result = reduce_cell(cell(outcome("a", numbers=score(1, 0, 0, 10)), outcome("b", numbers=score(0, 0, 3, 2))))
    assert result.value == pytest.approx(100 * 4 / 12)
    assert result.sums == {"errors": 4, "units": 12, "substitutions": 1, "deletions": 0, "insertions": 3}
    assert result.coverage == 1.0
    assert result.headline.low <= result.value <= result.headline.high


def test_an_empty_answer_is_scored_and_a_failed_one_is_not() -> None:
    result = reduce_cell(
        cell(
            outcome("ok", numbers=score(0, 0, 0, 10)),
            outcome("silent", State.EMPTY, score(0, 10, 0, 10)),
            outcome("dead", State.FAILED, score(0, 10, 0, 10), reason="out of memory"),
            outcome("broken", State.DATA_ERROR, None, reason="x.flac: no such file"),
        )
    )
    assert result.value == 50.0
    assert result.coverage == 0.5
    counts = {state: number for state, number in result.counts.items() if number}
    assert counts == {"ok": 1, "empty": 1, "failed": 1, "data_error": 1}
    assert result.first_errors == (
        ("broken", State.DATA_ERROR, "x.flac: no such file"),
        ("dead", State.FAILED, "out of memory"),
    )


def test_worst_case_counts_every_known_reference_as_deleted() -> None:
    result = reduce_cell(
        cell(
            outcome("a", numbers=score(1, 0, 0, 10)),
            outcome("b", State.FAILED, score(0, 6, 0, 6)),
            outcome("c", State.DATA_ERROR, score(0, 4, 0, 4)),
            outcome("d", State.DATA_ERROR, None),
        )
    )
    assert result.value == 10.0
    assert result.headline.worst == pytest.approx(100 * 11 / 20)


def test_nothing_scored_has_no_value_but_a_worst_case() -> None:
    result = reduce_cell(cell(outcome("a", State.FAILED, score(0, 6, 0, 6))))
    assert headline(result) == (None, None, None, 100.0)
    assert result.rtfx is None
    assert result.coverage == 0.0


def test_references_without_units_have_no_rate() -> None:
    result = reduce_cell(cell(outcome("a", numbers=score(0, 0, 2, 0)), outcome("b", numbers=score(0, 0, 0, 0))))
    assert headline(result) == (None, None, None, None)
    assert (result.sums["errors"], result.coverage) == (2, 1.0)


def test_one_sample_has_a_value_and_no_interval() -> None:
    result = reduce_cell(cell(outcome("a", numbers=score(1, 0, 0, 10))))
    assert headline(result) == (10.0, None, None, 10.0)


def test_samples_that_no_shard_reached_are_missing() -> None:
    result = reduce_cell(cell(outcome("a", numbers=score(0, 0, 0, 1)), receipts=(receipt(total=4),)))
    assert (result.expected, result.counts[State.MISSING], result.coverage) == (4, 3, 0.25)


def test_a_cell_that_never_started_expects_what_the_plan_says() -> None:
    assert reduce_cell(cell(receipts=(), samples=92)).expected == 92
    unknown = reduce_cell(cell(receipts=()))
    assert (unknown.expected, unknown.coverage, unknown.value, unknown.signature) == (None, 0.0, None, "")


def test_receipts_win_over_the_plan() -> None:
    assert reduce_cell(cell(receipts=(receipt(total=90),), samples=92)).expected == 90


def test_an_answer_without_numbers_is_an_error_and_never_left_out() -> None:
    with pytest.raises(RecordError, match=r"minispeech-pocketsphinx.*'a'.*without its numbers"):
        reduce_cell(cell(outcome("a", numbers=None)))


def test_speed_is_the_sum_over_the_answered_samples() -> None:
    result = reduce_cell(
        cell(
            outcome("a", numbers=score(0, 0, 0, 1), audio_s=3.0, infer_s=1.0, cached=True),
            outcome("b", numbers=score(0, 0, 0, 1), audio_s=5.0, infer_s=1.0),
            outcome("c", State.FAILED, None, audio_s=50.0, infer_s=9.0),
        )
    )
    assert (result.audio_s, result.infer_s, result.rtfx, result.cached) == (8.0, 2.0, 4.0, 1)


def test_wall_time_is_the_union_of_the_working_times() -> None:
    spans = [(100.0, 110.0), (105.0, 120.0), (106.0, 107.0), (200.0, 205.0), (300.0, None), (90.0, 80.0)]
    receipts = tuple(receipt(n, 6, 0, started=start, ended=end) for n, (start, end) in enumerate(spans))
    assert reduce_cell(cell(receipts=receipts)).wall_s == 25.0


@pytest.mark.parametrize(("languages", "metric"), [("en", "wer"), ("zh", "cer"), ("ja", "cer"), ("en zh", "cer")])
def test_metric_follows_the_unit_of_the_languages(languages: str, metric: str) -> None:
    outcomes = [outcome(code, numbers=score(0, 0, 0, 1), language=code) for code in languages.split()]
    assert reduce_cell(cell(*outcomes)).metric == metric


def test_metric_of_a_cell_without_samples_follows_its_signature() -> None:
    chinese = WORDS.replace("lang:en", "lang:zh")
    assert [reduce_cell(cell(receipts=(receipt(signature=text),))).metric for text in (WORDS, chinese, "")] == [
        "wer",
        "cer",
        "wer",
    ]


def test_the_recipe_of_the_plan_counts_not_that_of_the_catalogue() -> None:
    recipe = {"name": "mine@1", "score": "accuracy"}
    right, wrong = SampleScore({"n": 1, "correct": 1}, "a", "a"), SampleScore({"n": 1}, "a", "b")
    silent = SampleScore({"n": 1, "invalid": 1}, "a", "", State.INVALID, "nothing named")
    outcomes = [outcome("a", numbers=right), outcome("b", numbers=wrong), outcome("c", State.INVALID, silent)]
    result = reduce_cell(cell(*outcomes, recipe=recipe))
    assert (result.metric, result.value) == ("acc", pytest.approx(100 / 3))
    assert result.named("invalid_rate").value == pytest.approx(100 / 3)
    assert result.coverage == 1.0


def test_two_signatures_are_both_shown_so_that_the_cell_compares_to_none() -> None:
    receipts = (receipt(0, 2, signature="b"), receipt(1, 2, signature="a"))
    assert reduce_cell(cell(receipts=receipts)).signature == "a & b"


def test_what_the_processes_say_of_the_model_is_merged() -> None:
    receipts = (
        receipt(0, 3, model={"name": "m", "device": "cuda:1", "revision": None}),
        receipt(1, 3, model={"name": "m", "device": "cuda:0", "dtype": "float16"}),
        receipt(2, 3, model={"name": "m", "device": "cuda:1", "revision": "abc"}),
    )
    merged = {"name": "m", "device": ["cuda:0", "cuda:1"], "dtype": "float16", "revision": "abc"}
    assert reduce_cell(cell(receipts=receipts)).model == merged


def test_only_the_first_errors_are_named() -> None:
    result = reduce_cell(cell(*(outcome(f"{n:02d}", State.FAILED) for n in reversed(range(20)))))
    assert [sample_id for sample_id, _, _ in result.first_errors] == [f"{n:02d}" for n in range(FIRST_ERRORS)]
    assert result.first_errors[0][2] == "no reason recorded"


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from([State.OK, State.EMPTY, State.FAILED, State.DATA_ERROR]),
        st.integers(0, 9),
        st.integers(0, 9),
        st.floats(0.01, 100.0),
    ),
    min_size=1,
    max_size=30,
)


@given(SAMPLES, st.integers(1, 8), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_result_is_the_same_whatever_the_shards_and_the_order(
    samples: list[tuple[State, int, int, float]], shards: int, rng: random.Random
) -> None:
    outcomes = [
        outcome(f"id-{n}", state, score(errors, 0, 0, units), audio_s=seconds, infer_s=seconds / 7, reason=f"r{n}")
        for n, (state, errors, units, seconds) in enumerate(samples)
    ]

    def reduced(order: list[Outcome], receipts: list[ShardReceipt]) -> str:
        result: CellResult = reduce_cell(cell(*order, receipts=tuple(receipts)))
        return as_json.render(Conclusion((result,), (), "run", False, 0.0))

    single = reduced(outcomes, [receipt(total=len(samples))])
    receipts = [receipt(n, shards, len(samples)) for n in range(shards)]
    rng.shuffle(outcomes)
    rng.shuffle(receipts)
    assert reduced(outcomes, receipts) == single


def spoken(*metas: dict[str, str], **plan: object) -> CellResult:
    outcomes = [outcome(f"{k:02}", numbers=score(k % 3, 0, 0, 10), meta=meta) for k, meta in enumerate(metas)]
    return reduce_cell(cell(*outcomes, **plan))


def test_speakers_are_resampled_where_a_manifest_names_them() -> None:
    metas = [{"speaker": f"s{k % 3}", "session": f"e{k % 2}"} for k in range(12)]
    found = spoken(*metas, clusters="auto")
    assert (found.clusters, found.n_clusters) == ("speaker", 3)
    assert spoken(*metas, clusters="session").n_clusters == 2
    assert spoken(*metas, clusters="none").clusters == ""
    assert spoken(*metas).clusters == ""
    assert found.headline.high > spoken(*metas).headline.high


def test_the_next_key_is_taken_where_the_first_says_nothing_or_tells_all_apart() -> None:
    sessions = [{"speaker": f"s{k}", "session": f"e{k % 4}"} for k in range(12)]
    assert spoken(*sessions, clusters="auto").clusters == "session"
    assert spoken(*({"recording_id": f"r{k % 4}"} for k in range(12)), clusters="auto").clusters == "recording"
    assert spoken(*({"gender": "female"} for _ in range(12)), clusters="auto").clusters == ""


def test_a_key_that_no_sample_has_is_told() -> None:
    found = spoken(*({"speaker": "s1"} for _ in range(4)), clusters="speker")
    assert (found.clusters, found.without_cluster) == ("", "speker")
    assert spoken(*({} for _ in range(4)), clusters="auto").without_cluster == ""


def test_how_many_clusters_there_effectively_are() -> None:
    found = spoken(*({"speaker": "a" if k < 9 else f"s{k}"} for k in range(12)), clusters="auto")
    assert (found.n_clusters, found.largest_cluster) == (4, 0.75)
    assert found.effective_clusters == pytest.approx(12**2 / (9**2 + 3))
