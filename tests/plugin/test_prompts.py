"""What is sent: the words of `--prompt` and of a row, sounds where they stand; and the run says what it was."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api'")

from openai_server import OpenAIServer, heard

ROOT = Path(__file__).parents[2]


FIXED = b"Write down what is said in this recording. Reply with these words alone."
"""What a server is asked about the fixed clips at the start of a run, to see who answers."""


def add_module(project, task):
    folder = project.path / "benchmarks" / task
    folder.mkdir()
    shutil.copy(ROOT / "benchmarks" / task / f"test_{task}.py", folder)
    return f"benchmarks/{task}"


def asked(project, folder, manifest, respond, *args):
    """Run, and return the result and the messages of each question."""
    questions = []

    def noted(one):
        if FIXED in one.body:
            return heard(one, "x")
        questions.append(one.fields["messages"])
        return heard(one, respond(one))

    with OpenAIServer(noted) as server:
        result = project.pytester.runpytest_subprocess(
            folder, f"--dataset={manifest}", "--model=openai:ear", f"--model-args=url={server.url}", *args
        )
    return result, questions


def kinds(message):
    return [part["type"] for part in message["content"]]


def prompts_of(project):
    lines = (project.latest / "prompts.jsonl").read_text("utf-8").splitlines()
    return {line["digest"]: line for line in map(json.loads, lines)}


@pytest.mark.parametrize("workers", [(), ("-n2", "--audiobench-set=shard_size=1")])
def test_the_words_of_the_user_are_sent_and_kept_once_with_their_digest_in_each_record(project, workers):
    result, questions = asked(
        project, "benchmarks/asr", project.clips(4), lambda _: "x", "--prompt={{ audio }}Say it.", *workers
    )
    assert result.ret == 0, result.stdout.str()
    assert [kinds(messages[0]) for messages in questions] == [["input_audio", "text"]] * 4
    ((digest, said),) = prompts_of(project).items()
    assert said == {
        "digest": digest,
        "profile": "given-efe79a8b",
        "messages": [["user", [["sound", "audio"], "Say it."], []]],
    }
    assert {row["prompt"] for row in project.outcomes()} == {digest}
    assert project.board()["notes"] == ["asked by the prompt given-efe79a8b: small-ear"]


def test_another_prompt_is_another_question_and_the_same_one_is_answered_by_the_cache(project):
    manifest = project.clips(2)
    for words, fresh in (("Say it.", 2), ("Write it.", 2), ("{{ audio }}Say it.", 2), ("Say it.", 0)):
        _, questions = asked(project, "benchmarks/asr", manifest, lambda _: "x", f"--prompt={words}")
        assert len(questions) == fresh


def test_a_run_that_tells_its_model_nothing_has_no_prompts(project):
    project.run(f"--dataset={project.clips(2)}", "--model=oracle")
    assert not (project.latest / "prompts.jsonl").exists()
    assert {row["prompt"] for row in project.outcomes()} == {""}


def test_options_are_put_to_the_model_and_its_letter_is_read(project):
    folder = add_module(project, "audio_qa")
    manifest = project.clips(4)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    options = ["a cat", "a dog", "a bird"]
    for i, row in enumerate(rows):
        row |= {"question": f"What is number {i}?", "choices": options, "answer": options[i % 3]}
        del row["text"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def respond(one):
        words = one.fields["messages"][0]["content"][1]["text"]
        assert "A. a cat\nB. a dog\nC. a bird\n" in words
        return "ABC"[int(words.split("number ")[1][0]) % 3]

    result, questions = asked(project, folder, f"audio-qa:{manifest}", respond)
    assert result.ret == 0, result.stdout.str()
    assert len(questions) == len(prompts_of(project)) == 4
    assert (project.cell()["metric"], project.cell()["value"]) == ("acc", 100.0)
    assert project.outcomes()[0]["meta"]["choices"] == options


def test_a_prompt_that_names_a_field_the_row_lacks_says_so_in_the_record(project):
    result, questions = asked(project, "benchmarks/asr", project.clips(1), lambda _: "x", "--prompt={{ question }}?")
    assert questions == []
    assert result.ret == 1
    (row,) = project.outcomes()
    assert row["state"] == "data_error"
    assert "the prompt 'given-bd0b3035' cannot be filled in: 'question' is undefined; the row has" in row["reason"]


def test_a_row_brings_its_own_words_and_several_sounds(project):
    manifest = project.clips(2)
    first, second = (json.loads(line) for line in manifest.read_text().splitlines())
    first["prompt"] = "Mine {{ own }}."
    second["audio"] = [second["audio"], first["audio"]]
    manifest.write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
    _, questions = asked(project, "benchmarks/asr", manifest, lambda _: "x")
    words = [messages[0]["content"][0]["text"] for messages in questions]
    assert "Mine {{ own }}." in words
    _, (one, *_) = asked(project, "benchmarks/asr", manifest, lambda _: "x", "--prompt={{ audio2 }}then{{ audio }}")
    assert kinds(one[0]) == ["input_audio", "text", "input_audio"]
    bad, good = sorted(project.outcomes(), key=lambda row: row["sample_id"])
    assert "'audio2' is undefined" in bad["reason"]
    assert good["state"] == "ok"
    assert good["audio_s"] == pytest.approx(0.2 + 0.21, abs=0.001)


def test_a_model_that_hears_one_sound_is_not_asked_about_two(project):
    manifest = project.clips(1)
    row = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**row, "audio": [row["audio"], row["audio"]]}) + "\n")
    (project.path / "mine.py").write_text(
        "class Ear:\n    follows = True\n    def load(self, args): pass\n"
        "    def generate(self, batch): return [str(r.get('messages')) for r in batch]\n"
    )
    result = project.run(
        f"--dataset={manifest}", "--model=./mine.py:Ear", "--prompt={{ audio }}{{ audio2 }}Which?", inprocess=False
    )
    assert result.ret == 1
    assert "hears 1 sound at once; the question has 2" in project.outcomes()[0]["reason"]
    assert project.run(f"--dataset={manifest}", "--model=./mine.py:Ear", "--prompt={{ audio }}Which?", inprocess=False)
    order = "[{'type': 'audio', 'name': 'audio'}, {'type': 'text', 'text': 'Which?'}]"
    assert order in project.outcomes()[0]["prediction"]
