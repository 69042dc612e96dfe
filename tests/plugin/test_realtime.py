"""Models behind OpenAI's realtime protocol, from the command line to the board: in text, in speech, within a limit."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("httpx", reason="needs the extra 'realtime'")
pytest.importorskip("websockets", reason="needs the extra 'realtime'")

from realtime_server import TONE, RealtimeServer, failed, said

KEY = "sk-test-0123456789abcdef"
ROOT = Path(__file__).parents[2]

ENTRY = """
models:
  - name: vendor
    adapter: openai-realtime
    source: tiny
    revision: v1
    licence: vendor terms
    args: {{url: "{url}", key_env: VENDOR_KEY}}
    price: {{as_of: 2025-10, audio_tokens: 32, tokens_per_second: 600, text_tokens: 4, output_tokens: 16,
            spoken_tokens: 64}}
"""
WRITTEN = (100 * 32 + 30 * 4 + 25 * 16) / 1e6
"""What the server counts for an answer in text, at that price."""
SPOKEN = (100 * 32 + 30 * 4 + 5 * 16 + 20 * 64) / 1e6


@pytest.fixture
def vendor(project, monkeypatch):
    monkeypatch.setenv("VENDOR_KEY", KEY)
    with RealtimeServer(lambda asked: said(asked, "words")) as server:
        folder = project.path / "own" / "models"
        folder.mkdir(parents=True)
        (folder / "vendor.yaml").write_text(ENTRY.format(url=server.url))

        def run(*args, n=12):
            told = (f"--dataset={project.clips(n)}", "--model=vendor", "--audiobench-set=catalog=own")
            return project.run(*told, *args, inprocess=False)

        run.server = server
        yield run
        assert server.wrong == []


def test_answers_are_scored_paid_and_not_asked_again_and_the_key_stands_nowhere(project, vendor):
    result = vendor()
    assert result.ret == 0, result.stdout.str()
    cell = project.cell()
    assert (cell["model"], cell["counts"]["ok"]) == ("vendor", 12)
    assert cell["cost"]["new_usd"] == pytest.approx(12 * WRITTEN)
    assert len(vendor.server.questions) == 12
    # A clip of the set has 16 kHz and is heard at 24.
    assert {asked.samples for asked in vendor.server.questions} == {int(2400 * (2 + 0.1 * i)) for i in range(7)}
    assert {asked.headers["authorization"] for asked in vendor.server.questions} == {f"Bearer {KEY}"}
    assert all("ttft_s" in outcome["timing"] for outcome in project.outcomes())
    assert vendor().ret == 0
    assert project.cell()["cached"] == 12
    files = [path for path in project.path.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in result.stdout.str()


def test_failures_are_errors_that_are_asked_again_and_a_limit_of_the_server_is_waited_for(project, vendor):
    state = {"broken": True}
    limited = [failed(code="rate_limit_exceeded", message="Please try again in 20ms.")]

    def respond(asked):
        if state["broken"] and asked.samples == 4800:  # every seventh clip
            return [failed(type="server_error", message="out of order")]
        return said(asked, "words")

    vendor.server.respond = respond
    vendor.server.script.append(limited)
    first = vendor("--model-args=retries=0")
    assert first.ret == 1
    assert (project.cell()["counts"]["ok"], project.cell()["counts"]["failed"]) == (10, 2)
    first.stdout.fnmatch_lines(["*out of order*"])
    state["broken"] = False
    assert vendor().ret == 0
    assert project.cell()["cached"] == 10


def test_a_limit_of_cost_keeps_what_is_done(project, vendor):
    result = vendor(f"--max-cost={5.5 * WRITTEN}", "--model-args=slots=1")
    assert result.ret == 1
    cell = project.cell()
    assert 0 < cell["counts"]["ok"] < 12
    assert cell["counts"]["ok"] + cell["counts"]["missing"] == 12
    assert cell["cost"]["new_usd"] <= 5.5 * WRITTEN
    result.stdout.fnmatch_lines(["*--max-cost was reached*"])


def test_it_speaks_where_speech_is_asked_for(project, vendor):
    shutil.copytree(ROOT / "benchmarks" / "spoken_qa", project.path / "benchmarks" / "spoken_qa")
    sound = np.zeros(1600, np.float32)
    soundfile.write(project.path / "q.wav", sound, 16_000)
    (project.path / "qa.jsonl").write_text('{"id": "q0", "audio": "q.wav", "language": "en", "answer": "words"}\n')
    (project.path / "writer.py").write_text(
        "class Writer:\n"
        "    def load(self, args):\n        pass\n"
        "    def generate(self, batch):\n        return ['words' for request in batch]\n"
    )
    args = ("benchmarks/spoken_qa", "--dataset=spoken-qa:qa.jsonl", "--model=vendor", "--audiobench-set=catalog=own")
    heard = ("--answer=speech", "--recipe=match/qa-exist", "--audiobench-set=transcriber=./writer.py:Writer")
    result = project.pytester.runpytest_subprocess(*args, *heard)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    (asked,) = vendor.server.questions
    assert asked.aloud
    (outcome,) = project.outcomes()
    assert outcome["timing"]["ttfa_s"] > 0
    assert project.cell()["cost"]["new_usd"] == pytest.approx(SPOKEN)
    kept = list(project.path.rglob("*.flac"))
    assert [soundfile.info(path).samplerate for path in kept] == [24_000]
    assert np.array_equal(soundfile.read(kept[0], dtype="int16")[0], TONE)
