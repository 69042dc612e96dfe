"""Digests of files: right, and taken once."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from audiobench_pytest.errors import SampleError
from audiobench_pytest.records import digests
from audiobench_pytest.records.digests import DigestMemo, content_digest


def sha(data):
    return hashlib.sha256(data).hexdigest()


def write(path, data, mtime_s):
    path.write_bytes(data)
    os.utime(path, (mtime_s, mtime_s))
    return path


def open_files():
    """Number of this process's open files, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else None


@pytest.fixture
def opened(monkeypatch):
    """Names of the audio files that were opened."""
    names = []

    def spy(path, *args, **kwargs):
        names.append(Path(path).name)
        return open(path, *args, **kwargs)  # noqa: PTH123 - what the code under test calls

    monkeypatch.setattr(digests, "open", spy, raising=False)
    return names


def test_it_is_the_sha_256_of_the_bytes(tmp_path):
    assert DigestMemo().digest(write(tmp_path / "a.wav", b"sound", 100)) == sha(b"sound")


def test_a_file_is_read_once_by_all_processes_together(tmp_path, opened):
    path = write(tmp_path / "a.wav", b"sound", 100)
    memo = DigestMemo(tmp_path / "memo")
    assert [memo.digest(path), memo.digest(path)] == [sha(b"sound")] * 2
    memo.close()
    assert DigestMemo(tmp_path / "memo").digest(path) == sha(b"sound"), "another process, later"
    assert opened == ["a.wav"]


@pytest.mark.parametrize(("data", "mtime_s"), [(b"other", 101), (b"longer sound", 100)])
def test_a_changed_file_is_read_again(tmp_path, data, mtime_s):
    path = write(tmp_path / "a.wav", b"sound", 100)
    memo = DigestMemo(tmp_path / "memo")
    memo.digest(path)
    write(path, data, mtime_s)
    assert memo.digest(path) == sha(data)
    assert DigestMemo(tmp_path / "memo").digest(path) == sha(data)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_whose_time_was_set_back_is_read_again(tmp_path, replaced):
    """`cp -p`, `rsync -t` and archives bring other weights of the same size and time."""
    path = write(tmp_path / "a.wav", b"sound", 100)
    memo = DigestMemo(tmp_path / "memo")
    memo.digest(path)
    if replaced:
        write(tmp_path / "b.wav", b"other", 100).replace(path)
    else:
        write(path, b"other", 100)
    assert memo.digest(path) == sha(b"other")


def test_a_memo_of_an_earlier_form_costs_a_second_reading(tmp_path):
    path = write(tmp_path / "a.wav", b"sound", 100)
    (tmp_path / "memo").mkdir()
    (tmp_path / "memo" / "digests-1.jsonl").write_text(json.dumps([str(path), 5, 100 * 10**9, "0" * 64]) + "\n")
    assert DigestMemo(tmp_path / "memo").digest(path) == sha(b"sound")


def test_a_changed_file_is_remembered_in_whatever_order_the_memos_are_read(tmp_path, opened):
    """Files of several processes are in no order of time: what an older one says must not hide the newest."""
    path = write(tmp_path / "a.wav", b"sound", 100)
    for i in range(6):
        write(path, b"%d" % i, 100 + i)
        memo = DigestMemo(tmp_path / "memo")
        memo.digest(path)
        memo.close()
    assert len(list((tmp_path / "memo").iterdir())) == 6
    opened.clear()
    assert DigestMemo(tmp_path / "memo").digest(path) == sha(b"5")
    assert opened == []
    names = [f"digests-{i}.jsonl" for i in reversed(range(6))]
    for old, new in zip(sorted((tmp_path / "memo").iterdir()), names, strict=True):
        old.rename(tmp_path / "memo" / new)
    assert DigestMemo(tmp_path / "memo").digest(path) == sha(b"5")
    assert opened == []


def test_the_digest_of_a_large_file_is_kept_at_once_and_those_of_clips_by_the_dozen(tmp_path):
    memo = DigestMemo(tmp_path / "memo")
    memo.digest(write(tmp_path / "clip.wav", b"sound", 100))
    assert not (tmp_path / "memo").exists()
    memo.digest(write(tmp_path / "weights", b"w" * (1 << 20) + b"x", 100))
    (file,) = (tmp_path / "memo").iterdir()
    assert len(file.read_bytes().splitlines()) == 2


def test_damaged_lines_are_skipped(tmp_path):
    path = write(tmp_path / "a.wav", b"sound", 100)
    memo = tmp_path / "memo"
    memo.mkdir()
    lines = [b"not json", b"12", b"null", b'{"a":1}', b'["short"]', b"[[1],2,3,4]", b'["x",1,2,3]', b"\xff\xfe"]
    (memo / "digests-1.jsonl").write_bytes(b"".join(line + b"\n" for line in lines) + b'["torn')
    assert DigestMemo(memo).digest(path) == sha(b"sound")


def test_a_memo_that_cannot_be_written_costs_a_second_reading_only(tmp_path, opened):
    path = write(tmp_path / "a.wav", b"sound", 100)
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert DigestMemo(tmp_path / "file" / "memo").digest(path) == sha(b"sound")
    assert opened == ["a.wav", "a.wav"]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SampleError, match=r"gone\.wav: No such file"):
        DigestMemo().digest(tmp_path / "gone.wav")
    with pytest.raises(SampleError, match=r"Is a directory"):
        DigestMemo().digest(tmp_path)


def test_the_memo_of_the_process_is_closed_when_another_one_is_used(tmp_path):
    path = write(tmp_path / "a.wav", b"sound", 100)
    before = open_files()
    for i in range(8):
        digests.use_memo(tmp_path / f"memo{i}")
        assert digests.file_digest(path) == sha(b"sound")
    digests.use_memo(None)
    assert [json.loads(p.read_text())[-1] for p in sorted(tmp_path.glob("memo*/*.jsonl"))] == [sha(b"sound")] * 8
    assert open_files() == before


@pytest.mark.parametrize("beside", [".git/index", "inside/__pycache__/code.cpython-311.pyc"])
def test_a_folder_holds_what_it_holds_whoever_looked_at_it(tmp_path, beside):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "code.py").write_bytes(b"one")
    before = content_digest(tmp_path)
    (tmp_path / beside).parent.mkdir(parents=True)
    (tmp_path / beside).write_bytes(b"made by looking")
    assert content_digest(tmp_path) == before
    (tmp_path / "inside" / "code.py").write_bytes(b"other")
    assert content_digest(tmp_path) != before
