"""Many small files become one; nothing is lost, a living writer's file is left alone, readers never miss an answer."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.compaction import compact
from audiobench_pytest.types import Prediction

IDENTITY = {"model": "m", "revision": None}


def answer(i, text=None, error=None):
    return Prediction(f"key-{i}", text or f"text {i}", error, 1.0 + i, 0.5, 0.1, 4, {"n": i})


def fill(folder, numbers, writer="main"):
    cache = PredictionCache([folder]).model("m", IDENTITY, writer=writer)
    for i in numbers:
        cache.put(answer(i))
    return cache


def model_folder(folder):
    return PredictionCache([folder]).model_folders("m", IDENTITY)[0]


def read(folder, n):
    cache = PredictionCache([folder]).model("m", IDENTITY)
    return [cache.get(f"key-{i}") for i in range(n)]


def test_answers_survive_and_files_become_one(tmp_path):
    for k in range(4):
        fill(tmp_path, range(k * 5, k * 5 + 5), f"gw{k}").close()
    before = read(tmp_path, 20)
    assert before == [answer(i) for i in range(20)]
    path = compact(model_folder(tmp_path))
    assert {p.name for p in model_folder(tmp_path).iterdir() if not p.name.startswith(".")} == {
        path.name,
        "identity.json",
    }
    assert read(tmp_path, 20) == before
    assert compact(model_folder(tmp_path)) is None, "one file is left as it is"


def test_answers_given_later_are_merged_into_the_next_file(tmp_path):
    fill(tmp_path, range(3)).close()
    fill(tmp_path, range(3, 6)).close()
    compact(model_folder(tmp_path))
    fill(tmp_path, range(6, 9)).close()
    assert read(tmp_path, 9) == [answer(i) for i in range(9)]
    compact(model_folder(tmp_path))
    assert len(list(model_folder(tmp_path).glob("*.columns"))) == 1
    assert not list(model_folder(tmp_path).glob("*.jsonl"))
    assert read(tmp_path, 9) == [answer(i) for i in range(9)]


def test_errors_are_not_answers(tmp_path):
    cache = fill(tmp_path, range(2))
    cache.put(answer(2, error="boom"))
    cache.close()
    fill(tmp_path, [3]).close()
    compact(model_folder(tmp_path))
    assert read(tmp_path, 4) == [answer(0), answer(1), None, answer(3)]


def test_the_file_of_a_living_writer_is_left_alone(tmp_path):
    alive = fill(tmp_path, range(3), "alive")
    fill(tmp_path, range(3, 6)).close()
    fill(tmp_path, range(6, 9)).close()
    compact(model_folder(tmp_path))
    (left,) = model_folder(tmp_path).glob("*.jsonl")
    assert left.name.startswith("alive")
    alive.put(answer(9))
    assert read(tmp_path, 10) == [answer(i) for i in range(10)]


CHILD = """
import sys, time
from pathlib import Path
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.types import Prediction
cache = PredictionCache([Path(sys.argv[1])]).model("m", {"model": "m", "revision": None}, writer="child")
for i in range(5):
    cache.put(Prediction(f"key-{i}", f"text {i}", None, 1.0 + i, 0.5, 0.1, 4, {"n": i}))
print("ready", flush=True)
time.sleep(60)
"""


def test_the_file_of_a_killed_writer_is_merged(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    fill(tmp_path, range(5, 8)).close()
    fill(tmp_path, range(8, 10)).close()
    compact(model_folder(tmp_path))
    assert len(list(model_folder(tmp_path).glob("*.jsonl"))) == 1
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    compact(model_folder(tmp_path))
    assert not list(model_folder(tmp_path).glob("*.jsonl"))
    assert read(tmp_path, 10) == [answer(i) for i in range(10)]


def test_the_earlier_of_two_answers_counts_whichever_files_are_merged_and_when(tmp_path):
    first, second = fill(tmp_path, [0], "z-first"), fill(tmp_path, [1], "a-second")
    first.put(answer(9, "early"))
    second.put(answer(9, "late"))
    first.put(answer(2))  # its file is the younger one now
    assert read(tmp_path, 10)[9].text == "early"
    second.close()
    fill(tmp_path, [3]).close()
    compact(model_folder(tmp_path))  # the late answer alone is merged
    assert read(tmp_path, 10)[9].text == "early"
    first.close()
    compact(model_folder(tmp_path))
    assert not list(model_folder(tmp_path).glob("*.jsonl"))
    assert read(tmp_path, 10)[9].text == "early"


def test_readers_never_miss_an_answer_while_files_are_merged(tmp_path):
    fill(tmp_path, range(50)).close()
    stop, misses = threading.Event(), []

    def reader():
        while not stop.is_set():
            misses.extend(i for i, found in enumerate(read(tmp_path, 50)) if found is None)

    thread = threading.Thread(target=reader)
    thread.start()
    for k in range(40):
        fill(tmp_path, [50 + k]).close()
        compact(model_folder(tmp_path))
    stop.set()
    thread.join()
    assert misses == []
    assert read(tmp_path, 90) == [answer(i) for i in range(90)]


def test_a_damaged_columnar_file_is_named(tmp_path):
    fill(tmp_path, range(3)).close()
    fill(tmp_path, range(3, 6)).close()
    path = compact(model_folder(tmp_path))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(RecordError, match=path.name):
        read(tmp_path, 6)


def test_a_full_disk_leaves_the_old_files(tmp_path, monkeypatch):
    fill(tmp_path, range(3)).close()
    fill(tmp_path, range(3, 6)).close()

    def full(*args, **kwargs):
        raise RecordError("no space left")

    monkeypatch.setattr("audiobench_pytest.records.answers.columns.write_atomically", full)
    with pytest.raises(RecordError):
        compact(model_folder(tmp_path))
    assert read(tmp_path, 6) == [answer(i) for i in range(6)]


def test_a_dangling_link_is_passed_over(tmp_path):
    fill(tmp_path, range(3)).close()
    (model_folder(tmp_path) / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    assert read(tmp_path, 3) == [answer(i) for i in range(3)]
