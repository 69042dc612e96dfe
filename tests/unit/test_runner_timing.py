"""Where time goes: inference with the device synchronised, warm-up apart, decoding and waiting apart, latencies."""

import json
import math
import time

import numpy as np
import pytest
import soundfile as sf

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.leaderboard.cells.speed import percentiles_of, speed_of
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.columns import read_columns, write_columns
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.runs.table import table_of
from audiobench_pytest.runner.asking import inference
from audiobench_pytest.runner.asking.decoding import Decoded
from audiobench_pytest.runner.asking.inference import Budgets, ask
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.runner.asking.streaming import ask_streaming
from audiobench_pytest.runner.asking.timing import Spent, warm_up
from audiobench_pytest.types import Answer, CellId, Outcome, Prediction, Prompt, Sample, State


class Clock:
    """Stands for `time`: moves on only when somebody works."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now


class Timed(ModelAdapter):
    """Takes `work` seconds for each row, and its device `device` seconds more that only `synchronize` waits for."""

    warm_up = True
    batch_rows = 4

    def __init__(self, clock, work=0.25, device=0.5, **attributes):
        super().__init__(ModelSpec("timed", "timed"), {})
        self.clock, self.work, self.device, self.pending, self.asked = clock, work, device, 0.0, []
        for name, value in attributes.items():
            setattr(self, name, value)

    def identity(self):
        return {}

    def load(self):
        pass

    def generate(self, batch):
        self.asked.append(list(batch))
        self.clock.now += self.work * len(batch)
        self.pending += self.device
        return [self.say(request) for request in batch]

    def say(self, request):
        return Answer("x")

    def synchronize(self):
        self.clock.now += self.pending
        self.pending = 0.0


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr("audiobench_pytest.runner.asking.inference.time", found)
    monkeypatch.setattr("audiobench_pytest.runner.asking.streaming.time", found)
    monkeypatch.setattr("audiobench_pytest.runner.asking.timing.time", found)
    return found


@pytest.fixture
def questions(tmp_path):
    found = []
    for i in range(6):
        sf.write(tmp_path / f"{i}.wav", np.full(1600, 0.1, np.float32), 16_000)
        found.append(Question(f"k{i}", Sample(f"{i}", tmp_path / f"{i}.wav", "r", "en", 0.1), Prompt("?")))
    return found


def replies(adapter, questions, spent=None, pose=ask):
    return [reply for some in pose(adapter, questions, Budgets(), None, spent) for reply in some]


def test_the_clock_is_read_when_the_device_is_done(clock, questions):
    spent = Spent()
    found = replies(Timed(clock), questions, spent)
    # Batches of 4 and 2: 0.25 s a row and 0.5 s on the device.
    assert [reply.prediction.infer_s for reply in found] == pytest.approx([1.5 / 4] * 4 + [1.0 / 2] * 2)
    assert [reply.prediction.timing for reply in found] == [{"latency_s": 1.5}] * 4 + [{"latency_s": 1.0}] * 2
    assert spent.infer_s == pytest.approx(2.5)


def test_what_happens_between_batches_is_nobodys_inference(clock, questions):
    spent, stream = Spent(), None
    stream = ask(Timed(clock), questions, Budgets(), None, spent)
    for _ in stream:
        clock.now += 1000.0  # keeping, scoring, writing
    assert spent.infer_s == pytest.approx(2.5)
    assert spent.decode_wait_s == 0.0


def test_an_error_that_the_device_tells_late_is_the_batchs(clock, questions):
    class Async(Timed):
        def synchronize(self):
            super().synchronize()
            if len(self.asked[-1]) > 1:
                raise RuntimeError("an illegal memory access was encountered")

    adapter, spent = Async(clock), Spent()
    found = replies(adapter, questions[:2], spent)
    assert [reply.prediction.error for reply in found] == [None, None], "each was asked again alone"
    # The pair took 1 s in vain, each alone 0.75 s.
    assert spent.infer_s == pytest.approx(2.5)
    assert [reply.prediction.timing["latency_s"] for reply in found] == [0.75, 0.75]


def test_waiting_for_clips_is_counted_apart(clock, questions, monkeypatch):
    def slowly(batches, **_):
        for batch in batches:
            clock.now += 3.0
            yield [Decoded(None, "unreadable", 0.0) for _ in batch]  # a generator can be closed, too

    monkeypatch.setattr(inference, "DecodeAhead", slowly)
    spent = Spent()
    assert all(reply.broken for reply in replies(Timed(clock), questions, spent))
    assert (spent.decode_wait_s, spent.infer_s) == (6.0, 0.0)


def test_an_adapters_own_latency_and_first_token_are_kept(clock, questions):
    class Told(Timed):
        def say(self, request):
            return Answer("x", timing={"ttft_s": 0.125, "latency_s": 0.5})

    assert {tuple(sorted(r.prediction.timing.items())) for r in replies(Told(clock), questions)} == {
        (("latency_s", 0.5), ("ttft_s", 0.125))
    }


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "0.5", None])
def test_a_time_that_is_no_number_fails_with_a_reason(clock, questions, wrong):
    class Told(Timed):
        def say(self, request):
            return Answer("x", timing={"ttft_s": wrong})

    (reply,) = replies(Told(clock), questions[:1])
    assert reply.prediction.error.startswith("TypeError: the adapter gave ttft_s=")


def test_the_warm_up_is_one_short_question_in_no_other_number(clock, questions):
    adapter, spent = Timed(clock), Spent()
    warm_up(adapter, Prompt("what is said?", "en"), spent)
    ((request,),) = adapter.asked
    assert request.audio.samples.dtype == np.float32
    assert (len(request.audio.samples), request.audio.samples.any()) == (16_000, False)
    assert (request.prompt, request.reference, request.sample_id) == (Prompt("what is said?", "en"), None, "")
    assert spent == Spent(warmup_s=0.75)
    replies(adapter, questions, spent)
    assert (spent.warmup_s, spent.infer_s) == (0.75, 2.5)


def test_a_warm_up_that_fails_ends_nothing(clock):
    class Broken(Timed):
        def generate(self, batch):
            super().generate(batch)
            raise RuntimeError("silence is not supported")

    spent = Spent()
    warm_up(Broken(clock), Prompt(), spent)
    assert spent.warmup_s == 0.25


def test_a_model_that_never_listens_is_warmed_up_without_sound(clock):
    adapter = Timed(clock, sample_rate=None)
    warm_up(adapter, Prompt(), Spent())
    assert adapter.asked[0][0].audio is None


def test_a_stream_tells_latencies_of_its_own_and_the_time_it_was_busy(clock, questions):
    class Server(Timed):
        streams = True

        def stream(self, requests):
            for request in list(requests):
                clock.now += 2.0
                yield request, Answer("x", timing={"latency_s": 7.0, "ttft_s": 1.0})

    spent = Spent()
    found = replies(Server(clock), questions, spent, pose=ask_streaming)
    assert [reply.prediction.timing for reply in found] == [{"latency_s": 7.0, "ttft_s": 1.0}] * 6
    assert spent.infer_s == sum(reply.prediction.infer_s for reply in found) == 12.0


def test_sleeps_of_a_real_clock_are_seen(questions):
    class Sleeper(Timed):
        def generate(self, batch):
            time.sleep(0.02)
            return [Answer("x") for _ in batch]

        def synchronize(self):
            time.sleep(0.03)

    spent = Spent()
    began = time.perf_counter()
    found = replies(Sleeper(None), questions, spent)
    took = time.perf_counter() - began
    assert all(0.05 <= reply.prediction.timing["latency_s"] <= took for reply in found)
    assert 0.1 <= spent.infer_s <= took


# --- kept and reduced ---------------------------------------------------------------------------


def test_timing_is_kept_in_lines_and_columns(tmp_path):
    cache = PredictionCache([tmp_path]).model("m", {"a": 1})
    kept = Prediction("k", "text", None, 1.0, 0.5, 0.1, 4, {"n": 1}, {"latency_s": 2.0, "ttft_s": 0.5})
    cache.put(kept)
    cache.close()
    again = PredictionCache([tmp_path]).model("m", {"a": 1})
    assert again.get("k") == kept
    assert read_columns(write_columns(tmp_path, [kept], [])).answers == [kept]


def test_files_of_versions_that_took_no_timing_are_read(tmp_path):
    import msgspec

    fields = {"key": "old", "text": "x", "error": None, "audio_s": 1.0, "infer_s": 0.5, "decode_s": 0.1, "batch": 2}
    cache = PredictionCache([tmp_path]).model("m", {"a": 1})
    (folder,) = PredictionCache([tmp_path]).model_folders("m", {"a": 1})
    folder.mkdir(parents=True)
    (folder / "main-1-abc.jsonl").write_text(json.dumps({**fields, "meta": {"n": 1}}) + "\n")
    columns = {name: [value] for name, value in fields.items() if name != "error"}
    columns |= {"format": 1, "absorbed": [], "key": ["older"], "meta": [{}]}
    (folder / "answers-0.columns").write_bytes(msgspec.msgpack.encode(columns))
    assert (cache.get("old").timing, cache.get("old").meta) == ({}, {"n": 1})
    assert (cache.get("older").timing, cache.get("older").batch) == ({}, 2)


CELL = CellId("set", "model", "recipe")


def receipt(shard, started, ended, **spent):
    return ShardReceipt(CELL, shard, 2, 1, 2, started=started, ended=ended, spent=spent)


def test_speed_is_told_by_what_each_part_took():
    outcomes = [
        Outcome(
            CELL,
            f"{i}",
            State.OK,
            "r",
            "p",
            audio_s=10.0,
            infer_s=0.5,
            decode_s=0.25,
            timing={"latency_s": float(i), **({"ttft_s": i / 10} if i % 2 else {})},
        )
        for i in range(1, 21)
    ]
    spent = {"load_s": 2.0, "warmup_s": 0.5, "infer_s": 5.0, "decode_wait_s": 0.25}
    receipts = [
        receipt(0, 100.0, 110.0, **spent),
        receipt(1, 110.0, 118.0, load_s=0.0, warmup_s=0.0, infer_s=5.0, decode_wait_s=0.0),
        ShardReceipt(CELL, 3, 4, 1, 2, started=118.0),  # not ended
    ]
    assert speed_of(table_of(outcomes), receipts) == {
        "samples_per_s": 2.0,
        "decode_s": 5.0,
        "latency_p50_s": 10.0,
        "latency_p95_s": 19.0,
        "ttft_p50_s": 0.9,
        "ttft_p95_s": 1.9,
        "load_s": 2.0,
        "warmup_s": 0.5,
        "decode_wait_s": 0.25,
        "harness_s": pytest.approx((10.0 - 7.75) + (8.0 - 5.0)),
    }


def test_loading_that_passed_before_the_shard_is_loading_but_none_of_its_time():
    ahead = receipt(0, 100.0, 107.0, load_s=30.0, load_ahead_s=29.0, warmup_s=0.5, infer_s=5.0, decode_wait_s=0.25)
    speed = speed_of(table_of([]), [ahead])
    assert (speed["load_s"], speed["harness_s"]) == (30.0, pytest.approx(7.0 - 1.0 - 5.75))


def test_how_sure_a_percentile_is_follows_from_the_number_of_times():
    def known(count):
        taken = [Outcome(CELL, f"{i:03}", State.OK, "r", "p", timing={"latency_s": i / 100}) for i in range(count)]
        return percentiles_of(table_of(taken))

    assert {name: (one.percent, one.samples, one.high) for name, one in known(6).items()} == {
        "latency_p50_s": (50, 6, None),
        "latency_p95_s": (95, 6, None),
    }
    # None of 90 times may be above; of 130 the greatest.
    assert known(90)["latency_p95_s"].high == 0.89
    assert known(130)["latency_p95_s"].high == 1.28
    assert known(11)["latency_p50_s"].high == 0.09


def test_receipts_of_versions_that_told_no_times_say_nothing_of_them():
    assert speed_of(table_of([]), [ShardReceipt(CELL, 0, 1, 1, 1, started=1.0, ended=9.0)]) == {"decode_s": 0.0}


def test_a_clock_that_was_set_back_makes_no_time_negative():
    assert speed_of(table_of([]), [receipt(0, 100.0, 90.0, infer_s=5.0)])["harness_s"] == 0.0
