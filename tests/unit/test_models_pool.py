"""One model in memory per process, whatever order they are asked for in and however they fail."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models import pool as pool_module
from audiobench_pytest.models.pool import ModelPool


class Fake:
    """Keeps account of what is in memory; a load takes memory before it fails."""

    memory: set = set()  # noqa: RUF012 - emptied by the fixture
    most = 0
    made: list = []  # noqa: RUF012
    broken: set = set()  # noqa: RUF012

    def __init__(self, spec, args):
        self.name, self.args, self.identities = spec.name, args, 0
        Fake.made.append(spec.name)

    def identity(self):
        self.identities += 1
        return {"model": self.name, "asked": self.identities}

    def load(self):
        assert self.name not in Fake.memory, "loaded twice"
        Fake.memory.add(self.name)
        Fake.most = max(Fake.most, len(Fake.memory))
        if self.name in Fake.broken:
            raise ModelError(f"{self.name} cannot be loaded")

    def close(self):
        Fake.memory.discard(self.name)


def reset():
    Fake.memory, Fake.made, Fake.broken, Fake.most = set(), [], set(), 0


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    reset()
    monkeypatch.setattr(pool_module, "create", Fake)


A, B, C = (ModelSpec(name, "fake") for name in "abc")


def test_asking_for_an_adapter_loads_nothing():
    pool = ModelPool({"a": {"beam": "2"}})
    assert pool.adapter(A) is pool.adapter(A)
    assert pool.adapter(A).args == {"beam": "2"}
    assert pool.adapter(B).args == {}
    assert (Fake.memory, pool.loads, Fake.made) == (set(), {}, ["a", "b"])


def test_the_identity_is_asked_for_once():
    """It may ask the network what a branch stands for, and keys must not change within a run."""
    pool = ModelPool()
    assert pool.identity(A) == pool.identity(A) == {"model": "a", "asked": 1}


def test_a_loaded_model_stays_until_another_is_needed():
    pool = ModelPool()
    for spec in (A, A, B, A):
        assert pool.load(spec) is pool.adapter(spec)
        assert Fake.memory == {spec.name}
    assert pool.loads == {"a": 2, "b": 1}
    pool.close()
    pool.close()
    assert Fake.memory == set()


@given(st.lists(st.sampled_from([A, B, C]), max_size=12))
def test_never_two_models_at_once_and_no_load_in_vain(order):
    reset()
    pool = ModelPool()
    for spec in order:
        pool.load(spec)
    changes = sum(i == 0 or order[i - 1] is not spec for i, spec in enumerate(order))
    assert sum(pool.loads.values()) == changes
    assert Fake.most <= 1
    pool.close()
    assert Fake.memory == set()


def test_a_model_that_cannot_be_loaded_leaves_room_for_the_next():
    pool = ModelPool()
    Fake.broken.add("a")
    with pytest.raises(ModelError, match="a cannot be loaded"):
        pool.load(A)
    assert (Fake.memory, pool.loads) == (set(), {})
    pool.load(B)
    assert (Fake.memory, Fake.most) == ({"b"}, 1)
    Fake.broken.clear()
    pool.load(A)
    assert (Fake.memory, pool.loads) == ({"a"}, {"a": 1, "b": 1})


def test_the_reason_why_it_cannot_be_loaded_survives_a_failing_close(monkeypatch):
    Fake.broken.add("a")
    monkeypatch.setattr(Fake, "close", lambda self: 1 / 0)
    with pytest.raises(ModelError, match="a cannot be loaded"):
        ModelPool().load(A)


def test_an_adapter_that_cannot_be_made_is_tried_again(monkeypatch):
    def refuse(spec, args):
        raise UsageError("no")

    pool = ModelPool()
    monkeypatch.setattr(pool_module, "create", refuse)
    with pytest.raises(UsageError):
        pool.adapter(A)
    monkeypatch.setattr(pool_module, "create", Fake)
    assert pool.adapter(A).name == "a"


@pytest.mark.parametrize("name", ["oracle", "noisy", "null", "pocketsphinx"])
def test_shipped_adapters_can_be_loaded_again_after_they_were_closed(monkeypatch, name):
    """Idle workers take what is left of any model: A, B, A is a usual order under xdist."""
    monkeypatch.undo()
    if name == "pocketsphinx":
        pytest.importorskip("pocketsphinx")
    catalog, pool = load_catalog(), ModelPool()
    spec, other = catalog.models.get(name), catalog.models.get("null" if name != "null" else "oracle")
    for one in (spec, other, spec):
        pool.load(one)
    assert pool.loads[spec.name] == 2
    pool.close()


def test_what_a_model_brings_is_left_alone_by_the_garbage_collector_until_it_goes(monkeypatch):
    class Layer:
        """Knows its model, as modules often do."""

        def __init__(self):
            self.circle = self

    seen = []

    def load(self):
        self.layer = Layer()
        seen.append(weakref.ref(self.layer))

    def close(self):
        self.layer = None
        gc.collect()

    monkeypatch.setattr(Fake, "load", load)
    monkeypatch.setattr(Fake, "close", close)
    pool = ModelPool()
    pool.load(A)
    assert gc.get_freeze_count() > 0
    pool.load(B)
    assert [one() is None for one in seen] == [True, False], "its memory is free before the next one loads"
    pool.close()
    assert gc.get_freeze_count() == 0
    assert seen[1]() is None


def test_a_model_that_was_loaded_beside_another_is_taken_over():
    pool = ModelPool()
    pool.load(A)
    pool.adapter(B)
    pool.load_beside(B)
    assert (Fake.memory, pool.loads) == ({"a", "b"}, {"a": 1})
    assert pool.load(A) is pool.adapter(A)
    assert Fake.memory == {"a", "b"}, "the one that is asked frees nothing"
    pool.load(B)
    assert (Fake.memory, pool.loads) == ({"b"}, {"a": 1, "b": 1})
    pool.load(C)
    assert Fake.memory == {"c"}


@pytest.mark.parametrize("ends", ["another", "close"])
def test_a_model_that_was_loaded_beside_another_in_vain_goes_with_it(ends):
    pool = ModelPool()
    pool.load(A)
    pool.adapter(B)
    pool.load_beside(B)
    if ends == "another":
        pool.load(C)
    else:
        pool.close()
    assert Fake.memory == ({"c"} if ends == "another" else set())


def test_a_model_that_fails_beside_another_leaves_nothing_and_is_tried_again():
    pool = ModelPool()
    pool.load(A)
    pool.adapter(B)
    Fake.broken.add("b")
    with pytest.raises(ModelError, match="b cannot be loaded"):
        pool.load_beside(B)
    assert Fake.memory == {"a"}
    Fake.broken.clear()
    pool.load(B)
    assert (Fake.memory, pool.loads) == ({"b"}, {"a": 1, "b": 1})


def test_what_a_stopped_load_left_is_freed(monkeypatch):
    def stopped(self):
        Fake.memory.add(self.name)
        raise KeyboardInterrupt

    pool = ModelPool()
    pool.adapter(B)
    monkeypatch.setattr(Fake, "load", stopped)
    with pytest.raises(KeyboardInterrupt):
        pool.load_beside(B)
    assert Fake.memory == {"b"}
    pool.close()
    assert Fake.memory == set()
