"""Whole lines or nothing: what a reader of an append-only file sees, whatever became of its writer."""

import json
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import AppendFile, as_line, read_lines, write_atomically

LINES = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=12) | st.integers(-9, 9), max_size=3), max_size=8
)


def only_file(folder):
    (path,) = folder.glob("*.jsonl")
    return path


@given(values=LINES, data=st.data())
def test_a_file_cut_anywhere_gives_the_lines_that_were_whole(tmp_path_factory, values, data):
    lines = [json.dumps(value).encode() for value in values]
    whole = b"".join(line + b"\n" for line in lines)
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("cut") / "x.jsonl"
    path.write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    assert [line.rstrip(b"\n") for line in read_lines(path)] == lines[:complete]


def test_blank_lines_are_no_lines(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\n{"a":1}\n\n{"b":2}\n')
    assert list(read_lines(path)) == [b'{"a":1}\n', b'{"b":2}\n']


def test_the_file_appears_with_its_first_line(tmp_path):
    file = AppendFile(tmp_path / "deep" / "down", "gw0")
    file.sync()
    assert not (tmp_path / "deep").exists()
    file.write(b"{}")
    path = only_file(tmp_path / "deep" / "down")
    assert path.name.startswith(f"gw0-{os.getpid()}-")
    assert path.read_bytes() == b"{}\n", "a line is on its way to the disk when `write` returns, not at `close`"
    file.close()


def test_each_writer_has_a_file_of_its_own(tmp_path):
    files = [AppendFile(tmp_path, "main") for _ in range(5)]
    for i, file in enumerate(files):
        file.write(b"%d" % i)
        file.close()
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"%d\n" % i for i in range(5)]


def test_after_close_a_new_file_is_begun(tmp_path):
    file = AppendFile(tmp_path, "main")
    for line in (b"1", b"2"):
        file.write(line)
        file.close()
        file.close()
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"1\n", b"2\n"]


def test_a_short_write_is_told_and_the_torn_file_left_alone(tmp_path, monkeypatch):
    file = AppendFile(tmp_path, "main")
    file.write(b'{"n":1}')
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:4]))
    with pytest.raises(RecordError, match=r"only 4 of 8 bytes.*make room"):
        file.write(b'{"n":2}')
    monkeypatch.undo()
    file.write(b'{"n":3}')
    file.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert sorted(line for path in tmp_path.iterdir() for line in read_lines(path)) == [b'{"n":1}\n', b'{"n":3}\n']


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot write to .*file.*--audiobench-cache"):
        AppendFile(tmp_path / "file" / "below", "main").write(b"{}")


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(fd, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    file = AppendFile(tmp_path, "main")
    file.write(b"{}")
    file.close()
    assert only_file(tmp_path).read_bytes() == b"{}\n"


WRITER = """
import sys
from pathlib import Path
from audiobench_pytest.records.append import AppendFile
file = AppendFile(Path(sys.argv[1]), sys.argv[2])
for i in range(400):
    file.write(b'{"who":"%s","n":%d,"text":"%s"}' % (sys.argv[2].encode(), i, b"x" * (i % 300)))
"""


def test_two_processes_at_once_keep_all_lines_whole(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("gw0", "gw1")]
    assert [w.wait(60) for w in writers] == [0, 0]
    found = [json.loads(line) for path in tmp_path.iterdir() for line in read_lines(path)]
    assert sorted((x["who"], x["n"]) for x in found) == [(who, n) for who in ("gw0", "gw1") for n in range(400)]


def test_readers_see_the_old_content_or_the_new_never_a_part(tmp_path):
    path = tmp_path / "run.json"
    contents = [bytes([65 + i]) * 200_000 for i in range(2)]
    write_atomically(path, contents[0])
    stop = threading.Event()

    def rewrite():
        for i in range(60):
            write_atomically(path, contents[i % 2])
        stop.set()

    thread = threading.Thread(target=rewrite)
    thread.start()
    seen = set()
    while not stop.is_set():
        seen.add(path.read_bytes())
    thread.join()
    assert seen <= set(contents)
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"], "no temporary file is left"


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_place_that_cannot_be_written_is_told_as_such(tmp_path, folder):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot write .*run\.json: "):
        write_atomically(tmp_path / folder / "run.json", b"{}")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("\ud800", "\\ud800"),
        ({"a": ["b\udc00c", {"\udfff": 1.5}]}, {"a": ["b\\udc00c", {"\\udfff": 1.5}]}),
        (["ä", "\ud83d", None, True], ["ä", "\\ud83d", None, True]),
    ],
)
def test_half_a_surrogate_pair_is_written_as_its_escape(value, written):
    assert json.loads(as_line(value)) == written


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53), st.lists, max_leaves=8))
def test_every_other_value_is_written_as_it_is(value):
    assert json.loads(as_line(value)) == value
    assert b"\n" not in as_line(value)


def test_a_value_that_is_no_json_is_refused():
    with pytest.raises(TypeError, match="object"):
        as_line({"x": object()})
