"""A shard whose model answers the next batch while this one is kept and scored; what its receipt says of time."""

import json
import threading
import time

import numpy as np
import pytest
import soundfile as sf
from waiting import HANGS_S, until

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource, ModelSpec
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models import registry
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.runner.ahead import Ahead
from audiobench_pytest.runner.asking import decoding, session
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.shard import run_shard
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import Answer, CellId

RECIPE = load_catalog().recipes.get("wer/audiobench-pytest@1")
CLIPS = 8


class Model(ModelAdapter):
    """Answers two clips at a time; `log` keeps what happens in which thread, `do` may do something first."""

    log: list = []  # noqa: RUF012 - emptied by the fixture
    do = None
    overlaps = True
    warm_up = True
    batch_rows = 2

    def identity(self):
        return self.base_identity()

    def load(self):
        self.log.append(("load", threading.current_thread().name))

    def generate(self, batch):
        sizes = [len(request.audio.samples) for request in batch]
        self.log.append((sizes, threading.current_thread().name))
        if type(self).do is not None:
            type(self).do(sizes)
        return [Answer(f"{size} samples") for size in sizes]

    def describe(self):
        return {"device": "cpu", "device_name": "abacus", "dtype": "float32"}


class Clock:
    """Stands for `time`: moves on only when the model works."""

    def __init__(self):
        self.now = 1000.0

    def time(self):
        return self.now

    perf_counter = time

    def work(self, seconds):
        self.now += seconds


class InPlace(Model):
    """Must stay in the main thread."""

    overlaps = False
    warm_up = False


class Talker(Model):
    """Has to be told what to do."""

    follows_instructions = True


@pytest.fixture
def world(tmp_path, monkeypatch):
    for cls in (Model, InPlace, Talker):
        monkeypatch.setitem(registry.ADAPTERS, cls.__name__.lower(), f"{__name__}:{cls.__name__}")
        monkeypatch.setattr(cls, "do", None)
    Model.log.clear()
    rows = []
    for i in range(CLIPS):
        rng = np.random.default_rng(i)
        sf.write(tmp_path / f"{i}.wav", (0.1 * rng.standard_normal(200 + i)).astype("float32"), 16_000)
        rows.append({"id": f"{i}", "audio": f"{i}.wav", "text": "some words", "language": "zh" if i % 2 else "en"})
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    yield World(tmp_path)
    assert [t.name for t in threading.enumerate() if t.name == "audiobench-model"] == [], "a thread was left"


class World:
    def __init__(self, path):
        self.path = path

    def runner(self, name="run", **budgets):
        self.run = RunDirectory(self.path / name)
        return Runner(
            pool=ModelPool({}),
            cache=PredictionCache([self.path / "cache"]),
            results=self.run.writer("main", 1),
            load=LoadSettings(self.path / "cache"),
            budgets=Budgets(**budgets),
        )

    def job(self, adapter="model", shard=0, of=1, task="asr"):
        manifest = ManifestSource(str(self.path / "set.jsonl"), trusted_paths=True)
        dataset = DatasetSpec("set", task=task, manifest=manifest)
        return Job(CellId("set", adapter, RECIPE.name), dataset, ModelSpec(adapter, adapter), RECIPE, shard, of)

    def receipts(self):
        lines = [json.loads(x) for f in sorted(self.run.path.glob("results/*")) for x in f.read_text().splitlines()]
        return [x["shard"] for x in lines if x.get("shard")]

    def kept(self):
        files = self.path.glob("cache/predictions/*/*.jsonl")
        return [json.loads(line)["text"] for file in files for line in file.read_text().splitlines()]


def test_the_next_batch_is_begun_before_this_one_is_consumed(world):
    begun = {}
    Model.do = lambda sizes: begun.setdefault(tuple(sizes), threading.Event()).set()
    for sizes in ((207, 206), (205, 204), (203, 202), (201, 200)):
        begun[sizes] = threading.Event()
    runner = world.runner()
    stream = run_shard(runner, world.job())
    next(stream)  # the first of (207, 206); nobody asks for more
    assert begun[205, 204].wait(HANGS_S)
    assert not begun[203, 202].is_set()
    assert len(list(stream)) == CLIPS - 1
    runner.close()


def test_the_model_is_asked_in_one_thread_and_only_if_it_may_be(world):
    runner = world.runner()
    assert len(list(run_shard(runner, world.job()))) == CLIPS
    assert Model.log[0] == ("load", "MainThread")
    assert {thread for _, thread in Model.log[1:]} == {"audiobench-model"}
    Model.log.clear()
    assert len(list(run_shard(runner, world.job("inplace")))) == CLIPS
    assert {thread for _, thread in Model.log} == {"MainThread"}
    runner.close()


def test_both_ways_give_the_same_records_in_the_same_order(world):
    found = {}
    for adapter in ("model", "inplace"):
        runner = world.runner(adapter)
        found[adapter] = [(o.sample_id, o.prediction, o.state, o.cached) for o in run_shard(runner, world.job(adapter))]
        runner.close()
    assert found["model"] == found["inplace"]
    assert len(world.kept()) == 2 * CLIPS


def test_an_answer_is_in_the_cache_before_it_is_told(world):
    runner = world.runner()
    for outcome in run_shard(runner, world.job()):
        assert outcome.prediction in world.kept()
    runner.close()


def test_what_was_answered_and_not_told_is_kept_when_the_run_ends(world, monkeypatch):
    made = []

    def noted(steps):
        made.append(Ahead(steps))
        return made[-1]

    monkeypatch.setattr(session, "Ahead", noted)
    runner = world.runner()
    stream = run_shard(runner, world.job())
    next(stream)
    assert until(lambda: not made[0]._ready.empty())
    stream.close()
    runner.close()
    assert sorted(world.kept()) == [f"{size} samples" for size in (204, 205, 206, 207)]
    again = world.runner("again")
    assert [o.cached for o in run_shard(again, world.job())].count(True) == 4
    again.close()


def test_a_run_that_ends_in_the_middle_of_a_batch_does_not_wait_for_it(world):
    def do(sizes):
        for _ in range(60_000 if sizes == [205, 204] else 0):
            time.sleep(0.01)

    Model.do = do
    runner = world.runner()
    stream = run_shard(runner, world.job())
    next(stream)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stream.throw(KeyboardInterrupt)
    assert time.monotonic() - started < HANGS_S, "the batch takes ten minutes"
    runner.close()
    assert sorted(world.kept()) == ["206 samples", "207 samples"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_inside_the_model_reaches_the_main_thread(world, error):
    def do(sizes):
        if sizes == [203, 202]:
            raise error

    Model.do = do
    runner = world.runner()
    seen = []
    with pytest.raises(error):
        seen.extend(run_shard(runner, world.job()))
    runner.close()
    assert len(world.kept()) == 4


def test_memory_that_runs_out_in_the_thread_halves_the_batch(world):
    def do(sizes):
        if len(sizes) > 1:
            raise MemoryError

    Model.do = do
    runner = world.runner()
    found = list(run_shard(runner, world.job()))
    assert [o.reason for o in found] == [None] * CLIPS
    # The warm-up, one pair in vain, and then one by one.
    assert [sizes for sizes, _ in Model.log[2:]] == [[207, 206], *([size] for size in range(207, 199, -1))]
    runner.close()


def test_clips_are_decoded_while_the_model_loads(world, monkeypatch):
    read, decoded = decoding.read_audio, threading.Event()

    def reading(*args, **options):
        found = read(*args, **options)
        decoded.set()
        return found

    monkeypatch.setattr(decoding, "read_audio", reading)
    monkeypatch.setattr(Model, "load", lambda self: Model.log.append(decoded.wait(HANGS_S)))
    runner = world.runner()
    assert len(list(run_shard(runner, world.job()))) == CLIPS
    assert Model.log[0] is True
    runner.close()


@pytest.mark.parametrize("adapter", ["model", "inplace"])
def test_a_model_that_cannot_be_loaded_leaves_no_thread(world, monkeypatch, adapter):
    def load(self):
        raise ModelError("no GPU")

    monkeypatch.setattr(Model, "load", load)
    runner = world.runner()
    with pytest.raises(ModelError, match="no GPU"):
        list(run_shard(runner, world.job(adapter)))
    assert [t.name for t in threading.enumerate() if t.name.startswith("audiobench-decode")] == []
    runner.close()


# --- what the receipt says ----------------------------------------------------------------------


def test_the_receipt_tells_load_warm_up_and_inference_apart(world, monkeypatch):
    clock = Clock()
    for module in ("inference", "session", "shard", "timing"):
        monkeypatch.setattr(f"audiobench_pytest.runner.asking.{module}.time", clock)
    monkeypatch.setattr(Model, "load", lambda self: clock.work(0.125))
    Model.do = lambda sizes: clock.work(0.25 if sizes == [16_000] else 0.0625)
    runner = world.runner()
    found = list(run_shard(runner, world.job(of=2)))
    list(run_shard(runner, world.job(shard=1, of=2)))
    runner.close()
    _, first, begun, second = world.receipts()
    assert begun["spent"] == {}
    assert first["spent"] == {"load_s": 0.125, "warmup_s": 0.25, "infer_s": 2 * 0.0625, "decode_wait_s": 0.0}
    assert (second["spent"]["load_s"], second["spent"]["warmup_s"]) == (0.0, 0.0), "loaded and warmed up once"
    assert [sizes for sizes, _ in Model.log].count([16_000]) == 1
    assert sum(o.infer_s for o in found) == pytest.approx(first["spent"]["infer_s"])
    assert {o.timing["latency_s"] for o in found} == {0.0625}, "the warm-up is in nobody's latency"
    assert first["ended"] - first["started"] == sum(first["spent"].values())


def test_the_warm_up_changes_no_record(world):
    runner = world.runner()
    list(run_shard(runner, world.job()))
    runner.close()
    assert "16000 samples" not in world.kept()
    assert len(world.kept()) == CLIPS


def test_the_receipt_tells_the_hardware_only_where_the_model_ran(world):
    runner = world.runner()
    list(run_shard(runner, world.job()))
    model = world.receipts()[-1]["model"]
    assert len(model["hardware"]) == 12
    assert " cores" in model["machine"]
    runner.close()
    again = world.runner("again")
    list(run_shard(again, world.job()))
    assert "hardware" not in world.receipts()[-1]["model"], "the times were taken earlier, perhaps elsewhere"
    again.close()


def test_nothing_is_told_of_a_servers_hardware(world, monkeypatch):
    monkeypatch.setattr(Model, "streams", True)
    monkeypatch.setattr(Model, "overlaps", False)
    monkeypatch.setattr(Model, "warm_up", False)
    runner = world.runner()
    list(run_shard(runner, world.job()))
    assert "hardware" not in world.receipts()[-1]["model"]
    runner.close()


# --- instructions -------------------------------------------------------------------------------


def test_a_model_that_needs_one_is_given_the_instruction_of_the_task(world, monkeypatch):
    asked = []
    answer = Model.generate

    def generate(self, batch):
        asked.extend(request.prompt.text for request in batch)
        return answer(self, batch)

    monkeypatch.setattr(Talker, "generate", generate)
    runner = world.runner()
    list(run_shard(runner, world.job("talker")))
    assert len(set(asked)) == 2, "English and Chinese"
    assert None not in asked
    with pytest.raises(UsageError, match="unknown task 'guessing'"):
        list(run_shard(runner, world.job("talker", task="guessing")))
    runner.close()
