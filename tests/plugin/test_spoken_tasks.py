"""Tasks of texts answered in speech, speech-to-speech translation, and a voice behind a server."""

import io
import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("httpx")
from openai_server import OpenAIServer, Reply, error

from audiobench_pytest.cli import main

ROOT = Path(__file__).parents[2]

# Its speech is as long as its text has letters: so the transcriber can tell what was said.
TALKER = """
import math

SAID = {"q0": "Paris", "q1": "London", "q2": "a long story", "t0": "fine weather today"}

class Talker:
    gives = ("text", "speech")
    follows = True

    def load(self, args):
        pass

    def generate(self, batch):
        return [self.answered(request) for request in batch]

    def answered(self, request):
        said = SAID[list(SAID)[int(round(float(request["samples"][0]) * 100))]]
        if request.get("answer") != "speech":
            return said
        tone = [0.3 * math.sin(i / 5) for i in range(1600 * len(said))]
        return {"text": "I say: " + said, "speech": tone, "sample_rate": 16000}

class Writer:
    def load(self, args):
        self.said = {len(text): text for text in SAID.values()}

    def generate(self, batch):
        return [self.said[round(len(request["samples"]) / 1600)] for request in batch]
"""


@pytest.fixture
def talking(project, monkeypatch):
    monkeypatch.chdir(project.path)
    for name in ("spoken_qa", "chat", "s2st", "tts"):
        shutil.copytree(ROOT / "benchmarks" / name, project.path / "benchmarks" / name)
    (project.path / "talker.py").write_text(TALKER)
    return project


def asked(project, task, *rows):
    import soundfile

    path = project.path / f"{task}.jsonl"
    lines = []
    for number, row in enumerate(rows):
        sound = project.path / f"{task}-{number}.wav"
        soundfile.write(sound, np.full(1600, row.pop("level") / 100, np.float32), 16_000, subtype="FLOAT")
        lines.append(json.dumps({"id": f"q{number}", "audio": sound.name, "language": "en", **row}) + "\n")
    path.write_text("".join(lines))
    return f"--dataset={task}:{path}"


def run(project, folder, *args):
    spoken = ("--model=./talker.py:Talker", "--audiobench-set=transcriber=./talker.py:Writer")
    return project.pytester.runpytest_inprocess(f"benchmarks/{folder}", *spoken, *args)


def cells(project):
    return {cell["recipe"]: cell for cell in project.board()["cells"]}


QUESTIONS = ({"level": 0, "answer": "Paris"}, {"level": 1, "answer": "Rome"})


def test_questions_are_answered_in_speech_and_scored_by_the_recipe_of_texts(talking):
    data = asked(talking, "spoken-qa", *[dict(row) for row in QUESTIONS])
    assert run(talking, "spoken_qa", data, "--recipe=match/qa-exist").ret == 0
    written = talking.cell()
    assert run(talking, "spoken_qa", data, "--answer=speech", "--recipe=match/qa-exist").ret == 0
    spoken = talking.cell()
    assert spoken["recipe"] == "asr-match/qa-exist"
    assert (written["metric"], spoken["metric"]) == ("acc", "asr_acc")
    assert written["value"] == spoken["value"] == 50.0
    assert "transcript:talker-Writer#" in spoken["signature"]
    (one, _) = sorted(talking.outcomes(), key=lambda outcome: outcome["sample_id"])
    assert (one["prediction"], one["speech"]["text"]) == ("Paris", "I say: Paris")


def test_a_run_is_scored_again_in_the_channel_that_it_was_answered_in(talking, capsys):
    data = asked(talking, "spoken-qa", *[dict(row) for row in QUESTIONS])
    again = ["rescore", str(talking.path / ".audiobench/runs/latest"), "--transcriber=./talker.py:Writer", "--json"]
    assert run(talking, "spoken_qa", data, "--answer=speech", "--recipe=match/qa-exist").ret == 0
    capsys.readouterr()
    assert main([*again, "--recipe=match/qa-exist"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["recipe"], found["value"]) == ("asr-match/qa-exist", 50.0)
    assert run(talking, "spoken_qa", data).ret == 0
    capsys.readouterr()
    assert main([*again, "--recipe=asr-match/qa-exist"]) == 4
    assert "scores the sound of an answer, and talker-Talker on spoken-qa has answered in text" in (
        capsys.readouterr().err
    )


def test_unasked_how_it_sounds_is_told_too(talking):
    pytest.importorskip("speechmos")
    result = run(talking, "spoken_qa", asked(talking, "spoken-qa", {"level": 0, "answer": "Paris"}), "--answer=speech")
    assert result.ret == 0
    assert set(cells(talking)) == {
        "asr-match/audiobench-pytest@1",
        "dnsmos/audiobench-pytest@1",
        "speech-shape/audiobench-pytest@1",
    }


def judge(question):
    text = json.dumps(question.fields["messages"])
    choice = {
        "message": {"role": "assistant", "content": "5" if "a long story" in text else "1"},
        "finish_reason": "stop",
    }
    return Reply({"model": "judge-2026", "choices": [choice], "usage": {}})


def test_a_spoken_reply_is_heard_and_then_judged(talking):
    data = asked(talking, "chat", {"level": 2, "question": "Tell me more"}, {"level": 0, "question": "And?"})
    with OpenAIServer(judge) as server:
        args = (data, "--answer=speech", "--recipe=judge/voicebench-open", f"--audiobench-set=judge_url={server.url}")
        run(talking, "chat", *args)
        first = talking.cell()
        count = len(server.questions)
        run(talking, "chat", *args)
        asked_again = [one for one in server.questions[count:] if b"a long story" in one.body]
    assert first["recipe"] == "asr-judge/voicebench-open"
    assert first["metric"].startswith("asr_")
    assert first["counts"]["ok"] == 2
    assert first["value"] == 3.0
    assert "transcript:talker-Writer#" in first["signature"]
    assert "judge:judge-2026" in first["signature"]
    assert not asked_again, "replies are kept"
    assert not any(b"I say" in one.body for one in server.questions), "what was heard is judged, not what was written"


def test_speech_is_translated_into_speech(talking):
    data = asked(
        talking, "s2st", {"level": 3, "translation": "fine weather today", "language": "de", "target_language": "en"}
    )
    assert run(talking, "s2st", data, "--recipe=asr-s2st/cvss@2").ret == 0
    cell = talking.cell()
    assert (cell["metric"], cell["task"]) == ("asr_bleu", "s2st")
    assert "lang:en" in cell["signature"]


def test_a_model_that_only_writes_is_not_asked_to_speak(talking):
    data = asked(talking, "spoken-qa", {"level": 0, "answer": "Paris"})
    result = talking.pytester.runpytest_inprocess("benchmarks/spoken_qa", data, "--model=oracle", "--answer=speech")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*model oracle answers in text; spoken-qa*wants speech*"])


def test_a_recipe_of_sounds_and_an_answer_in_text_is_a_usage_error(talking):
    data = asked(talking, "spoken-qa", {"level": 0, "answer": "Paris"})
    result = run(talking, "spoken_qa", data, "--recipe=asr-match/qa-exist")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*recipe asr-match/qa-exist scores the sound*add --answer speech*"])


SUITE = """
protocols:
  - {name: own/a, dataset: spoken-qa, model: kimiaudio, recipe: match/qa-exist, expected: CELL}
  - {name: own/b, dataset: spoken-qa, model: kimiaudio, recipe: asr-match/qa-exist, channel: speech, expected: CELL}
"""
CELL = "{table: kimi-audio-replication, model: Kimi-Audio-7B-Instruct, benchmark: Speech TriviaQA, metric: ACC}"


def test_a_suite_of_both_channels_asks_twice_and_scores_each_by_its_own_recipe(talking):
    for kind, text in (
        ("protocols", SUITE.replace("CELL", CELL)),
        ("suites", 'suites: [{name: own, title: both, protocols: ["own/*"]}]'),
    ):
        (talking.path / "own" / kind).mkdir(parents=True)
        (talking.path / "own" / kind / "own.yaml").write_text(text)
    data = asked(talking, "spoken-qa", *[dict(row) for row in QUESTIONS]).replace(
        "=spoken-qa:", "=spoken-qa=spoken-qa:"
    )
    result = run(talking, "spoken_qa", data, "--suite=own", f"--audiobench-set=catalog={talking.path / 'own'}")
    assert result.ret == 0
    found = cells(talking)
    assert {recipe: cell["metric"] for recipe, cell in found.items()} == {
        "match/qa-exist": "acc",
        "asr-match/qa-exist": "asr_acc",
    }
    assert {cell["value"] for cell in found.values()} == {50.0}


def test_the_replication_suite_resolves_whole(talking):
    shutil.copytree(ROOT / "benchmarks", talking.path / "all", dirs_exist_ok=True)
    # A process of its own: in this one, modules of the golden tests have the names of benchmarks.
    result = talking.pytester.runpytest_subprocess("all", "--suite=kimi-replication", "--plan=json")
    (line,) = [line for line in result.outlines if line.startswith('{"audiobench_plan"')]
    plan = json.loads(line)
    planned = plan["audiobench_plan"]
    assert len(planned) == 18
    spoken = [one for one in planned if one["model"] == "kimiaudio-speech"]
    assert len(spoken) == 5
    assert all(one["recipe"].startswith("asr-") for one in spoken)
    assert {(one["dataset"], one["recipe"], one["answer"], one["prompt"]) for one in planned} == {
        (one["dataset"], one["recipe"], one["channel"], one["prompt"]) for one in plan["suite"]["protocols"]
    }, "what is said of a protocol is what is run for it"


def wav(samples, rate=24_000, *, streamed=False):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())
    data = file.getvalue()
    return data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:] if streamed else data


def says(question):
    given = question.fields
    if not question.path.endswith("audio/speech"):
        return error(404)
    tone = 0.3 * np.sin(np.arange(2400 * len(given["input"])) / (5 + len(given["voice"])))
    if given["response_format"] == "pcm":
        return Reply((tone * 32767).astype("<i2").tobytes(), headers={"content-type": "audio/pcm"})
    return Reply(wav(tone, streamed=True), headers={"content-type": "audio/wav"})


@pytest.mark.parametrize("kind", ["wav", "pcm"])
def test_a_voice_behind_a_server_is_asked_kept_and_timed(talking, kind):
    path = talking.path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{i}", "text": "ab" * (i + 1)}) + "\n" for i in range(3)))
    args = (f"--dataset=tts:{path}", "--recipe=speech-shape/audiobench-pytest@1", "--model=openai-speech:lab/tiny")
    with OpenAIServer(says) as server:
        model = f"--model-args=url={server.url},voice=nova,format={kind}"
        assert talking.pytester.runpytest_inprocess("benchmarks/tts", *args, model).ret == 0
        bodies = [one.fields for one in server.questions]
        count = len(bodies)
        assert talking.pytester.runpytest_inprocess("benchmarks/tts", *args, model).ret == 0
        again = [one.fields["input"] for one in server.questions[count:]]
    assert {"model": "lab/tiny", "input": "ab", "voice": "nova", "response_format": kind} in bodies
    assert not {"ab", "abab", "ababab"} & set(again), "answers are kept; fixed texts alone are asked again"
    outcomes = {one["sample_id"]: one for one in talking.outcomes()}
    assert [outcomes[f"t{i}"]["speech"]["seconds"] for i in range(3)] == [
        pytest.approx(0.2 * (i + 1)) for i in range(3)
    ]
    assert 0 < outcomes["t0"]["timing"]["ttfa_s"] <= outcomes["t0"]["timing"]["latency_s"]
    assert talking.cell()["model_info"]["observed"] == "same"


def test_what_is_no_sound_and_a_server_that_refuses_are_failures_with_their_reason(talking):
    path = talking.path / "texts.jsonl"
    path.write_text(json.dumps({"id": "t", "text": "x"}) + "\n" + json.dumps({"id": "u", "text": "y"}) + "\n")

    def wrong(question):
        if question.fields["input"] == "x":
            return Reply(b"<html>no</html>", headers={"content-type": "text/html"})
        return error(400, "no such voice")

    args = (f"--dataset=tts:{path}", "--recipe=speech-shape/audiobench-pytest@1", "--model=openai-speech:tiny")
    with OpenAIServer(wrong) as server:
        model = f"--model-args=url={server.url},retries=0"
        assert talking.pytester.runpytest_inprocess("benchmarks/tts", *args, model).ret == 1
    found = {one["sample_id"]: one["reason"] for one in talking.outcomes()}
    assert "of type 'text/html' is no sound that can be read" in found["t"]
    assert "no such voice" in found["u"]


def test_utmos_is_refused_where_the_language_is_not_english(talking):
    path = talking.path / "texts.jsonl"
    path.write_text(json.dumps({"id": "t", "text": "guten Tag", "language": "de"}) + "\n")
    (talking.path / "speaker.py").write_text(TALKER.replace("follows = True", "reads_aloud = True"))
    args = (f"--dataset=tts:{path}", "--model=./speaker.py:Talker", "--recipe=utmos/audiobench-pytest@1")
    result = talking.pytester.runpytest_inprocess("benchmarks/tts", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*recipe utmos/audiobench-pytest@1 needs one that knows 'de' in place of utmos*"])
