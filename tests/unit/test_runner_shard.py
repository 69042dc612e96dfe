"""One shard of one cell: each sample has one outcome, and nothing answered is asked again."""

import json

import numpy as np
import pytest
import soundfile as sf

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource, ModelSpec
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.errors import ModelError, RecordError, UsageError
from audiobench_pytest.models import registry
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.shard import run_shard
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import Answer, CellId, State


class Spy(ModelAdapter):
    """Answers with the number of audio samples; what it is asked and does is kept in `log`."""

    log: list = []  # noqa: RUF012 - emptied by the fixture
    answers: dict = {}  # noqa: RUF012 - by number of audio samples
    options = {"device": Option(str, "cpu", "where", (), False), "beam": Option(int, 1, "how wide")}  # noqa: RUF012
    batch_rows = 2

    def identity(self):
        return self.base_identity()

    def load(self):
        self.log.append("load")
        if "load" in self.answers:
            raise self.answers["load"]

    def generate(self, batch):
        sizes = [len(request.audio.samples) for request in batch]
        self.log.append(sizes)
        answers = [self.answers.get(size, f"{size} samples") for size in sizes]
        for one in answers:
            if isinstance(one, Exception):
                raise one
        return [Answer(one) for one in answers]

    def close(self):
        self.log.append("close")

    def describe(self):
        return {"device": self.args["device"]}


class Listener(Spy):
    """Is told the language."""

    takes_language_hint = True


class Cheat(Spy):
    """Sees the reference."""

    sees = frozenset({"reference"})


RECIPE = load_catalog().recipes.get("wer/audiobench-pytest@1")


class World:
    """A data set in a folder and runners over it."""

    def __init__(self, path):
        self.path = path
        self.rows = []
        self.number = 0

    def clip(self, name, size, *, text="some words", language="en", **more):
        rng = np.random.default_rng(size)
        sf.write(self.path / f"{name}.wav", (0.1 * rng.standard_normal(size)).astype("float32"), 16_000)
        self.rows.append({"id": name, "audio": f"{name}.wav", "text": text, "language": language, **more})

    def runner(self, cache="cache", args=None):
        self.number += 1
        self.run = RunDirectory(self.path / f"run{self.number}")
        return Runner(
            pool=ModelPool(args or {}),
            cache=PredictionCache([self.path / cache]),
            results=self.run.writer("main", 1),
            load=LoadSettings(self.path / cache),
            budgets=Budgets(),
        )

    def job(self, adapter="spy", shard=0, of=1, languages=()):
        (self.path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        dataset = DatasetSpec("set", manifest=ManifestSource(str(self.path / "set.jsonl"), trusted_paths=True))
        model = ModelSpec(adapter, adapter, languages=languages)
        return Job(CellId("set", adapter, RECIPE.name), dataset, model, RECIPE, shard, of)

    def outcomes(self, *args, runner=None, **kwargs):
        """Return all outcomes of a new runner, or of the one given."""
        job = self.job(*args, **kwargs)
        runner = runner or self.runner()
        found = list(run_shard(runner, job))
        runner.close()
        return found

    def receipts(self):
        lines = [json.loads(x) for f in sorted(self.run.path.glob("results/*")) for x in f.read_text().splitlines()]
        return [x["shard"] for x in lines if x.get("shard")]


@pytest.fixture
def world(tmp_path, monkeypatch):
    for cls in (Spy, Listener, Cheat):
        monkeypatch.setitem(registry.ADAPTERS, cls.__name__.lower(), f"{__name__}:{cls.__name__}")
    Spy.log.clear()
    Spy.answers.clear()
    return World(tmp_path)


def states(found):
    return {o.sample_id: str(o.state) for o in found}


def test_each_sample_has_one_outcome_of_its_state(world):
    world.clip("good", 200)
    world.clip("silent", 300)
    world.clip("hard", 400)
    world.clip("gone", 500)
    world.clip("broken", 600)
    world.clip("mute", 700, text=" ")
    (world.path / "gone.wav").unlink()
    (world.path / "broken.wav").write_bytes((world.path / "broken.wav").read_bytes()[:300])
    Spy.answers.update({300: " \n", 400: RuntimeError("boom")})
    found = {o.sample_id: o for o in world.outcomes()}
    assert states(found.values()) == {
        "good": "ok",
        "silent": "empty",
        "hard": "failed",
        "gone": "data_error",
        "broken": "data_error",
        "mute": "data_error",
    }
    assert (found["good"].prediction, found["silent"].prediction, found["hard"].prediction) == (
        "200 samples",
        " \n",
        None,
    )
    assert found["hard"].reason == "RuntimeError: boom"
    assert "gone.wav" in found["gone"].reason
    assert "broken.wav" in found["broken"].reason
    assert "reference" in found["mute"].reason
    assert [o.key is None for o in found.values() if o.state is State.DATA_ERROR] == [True] * 3
    assert all(o.score is None for o in found.values())
    assert found["good"].audio_s == pytest.approx(200 / 16_000)


def test_a_second_run_asks_only_for_what_has_no_answer(world):
    for i in range(5):
        world.clip(f"{i}", 200 + i)
    Spy.answers[202] = RuntimeError("boom")
    first = world.outcomes()
    assert [o.cached for o in first] == [False] * 5
    Spy.log.clear()
    Spy.answers.clear()
    second = world.outcomes()
    assert Spy.log == ["load", [202], "close"]
    assert {o.sample_id for o in second if not o.cached} == {"2"}
    Spy.log.clear()
    third = world.outcomes()
    assert Spy.log == []
    assert [o.cached for o in third] == [True] * 5
    assert {o.sample_id: o.prediction for o in third} == {f"{i}": f"{200 + i} samples" for i in range(5)}
    assert {o.sample_id: o.infer_s for o in second} == {o.sample_id: o.infer_s for o in third}


def test_what_is_known_comes_before_the_model_is_loaded(world):
    world.clip("a", 200)
    world.outcomes()
    world.clip("b", 300)
    world.clip("gone", 400)
    (world.path / "gone.wav").unlink()
    Spy.log.clear()
    Spy.answers["load"] = ModelError("no GPU")
    stream = run_shard(world.runner(), world.job())
    assert {next(stream).sample_id, next(stream).sample_id} == {"a", "gone"}
    assert Spy.log == []
    with pytest.raises(ModelError, match="no GPU"):
        next(stream)


def test_answers_are_kept_before_they_are_told(world):
    for i in range(6):
        world.clip(f"{i}", 200 + i)
    runner = world.runner()
    stream = run_shard(runner, world.job())
    told = [next(stream), next(stream), next(stream)]
    stream.close()  # as a benchmark that raises, or Ctrl-C, does
    again = world.outcomes()
    assert {o.sample_id for o in again if o.cached} >= {o.sample_id for o in told}
    assert len(again) == 6


def test_the_shards_together_are_the_whole_and_share_nothing(world):
    for i in range(7):
        world.clip(f"{i}", 200 + i)
    found = [o.sample_id for k in range(3) for o in world.outcomes(shard=k, of=3)]
    assert sorted(found) == [f"{i}" for i in range(7)]


def test_one_sound_under_several_ids_is_asked_once(world):
    for name in ("a", "b", "c"):
        world.clip(name, 200)
    world.clip("other", 300)
    found = {o.sample_id: o for o in world.outcomes()}
    assert sum(len(x) for x in Spy.log if isinstance(x, list)) == 2
    assert {o.prediction for name, o in found.items() if name != "other"} == {"200 samples"}
    assert sorted(o.cached for o in found.values()) == [False, False, True, True]


def test_a_twin_of_a_sound_that_failed_has_an_outcome_of_its_own(world):
    world.clip("a", 200)
    world.clip("b", 200)
    Spy.answers[200] = RuntimeError("boom")
    assert states(world.outcomes()) == {"a": "failed", "b": "failed"}
    world.clip("c", 300)
    world.clip("d", 300)
    for name in "cd":
        (world.path / f"{name}.wav").write_bytes(b"no sound")
    assert states(world.outcomes()) == {"a": "failed", "b": "failed", "c": "data_error", "d": "data_error"}


def test_a_model_that_is_given_up_leaves_no_trace_of_what_it_was_not_asked(world):
    for i in range(60):
        world.clip(f"clip{i}", 200 + i)
        Spy.answers[200 + i] = RuntimeError("out of order")
    world.rows.append({**world.rows[0], "id": "twin of the shortest"})
    found = world.outcomes()
    assert {o.state for o in found} == {State.FAILED}
    assert len(found) == 61
    given_up = [o for o in found if o.reason.startswith("given up after 21 failures in a row: RuntimeError: out of")]
    assert len(given_up) == 40
    kept = [json.loads(x) for f in world.path.glob("cache/predictions/*/*.jsonl") for x in f.read_text().splitlines()]
    assert len(kept) == 21, "an error that the model never raised is not kept as one"
    Spy.answers.clear()
    again = world.outcomes()
    assert {o.state for o in again} == {State.OK}
    assert sum(not o.cached for o in again) == 60


def test_the_shards_of_a_process_share_the_doubt(world):
    for i in range(80):
        world.clip(f"clip{i}", 200 + i)
        Spy.answers[200 + i] = RuntimeError("out of order")
    runner = world.runner()
    for k in range(2):
        assert {o.state for o in run_shard(runner, world.job(shard=k, of=2))} == {State.FAILED}
    runner.close()
    alone = [asked for asked in Spy.log if isinstance(asked, list) and len(asked) == 1]
    assert len(alone) == 22


def test_a_corrected_reference_a_new_id_and_a_moved_file_ask_nothing(world):
    world.clip("a", 200, text="wrong")
    world.outcomes()
    (world.path / "a.wav").rename(world.path / "moved.wav")
    world.rows = [{"id": "new", "audio": "moved.wav", "text": "right", "language": "de"}]
    (found,) = world.outcomes()
    assert (found.cached, found.reference, found.sample_id, found.language) == (True, "right", "new", "de")


def test_a_model_that_is_told_the_language_is_asked_again_in_another(world):
    world.clip("a", 200)
    world.outcomes("listener")
    world.rows[0]["language"] = "de"
    (found,) = world.outcomes("listener")
    assert not found.cached


def test_a_model_that_sees_the_reference_is_asked_again_when_it_changes(world):
    world.clip("a", 200, text="wrong")
    world.outcomes("cheat")
    world.rows[0]["text"] = "right"
    assert [o.cached for o in world.outcomes("cheat")] == [False]
    assert [o.cached for o in world.outcomes("cheat")] == [True]


@pytest.mark.parametrize(("args", "cached"), [({"beam": "5"}, False), ({"device": "mps"}, True), ({}, True)])
def test_only_arguments_that_change_answers_ask_again(world, args, cached):
    world.clip("a", 200)
    world.outcomes()
    (found,) = world.outcomes(runner=world.runner(args={"spy": args}))
    assert found.cached is cached


def test_receipts_say_what_a_shard_was_to_do_and_whether_it_ended(world):
    for i in range(3):
        world.clip(f"{i}", 200 + i)
    world.outcomes(shard=1, of=2)
    begun, ended = world.receipts()
    assert (begun["shard"], begun["of"], begun["expected"], begun["total"]) == (1, 2, 1, 3)
    assert begun["ended"] is None
    assert "device" not in begun["model"]
    assert ended["ended"] >= ended["started"] == begun["started"]
    assert ended["model"]["device"] == "cpu"
    assert (ended["loads"], ended["model"]["identity"]["args"]) == (1, {"beam": 1})
    assert "lang:en" in ended["signature"]
    world.outcomes(shard=1, of=2)
    assert world.receipts()[-1]["loads"] == 0


def test_a_shard_without_samples_still_says_so(world):
    world.clip("a", 200)
    assert world.outcomes(shard=1, of=2) == []
    assert [r["expected"] for r in world.receipts()] == [0, 0]


def test_one_runner_loads_a_model_and_reads_a_set_once(world):
    for i in range(4):
        world.clip(f"{i}", 200 + i)
    runner = world.runner()
    for k in range(4):
        list(run_shard(runner, world.job(shard=k, of=4)))
    runner.close()
    assert [x for x in Spy.log if isinstance(x, str)] == ["load", "close"]
    assert len(runner.datasets) == 1


def test_a_language_the_model_does_not_know_is_refused_before_it_is_loaded(world):
    world.clip("a", 200)
    world.clip("b", 300, language="zh-CN")
    with pytest.raises(UsageError, match=r"'spy' knows en, but the data set holds zh-CN"):
        world.outcomes(languages=("en",))
    assert Spy.log == []
    assert [r["total"] for r in world.receipts()] == [2], "so that all of it counts as missing"
    assert len(world.outcomes(languages=("en", "zh"))) == 2


@pytest.mark.parametrize("adapter", ["spy", "cheat"])
def test_half_a_surrogate_pair_in_a_reference_ends_nothing(world, adapter):
    world.clip("odd", 200, text="half \ud800 pair", note="\udfff")
    world.clip("good", 300)
    runner = world.runner()
    for outcome in run_shard(runner, world.job(adapter)):
        runner.results.outcome(outcome)
    runner.close()
    text = "".join(f.read_text() for f in world.run.path.glob("results/*"))
    assert "half \\\\ud800 pair" in text
    assert text.count('"state":"ok"') == 2


def test_a_cache_that_cannot_be_written_is_told(world):
    world.clip("a", 200)
    (world.path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot make the cache folder"):
        world.outcomes(runner=world.runner(cache="file"))


def test_closing_goes_on_behind_a_model_that_fails_to_close(world, monkeypatch):
    world.clip("a", 200)
    runner = world.runner()
    list(run_shard(runner, world.job()))
    monkeypatch.setattr(Spy, "close", lambda self: 1 / 0)
    closed = []
    monkeypatch.setattr(type(runner.results), "close", lambda self: closed.append("results"))
    with pytest.raises(ZeroDivisionError):
        runner.close()
    assert closed == ["results"]
