"""Whatever becomes of the parent, nothing of an isolated model is left: no process, no file."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from isolated_models import ask, isolated, lives, marks, right
from waiting import until

from audiobench_pytest.models.isolated import child
from audiobench_pytest.models.isolated.audio_file import AudioFile

PARENT = """
import os, sys, threading, time
from pathlib import Path
from audiobench_pytest.models.isolated import audio_file
from isolated_models import ask, isolated

folder, memory, where, prompt = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
if memory == "file":
    del os.memfd_create
    audio_file._SHARED_MEMORY = folder / "shm"

def run(prompt):
    adapter = isolated(folder)
    adapter.load()
    adapter.generate(ask(None, None))
    if prompt == "fork":
        forked = os.fork()
        if forked == 0:
            time.sleep(600)
        with (folder / "marks").open("a") as file:
            print("pids", adapter._child.pid, forked, file=file)
        prompt = "hang"
    adapter.generate(ask(prompt))

if where == "thread":
    starter = threading.Thread(target=run, args=[prompt])
    starter.start()
    starter.join()
else:
    run(prompt)
"""


def start_parent(
    folder: Path, memory: str = "memfd", where: str = "main", prompt: str = "hold"
) -> subprocess.Popen[str]:
    (folder / "tmp").mkdir()
    (folder / "shm").mkdir()
    paths = [str(Path(__file__).parent), str(Path(child.__file__).parents[3])]
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), memory, where, prompt],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(folder / "tmp")},
    )


def noted_pids(folder: Path) -> list[int]:
    return [int(word) for line in marks(folder) if line.startswith("pids") for word in line.split()[1:]]


@pytest.mark.parametrize(
    ("memory", "where", "stop"),
    [
        ("memfd", "main", signal.SIGKILL),
        ("file", "main", signal.SIGKILL),
        ("memfd", "thread", signal.SIGKILL),
        ("memfd", "main", signal.SIGTERM),
    ],
)
def test_a_parent_that_is_killed_leaves_no_process_and_no_file(
    tmp_path: Path, memory: str, where: str, stop: signal.Signals
) -> None:
    with start_parent(tmp_path, memory, where) as parent:
        try:
            assert until(lambda: len(noted_pids(tmp_path)) == 2)
            model, program = noted_pids(tmp_path)  # the model holds the interpreter lock by now
            assert lives(model)
            assert lives(program)
        finally:
            parent.send_signal(stop)
    assert until(lambda: not lives(model) and not lives(program))
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "shm").iterdir()) == []


def test_a_process_forked_off_the_parent_keeps_no_model_alive(tmp_path: Path) -> None:
    # The fork holds all the pipes open: only the parent's number tells. A model that lets other threads run sees it.
    with start_parent(tmp_path, prompt="fork") as parent:
        try:
            assert until(lambda: len(noted_pids(tmp_path)) == 2)
            model, fork = noted_pids(tmp_path)
        finally:
            parent.kill()
            parent.wait()
    try:
        assert lives(fork)
        assert until(lambda: not lives(model))
    finally:
        os.kill(fork, signal.SIGKILL)


def test_what_a_dead_model_had_started_ends_with_it(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"batch_timeout": "2"})
    adapter.load()
    adapter.generate(ask("hold 1"))
    model, program = noted_pids(tmp_path)
    assert until(lambda: not lives(model) and not lives(program))
    adapter.close()


def test_a_model_that_was_started_by_a_thread_outlives_the_thread(tmp_path: Path) -> None:
    adapter = isolated(tmp_path)
    starter = threading.Thread(target=adapter.load)
    starter.start()
    starter.join()
    try:
        assert [a.text for a in adapter.generate(ask(None))] == right(0)
        assert marks(tmp_path).count("load") == 1
    finally:
        adapter.close()


def test_closing_ends_a_model_that_hangs(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"close_timeout": "0.3"})
    adapter.load()
    process = adapter._child
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    adapter.close()
    assert not lives(process.pid)


def test_an_interrupt_ends_the_process_at_once(tmp_path: Path) -> None:
    adapter = isolated(tmp_path)
    adapter.load()
    process = adapter._child
    assert process is not None
    ours = threading.get_ident()

    def interrupt() -> None:
        until(lambda: "did hang" in marks(tmp_path))
        signal.pthread_kill(ours, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        adapter.generate(ask("hang"))
    assert not lives(process.pid)
    adapter.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_starting_and_closing_leaks_no_descriptor(tmp_path: Path) -> None:
    def cycle() -> int:
        adapter = isolated(tmp_path)
        adapter.load()
        adapter.generate(ask("exit 1", None))
        adapter.close()
        return len(list(Path("/proc/self/fd").iterdir()))

    cycle()
    before = cycle()
    (tmp_path / "marks").unlink()
    assert until(lambda: cycle() <= before)


@pytest.mark.parametrize("memfd", [True, False])
def test_the_audio_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memfd: bool) -> None:
    if not memfd:
        monkeypatch.delattr(os, "memfd_create", raising=False)
        monkeypatch.setattr("audiobench_pytest.models.isolated.audio_file._SHARED_MEMORY", tmp_path)
    with AudioFile() as file:
        file.write([np.arange(3, dtype=np.float32), np.zeros(0, np.float32), np.ones(2, np.float32)])
        assert np.frombuffer(os.pread(file.descriptor, 100, 0), np.float32).tolist() == [0, 1, 2, 1, 1]
        assert list(tmp_path.iterdir()) == []


def test_the_child_needs_only_the_standard_library_of_an_old_python() -> None:
    tree = ast.parse(Path(child.__file__).read_text(), feature_version=(3, 8))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"numpy"}  # tried only, see _samples
