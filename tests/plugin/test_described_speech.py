"""Texts that are said as words describe: a voice behind a server is told how, and a judge behind another hears it."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")
import soundfile
from openai_server import OpenAIServer, Reply

from audiobench_pytest.models.openai.voice import OpenAIVoice

ROOT = Path(__file__).parents[2]
ROWS = [("one", "Softly."), ("three", "Softly, like a nurse."), ("eleven", "Shout.")]


@pytest.fixture
def styled(project):
    """A project with the benchmark and three texts, each with how it is to be said."""
    shutil.copytree(ROOT / "benchmarks" / "instruct_tts", project.path / "benchmarks" / "instruct_tts")
    rows = [{"id": text, "text": text, "instruction": how, "language": "en"} for text, how in ROWS]
    (project.path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(server):
        return project.pytester.runpytest_inprocess(
            *("benchmarks/instruct_tts", "--dataset=instruct-tts:texts.jsonl", "--recipe=judge/instruct-tts"),
            *("--model=openai-speech:tiny", f"--model-args=url={server.url},instructions=Never."),
            f"--audiobench-set=listener_url={server.url}",
        )

    project.run_styled = run
    return project


class Both:
    """The voice, whose sounds are as long as their texts, and the judge; keeps what each was shown."""

    def __init__(self):
        self.told, self.shown = {}, []

    def __call__(self, asked):
        fields = asked.fields
        if asked.path.endswith("audio/speech"):
            self.told[fields["input"]] = fields["instructions"]
            file = io.BytesIO()
            tone = 0.3 * np.sin(np.arange(2400 * len(fields["input"])) / 5)
            soundfile.write(file, tone, 24_000, format="WAV")
            return Reply(file.getvalue(), headers={"content-type": "audio/wav"})
        parts = fields["messages"][-1]["content"]
        before = parts[0]["text"]
        self.shown.append((fields["model"], [part["type"] for part in parts], asked.samples))
        said = "A quiet voice.\nResult: " + ("yes" if "\nSoftly" in before else "no")
        message = {"role": "assistant", "content": said}
        return Reply({"model": fields["model"], "choices": [{"message": message, "finish_reason": "stop"}]})


def test_a_voice_is_told_how_and_a_judge_hears_whether_it_is_so(styled):
    both = Both()
    with OpenAIServer(both) as server:
        result = styled.run_styled(server)
    assert result.ret == 0, result.stdout.str()
    assert {text: both.told[text] for text, _ in ROWS} == dict(ROWS)
    assert {one[:2] for one in ((model, tuple(kinds)) for model, kinds, _ in both.shown)} == {
        ("gemini-2.5-pro", ("text", "input_audio", "text"))
    }
    assert sorted(samples for _, _, samples in both.shown) == [2400 * len(text) for text, _ in ROWS]
    assert styled.cell()["value"] == pytest.approx(200 / 3)
    assert "judge:gemini-2.5-pro" in styled.cell()["signature"]


def test_a_voice_that_cannot_be_told_how_is_asked_nothing(styled, monkeypatch):
    monkeypatch.setattr(OpenAIVoice, "takes_style", False)
    both = Both()
    with OpenAIServer(both) as server:
        styled.run_styled(server)
    assert not both.told.keys() & dict(ROWS).keys()
    assert {one["reason"] for one in styled.outcomes()} == {
        "model 'tiny' says a text in its own way and is told no other"
    }
