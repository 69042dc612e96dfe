"""A track of URO-Bench from its folders to the averages of its board: a served model, and a served judge."""

import json
import shutil

import pytest
import soundfile as sf

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")

from openai_server import OpenAIServer, Reply, heard

from conftest import ROOT

PRO = {"UnderEmotion-zh": 79, "CodeSwitching-zh": 70, "Safety-zh": 20, "MLCpro-zh": 64, "SpeakerAware-zh": 49}
PRO["GenStyle-zh"] = 39
POINTS = {"UnderEmotion-zh": "4", "CodeSwitching-zh": "5", "Safety-zh": "1", "MLCpro-zh": "Yes", "GenStyle-zh": "2"}
POINTS["SpeakerAware-zh"] = "3"
VALUES = {"UnderEmotion-zh": 80, "CodeSwitching-zh": 100, "Safety-zh": 20, "MLCpro-zh": 100, "GenStyle-zh": 40}
VALUES["SpeakerAware-zh"] = 60


@pytest.fixture
def uro(project):
    """A project with the benchmark and the Chinese pro track, whose recordings are one and the same."""
    for name in ("uro", "uro_aloud"):
        shutil.copytree(ROOT / "benchmarks" / name, project.path / "benchmarks" / name)
    for name, count in PRO.items():
        folder = project.path / "URO-Bench-data" / "pro" / name
        folder.mkdir(parents=True)
        sf.write(folder / "a.wav", [0.1, -0.1] * 800, 16_000)
        row = {"source_wav": "a.wav", "source_text": f"question of {name}", "target_text": "好"}
        row = {"num_round": 3, "dialogue": [row] * 3} if name == "SpeakerAware-zh" else row
        lines = (json.dumps({"id": number, **row}) for number in range(count))
        (folder / "test.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    def run(server, *args):
        return project.pytester.runpytest_inprocess(
            "benchmarks/uro",
            "benchmarks/uro_aloud",
            "--audiobench-set=uro_dir=URO-Bench-data",
            f"--audiobench-set=judge_url={server.url}",
            "--model=openai:m",
            f"--model-args=url={server.url},slots=4,timeout=60",
            *args,
        )

    project.run_uro = run
    return project


def respond(asked):
    if asked.fields["model"] != "gpt-4o-mini":
        return heard(asked, "好的。")
    shown = asked.fields["messages"][-1]["content"]
    found = next((points for name, points in POINTS.items() if f"question of {name}" in shown), "3")
    message = {"role": "assistant", "content": found}
    return Reply({"model": "gpt-4o-mini", "choices": [{"message": message, "finish_reason": "stop"}]})


def test_a_track_is_scored_and_averaged(uro):
    datasets = [f"--dataset=uro-{name}" for name in PRO]
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, *datasets)
    assert result.ret == 0, result.stdout.str()
    cells = {cell["dataset"].removeprefix("uro-"): cell for cell in uro.board()["cells"]}
    assert {name: cell["value"] for name, cell in cells.items()} == pytest.approx(VALUES)
    assert {cell["recipe"] for cell in cells.values()} == {
        f"uro/{kind}@2025-02" for kind in ("under-emotion", "semi-open", "safety", "qa", "speaker-aware", "gen-style")
    }
    board = uro.pytester.run("audiobench", "board", "uro", str(uro.latest))
    board.stdout.fnmatch_lines(["*Chinese pro, mean of 6 sets*", f"*{sum(VALUES.values()) / 6:.2f}*"])


def test_a_plan_names_what_is_not_asked_and_why(uro):
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, "-m", "uro_bench", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["32 cells, *", "not asked:", "  m answers in text, and is not asked: uro-aloud"])


def test_a_set_that_needs_another_channel_alone_is_a_usage_error(uro):
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, "--dataset=uro-GenEmotion-en")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*model m answers in text; uro-aloud (*) wants speech*"])


# Dialogues, and what is heard.

TALKER = """
import math

class Talker:
    gives = ("text", "speech")
    follows = True
    dialogues = True

    def load(self, args):
        pass

    def generate(self, batch):
        return [self.answered(request) for request in batch]

    def answered(self, request):
        turns = request.get("messages") or [None]
        said = f"reply {(len(turns) + 1) // 2}"
        if request.get("answer") != "speech":
            return said
        tone = [0.3 * math.sin(i / 5) for i in range(16000 + 1600 * len(turns))]
        return {"text": said, "speech": tone, "sample_rate": 16000}
"""

FUNASR = """
class AutoModel:
    def __init__(self, model, device, disable_update, disable_pbar):
        assert open(model + "/config.yaml").read() == "model: Emotion2vec", model
        assert device == "cpu" and disable_update and disable_pbar

    def generate(self, input, fs, granularity, extract_embedding):
        assert (fs, granularity, extract_embedding) == (16000, "utterance", False)
        assert len(input.shape) == 1
        labels = ["angry", "disgusted", "fearful", "happy", "neutral", "other", "sad", "surprised"]
        return [{"labels": [f"x/{one}" for one in labels] + ["<unk>"], "scores": [0.01] * 3 + [0.75] + [0.04] * 5}]
"""
COMMIT = "a" * 40


def put(uro, name, count, row):
    folder = uro.path / "URO-Bench-data" / "pro" / name
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(4):
        sf.write(folder / f"{number}.wav", [0.1, -0.1] * (8000 + 800 * number), 16_000)
    lines = (json.dumps({"id": number, **row}) for number in range(count))
    (folder / "test.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def dialogue(*said):
    rounds = [
        {"round": n, "source_wav": f"{n}.wav", "source_text": text, "target_text": f"wanted {n + 1}"}
        for n, text in enumerate(said)
    ]
    return {"num_round": len(said), "dialogue": rounds}


class Judge:
    """Who reads, who hears and who writes down, on one port; keeps what it was shown."""

    def __init__(self, answers=None):
        self.read, self.sounds, self.dialogues = [], [], []
        self._answers = iter(answers or [])

    def __call__(self, asked):
        if asked.path.endswith("transcriptions"):
            return Reply({"text": f"heard {asked.samples}"})
        fields = asked.fields
        if fields["model"] == "m" and asked.samples == 16_000:  # and not who looks which model answers
            self.dialogues.append(fields["messages"])
            return heard(asked, f"reply {(len(fields['messages']) + 1) // 2}")
        if fields["model"] == "m":
            return heard(asked, "here")
        shown = fields["messages"][-1]["content"]
        if isinstance(shown, list):
            self.sounds.append((fields["model"], [part["type"] for part in shown], asked.samples))
            points = "4"
        else:
            self.read.append(shown)
            points = "5"
        message = {"role": "assistant", "content": points}
        return Reply({"model": fields["model"], "choices": [{"message": message, "finish_reason": "stop"}]})


def test_a_dialogue_is_a_chain_of_questions_each_with_the_replies_before(uro):
    put(uro, "SpeakerAware-zh", 49, dialogue("who am I", "and I", "and me again"))
    judge = Judge()
    args = ["--dataset=uro-SpeakerAware-zh", "--limit=2"]
    with OpenAIServer(judge) as server:
        result = uro.run_uro(server, *args)
        assert result.ret == 0, result.stdout.str()
        # The two dialogues are alike: each round of them is one question.
        assert [[turn["role"] for turn in one] for one in judge.dialogues] == [
            ["user"],
            ["user", "assistant", "user"],
            ["user", "assistant", "user", "assistant", "user"],
        ]
        last = judge.dialogues[-1]
        assert [turn["content"] for turn in last if turn["role"] == "assistant"] == ["reply 1", "reply 2"]
        assert len({json.dumps(turn["content"]) for turn in last if turn["role"] == "user"}) == 3
        asked = len(server.log)
        again = uro.run_uro(server, *args)
        assert again.ret == 0, again.stdout.str()
        assert len(judge.dialogues) == 3, "kept rounds are not asked again"
        assert asked
    (shown,) = {one for one in judge.read if "who am I" in one}
    told = shown.partition("<dialogue>")[2].partition("</dialogue>")[0]
    assert told.strip().splitlines() == [
        *("Round 1", "User: who am I", "Assistant: reply 1", "Would do: wanted 1", ""),
        *("Round 2", "User: and I", "Assistant: reply 2", "Would do: wanted 2", ""),
        *("Round 3", "User: and me again", "Assistant: reply 3", "Would do: wanted 3"),
    ]
    cell = uro.cell()
    assert (cell["value"], cell["cached"], cell["counts"]["ok"]) == (100, 2, 2)
    (one, _) = uro.outcomes()
    assert [told["reply"] for told in one["meta"]["rounds"]] == ["reply 1", "reply 2", "reply 3"]


def test_a_dialogue_whose_round_fails_says_which_and_is_asked_on_from_there(uro):
    put(uro, "MtBenchEval-en", 190, dialogue("one", "two"))
    judge, broken = Judge(), [True]

    def server_says(asked):
        if broken[0] and asked.fields.get("model") == "m" and len(asked.fields["messages"]) == 3:
            return Reply({"error": {"message": "too long a talk"}}, status=400)
        return judge(asked)

    args = ["--dataset=uro-MtBenchEval-en", "--limit=1", "--model-args=retries=0"]
    with OpenAIServer(server_says) as server:
        uro.run_uro(server, *args)
        (one,) = uro.outcomes()
        assert one["state"] == "failed"
        assert one["reason"].startswith("round 2: ")
        assert "too long a talk" in one["reason"]
        broken[0] = False
        assert uro.run_uro(server, *args).ret == 0
        assert [len(one) for one in judge.dialogues] == [1, 3]
    assert uro.cell()["value"] == 100


def test_a_dialogue_whose_next_sound_has_gone_has_an_outcome_too(uro):
    put(uro, "MtBenchEval-en", 190, dialogue("one", "two"))
    judge = Judge()

    def server_says(asked):
        if asked.fields.get("model") == "m" and asked.samples == 16_000:
            (uro.path / "URO-Bench-data" / "pro" / "MtBenchEval-en" / "1.wav").unlink()
        return judge(asked)

    with OpenAIServer(server_says) as server:
        result = uro.run_uro(server, "--dataset=uro-MtBenchEval-en", "--limit=1")
    (one,) = uro.outcomes()
    assert one["state"] == "data_error", result.stdout.str()
    assert "1.wav" in one["reason"]
    assert [len(one) for one in judge.dialogues] == [1]


def test_a_model_that_hears_one_sound_alone_is_asked_no_round(uro):
    put(uro, "MtBenchEval-en", 190, dialogue("one", "two"))
    (uro.path / "one.py").write_text(
        "class One:\n    follows = True\n    def load(self, args): pass\n"
        "    def generate(self, batch): raise AssertionError('asked')\n"
    )
    result = uro.pytester.runpytest_inprocess(
        *("benchmarks/uro", "benchmarks/uro_aloud", "--audiobench-set=uro_dir=URO-Bench-data", "--model=./one.py:One"),
        *("--dataset=uro-MtBenchEval-en", "--limit=1"),
    )
    (one,) = uro.outcomes()
    assert one["state"] == "data_error", result.stdout.str()
    assert "hears 1 sound at once; the question has 2" in one["reason"]


@pytest.fixture
def talker(uro, monkeypatch):
    """The project with a model of its own that speaks, and a transcriber behind a server."""
    (uro.path / "talker.py").write_text(TALKER)

    def run(server, *args):
        return uro.pytester.runpytest_inprocess(
            *("benchmarks/uro", "benchmarks/uro_aloud", "--audiobench-set=uro_dir=URO-Bench-data"),
            *("--model=./talker.py:Talker", f"--audiobench-set=judge_url={server.url}"),
            *("--audiobench-set=transcriber=openai:ear", *args),
            f"--model-args=openai:ear:url={server.url},api=transcriptions,slots=2,timeout=60",
        )

    uro.run_talker = run
    return uro


def test_a_judge_hears_what_is_sung(talker):
    put(talker, "SRT-en", 43, {"source_wav": "0.wav", "source_text": "Sing!"})
    judge = Judge()
    with OpenAIServer(judge) as server:
        result = talker.pytester.runpytest_inprocess(
            *(
                "benchmarks/uro",
                "benchmarks/uro_aloud",
                "--audiobench-set=uro_dir=URO-Bench-data",
                "--model=./talker.py:Talker",
            ),
            *("--dataset=uro-SRT-en", "--limit=2", f"--audiobench-set=listener_url={server.url}"),
        )
    assert result.ret == 0, result.stdout.str()
    assert talker.cell()["value"] == 80
    assert "judge:gpt-4o-audio-preview" in talker.cell()["signature"]
    # One question: both answers are the same sound.
    assert judge.sounds == [("gpt-4o-audio-preview", ["text", "input_audio", "text"], 17600)]


def test_an_emotion_is_heard_and_the_words_count(talker, monkeypatch, tmp_path):
    pytest.importorskip("torch", reason="needs the extra 'local'")
    said = {"source_text": "Say it.", "target_text": "heard 17600", "source_wav": "0.wav"}
    put(talker, "GenEmotion-en", 54, {**said, "emotion": "happy"})
    package = tmp_path / "packages" / "funasr"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FUNASR)
    monkeypatch.syspath_prepend(package.parent)
    repo = tmp_path / "hub" / "models--emotion2vec--emotion2vec_plus_large"
    (repo / "snapshots" / COMMIT).mkdir(parents=True)
    (repo / "snapshots" / COMMIT / "config.yaml").write_text("model: Emotion2vec")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    with OpenAIServer(Judge()) as server:
        result = talker.run_talker(
            server, "--dataset=uro-GenEmotion-en", "--limit=2", "--model-args=emotion2vec:device=cpu"
        )
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    values = {value["name"]: value["value"] for value in talker.cell()["values"]}
    assert values == pytest.approx({"emotion_score": 75, "emotion_probability": 75, "words_wrong": 0})
    assert "felt:emotion2vec#" in talker.cell()["signature"]
    assert "felt:ear#" in talker.cell()["signature"]


def test_a_spoken_dialogue_is_read_as_it_was_heard(talker):
    put(talker, "SpeakerAware-en", 55, dialogue("who am I", "and I", "and me again"))
    judge = Judge()
    with OpenAIServer(judge) as server:
        result = talker.run_talker(
            *(server, "--dataset=uro-SpeakerAware-en", "--limit=1", "--answer=speech"),
            "--recipe=uro/speaker-aware@2025-02",
        )
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    cell = talker.cell()
    assert (cell["recipe"], cell["value"]) == ("asr-uro/speaker-aware@2025-02", 100)
    (shown,) = {one for one in judge.read if "who am I" in one}
    heard_in = [line for line in shown.splitlines() if line.startswith("Assistant: heard")]
    assert heard_in == ["Assistant: heard 17600", "Assistant: heard 20800", "Assistant: heard 24000"]


def test_arguments_of_one_who_hears_nothing_here_are_a_usage_error(talker):
    put(talker, "SRT-en", 43, {"source_wav": "0.wav", "source_text": "Sing!"})
    with OpenAIServer(Judge()) as server:
        result = talker.run_talker(server, "--dataset=uro-SRT-en", "--model-args=wavlm-sv:device=cpu")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--model-args: *wavlm-sv* is not among --model, and no recipe*heard by it*"])
