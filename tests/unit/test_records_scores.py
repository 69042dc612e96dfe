"""Scores that were computed once: found by key, whatever the files they lie in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.records.answers import scores
from audiobench_pytest.records.answers.scores import ScoreStore, merge, score_key
from audiobench_pytest.types import SampleScore, State


def score(n: int) -> SampleScore:
    return SampleScore({"errors": n, "units": 7}, f"reference {n}", "字", State.OK)


def key(n: int) -> bytes:
    return score_key([str(n)])


def test_what_was_kept_is_found_by_the_next_process(tmp_path):
    store = ScoreStore([tmp_path])
    for n in range(100):
        store.put(key(n), score(n))
    assert store.get(key(3)) == score(3)
    store.close()
    again = ScoreStore([tmp_path])
    assert [again.get(key(n)) for n in range(100)] == [score(n) for n in range(100)]
    assert again.get(key(100)) is None


def test_what_the_state_says_is_kept(tmp_path):
    store = ScoreStore([tmp_path])
    invalid = SampleScore({"n": 1, "invalid": 1}, "B", "", State.INVALID, "no option named")
    store.put(key(1), invalid)
    store.close()
    assert ScoreStore([tmp_path]).get(key(1)) == invalid


def test_many_files_become_one_and_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "FLUSH", 3)
    monkeypatch.setattr(scores, "MOST_FILES", 4)
    store = ScoreStore([tmp_path])
    assert store.get(key(0)) is None
    for n in range(31):
        store.put(key(n), score(n))
    store.close()
    assert len(list(tmp_path.iterdir())) == 1
    again = ScoreStore([tmp_path])
    assert [again.get(key(n)) for n in range(31)] == [score(n) for n in range(31)]


@pytest.mark.parametrize("damage", [b"", b"audiobench scores 1\n\0\0\0\0", b"x" * 100])
def test_a_damaged_file_is_passed_over(tmp_path, damage):
    store = ScoreStore([tmp_path])
    store.put(key(1), score(1))
    store.close()
    (tmp_path / "a.scores").write_bytes(damage)
    (whole,) = (path for path in tmp_path.iterdir() if path.name != "a.scores")
    (tmp_path / "b.scores").write_bytes(whole.read_bytes()[:-3])
    assert ScoreStore([tmp_path]).get(key(1)) == score(1)


def test_a_folder_that_cannot_be_written_costs_computing_only(tmp_path):
    (tmp_path / "file").write_text("")
    store = ScoreStore([tmp_path / "file" / "below", tmp_path / "other"])
    store.put(key(1), score(1))
    store.close()
    assert ScoreStore([tmp_path / "file" / "below"]).get(key(1)) is None


def test_a_read_only_layer_is_read(tmp_path):
    store = ScoreStore([tmp_path / "old"])
    store.put(key(1), score(1))
    store.close()
    assert ScoreStore([tmp_path / "new", tmp_path / "old"]).get(key(1)) == score(1)
    assert not (tmp_path / "new").exists()


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
@settings(max_examples=200)
def test_no_two_sequences_share_a_key(first, second):
    assert (score_key(first) == score_key(second)) == (first == second)


def test_merging_keeps_both_sides(tmp_path):
    for n in range(2):
        store = ScoreStore([tmp_path], writer=f"gw{n}")
        store.put(key(n), score(n))
        store.put(key(9), score(9))
        store.close()
    merge(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    store = ScoreStore([tmp_path])
    assert [store.get(key(n)) for n in (0, 1, 9)] == [score(n) for n in (0, 1, 9)]
