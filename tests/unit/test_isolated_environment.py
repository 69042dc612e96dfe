"""Environments of isolated models: made once per fingerprint, never half, and for Pythons that are installed only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from isolated_models import ask
from waiting import HANGS_S, until

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.isolated import environment
from audiobench_pytest.models.isolated.environment import Environment, ensure, environments_folder, requirements_digest
from audiobench_pytest.models.isolated.interpreters import find_interpreter, installer_variables
from audiobench_pytest.models.registry import create

NOTHING = RuntimeSpec("isolated", "module:Class")
VERSION = ".".join(map(str, sys.version_info[:3]))

ASKER = """
import sys
from pathlib import Path
from audiobench_pytest.catalog.schema import RuntimeSpec
from audiobench_pytest.models.isolated.environment import ensure
print(ensure("m", RuntimeSpec("isolated", "module:Class"), Path(sys.argv[1])).python)
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, empty: no uv, no other Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def fake_uv(programs: Path, log: Path, before: str = "") -> None:
    """A uv that notes what it is asked for, and makes environments as venv does."""
    make = f'[ "$1" = venv ] || exit 1; for last; do :; done; exec {sys.executable} -m venv --without-pip "$last"'
    program(programs, "uv", f'echo "$UV_PYTHON_DOWNLOADS $*" >> {log}\n{before}\n{make}')


def made(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/env-*"))


def test_an_environment_is_made_once_and_apart_from_ours(tmp_path: Path, programs: Path) -> None:
    first = ensure("m", NOTHING, tmp_path / "envs")
    inode = first.python.parent.stat().st_ino
    assert ensure("m", NOTHING, tmp_path / "envs") == first
    assert first.python.parent.stat().st_ino == inode
    assert first.version == VERSION
    shown = subprocess.run(
        [first.python, "-c", "import sys; print(sys.prefix != sys.base_prefix); import numpy"],
        capture_output=True,
        text=True,
        check=False,
        env=installer_variables(),
    )
    assert shown.stdout == "True\n"
    assert "No module named 'numpy'" in shown.stderr


def test_another_list_or_python_is_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(model: str, runtime: RuntimeSpec, interpreter: object, home: Path, made_of: object) -> Path:
        asked.append(home.name)
        return home

    monkeypatch.setattr(environment, "_make_locked", note)
    for requirements in ((), ("a==1",), ("a==2",), ("a==1", "b==1")):
        ensure("m", RuntimeSpec("isolated", "module:Class", requirements), tmp_path)
    ensure("m", RuntimeSpec("isolated", "module:Class", ("a==1",), python=VERSION), tmp_path)
    monkeypatch.setattr(environment, "PROTOCOL", environment.PROTOCOL + 1)
    ensure("m", NOTHING, tmp_path)
    assert len(asked) == 6
    assert len(set(asked)) == 5
    assert asked[1] == asked[4]  # the version it would have had anyway


def test_a_half_made_environment_is_made_again(tmp_path: Path, programs: Path) -> None:
    found = ensure("m", NOTHING, tmp_path)
    home = tmp_path / found.fingerprint
    (home / "complete.json").unlink()  # what a kill -9 before the last step leaves
    again = ensure("m", NOTHING, tmp_path)
    assert again.python != found.python
    assert made(tmp_path) == [again.python.parent.parent]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"folder": "env-gone"}'])
def test_a_torn_or_stale_mark_is_not_believed(tmp_path: Path, programs: Path, content: str) -> None:
    fingerprint = ensure("m", NOTHING, tmp_path).fingerprint
    (tmp_path / fingerprint / "complete.json").write_text(content)
    assert os.access(ensure("m", NOTHING, tmp_path).python, os.X_OK)


def test_an_environment_whose_interpreter_is_gone_is_made_again(tmp_path: Path, programs: Path) -> None:
    found = ensure("m", NOTHING, tmp_path)
    found.python.unlink()
    found.python.symlink_to(tmp_path / "removed")
    assert os.access(ensure("m", NOTHING, tmp_path).python, os.X_OK)


def test_two_processes_that_ask_at_once_share_one_making(tmp_path: Path, programs: Path) -> None:
    log = tmp_path / "log"
    fake_uv(programs, log, "/bin/sleep 0.5")
    askers = [
        subprocess.Popen([sys.executable, "-c", ASKER, str(tmp_path / "envs")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = {asker.communicate(timeout=HANGS_S)[0] for asker in askers}
    assert [asker.returncode for asker in askers] == [0, 0]
    assert len(told) == 1
    assert len(log.read_text().splitlines()) == 1
    assert len(made(tmp_path / "envs")) == 1


def test_a_maker_that_is_killed_blocks_nobody_and_leaves_nothing_that_looks_complete(
    tmp_path: Path, programs: Path
) -> None:
    log, envs = tmp_path / "log", tmp_path / "envs"
    fake_uv(
        programs, log, f'for last; do :; done; /bin/mkdir -p "$last/bin"; echo $$ > {tmp_path}/uv.pid; /bin/sleep 60'
    )
    with subprocess.Popen([sys.executable, "-c", ASKER, str(envs)], stdout=subprocess.DEVNULL) as maker:
        assert until((tmp_path / "uv.pid").exists)
        maker.kill()
    try:
        assert len(made(envs)) == 1
        (programs / "uv").unlink()
        again = ensure("m", NOTHING, envs)
        assert made(envs) == [again.python.parent.parent]
    finally:
        os.killpg(int((tmp_path / "uv.pid").read_text()), 9)


def test_uv_is_used_where_it_is_and_may_download_no_python(tmp_path: Path, programs: Path) -> None:
    log = tmp_path / "log"
    fake_uv(programs, log)
    found = ensure("m", NOTHING, tmp_path / "envs")
    assert log.read_text() == f"never venv --python {sys.executable} {found.python.parent.parent}\n"


def test_a_failure_shows_what_was_written_last_and_leaves_nothing(tmp_path: Path, programs: Path) -> None:
    program(programs, "uv", "for i in 1 2 3; do echo line $i; done; echo no such wheel >&2; exit 2")
    with pytest.raises(ModelError, match=r"(?s)'m': its environment.*uv venv.*status 2.*  line 3\n  no such wheel$"):
        ensure("m", NOTHING, tmp_path / "envs")
    assert made(tmp_path / "envs") == []
    assert list((tmp_path / "envs").glob("*/complete*")) == []
    (programs / "uv").unlink()
    assert ensure("m", NOTHING, tmp_path / "envs").version == VERSION


def test_a_folder_that_cannot_be_written_is_a_named_error(tmp_path: Path, programs: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="environment cannot be made in"):
        ensure("m", NOTHING, tmp_path / "file" / "envs")


def test_a_python_that_is_not_installed_is_named_with_where_it_was_looked_for(programs: Path) -> None:
    program(programs, "python3.98", "echo 3.97.1")
    with pytest.raises(ModelError) as caught:
        find_interpreter("m", "3.98")
    message = str(caught.value)
    assert "'m' needs Python 3.98, which is not installed here" in message
    assert f"the running interpreter is {VERSION}" in message
    assert f"{programs}/python3.98 is 3.97.1" in message
    assert "uv is not installed" in message
    assert "Install it (pip install uv && uv python install 3.98), or change" in message
    with pytest.raises(ModelError, match=r"no python3\.99 on the PATH"):
        find_interpreter("m", "3.99.1")


def test_an_interpreter_is_found_on_the_path_and_by_uv(programs: Path) -> None:
    program(programs, "python3.98", "echo 3.98.4")
    assert find_interpreter("m", "3.98").path == programs / "python3.98"
    assert find_interpreter("m", "3.98.4").version == "3.98.4"
    with pytest.raises(ModelError, match=r"python3\.98 is 3\.98\.4"):
        find_interpreter("m", "3.98.5")
    hidden = programs / "hidden"
    hidden.mkdir()
    program(hidden, "python", "echo 3.98.5")
    program(programs, "uv", f'[ "$UV_PYTHON_DOWNLOADS $*" = "never python find 3.98.5" ] && echo {hidden}/python')
    assert find_interpreter("m", "3.98.5").path == hidden / "python"


def test_uv_is_asked_once_for_all_that_want_one_version(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, other = programs / "asked", programs / "other"
    program(programs, "uv", f'echo "$3" >> {log}; exit 1')
    for model, wanted in (("a", "3.98"), ("b", "3.98"), ("c", "3.99"), ("d", "3.98")):
        with pytest.raises(ModelError, match=f"'{model}' needs Python {wanted}, .*uv knows none"):
            find_interpreter(model, wanted)
    assert log.read_text().split() == ["3.98", "3.99"]
    other.mkdir()
    program(other, "python", "echo 3.98.5")
    program(programs, "uv", f"echo {other}/python")
    monkeypatch.setenv("PATH", str(other), prepend=os.pathsep)
    assert find_interpreter("a", "3.98").path == other / "python", "another PATH is another question"
    monkeypatch.setenv("PATH", str(programs))
    later = time.monotonic() + 61
    monkeypatch.setattr("time.monotonic", lambda: later)
    assert find_interpreter("a", "3.98").path == other / "python", "what was installed meanwhile is found"


def test_the_running_interpreter_is_taken_where_it_fits() -> None:
    assert find_interpreter("m", None).path == Path(sys.executable)
    assert find_interpreter("m", ".".join(VERSION.split(".")[:2])).path == Path(sys.executable)
    assert ensure("m", RuntimeSpec("isolated", "a:B", python="running")) == Environment(
        Path(sys.executable), VERSION, "running"
    )


def test_environments_lie_in_the_users_cache_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIOBENCH_ENVIRONMENTS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert environments_folder() == Path.home() / ".cache" / "audiobench" / "environments"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert environments_folder() == Path("/caches/audiobench/environments")
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", "/elsewhere")
    assert environments_folder() == Path("/elsewhere")


def wheel(folder: Path, module: str) -> Path:
    """Write a wheel that holds one module."""
    file = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        info = "tiny_model-1.0.dist-info"
        archive.writestr("tiny_model.py", module)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return file


def test_a_wheel_counts_by_its_content(tmp_path: Path) -> None:
    runtime = RuntimeSpec("isolated", "tiny_model:Model", (str(wheel(tmp_path, "a = 1")),))
    first = requirements_digest("m", runtime)
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(tmp_path / "tiny_model-1.0-py3-none-any.whl", moved)
    elsewhere = RuntimeSpec("isolated", "tiny_model:Model", (f"{moved}/tiny_model-1.0-py3-none-any.whl",))
    assert requirements_digest("m", elsewhere) == first
    wheel(tmp_path, "a = 23")
    assert requirements_digest("m", runtime) != first


def test_a_model_without_numpy_answers_from_an_empty_environment(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "envs"))
    monkeypatch.setenv("PYTHONPATH", str(Path(environment.__file__).parents[3]))
    source = (
        "class Model:\n"
        "    def load(self, args): pass\n"
        "    def generate(self, batch):\n"
        "        try:\n"
        "            import audiobench_pytest\n"
        "        except ImportError:\n"
        "            heard = [request['samples'] for request in batch]\n"
        "            return [f'{type(h).__name__} {len(h)} {max(h):.2f}' for h in heard]\n"
    )
    (tmp_path / "bare.py").write_text(source)
    runtime = RuntimeSpec("isolated", f"{tmp_path}/bare.py:Model")
    adapter = create(ModelSpec("bare", adapter="isolated", runtime=runtime), {})
    adapter.load()
    try:
        assert [a.text for a in adapter.generate(ask(None, None))] == ["array 100 0.00", "array 101 0.01"]
        assert adapter.describe()["environment"] == made(tmp_path / "envs")[0].parent.name
    finally:
        adapter.close()


@pytest.mark.slow
def test_a_model_that_the_requirements_install_answers(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "envs"))
    module = (
        "class Model:\n"
        "    def load(self, args):\n"
        "        return {'beam': args['beam']}\n"
        "    def generate(self, batch):\n"
        "        return ['installed' for request in batch]\n"
    )
    runtime = RuntimeSpec("isolated", "tiny_model:Model", ("--no-index", str(wheel(tmp_path, module))))
    adapter = create(ModelSpec("tiny", adapter="isolated", runtime=runtime, args={"beam": "5"}), {})
    adapter.load()
    try:
        assert [a.text for a in adapter.generate(ask(None))] == ["installed"]
        assert adapter.describe()["beam"] == "5"
    finally:
        adapter.close()
    (mark,) = (tmp_path / "envs").glob("*/complete.json")
    assert json.loads(mark.read_text())["packages"]["tiny-model"] == "1.0"
