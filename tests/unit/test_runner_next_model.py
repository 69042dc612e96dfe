"""What is done for the next model while one is asked: its weights are read, and it is loaded where there is room."""

import threading

import huggingface_hub.constants
import huggingface_hub.file_download
import pytest
from waiting import HANGS_S, until

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.models import pool as pool_module
from audiobench_pytest.models.base import ModelAdapter, Weights
from audiobench_pytest.models.fetching import lying_here
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.runner import memory
from audiobench_pytest.runner.asking import next_model
from audiobench_pytest.runner.asking.next_model import NextModel, read
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.memory import Room
from audiobench_pytest.types import CellId

PIECE = 8 << 20


class Held(ModelAdapter):
    """Loads when it may."""

    may_load = threading.Event()
    loads = threading.Event()

    def identity(self):
        return self.base_identity()

    def load(self):
        self.loads.set()
        assert self.may_load.wait(HANGS_S)

    def generate(self, batch):
        raise NotImplementedError


def job(name, **entry):
    model = ModelSpec(name, "held", **{"loads_beside": True, "memory_gb": 0.001, **entry})
    return Job(CellId("set", name, ""), DatasetSpec(name="set", task="asr"), model, RecipeSpec("", ""))


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(pool_module, "create", Held)
    monkeypatch.setattr(Held, "may_load", threading.Event())
    monkeypatch.setattr(Held, "loads", threading.Event())
    monkeypatch.setattr(memory, "memory_gib", lambda environ: [])
    found = ModelPool()
    yield found
    Held.may_load.set()
    found.close()


def following(pool, after):
    found = NextModel(pool, Room())
    found.following = after
    return found


def wanted(job):
    return True


def test_files_are_read_to_their_end_and_what_cannot_be_read_is_left(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * (PIECE + 5))
    (tmp_path / "b").write_bytes(b"y" * 7)
    assert read([tmp_path / "a", tmp_path / "none", tmp_path, tmp_path / "b"], lambda: False) == PIECE + 12


def test_reading_ends_when_it_is_enough(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * (3 * PIECE))
    asked = []
    assert read([tmp_path / "a"] * 2, lambda: asked.append(1) or len(asked) > 2) == 2 * PIECE


def test_the_files_of_a_checkpoint_are_those_that_loading_reads(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for name in ("model.safetensors", "pytorch_model.bin", "model.fp16.safetensors", "flax_model.msgpack"):
        (folder / name).touch()
    assert lying_here(str(folder), []) == [folder / "model.safetensors"]
    commit = "a" * 40
    snapshot = tmp_path / "hub" / "models--some--model" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "model.gguf"):
        (snapshot / name).touch()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.file_download.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    named = Weights("some/model", commit)
    assert lying_here("some/model", [named]) == [snapshot / "config.json", snapshot / "model.safetensors"]
    assert len(lying_here("some/model", [Weights("some/model", commit, whole=True)])) == 3
    assert lying_here("some/model", [Weights("some/model", commit, elsewhere="ModelScope")]) == []
    assert lying_here("some/other", [Weights("some/other", commit)]) == []


def test_weights_of_a_model_that_may_not_be_loaded_are_read(pool, monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 10)
    found = []
    monkeypatch.setattr(next_model, "read", lambda files, is_enough: found.append(list(files)))
    one = following(pool, job("next", source=str(tmp_path), loads_beside=False))
    one.begin(job("current"), wanted, beside=True)
    assert until(lambda: found)
    assert found == [[tmp_path / "model.safetensors"]]
    assert one.settle(one.following.model) == 0.0
    assert pool.loads == {}


def test_the_turn_of_a_model_ends_reading(pool, monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").touch()
    begun = threading.Event()

    def endless(files, is_enough):
        begun.set()
        assert until(is_enough)

    monkeypatch.setattr(next_model, "read", endless)
    one = following(pool, job("next", source=str(tmp_path)))
    one.begin(job("current"), wanted, beside=True)
    assert begun.wait(HANGS_S)
    assert one.settle(one.following.model) == 0.0, "not loaded there: that would only begin now"
    assert not until(lambda: pool.loads, 0.05)


def test_files_that_would_fill_the_memory_are_left(pool, monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1024)
    monkeypatch.setattr(next_model, "read", lambda files, is_enough: pytest.fail("they were read"))
    monkeypatch.setattr(memory.hardware, "free_gib", lambda: 1024 / (1 << 30))
    one = following(pool, job("next", source=str(tmp_path), loads_beside=False))
    one.begin(job("current"), wanted, beside=True)
    assert list(one._loading) == []


def test_a_turn_waits_for_what_is_being_loaded_and_is_told_how_long_that_took(pool):
    after = job("next")
    one = following(pool, after)
    one.begin(job("current"), wanted, beside=True)
    assert Held.loads.wait(HANGS_S)
    threading.Timer(0.2, Held.may_load.set).start()
    assert one.settle(after.model) > 0.1
    assert pool.load(after.model) is pool.adapter(after.model)
    assert pool.loads == {"next": 1}
    assert one.settle(after.model) == 0.0, "once"


def test_a_model_that_is_asked_waits_for_no_other(pool):
    current, after = job("current"), job("next")
    Held.may_load.set()
    pool.load(current.model)
    Held.may_load.clear()
    one = following(pool, after)
    Held.loads.clear()
    one.begin(current, wanted, beside=True)
    assert Held.loads.wait(HANGS_S)
    assert one.settle(current.model) == 0.0
    one.begin(current, lambda job: pytest.fail("once"), beside=True)
    Held.may_load.set()
    one.close()


def test_another_model_than_the_one_that_was_expected_takes_its_place(pool):
    expected, other = job("expected"), job("other")
    Held.may_load.set()
    one = following(pool, expected)
    one.begin(job("current"), wanted, beside=True)
    assert Held.loads.wait(HANGS_S)
    assert one.settle(other.model) == 0.0
    pool.load(other.model)
    assert (pool.is_loaded(other.model), pool.is_loaded(expected.model)) == (True, False)
    assert pool.loads == {"other": 1}


@pytest.mark.parametrize(
    ("after", "is_wanted", "beside"),
    [
        (None, wanted, True),
        (job("current"), wanted, True),  # the same model
        (job("next"), lambda job: False, True),  # the cache knows all of it
        (job("next"), lambda job: 1 / 0, True),  # whatever is the matter with it is told in its turn
        (job("next"), wanted, False),  # others come first that hear the answers
        (job("next", loads_beside=False), wanted, True),
        (job("next", memory_gb=1e9), wanted, True),
        (job("next", memory_gb=None), wanted, True),
    ],
)
def test_what_is_not_loaded_before_its_turn(pool, monkeypatch, after, is_wanted, beside):
    monkeypatch.setattr(pool, "load_beside", lambda spec: pytest.fail("it was loaded"))
    one = following(pool, after)
    one.begin(job("current"), is_wanted, beside=beside)
    assert one._loading is None or list(one._loading) == []


def test_what_fails_in_the_thread_is_left_to_its_turn(pool, monkeypatch):
    monkeypatch.setattr(Held, "load", lambda self: 1 / 0)
    after = job("next")
    one = following(pool, after)
    one.begin(job("current"), wanted, beside=True)
    assert one.settle(after.model) == 0.0
    with pytest.raises(ZeroDivisionError):
        pool.load(after.model)


# Whether there is room.


def adapter(**entry):
    return Held(ModelSpec("m", "held", **entry), {})


@pytest.mark.parametrize(
    ("entry", "gib"),
    [({}, None), ({"memory_gb": 3.0}, 3.0), ({"parameters": 1 << 30}, 5.0), ({"parameters": 1, "memory_gb": 2.5}, 2.5)],
)
def test_what_a_model_takes_is_what_its_entry_says(entry, gib):
    assert adapter(**entry).takes_gib() == gib


class Filling(Held):
    """As a server that takes what there is."""

    fills_gpu = 0.95


@pytest.mark.parametrize(
    ("room", "free", "gpus", "holds"),
    [
        (Room(), 13.0, [], True),  # 10 GiB, a fifth and one more
        (Room(), 12.9, [], False),
        (Room(), None, [], False),
        (Room(workers=2), 13.0, [], False),
        (Room(workers=2), 26.0, [], True),
        (Room(), 100.0, [(13.0, 80.0)], True),
        (Room(), 100.0, [(12.9, 80.0)], False),
        (Room(), 100.0, [(80.0, 80.0), (1.0, 80.0)], False),
        (Room(per_gpu=2), 100.0, [(13.0, 80.0)], False),
        (Room(), 100.0, None, False),  # GPUs that nobody can tell of
    ],
)
def test_a_model_fits_where_all_of_it_does(monkeypatch, room, free, gpus, holds):
    monkeypatch.setattr(memory.hardware, "free_gib", lambda: free)
    monkeypatch.setattr(memory, "memory_gib", lambda environ: gpus)
    assert room.holds(adapter(memory_gb=10.0)) is holds


@pytest.mark.parametrize(("gpus", "holds"), [([(79.0, 80.0)], True), ([(60.0, 80.0)], False), ([], True)])
def test_a_server_that_fills_a_gpu_needs_it_to_be_empty(monkeypatch, gpus, holds):
    monkeypatch.setattr(memory.hardware, "free_gib", lambda: 100.0)
    monkeypatch.setattr(memory, "memory_gib", lambda environ: gpus)
    assert Room().holds(Filling(ModelSpec("m", "held", memory_gb=10.0), {})) is holds


def test_a_model_on_the_cpu_needs_no_gpu(monkeypatch):
    monkeypatch.setattr(memory.hardware, "free_gib", lambda: 100.0)
    monkeypatch.setattr(memory, "memory_gib", lambda environ: pytest.fail("asked for GPUs"))
    assert Room().holds(adapter(memory_gb=10.0, args={"device": "cpu"}))
