"""A finished run that is repeated opens no audio file and loads no model; the kernel is asked, not the harness."""

import ctypes
import json
import os
import struct
import wave

import pytest

SAMPLES = 5_000

_OPENED_OR_READ = 0x20 | 0x1  # IN_OPEN, IN_ACCESS
_IS_FOLDER = 0x40000000
_EVENT = struct.Struct("iIII")


class Watch:
    """Notes which files of a folder any process opens or reads, whether from Python or from a C library."""

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            pytest.skip("inotify is Linux's")
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0 or libc.inotify_add_watch(self._fd, os.fsencode(folder), _OPENED_OR_READ) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def seen(self):
        """Return the names of files since the last call; listing the folder is no reading."""
        names = set()
        while True:
            try:
                data = os.read(self._fd, 1 << 20)
            except BlockingIOError:
                return names
            at = 0
            while at < len(data):
                _, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size
                if not mask & _IS_FOLDER:
                    names.add(data[at : at + length].rstrip(b"\0").decode() or "more than the queue holds")
                at += length

    def close(self):
        os.close(self._fd)


@pytest.fixture
def watched(project):
    """A set of many distinct clips of a few samples, and a watch on their folder."""
    audio = project.path / "many" / "audio"
    audio.mkdir(parents=True)
    rows = []
    for i in range(SAMPLES):
        with wave.open(str(audio / f"{i:06d}.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(struct.pack("<2i", i, i))
        rows.append({"id": f"{i:06d}", "audio": f"audio/{i:06d}.wav", "text": f"word {i}", "language": "en"})
    manifest = audio.parent / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    watch = Watch(audio)
    yield manifest, watch
    watch.close()


def loads(run):
    lines = [json.loads(x) for f in run.glob("results/*.jsonl") for x in f.read_text().splitlines()]
    return sum(x["shard"].get("loads", 0) for x in lines if x.get("shard"))


@pytest.mark.slow
def test_a_finished_run_repeated_reads_no_audio_and_loads_no_model(project, watched):
    manifest, watch = watched
    args = (f"--dataset={manifest}", "--model=null", "--model-args=decode=false")
    result = project.run(*args, "--audiobench-run=first", inprocess=False)
    assert result.ret == 0
    assert watch.seen(), "taking a digest reads the file"
    assert loads(project.path / "first") == 1

    # A new run directory, and the first one again: both are answered by the cache.
    for run in ("second", "first"):
        result = project.run(*args, f"--audiobench-run={run}", inprocess=False)
        assert result.ret == 0
        assert watch.seen() == set()
        cell = project.cell(project.path / run)
        assert (cell["cached"], cell["counts"]["ok"]) == (SAMPLES, SAMPLES)
    assert loads(project.path / "second") == 0
    first, second = project.cell(project.path / "first"), project.cell(project.path / "second")
    assert (first["value"], first["data_info"]) == (second["value"], second["data_info"])

    # The watch sees what it should: one clip that changed is read, and no other.
    changed = manifest.parent / "audio" / "000007.wav"
    changed.write_bytes(changed.read_bytes()[:-2] + b"xy")
    os.utime(changed, ns=(1, 1))
    watch.seen()
    result = project.run(*args, "--audiobench-run=third", inprocess=False)
    assert result.ret == 0
    assert watch.seen() == {"000007.wav"}
    assert project.cell(project.path / "third")["cached"] == SAMPLES - 1
