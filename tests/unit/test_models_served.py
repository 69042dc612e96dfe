"""Servers that the harness starts itself: a stand-in program with the same command line and routes, well and not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api'")

from stand_in_server import lives, noted, nothing_is_left, put_on_path
from waiting import until

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.leaderboard.cells.evidence import weights_of
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import create
from audiobench_pytest.records.identities import pins
from audiobench_pytest.types import Audio, Prompt, Request


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "whisper"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def served(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what makes an adapter of a stand-in; whatever happens, nothing of it may be left."""
    monkeypatch.setattr("audiobench_pytest.models.served.running._GRACE_S", 0.5)
    made = []
    notes = tmp_path / "bin" / "notes"

    def make(fault: str = "", way: str = "vllm", spec: dict | None = None, **args: str):
        put_on_path(tmp_path / "bin", monkeypatch, fault)
        api = {} if way == "funasr" else {"api": "transcriptions"}
        entry = ModelSpec("tiny@x", way, source=str(checkpoint), way=way, **(spec or {}))
        adapter = create(entry, {**api, "start_timeout": "20", **args})
        adapter.folder = tmp_path / "run"
        made.append(adapter)
        return adapter

    make.notes = notes
    yield make
    for adapter in made:
        adapter.close()
    assert until(lambda: nothing_is_left(notes))


def requests(n: int) -> list[Request]:
    import numpy as np

    return [Request(f"s{i}", Audio(np.zeros(1600 + i, np.float32), 16_000), Prompt(language="en")) for i in range(n)]


def answers(adapter, n: int = 40) -> list[str]:
    found = {request.sample_id: answer for request, answer in adapter.stream(iter(requests(n)))}
    assert all(answer.error is None for answer in found.values()), found
    return [found[f"s{i}"].text for i in range(n)]


@pytest.mark.parametrize(
    ("way", "program", "words"),
    [
        ("vllm", "vllm", ["serve", "--dtype float16", "--tensor-parallel-size 1", "--served-model-name tiny@x"]),
        ("sglang", "sglang", ["serve --model-path", "--dtype float16", "--tp-size 1", "--served-model-name tiny@x"]),
        ("funasr", "funasr-server", ["--model-path", "--hub hf", "--device cpu"]),
    ],
)
def test_a_server_is_started_asked_and_ended(served, checkpoint, way, program, words):
    adapter = served("children", way, dtype="float16", server_args="--max-num-seqs 7")
    adapter.load()
    assert answers(adapter) == [f"heard {1600 + i}" for i in range(40)]
    (start,) = noted(served.notes)
    assert start["program"] == program
    line = " ".join(start["args"])
    for word in (*words, str(checkpoint), "--host 127.0.0.1", "--max-num-seqs 7"):
        assert word in line
    told = adapter.describe()
    assert told["server_version"] == "0.33.0"
    assert told["restarts"] == 0
    assert "is loading" in Path(told["log"]).read_text()
    adapter.close()
    # An engine in a session of its own that heeds no gentle word is gone as well, when close returns.
    assert nothing_is_left(served.notes)


def test_it_may_be_loaded_again(served):
    adapter = served()
    for _ in range(2):
        adapter.load()
        assert answers(adapter, 3) == ["heard 1600", "heard 1601", "heard 1602"]
        adapter.close()
    assert len(noted(served.notes)) == 2


def test_one_that_dies_at_start_says_why(served):
    with pytest.raises(ModelError, match=r"did not start: its process ended with status 3") as told:
        served("dies-at-start children").load()
    assert "CUDA out of memory" in str(told.value)
    assert str(served.notes.parent.parent / "run") in str(told.value), "where its log is"
    assert len(noted(served.notes)) == 1
    assert nothing_is_left(served.notes)


@pytest.mark.parametrize("fault", ["unwell", "silent deaf children"])
def test_one_that_never_gets_well_is_ended(served, fault):
    with pytest.raises(ModelError, match=r"did not get well within 2 s \(start_timeout\).*last lines") as told:
        served(fault, start_timeout="2").load()
    assert "is loading" in str(told.value)
    assert nothing_is_left(served.notes)


def test_one_that_answers_for_another_model_is_refused(served):
    with pytest.raises(ModelError, match=r"answers for another model \(another\), not for tiny@x"):
        served("another").load()
    assert nothing_is_left(served.notes)


def test_a_port_that_is_taken_is_told_before_anything_starts(served):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(ModelError, match=rf"port {port} is taken by another program: leave out port="):
            served(port=str(port)).load()
    assert noted(served.notes) == []


def test_one_that_dies_in_the_middle_is_started_once_more_and_no_answer_is_lost(served):
    adapter = served("dies children leaks")
    adapter.load()
    assert answers(adapter) == [f"heard {1600 + i}" for i in range(40)]
    first, second = noted(served.notes)
    assert first["port"] == second["port"], "who waits for it finds it where it was"
    assert not any(lives(pid) for pid in first["pids"]), "what it left behind would keep its port"
    assert adapter.describe()["restarts"] == 1


def test_one_that_hangs_is_started_once_more(served):
    adapter = served("hangs", hang_timeout="1", slots="2")
    adapter.load()
    assert answers(adapter, 8) == [f"heard {1600 + i}" for i in range(8)]
    assert len(noted(served.notes)) == 2


def test_one_that_has_answered_does_not_hang_because_nobody_fetches_its_answers(served):
    adapter = served(hang_timeout="1", slots="8")
    adapter.load()
    answered = adapter.stream(iter(requests(8)))
    next(answered)
    time.sleep(2.5)
    assert len(list(answered)) == 7
    assert adapter.describe()["restarts"] == 0


def test_questions_that_were_never_sent_hide_no_hang(served):
    adapter = served("hangs", hang_timeout="1", slots="2", timeout="20", retries="1")
    adapter.load()
    asked = [replace(request, audio=None) for request in requests(6)] + requests(6)
    found = [answer.error for _, answer in adapter.stream(iter(asked))]
    assert len([error for error in found if error is None]) == 6
    assert all("handed no sound" in error for error in found if error is not None)
    assert len(noted(served.notes)) == 2


def test_a_question_that_timed_out_is_no_sign_of_life(served):
    adapter = served("hangs", hang_timeout="2", slots="2", timeout="0.7", retries="0")
    adapter.load()
    found = [answer.error for _, answer in adapter.stream(iter(requests(30)))]
    assert any("time-out: no complete answer within 0.7 s" in str(error) for error in found)
    assert len(noted(served.notes)) == 2
    assert found[-1] is None, "the one that was started again answers"


def test_it_may_take_as_long_as_a_question_may(served):
    assert served().args["hang_timeout"] == 300
    assert served(timeout="1200").args["hang_timeout"] == 1200
    assert served(timeout="1200", hang_timeout="60").args["hang_timeout"] == 60


def test_one_that_dies_again_is_given_up_with_its_last_lines(served):
    adapter = served("dies always")
    adapter.load()
    with pytest.raises(
        ModelError, match=r"its server (died twice, the last time because|did not start:) its process"
    ) as told:
        answers(adapter)
    assert "the engine is gone" in str(told.value)
    assert len(noted(served.notes)) == 2
    assert nothing_is_left(served.notes)


def test_processes_of_a_run_share_a_server_until_the_last_is_gone(served):
    one, other = served("children"), served("children")
    one.load()
    other.load()
    assert len(noted(served.notes)) == 1
    one.close()
    assert not nothing_is_left(served.notes)
    assert answers(other, 3)
    other.close()
    assert nothing_is_left(served.notes)


def test_two_that_come_at_once_start_one(served):
    adapters = [served(), served()]
    threads = [threading.Thread(target=adapter.load) for adapter in adapters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(noted(served.notes)) == 1
    assert all(answers(adapter, 3) for adapter in adapters)


def test_workers_with_other_gpus_have_a_server_of_their_own(served, monkeypatch):
    found = []
    for lease in ("0,1", "2,3"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", lease)
        monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
        found.append(served())
        found[-1].load()
    starts = noted(served.notes)
    assert [start["cuda"] for start in starts] == ["0,1", "2,3"]
    assert all("--tensor-parallel-size 2" in " ".join(start["args"]) for start in starts)


OWNER = """
import sys, time
from pathlib import Path
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.served import running
running._GRACE_S = 0.5
adapter = create(ModelSpec("tiny", "vllm", source=sys.argv[1]), {"api": "transcriptions", "start_timeout": "20"})
adapter.folder = Path(sys.argv[2])
adapter.load()
print("loaded", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("fault", ["children", "deaf children"])
def test_nothing_is_left_of_it_when_its_owner_is_killed(tmp_path, checkpoint, monkeypatch, fault):
    notes = put_on_path(tmp_path / "bin", monkeypatch, fault)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(checkpoint), str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout.readline() == "loaded\n"
    assert not nothing_is_left(notes)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert until(lambda: nothing_is_left(notes))


def test_the_checkpoint_is_part_of_what_it_is(served, checkpoint):
    before = served().identity()
    (checkpoint / "model.safetensors").write_bytes(b"others")
    after = served().identity()
    assert before["weights"] != after["weights"]
    assert served(way="sglang").identity() != after
    assert served(port="4000", slots="3").identity() == after
    assert served(server_args="--quantization fp8").identity() != after


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("vllm", "model-Q4.gguf"),
        ("sglang", "model-Q4.gguf"),
        ("funasr", "model.pt"),
        ("funasr", "config.yaml"),
        ("funasr", "am.mvn"),
        ("funasr", "seg_dict"),
        ("funasr", "Qwen3-0.6B/model.safetensors"),
    ],
)
def test_what_a_program_reads_of_a_folder_is_part_of_what_it_is(served, checkpoint, way, name):
    plain = served(way=way).identity()["weights"]
    digests = {plain}
    for content in (b"one", b"other"):
        (checkpoint / name).parent.mkdir(exist_ok=True)
        (checkpoint / name).write_bytes(content)
        digests.add(served(way=way).identity()["weights"])
    assert len(digests) == 3
    (checkpoint / ".cache").mkdir()
    (checkpoint / ".cache" / "model.safetensors.json").write_text("when it was fetched")
    assert served(way=way).identity()["weights"] in digests


@pytest.mark.parametrize(
    "form", ["--chat-template {}", "--chat-template={}", "--lora-modules a={}", '--x \'{{"m": "{}"}}\'']
)
@pytest.mark.parametrize("argument", ["server_args", "server_command"])
def test_files_that_the_command_line_names_count_by_their_content(served, tmp_path, form, argument):
    file = tmp_path / "chat.jinja"
    given = {argument: ("" if argument == "server_args" else "vllm serve ") + form.format(file)}
    found = [served(**given).identity()]
    for content in ("{{ a }}", "{{ b }}"):
        file.write_text(content)
        found.append(served(**given).identity())
    assert len({str(one) for one in found}) == 3
    assert "files" not in found[0]
    assert len({weights_of(one) for one in found}) == 1, "a chat template is no weights"
    assert list(found[1]["files"]) == [str(file)]


def test_a_folder_that_the_command_line_names_counts_where_it_is_read(served, tmp_path):
    lora, written = tmp_path / "lora", tmp_path / "downloads"
    for folder in (lora, written):
        folder.mkdir()
    (written / "a.log").write_text("one")
    (lora / "adapter_model.safetensors").write_bytes(b"one")
    args = f"--lora-modules a={lora} --download-dir {written}"
    before = served(server_args=args).identity()
    (written / "a.log").write_text("two")
    assert served(server_args=args).identity() == before
    assert weights_of(before) != weights_of(served().identity()), "a promise of weights is not kept by the base alone"
    (lora / "adapter_model.safetensors").write_bytes(b"two")
    assert served(server_args=args).identity() != before


def test_arguments_that_no_shell_could_read_are_refused(served):
    with pytest.raises(UsageError, match=r"--model-args: server_args=--a 'b.*cannot be read as a shell would"):
        served(server_args="--a 'b")


def test_an_environment_that_is_made_for_it_is_part_of_what_it_is(served, monkeypatch, tmp_path):
    def identity(*requirements: str, **more) -> dict:
        return served(spec={"runtime": RuntimeSpec("server", "", requirements, **more)}).identity()

    assert identity("vllm==0.33.0") == identity("vllm==0.34.0") == served().identity(), "the program on the PATH is it"
    assert identity("vllm==0.33.0", env={"VLLM_X": "1"}) != served().identity()
    monkeypatch.setattr("audiobench_pytest.models.served.adapter.shutil.which", lambda *_, **__: None)
    found = [
        identity("vllm==0.33.0"),
        identity("vllm==0.34.0"),
        identity("vllm==0.33.0", python="3.12"),
        identity("vllm==0.33.0", env={"VLLM_X": "1"}),
    ]
    assert len({str(one) for one in found}) == 4


def test_a_revision_that_would_not_be_served_is_refused(served):
    with pytest.raises(ModelError, match="is a folder, which has no revision 'v1'"):
        served(spec={"revision": "v1"})
    entry = ModelSpec("sense", "funasr", source="FunAudioLLM/SenseVoiceSmall", revision="v1", way="funasr")
    kind = type(served(way="funasr"))
    assert not kind.at_hand(entry, checked_args(kind, entry, {}))
    assert kind.at_hand(replace(entry, revision=None), checked_args(kind, entry, {}))
    with pytest.raises(ModelError, match=r"funasr cannot be told which revision to load \('v1' is asked for\): fetch"):
        create(entry, {})
    assert not pins(create(replace(entry, revision=None), {}).identity()), "its answers have to tell who answers"


def test_it_can_be_made_ready_ahead_of_runs(served, monkeypatch, tmp_path):
    entry = ModelSpec("own", "vllm", source="x/y", runtime=RuntimeSpec("server", "", ("vllm==0.33.0",)))
    kind = type(served())
    assert kind.make_ready(entry) == f"{tmp_path}/bin/vllm is started"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("audiobench_pytest.models.served.adapter.ensure", lambda name, runtime: (name, runtime))
    assert kind.make_ready(entry) == str((entry.name, entry.runtime))
    with pytest.raises(ModelError, match=r"the program 'vllm' is not here: pip install"):
        kind.make_ready(replace(entry, runtime=None))


def test_what_is_lacking_is_told_with_what_brings_it(served, monkeypatch, tmp_path):
    adapter = served()
    kind = type(adapter)
    assert kind.lacks(adapter.spec, adapter.args) == []
    assert kind.at_hand(adapter.spec, adapter.args)
    monkeypatch.setenv("PATH", str(tmp_path))
    ((what, how),) = kind.lacks(adapter.spec, adapter.args)
    assert what == "the program 'vllm'"
    assert "pip install 'vllm[audio]'" in how
    entry = ModelSpec("own", "vllm", source="x/y", runtime=RuntimeSpec("server", "", ("vllm==0.33.0",)))
    assert kind.lacks(entry, adapter.args) == [], "its environment is made when it is first needed"
    assert not kind.at_hand(entry, adapter.args), "but nobody is surprised by that"


def test_a_command_of_ones_own_takes_its_place(served, tmp_path, monkeypatch):
    adapter = served(server_command=f"{tmp_path}/bin/vllm serve {{model}} --port {{port}} --served-model-name {{name}}")
    adapter.load()
    assert answers(adapter, 2)
    (start,) = noted(served.notes)
    assert start["args"][:2] == ["serve", adapter.spec.source]
    assert "--dtype" not in start["args"]


@pytest.mark.parametrize(("name", "value"), [("port", "0"), ("tensor_parallel", "0"), ("start_timeout", "0")])
def test_values_out_of_range_are_refused(served, name, value):
    with pytest.raises(UsageError, match=rf"--model-args: {name}="):
        served(**{name: value})
