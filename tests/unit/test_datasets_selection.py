"""Selection, shards and unique ids."""

import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.datasets import select, shard
from audiobench_pytest.datasets.selection import chosen, ranked, unique_ids
from audiobench_pytest.types import Sample

ids_lists = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


def samples(ids: list[str]) -> list[Sample]:
    return [Sample(i, Path(i), "text", "en") for i in ids]


def names(chosen: list[Sample]) -> list[str]:
    return [s.id for s in chosen]


@given(ids_lists, st.integers(1, 50), st.integers(0, 5))
def test_subset_has_its_size_and_keeps_the_sets_order(ids: list[str], size: int, seed: int) -> None:
    chosen = names(select(samples(ids), limit=None, sample=size, seed=seed))
    assert len(chosen) == min(size, len(ids))
    assert chosen == [i for i in ids if i in set(chosen)]


@given(ids_lists, st.integers(1, 50), st.integers(0, 5), st.randoms(use_true_random=False))
def test_subset_is_the_same_whatever_the_order(ids: list[str], size: int, seed: int, rng: random.Random) -> None:
    shuffled = rng.sample(ids, len(ids))
    one = names(select(samples(ids), limit=None, sample=size, seed=seed))
    other = names(select(samples(shuffled), limit=None, sample=size, seed=seed))
    assert set(one) == set(other)


@given(ids_lists, st.text(min_size=1), st.integers(1, 50), st.integers(0, 5))
def test_added_id_displaces_at_most_one_of_the_subset(ids: list[str], added: str, size: int, seed: int) -> None:
    before = set(names(select(samples(ids), limit=None, sample=size, seed=seed)))
    larger = [*ids, *([added] if added not in ids else [])]
    after = set(names(select(samples(larger), limit=None, sample=size, seed=seed)))
    assert len(before - after) <= 1


@given(ids_lists, st.integers(0, 30), st.integers(0, 9))
def test_the_subset_is_the_first_of_the_ranked(ids: list[str], size: int, seed: int) -> None:
    assert sorted(ranked(ids, seed)[:size]) == chosen(ids, limit=None, sample=size, seed=seed)
    assert sorted(ranked(ids, seed)) == list(range(len(ids)))


def test_seed_changes_the_subset_and_limit_cuts_it_afterwards() -> None:
    ids = [f"utterance-{n}" for n in range(100)]
    one = names(select(samples(ids), limit=None, sample=10, seed=0))
    other = names(select(samples(ids), limit=None, sample=10, seed=1))
    assert one != other
    assert names(select(samples(ids), limit=4, sample=10, seed=0)) == one[:4]
    assert names(select(samples(ids), limit=4, sample=None, seed=0)) == ids[:4]


def test_subset_is_pinned_to_sha256_so_that_every_version_and_machine_agrees() -> None:
    ids = [f"utterance-{n}" for n in range(100)]
    lowest = sorted(ids, key=lambda i: hashlib.sha256(f"7:{i}".encode()).hexdigest())[:3]
    assert set(names(select(samples(ids), limit=None, sample=3, seed=7))) == set(lowest)


@given(st.lists(st.integers()), st.integers(1, 8))
def test_shards_are_disjoint_and_complete(items: list[int], n: int) -> None:
    all_samples = samples([f"{at}-{item}" for at, item in enumerate(items)])
    shards = [shard(all_samples, k, n) for k in range(n)]
    assert sorted(s.id for part in shards for s in part) == sorted(names(all_samples))
    for k, part in enumerate(shards):
        assert part == [s for i, s in enumerate(all_samples) if i % n == k]


def test_shard_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="shard 2 of 2"):
        shard([], 2, 2)


@given(st.lists(st.sampled_from(["a", "b", "a#line1", "a#line2"]), max_size=8))
def test_ids_become_unique_and_the_first_keeps_its_own(ids: list[str]) -> None:
    named = unique_ids(ids, [f"line{n}" for n in range(len(ids))])
    assert len({name for name, _ in named}) == len(ids)
    for at, (name, earlier) in enumerate(named):
        assert (name == ids[at]) == (earlier is None)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.integers(0, 8))
def test_names_of_the_first_rows_do_not_depend_on_the_rest(ids: list[str], cut: int) -> None:
    marks = [f"line{n}" for n in range(len(ids))]
    assert unique_ids(ids, marks)[:cut] == unique_ids(ids[:cut], marks[:cut])
