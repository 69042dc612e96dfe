"""One checkpoint in this process and behind a server: equal answers, or a difference that `audiobench compare` tells.

The server answers by the same tiny checkpoint, asked clip by clip with what came over the wire. Whisper through
CTranslate2 is compared in `tests/unit/test_models_faster_whisper.py`.
"""

import io
import threading

import pytest

pytest.importorskip(
    "transformers", reason="needs the extra 'local', which the light environments of tox do not install"
)
pytest.importorskip("httpx", reason="needs the extra 'api'")

import soundfile
import tiny_checkpoints
from openai_server import OpenAIServer, heard

from audiobench_pytest.cli import main
from audiobench_pytest.types import Audio, Prompt, Request
from conftest import sentence

N = 6
FIRST = int(16_000 * 0.6)
"""Samples of the first clip, which no other has."""
RIGHT = sentence(0)
QUESTION = "What is said?"
ARGS = {"device": "cpu", "threads": "1"}
TOLD = {"whisper": {"max_new_tokens": "8"}, "ctc": {}, "chat": {"max_new_tokens": "8"}}
BUILD = {
    "whisper": tiny_checkpoints.build_whisper,
    "ctc": tiny_checkpoints.build_ctc,
    "chat": tiny_checkpoints.build_audio_chat,
}


@pytest.fixture(scope="module", params=BUILD)
def checkpoint(request, tmp_path_factory):
    """Return a kind of checkpoint and its folder."""
    return request.param, BUILD[request.param](tmp_path_factory.mktemp("checkpoints") / f"tiny-{request.param}")


@pytest.fixture
def answers(checkpoint):
    """Return what answers a question over HTTP by the checkpoint."""
    kind, folder = checkpoint
    load = tiny_checkpoints.talker if kind == "chat" else tiny_checkpoints.loaded
    model = load(folder, **TOLD[kind])
    one_at_a_time = threading.Lock()

    def reply(asked):
        samples, rate = soundfile.read(io.BytesIO(asked.file), dtype="float32")
        if kind == "chat":
            words = [part["text"] for part in asked.fields["messages"][0]["content"] if part["type"] == "text"]
            prompt = Prompt("".join(words), "en")
        else:
            prompt = Prompt(language=asked.fields.get("language"))
        with one_at_a_time:
            (answer,) = model.generate([Request("asked", Audio(samples, rate), prompt)])
        assert answer.error is None
        return heard(asked, answer.text)

    yield reply
    model.close()


def ask(project, model, args, kind):
    told = {**args, **({"prompt": QUESTION} if kind == "chat" else {})}
    given = ",".join(f"{name}={value}" for name, value in told.items())
    manifest = project.clips(N, seconds=0.6)
    result = project.run(f"--dataset={manifest}", f"--model={model}", f"--model-args={given}")
    assert result.ret == 0, result.stdout.str()
    assert project.cell()["counts"]["ok"] == N
    return project.latest, {one["sample_id"]: one["prediction"] for one in project.outcomes()}


def test_it_answers_alike_in_this_process_and_behind_a_server(project, checkpoint, answers, capsys):
    kind, folder = checkpoint
    here, expected = ask(project, f"hf:{folder}", {**ARGS, **TOLD[kind]}, kind)
    assert len(set(expected.values())) > 1
    protocol = {} if kind == "chat" else {"api": "transcriptions"}
    with OpenAIServer(answers) as server:
        there, found = ask(project, f"openai:{folder.name}", {"url": server.url, **protocol}, kind)
        assert len(server.questions) >= N
    assert found == expected
    capsys.readouterr()
    assert main(["compare", str(here), str(there)]) == 0
    assert f"0 better, 0 worse, {N} equal" in capsys.readouterr().out


def test_where_it_does_not_the_difference_is_told(project, checkpoint, answers, capsys):
    kind, folder = checkpoint
    here, expected = ask(project, f"hf:{folder}", {**ARGS, **TOLD[kind]}, kind)

    def other(asked):
        return heard(asked, RIGHT) if asked.samples == FIRST else answers(asked)

    protocol = {} if kind == "chat" else {"api": "transcriptions"}
    with OpenAIServer(other) as server:
        there, found = ask(project, f"openai:{folder.name}", {"url": server.url, **protocol}, kind)
    assert [name for name in found if found[name] != expected[name]] == ["clip-0000"]
    capsys.readouterr()
    assert main(["compare", str(here), str(there)]) == 0
    assert f"1 better, 0 worse, {N - 1} equal" in capsys.readouterr().out
