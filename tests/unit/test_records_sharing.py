"""Machines share answers: push, pull, both again, and what is damaged on the way."""

import pytest

pytest.importorskip("fsspec", reason="needs the extra 'share', which the light environments of tox do not install")

from audiobench_pytest.cli import main
from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.sharing import pull, push
from audiobench_pytest.types import Prediction

IDENTITY = {"model": "m", "revision": None}


def put(folder, numbers):
    cache = PredictionCache([folder]).model("m", IDENTITY)
    for i in numbers:
        cache.put(Prediction(f"key-{i}", f"text {i}", None, 1.0, 0.5))
    cache.close()


def known(folder, n):
    cache = PredictionCache([folder]).model("m", IDENTITY)
    return [i for i in range(n) if (found := cache.get(f"key-{i}")) is not None and found.text == f"text {i}"]


@pytest.fixture
def url(tmp_path):
    return f"file://{tmp_path / 'shared'}"


def test_two_machines_share_what_each_answered(tmp_path, url):
    put(tmp_path / "a", range(5))
    put(tmp_path / "b", range(5, 8))
    assert push(tmp_path / "a", url) == 1
    assert pull(tmp_path / "b", url) == 1
    assert known(tmp_path / "b", 8) == list(range(8))
    assert push(tmp_path / "b", url) == 1
    assert pull(tmp_path / "a", url) == 1
    assert known(tmp_path / "a", 8) == list(range(8))


def test_nothing_is_copied_twice(tmp_path, url):
    put(tmp_path / "a", range(5))
    push(tmp_path / "a", url)
    assert push(tmp_path / "a", url) == 0
    pull(tmp_path / "b", url)
    assert pull(tmp_path / "b", url) == 0
    put(tmp_path / "b", range(5, 6))
    push(tmp_path / "b", url)  # merges what was pulled with what is new
    assert pull(tmp_path / "b", url) == 0, "a file that was merged into a larger one is not fetched again"


def test_a_file_that_is_damaged_on_the_way_is_refused(tmp_path, url):
    put(tmp_path / "a", range(5))
    push(tmp_path / "a", url)
    (path,) = (tmp_path / "shared").glob("*/*.columns")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(RecordError, match="damaged"):
        pull(tmp_path / "b", url)
    assert not list((tmp_path / "b").rglob("*.columns"))


def test_only_whole_files_stand_in_the_shared_place(tmp_path, url):
    put(tmp_path / "a", range(5))
    push(tmp_path / "a", url)
    assert [p.suffix for p in (tmp_path / "shared").rglob("*") if p.is_file()].count(".part") == 0


def test_command(tmp_path, url, capsys):
    put(tmp_path / "a", range(5))
    assert main(["cache", "push", url, "--cache", str(tmp_path / "a")]) == 0
    assert main(["cache", "pull", url, "--cache", str(tmp_path / "b")]) == 0
    assert "1 file of answers copied" in capsys.readouterr().out
    assert main(["cache", "push", url, "--cache", str(tmp_path / "nowhere")]) == 4
    assert main(["cache", "pull", "nonsense://x", "--cache", str(tmp_path / "b")]) == 4
