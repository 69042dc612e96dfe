"""Real recordings, asked of a server and of a chat checkpoint: emotion, traits, translation, options, digits, Mandarin.

The recordings lie beside the checkout and are no part of it. The server hears which clip it was sent, reads the
question and is right about three clips of four; what that scores is computed here once more, from the records alone.
"""

import base64
import io
import json
import re
import shutil
import wave
from pathlib import Path

import jiwer
import numpy as np
import pytest
import sacrebleu

pytest.importorskip("httpx", reason="needs the extra 'api'")

from openai_server import OpenAIServer, heard

from audiobench_pytest.datasets.audio.decode import read_audio

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no recordings beside the checkout ({DATA.parent.name}/{DATA.name})"),
]

TRANSLATED = """
datasets:
  - name: emodb-en
    task: translation
    family: emodb
    language: de
    target_language: en
    manifest: {path: rows.jsonl, trusted_paths: true, columns: {text: translation_en}}
"""


class Ears:
    """Tells which clip a question is about, by its sound."""

    def __init__(self, rows):
        self.rows = [(row, read_audio(Path(row["audio"]), 16_000).samples) for row in rows]

    def row(self, asked):
        """Return the number and the row of the clip that a question brings."""
        parts = [part for message in asked.fields["messages"] for part in message["content"] if isinstance(part, dict)]
        (sound,) = [part for part in parts if part["type"] == "input_audio"]
        with wave.open(io.BytesIO(base64.b64decode(sound["input_audio"]["data"]))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32_768
        alike = [(at, row, known) for at, (row, known) in enumerate(self.rows) if len(known) == len(samples)]
        if not alike:  # the bundled clips by which a run sees who answers
            return None
        at, row, _ = min(alike, key=lambda one: float(np.abs(one[2] - samples).sum()))
        return at, row


def words_of(asked):
    parts = [part for message in asked.fields["messages"] for part in message["content"] if isinstance(part, dict)]
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def rows_of(name, number, keep=lambda row: True):
    """Return rows from all over a set, with the whole path of each sound."""
    lines = (DATA / name / "manifest.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if keep(row)]
    picked = rows[:: max(1, len(rows) // number)][:number]
    return [{**row, "audio": str(DATA / name / row["audio"])} for row in picked]


@pytest.fixture
def ask(project):
    """Ask a module about rows, of a server that `reply(at, row, words)` answers for."""

    def run(module, task, rows, reply, *args, dataset=""):
        folder = project.path / "benchmarks" / module
        shutil.copytree(ROOT / "benchmarks" / module, folder, dirs_exist_ok=True)
        (project.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        ears, questions = Ears(rows), []

        def respond(asked):
            if (found := ears.row(asked)) is None:
                return heard(asked, "one two three")
            questions.append(words_of(asked))
            return heard(asked, reply(*found, words_of(asked)))

        with OpenAIServer(respond) as server:
            result = project.pytester.runpytest_subprocess(
                f"benchmarks/{module}",
                *([f"--dataset={dataset or task + ':rows.jsonl'}"] if dataset is not None else []),
                "--model=openai:ear",
                f"--model-args=url={server.url}",
                *args,
            )
        result.questions = questions
        result.told = "\n".join([*result.outlines, *result.errlines])
        return result

    return run


def right(at):
    return at % 4 != 3


def options_in(words):
    """Return the labels that a question lists, as it lists them."""
    return [one.strip(" .\n") for one in words.rsplit(":", 1)[1].split(",")]


def named(answer):
    return lambda at, row, words: f"I would say it is {answer(row) if right(at) else other(answer(row), words)}."


def other(label, words):
    return next(one for one in options_in(words) if one != str(label))


CLOSED = [
    ("emotion", "emotion", "emotion_ravdess", lambda row: row["emotion"]),
    ("emotion", "emotion", "emotion_emodb_de", lambda row: row["emotion"]),
    ("speaker", "speaker", "emotion_emodb_de", lambda row: row["gender"]),
    ("sound", "sound", "sounds_esc10", lambda row: row["label"]),
    ("keyword", "keyword", "digits_fsdd", lambda row: row["label"]),
]


@pytest.mark.parametrize(("module", "task", "name", "answer"), CLOSED, ids=[f"{c[2]}-{c[0]}" for c in CLOSED])
def test_labels_are_asked_for_and_counted(project, ask, module, task, name, answer):
    rows = [{key: value for key, value in row.items() if key != "text"} for row in rows_of(name, 40)]
    result = ask(module, task, rows, named(answer))
    assert result.ret == 0, result.told
    assert len(result.questions) == 40
    assert all("write down" not in words.lower() for words in result.questions)
    outcomes = project.outcomes()
    by_records = sum(
        re.search(rf"\b{re.escape(row['reference'])}\b", row["prediction"]) is not None for row in outcomes
    )
    assert by_records == sum(right(at) for at in range(40)) == 30
    assert (project.cell()["metric"], project.cell()["value"]) == ("acc", pytest.approx(75.0))


def test_a_set_of_labels_is_not_asked_as_a_transcript(project, ask):
    rows = rows_of("emotion_ravdess", 8)
    refused = ask("emotion", "emotion", rows, named(lambda row: row["emotion"]), dataset="rows.jsonl")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "none of the data sets asked for is of the task emotion: rows (asr); write --dataset emotion:PATH"
        in refused.told
    )
    assert refused.questions == []


def test_mandarin_is_counted_in_characters(project, ask):
    rows = rows_of("zh_aishell", 30)
    result = ask("asr", "asr", rows, lambda at, row, words: row["text"] if right(at) else row["text"][1:])
    assert result.ret == 0, result.told
    outcomes = project.outcomes()
    counted = jiwer.cer([row["reference"] for row in outcomes], [row["prediction"] for row in outcomes])
    assert counted > 0
    assert (project.cell()["metric"], project.cell()["value"]) == ("cer", pytest.approx(100 * counted))


def test_two_who_speak_at_once_are_written_down(project, ask):
    rows = rows_of("en_twospeaker", 8)
    result = ask("asr", "asr", rows, lambda at, row, words: row["text"] if right(at) else row["segments"][0]["text"])
    assert result.ret == 0, result.told
    outcomes = project.outcomes()
    counted = jiwer.wer([row["reference"] for row in outcomes], [row["prediction"] for row in outcomes])
    assert counted > 0.05
    assert project.cell()["value"] == pytest.approx(100 * counted, abs=1.0)  # apostrophes and the like apart


def test_a_translation_needs_its_language_and_is_then_scored_as_one(project, ask):
    """German recordings: without a target language their transcripts would be what is expected in English."""
    rows = rows_of("emotion_emodb_de", 20, lambda row: row.get("translation_en"))
    reply = lambda at, row, words: row["translation_en"] if right(at) else "I do not know."  # noqa: E731
    refused = ask("translation", "translation", rows, reply)
    assert refused.ret == pytest.ExitCode.TESTS_FAILED
    assert "target_language" in refused.told
    assert refused.questions == []

    (project.path / "own" / "datasets").mkdir(parents=True)
    (project.path / "own" / "datasets" / "emodb.yaml").write_text(TRANSLATED)
    result = ask("translation", "translation", rows, reply, "--audiobench-set=catalog=own", dataset="emodb-en")
    assert result.ret == 0, result.told
    assert all("English" in words for words in result.questions)
    outcomes = [row for row in project.outcomes() if row["cell"]["recipe"].startswith("bleu/")]
    assert len(outcomes) == len(rows)
    said, meant = ([row[key] for row in outcomes] for key in ("prediction", "reference"))
    assert set(meant) <= {row["translation_en"] for row in rows}
    values = {cell["metric"]: cell["value"] for cell in project.board()["cells"]}
    assert values == {
        "bleu": pytest.approx(sacrebleu.corpus_bleu(said, [meant]).score),
        "chrf": pytest.approx(sacrebleu.corpus_chrf(said, [meant]).score),
    }


def test_options_are_asked_with_their_question_or_not_at_all(project, ask):
    rows = rows_of("audioqa_mmau", 12)

    def reply(at, row, words):
        lines = dict(re.findall(r"^([A-Z])[.)] (.+)$", words, re.MULTILINE))
        assert row["question"] in words
        assert sorted(lines.values()) == sorted(row["choices"])
        return next(letter for letter, option in lines.items() if (option == row["answer"]) is right(at))

    refused = ask("audio_qa", "audio-qa", rows, reply, "--prompt={{ audio }}Choose.")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert "question" in refused.told
    assert refused.questions == []

    result = ask("audio_qa", "audio-qa", rows, reply)
    assert result.ret == 0, result.told
    letters = {row["id"]: "ABCDEFGHIJ"[row["choices"].index(row["answer"])] for row in rows}
    by_records = sum(row["prediction"] == letters[row["sample_id"]] for row in project.outcomes())
    assert by_records == 9
    assert (project.cell()["metric"], project.cell()["value"]) == ("acc", pytest.approx(75.0))


def test_a_chat_checkpoint_is_asked_each_in_its_own_words(project, tmp_path):
    """Random weights: what they answer is wrong, what they are asked and how it is counted is not."""
    pytest.importorskip("transformers", reason="needs the extra 'local'")
    import tiny_checkpoints

    checkpoint = tiny_checkpoints.build_audio_chat(tmp_path / "tiny-chat")
    (project.path / "own" / "models").mkdir(parents=True)
    entry = {"name": "tiny-chat", "adapter": "transformers-audio-chat", "source": str(checkpoint)}
    (project.path / "own" / "models" / "chat.yaml").write_text(json.dumps({"models": [entry]}))
    asked = {}
    for module, task, name in {
        ("asr", "asr", "zh_aishell"),
        ("asr", "asr", "en_twospeaker"),
        *((module, task, name) for module, task, name, _ in CLOSED),
        ("audio_qa", "audio-qa", "audioqa_mmau"),
    }:
        shutil.copytree(ROOT / "benchmarks" / module, project.path / "benchmarks" / module, dirs_exist_ok=True)
        rows = rows_of(name, 4)
        (project.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        result = project.pytester.runpytest_inprocess(
            f"benchmarks/{module}",
            f"--dataset={task}:rows.jsonl",
            "--model=tiny-chat",
            "--model-args=device=cpu,threads=1,max_new_tokens=8",
            "--audiobench-set=catalog=own",
        )
        assert result.ret == 0, result.stdout.str()
        outcomes, cell = project.outcomes(), project.cell()
        assert len(outcomes) == len(rows) == sum(cell["counts"].values())
        said, meant = ([row[key] or "" for row in outcomes] for key in ("prediction", "reference"))
        if cell["metric"] == "acc":
            found = [re.search(rf"\b{re.escape(m)}\b", s) is not None for s, m in zip(said, meant, strict=True)]
            assert cell["value"] == pytest.approx(100 * sum(found) / len(rows))
        else:  # more than everything is wrong, or all of it
            assert cell["value"] >= 90
        lines = (project.latest / "prompts.jsonl").read_text("utf-8").splitlines()
        asked[module, name] = [str(json.loads(line).get("text") or json.loads(line)["messages"]) for line in lines]
    assert len(asked) == 8
    assert all("emotion" in words for key, texts in asked.items() if key[0] == "emotion" for words in texts)
    assert len(asked["audio_qa", "audioqa_mmau"]) == 4  # a question each
    assert all(len(texts) == 1 for key, texts in asked.items() if key[0] != "audio_qa")
    assert len({texts[0] for texts in asked.values()}) == 8  # two of the emotion sets have other labels
