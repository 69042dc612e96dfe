"""The lock file holds all that a paired test needs, in few and stable bytes, and no text."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import RECIPE, make_run, make_set, sentence

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.baselines.lock_file import _packed, _unpacked, encoded, locked, read_lock
from audiobench_pytest.leaderboard.baselines.measured import id_hash, measured, paired
from audiobench_pytest.leaderboard.baselines.sources import Baseline, cells_of_runs
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.types import CellId

CELL = CellId("small", "noisy", RECIPE)


def lock_of(*runs):
    return [locked(reduce_cell(data), measured(data, "run")) for data in cells_of_runs(runs)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lock")
    return make_run(folder / "run", make_set(folder / "data", 24), args={"wer": "0.3"}, clusters="speaker")


def test_a_lock_gives_back_the_numbers_of_the_run_under_hashes(run, tmp_path):
    path = tmp_path / "x.lock.json"
    path.write_bytes(encoded(lock_of(run)))
    (here,) = (measured(data, "run") for data in cells_of_runs([run]))
    there = Baseline(path).find(CELL)
    assert there is not None
    assert (there.signature, there.digest, there.total) == (here.signature, here.digest, 24)
    assert there.identity["args"]["wer"] == 0.3
    assert there.quantities[0] == here.quantities[0]
    assert {one.name: one for one in there.quantities} == {one.name: one for one in here.quantities}
    by_hash = {id_hash(one): row for row, one in enumerate(here.ids)}
    order = [by_hash[one] for one in there.ids]
    assert sorted(order) == list(range(24))
    for name, column in there.columns.items():
        assert column.tolist() == here.columns[name][order].tolist(), name
    # Samples of one speaker are of one cluster still.
    groups = {}
    for label, row in zip(there.clusters, order, strict=True):
        groups.setdefault(label, set()).add(here.clusters[row])
    assert sorted(map(sorted, groups.values())) == [["s0"], ["s1"], ["s2"], ["s3"]]


def test_values_and_intervals_are_those_of_the_run(run):
    (one,) = lock_of(run)
    (result,) = map(reduce_cell, cells_of_runs([run]))
    kept = one.document["values"]["wer"]
    assert (kept["value"], kept["low"], kept["high"]) == (
        result.value,
        result.headline.low,
        result.headline.high,
    )
    assert one.document["n"] == 24


def test_two_locks_of_one_run_are_the_same_bytes_in_whatever_order(run, tmp_path):
    other = make_run(tmp_path / "other", make_set(tmp_path / "data", 5, "another"), args={"wer": "0.1"})
    ours, theirs = lock_of(run), lock_of(other)
    assert encoded([*ours, *theirs]) == encoded([*theirs, *ours]) == encoded([*lock_of(other), *lock_of(run)])


def test_cells_that_differ_by_prompt_are_kept_apart_and_in_one_order(tmp_path):
    manifest = make_set(tmp_path / "data", 5)
    made = {
        prompt: lock_of(make_run(tmp_path / prompt, manifest, args={"wer": wer}, prompt=name, words=name))
        for prompt, wer in (("plain", "0.1"), ("terse", "0.6"))
        for name in [f"asr/{prompt}"]
    }
    assert {one.words for (one,) in made.values()} == {""}, "the cell says it already"
    path = tmp_path / "x.lock.json"
    path.write_bytes(encoded([*made["plain"], *made["terse"]]))
    assert path.read_bytes() == encoded([*made["terse"], *made["plain"]])
    assert [one.cell.prompt for one in read_lock(path)] == ["asr/plain", "asr/terse"]
    baseline = Baseline(path)
    errors = [
        baseline.find(CellId("small", "noisy", RECIPE, f"asr/{prompt}")).columns["errors"].sum() for prompt in made
    ]
    assert errors[0] < errors[1]
    assert baseline.find(CELL) is None


def test_a_file_with_a_cell_twice_is_refused(run, tmp_path):
    document = json.loads(encoded(lock_of(run)))
    document["cells"] *= 2
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(RecordError, match=r"cells 1 and 2 are both small-noisy .* remove one of them"):
        read_lock(path)
    # Under another prompt it is another cell; a prompt is a text.
    document["cells"][1] = {**document["cells"][0], "prompt": "asr/terse"}
    path.write_text(json.dumps(document))
    assert [one.cell.prompt for one in read_lock(path)] == ["", "asr/terse"]
    document["cells"][1]["prompt"] = None
    path.write_text(json.dumps(document))
    with pytest.raises(RecordError, match="cell 2: 'prompt' is missing or of the wrong type"):
        read_lock(path)


def test_no_text_and_no_id_of_a_sample_is_in_the_file(run):
    text = encoded(lock_of(run)).decode()
    assert "clip-" not in text
    assert sentence(3) not in text
    for word in ("quick", "sailors", "harbour", "s0", "female"):
        assert word not in text


def test_a_set_of_the_size_of_librispeech_stays_far_below_200_kilobytes(run):
    (data,) = cells_of_runs([run])
    import dataclasses

    side, rng = measured(data, "run"), np.random.default_rng(1)
    # 2,620 utterances, of which a third has an error, as a good recogniser leaves them.
    units = rng.integers(2, 60, 2620).astype(float)
    errors = np.where(rng.random(2620) < 0.34, rng.integers(1, 9, 2620), 0).astype(float)
    columns = {"units": units, "errors": errors, "substitutions": errors, "deletions": errors * (errors > 5)}
    large = dataclasses.replace(
        side,
        ids=[f"1089-{number}" for number in range(2620)],
        columns=columns,
        silent=np.zeros(2620, dtype=bool),
        clusters=[f"s{number % 40}" for number in range(2620)],
    )
    size = len(encoded([locked(reduce_cell(data), large)]))
    assert 30_000 < size < 60_000


@given(
    st.lists(
        st.one_of(st.just(0.0), st.integers(0, 300).map(float), st.floats(allow_nan=False, allow_infinity=False)),
        max_size=40,
    )
)
@settings(max_examples=200)
def test_any_column_comes_back_as_it_was(numbers):
    column = np.array(numbers, np.float64)
    assert _unpacked(_packed(column), len(column)).tolist() == column.tolist()


def test_a_column_that_is_mostly_zero_is_kept_as_places():
    column = np.zeros(1000)
    column[[3, 700]] = [2, 900]
    # Two values of two bytes, two places of two bytes.
    assert _packed(column) == "u2:AgCEAw== u2:AwC8Ag=="


BROKEN = {
    "no JSON": ("{", "is no lock file"),
    "a list": ("[]", "holds no list 'cells'"),
    "another format": ('{"format": 2, "cells": []}', "was written in format 2; this version reads 1"),
    "a cell that is none": ('{"format": 1, "cells": [3]}', "cell 1: 'dataset' is missing"),
    "a cell without data": (
        '{"format": 1, "cells": [{"dataset": "a", "model": "b", "recipe": "c", "signature": "d"}]}',
        "cell 1: 'data' is missing",
    ),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_lock_is_refused(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=words):
        read_lock(path)


@pytest.mark.parametrize("spoil", ["ids", "errors", "type", "short", "quantity"])
def test_samples_that_were_edited_by_hand_are_refused_where_they_are_used(run, tmp_path, spoil):
    document = json.loads(encoded(lock_of(run)))
    samples = document["cells"][0]["samples"]
    if spoil == "ids":
        samples["ids"] = "?"
    elif spoil == "errors":
        samples["numbers"]["errors"] = 5
    elif spoil == "type":
        samples["numbers"]["errors"] = "u8:AAAA"
    elif spoil == "short":
        samples["numbers"]["units"] = "u1:AAAA"
    else:
        document["cells"][0]["values"]["wer"] = {}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(RecordError, match=r"small-noisy .* cannot be read"):
        Baseline(path).find(CELL)


def test_run_and_lock_are_paired_by_hashes_and_told_by_ids(run, tmp_path):
    path = tmp_path / "x.lock.json"
    path.write_bytes(encoded(lock_of(run)))
    from_run, from_lock = Baseline(run).find(CELL), Baseline(path).find(CELL)
    pairs, names = paired(from_lock, from_run, "wer")
    assert sorted(names[one] for one in pairs.ids) == [f"clip-{number:03d}" for number in range(24)]
    same, _ = paired(from_run, from_run, "wer")
    # A lock must give the very verdict of its run: the same order, so the same draws.
    assert pairs.ids == same.ids
    assert pairs.clusters.tolist() == same.clusters.tolist()
