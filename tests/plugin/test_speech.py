"""Spoken answers: asked for, kept, transcribed, rated and gated as texts are, or refused with a reason."""

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SPEAKER = """
import math

class Speaker:
    gives = ("speech",)
    reads_aloud = True

    def load(self, args):
        self.args = args

    def generate(self, batch):
        return [self.said(request) for request in batch]

    def said(self, request):
        kind = request["prompt"].split()[0]
        tone = [0.3 * math.sin(i / 5) for i in range(16000)]
        if kind == "silent":
            return {"speech": [0.0] * 16000, "sample_rate": 16000}
        if kind == "nothing":
            return {"speech": [], "sample_rate": 16000}
        if kind == "broken":
            return {"speech": [float("nan")] * 100, "sample_rate": 16000}
        if kind == "loud":
            return {"speech": [4 * x for x in tone], "sample_rate": 16000}
        if kind == "writes":
            return "I only write"
        if kind == "raises":
            raise RuntimeError("no voice today")
        return {"speech": tone, "sample_rate": 16000, "timing": {"ttfa_s": 0.1}, "meta": {"voice": "a"}}
"""


@pytest.fixture
def speech(project):
    """A project with the speech benchmarks and a voice of its own."""
    for name in ("tts", "codec", "voice_clone"):
        shutil.copytree(ROOT / "benchmarks" / name, project.path / "benchmarks" / name)
    (project.path / "speaker.py").write_text(SPEAKER)
    return project


def texts(project, *said):
    path = project.path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{i}", "text": text}) + "\n" for i, text in enumerate(said)))
    return path


def run(project, *args, inprocess=True):
    ask = project.pytester.runpytest_inprocess if inprocess else project.pytester.runpytest_subprocess
    return ask(*map(str, args))


def told(result):
    return "\n".join([*result.outlines, *result.errlines])


def board(project):
    return json.loads((project.path / ".audiobench" / "runs" / "latest" / "leaderboard.json").read_text())


def outcomes(project):
    lines = []
    for path in (project.path / ".audiobench" / "runs" / "latest" / "results").glob("*.jsonl"):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    return {(o["cell"]["recipe"], o["sample_id"]): o for line in lines if (o := line.get("outcome"))}


SHAPE = "speech-shape/audiobench-pytest@1"


def test_each_kind_of_sound_that_is_none_has_a_state_and_a_reason(speech):
    manifest = texts(speech, "good one", "silent", "nothing", "broken", "loud", "writes", "raises")
    result = run(
        speech, "benchmarks/tts", "--dataset", f"tts:{manifest}", "--model", "./speaker.py:Speaker", "--recipe", SHAPE
    )
    found = {key[1]: (one["state"], one.get("reason") or "") for key, one in outcomes(speech).items()}
    assert {name: state for name, (state, _) in found.items()} == {
        "t0": "ok",
        "t1": "empty",
        "t2": "empty",
        "t3": "failed",
        "t4": "ok",
        "t5": "failed",
        "t6": "failed",
    }
    assert "no numbers" in found["t3"][1]
    assert "text alone where speech was asked for" in found["t5"][1]
    assert "no voice today" in found["t6"][1]
    assert result.ret == 1  # three samples are lost: coverage is red
    kept = list((speech.path / ".audiobench" / "cache" / "audio").rglob("*.flac"))
    assert len(kept) == 3  # of one tone, silence, and the tone clipped
    loud = outcomes(speech)[SHAPE, "t4"]["speech"]
    assert loud["clipped_share"] > 0.3
    assert loud["peak"] == pytest.approx(1.2, abs=0.01)


def test_what_was_said_is_said_once(speech):
    manifest = texts(speech, "one", "two")
    args = ("benchmarks/tts", "--dataset", f"tts:{manifest}", "--model", "./speaker.py:Speaker", "--recipe", SHAPE)
    assert run(speech, *args).ret == 0
    assert run(speech, *args).ret == 0
    assert all(one["cached"] for one in outcomes(speech).values())


def test_gates_close_on_the_shape_of_speech(speech):
    manifest = texts(speech, "one", "silent")
    gates = speech.path / "gates.toml"
    gates.write_text("[texts.silent_rate]\nmax = 10.0\n[texts.speech_s]\nmin = 0.9\n")
    result = run(
        speech,
        "benchmarks/tts",
        "--dataset",
        f"tts:{manifest}",
        "--model",
        "./speaker.py:Speaker",
        "--recipe",
        SHAPE,
        "--gates",
        gates,
    )
    assert result.ret == 1
    text = told(result)
    assert "silent_rate" in text
    verdicts = {gate["metric"]: gate["verdict"] for gate in board(speech)["gates"]}
    assert verdicts["silent_rate"] == "fail"
    assert verdicts["speech_s"] == "pass"


NEEDS = {"pocketsphinx": "pocketsphinx", "espeak-ng": "espeakng_loader"}
"""Packages of models: a model that lacks its own is refused for that, before anything else is looked at."""


@pytest.mark.parametrize(
    ("folder", "model", "reason"),
    [
        ("codec", "oracle", "answers in text"),
        ("codec", "pocketsphinx", "answers in text"),
        ("asr", "opus-6k", "does codec, not asr"),
        ("asr", "espeak-ng", "does tts, not asr"),
        ("tts", "identity", "does codec, not tts"),
    ],
)
def test_a_model_is_asked_in_the_channel_that_it_has(speech, folder, model, reason):
    if model in NEEDS:
        pytest.importorskip(NEEDS[model], reason=f"needs the package {NEEDS[model]}")
    clips = speech.clips(2)
    result = run(speech, f"benchmarks/{folder}", "--dataset", f"{folder}:{clips}", "--model", model)
    assert result.ret == 4, told(result)
    assert reason in told(result)


def test_a_recipe_that_nobody_can_hear_for_is_refused_before_anything_is_said(speech):
    manifest = texts(speech, "one")
    args = ("benchmarks/tts", "--dataset", f"tts:{manifest}", "--model", "./speaker.py:Speaker")
    result = run(speech, *args, "--recipe", "asr-wer/pocketsphinx@1", "--audiobench-set", "transcriber=nobody")
    assert result.ret == 4
    assert "unknown model 'nobody'" in told(result)
    assert not (speech.path / ".audiobench" / "cache" / "audio").exists()
    german = speech.path / "german.jsonl"
    german.write_text(json.dumps({"id": "a", "text": "Hallo", "language": "de"}) + "\n")
    result = run(
        speech,
        "benchmarks/tts",
        "--dataset",
        f"tts:{german}",
        "--model",
        "./speaker.py:Speaker",
        "--recipe",
        "asr-wer/pocketsphinx@1",
        "--audiobench-set",
        "language=de",
    )
    assert result.ret == 4
    assert "a transcriber of 'de'" in told(result)


def codec(project, *args, **kwargs):
    return run(project, "benchmarks/codec", "-m", "minispeech", "--limit", "12", *args, **kwargs)


def values(project, metric):
    return {
        (cell["model"]): value["value"]
        for cell in board(project)["cells"]
        for value in [cell, *cell.get("values", [])]
        if value.get("metric", value.get("name")) == metric
    }


def test_codecs_are_in_the_order_of_their_bits(speech):
    pytest.importorskip("pystoi", reason="needs the extra 'speech'")
    pytest.importorskip("resemblyzer", reason="needs the extra 'speech'")
    models = ["identity", "opus-32k", "opus-16k", "opus-12k", "opus-8k", "opus-6k"]
    recipes = "stoi/audiobench-pytest@1,sim/resemblyzer@1,bit-rate/audiobench-pytest@1"
    result = codec(speech, "--model", ",".join(models), "--recipe", recipes, inprocess=False)
    assert result.ret == 0, told(result)
    stoi, sim = values(speech, "stoi"), values(speech, "sim")
    assert stoi["identity"] == pytest.approx(1.0, abs=1e-6)
    assert sim["identity"] == pytest.approx(1.0, abs=1e-5)
    rates = values(speech, "bit_rate")
    for metric in (stoi, rates):
        ordered = [metric[name] for name in models]
        assert ordered == sorted(ordered, reverse=True)
        assert len(set(ordered)) == len(models)
    assert sim["opus-6k"] < sim["opus-32k"] < 1


@pytest.mark.slow
def test_a_transcriber_hears_the_answer_and_the_recording(speech):
    pytest.importorskip("pocketsphinx")
    args = ("--model", "identity,mu-law-4", "--recipe", "asr-wer/pocketsphinx@1")
    result = codec(speech, *args, inprocess=False)
    assert result.ret == 0, told(result)
    wer, floor = values(speech, "asr_wer"), values(speech, "asr_wer_floor")
    assert wer["identity"] == floor["identity"] == floor["mu-law-4"]
    assert wer["mu-law-4"] > wer["identity"]
    assert "|transcript:pocketsphinx#" in board(speech)["cells"][0]["signature"]
    one = next(iter(outcomes(speech).values()))
    assert one["speech"]["transcriber"] == "pocketsphinx"
    # Transcripts are kept: the same command hears nothing again.
    again = codec(speech, *args, inprocess=False)
    assert again.ret == 0
    assert values(speech, "asr_wer") == wer


@pytest.mark.slow
@pytest.mark.xdist
def test_workers_say_the_same_as_one_process(speech):
    pytest.importorskip("pocketsphinx")
    args = ("--model", "identity,opus-6k", "--recipe", f"asr-wer/pocketsphinx@1,{SHAPE},bit-rate/audiobench-pytest@1")
    assert codec(speech, *args, inprocess=False).ret == 0
    alone = {(c["model"], c["recipe"]): (c["value"], c["signature"]) for c in board(speech)["cells"]}
    assert codec(speech, *args, "-n", "2", "--audiobench-cache", "other", inprocess=False).ret == 0
    assert {(c["model"], c["recipe"]): (c["value"], c["signature"]) for c in board(speech)["cells"]} == alone


def test_answers_of_a_run_are_heard_by_another_recipe_later(speech):
    pytest.importorskip("pystoi", reason="needs the extra 'speech'")
    assert (
        codec(speech, "--model", "identity,opus-6k", "--recipe", "bit-rate/audiobench-pytest@1", inprocess=False).ret
        == 0
    )
    run_dir = speech.path / ".audiobench" / "runs" / "latest"
    done = speech.pytester.run("audiobench", "rescore", run_dir, "--recipe", "stoi/audiobench-pytest@1", "--json")
    assert done.ret == 0, told(done)
    found = {one["model"]: one for one in json.loads("\n".join(done.outlines))}
    assert found["identity"]["value"] == pytest.approx(1.0, abs=1e-6)
    assert found["opus-6k"]["value"] < 0.97


def test_a_sound_that_is_gone_is_given_again(speech):
    args = ("--model", "opus-6k", "--recipe", "bit-rate/audiobench-pytest@1")
    assert codec(speech, *args, inprocess=False).ret == 0
    before = values(speech, "bit_rate")
    next((speech.path / ".audiobench" / "cache" / "audio").rglob("*.flac")).unlink()
    assert codec(speech, *args, inprocess=False).ret == 0
    assert sum(not one["cached"] for one in outcomes(speech).values()) == 1
    assert values(speech, "bit_rate") == before


def reported(speech, *args):
    done = speech.pytester.run("audiobench", "report", ".audiobench/runs/latest", *args)
    assert done.ret == 0, told(done)
    folder = speech.path / ".audiobench" / "runs" / "latest" / "report"
    script = (folder / "data" / "0-0.js").read_text()
    return folder, json.loads(script[script.index(",") + 1 : script.rindex(")")])


def test_spoken_answers_are_heard_in_the_report(speech):
    assert codec(speech, "--model", "opus-6k", "--recipe", SHAPE, "--audiobench-html", inprocess=False).ret == 0
    written = speech.path / ".audiobench" / "runs" / "latest" / "report" / "sounds"
    in_the_run = {path.name: path.read_bytes() for path in written.iterdir()}
    folder, rows = reported(speech)
    assert {path.name: path.read_bytes() for path in written.iterdir()} == in_the_run
    answers = {key[-1]: outcome for key, outcome in outcomes(speech).items()}
    assert {row["id"] for row in rows} == set(answers)
    for row in rows:
        kept = speech.path / ".audiobench" / "cache" / "audio" / answers[row["id"]]["speech"]["file"]
        assert (folder / row["said"]).read_bytes() == kept.read_bytes()
        assert (folder / row["sound"]).read_bytes() != kept.read_bytes()
    _, linked = reported(speech, "--worst", "0")
    assert all(row["said"].startswith("file:///") for row in linked)
    assert {row["said"] for row in reported(speech, "--private")[1]} == {""}
    assert {row["said"] for row in reported(speech, "--cache", "elsewhere")[1]} == {""}


def test_the_sound_of_an_answer_lies_in_any_of_the_caches(speech):
    args = ("--model", "opus-6k", "--recipe", SHAPE)
    assert codec(speech, *args, "--audiobench-cache", "shared", inprocess=False).ret == 0
    both = ("--audiobench-cache", "own", "--audiobench-cache", "shared", "--audiobench-html")
    assert codec(speech, *args, *both, inprocess=False).ret == 0
    assert all(one["cached"] for one in outcomes(speech).values())
    script = (speech.path / ".audiobench" / "runs" / "latest" / "report" / "data" / "0-0.js").read_text()
    assert all(row["said"].startswith("sounds/") for row in json.loads(script[script.index(",") + 1 : -3]))


def test_a_run_cannot_lead_the_report_out_of_the_cache(speech):
    assert codec(speech, "--model", "opus-6k", "--recipe", SHAPE, inprocess=False).ret == 0
    (results,) = (speech.path / ".audiobench" / "runs" / "latest" / "results").glob("*.jsonl")
    name = next(iter(outcomes(speech).values()))["speech"]["file"]
    results.write_text(results.read_text().replace(name, "../../../secret.flac"))
    done = speech.pytester.run("audiobench", "report", ".audiobench/runs/latest")
    assert done.ret == 4
    assert "names no sound of a cache" in told(done)


def test_sounds_that_no_run_names_are_pruned_and_the_others_stay(speech):
    audio = speech.path / ".audiobench" / "cache" / "audio"
    assert codec(speech, "--model", "opus-6k", "--recipe", SHAPE, inprocess=False).ret == 0
    old = next(path for path in (speech.path / ".audiobench" / "runs").iterdir() if not path.is_symlink())
    assert codec(speech, "--model", "gsm", "--recipe", SHAPE, inprocess=False).ret == 0
    both = len(list(audio.rglob("*.flac")))
    told_of = speech.pytester.run("audiobench", "prune")
    assert "0 of them" in told(told_of)
    shutil.rmtree(old)
    stay = speech.pytester.run("audiobench", "prune")
    assert "nothing was changed" in told(stay)
    assert len(list(audio.rglob("*.flac"))) == both
    gone = speech.pytester.run("audiobench", "prune", "--yes")
    assert gone.ret == 0
    left = {one["speech"]["file"] for one in outcomes(speech).values()}
    assert {f"{path.parent.name}/{path.name}" for path in audio.rglob("*.flac")} == left
    assert speech.pytester.run("audiobench", "prune", "--runs", "nowhere").ret == 4


def test_sounds_go_along_when_answers_are_shared(speech):
    pytest.importorskip("fsspec", reason="needs the extra 'share'")
    args = ("--model", "opus-6k", "--recipe", SHAPE)
    assert codec(speech, *args, inprocess=False).ret == 0
    place = f"file://{speech.path / 'shared'}"
    assert speech.pytester.run("audiobench", "cache", "push", place).ret == 0
    shutil.rmtree(speech.path / ".audiobench")
    assert speech.pytester.run("audiobench", "cache", "pull", place).ret == 0
    assert codec(speech, *args, inprocess=False).ret == 0
    assert all(one["cached"] for one in outcomes(speech).values())
    one = next((speech.path / "shared" / "audio").iterdir())
    one.write_bytes(b"fLaC" + b"0" * 40)
    shutil.rmtree(speech.path / ".audiobench")
    damaged = speech.pytester.run("audiobench", "cache", "pull", place)
    assert damaged.ret == 4
    assert "is damaged" in told(damaged)
