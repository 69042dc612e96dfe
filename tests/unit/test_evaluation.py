"""From a notebook: a function or a name, a data set, and what became of each sample."""

import json

import numpy as np
import pytest
import soundfile as sf

import audiobench_pytest
from audiobench_pytest.errors import UsageError


@pytest.fixture
def manifest(tmp_path):
    rows = []
    for i, text in enumerate(("one word", "two words", "three words")):
        sf.write(tmp_path / f"{i}.wav", np.full(1600 * (i + 1), 0.01 * (i + 1), np.float32), 16_000)
        rows.append({"id": f"clip-{i}", "audio": f"{i}.wav", "text": text, "speaker": f"s{i}", "label": "sad"})
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_function_is_asked_and_scored_as_a_model_is(manifest, tmp_path):
    heard = []

    def recogniser(samples):
        heard.append(len(samples))
        return "two words"

    run = audiobench_pytest.evaluate(recogniser, manifest, folder=tmp_path / "work")
    assert sorted(heard) == [1600, 3200, 4800]
    assert list(run.records.sample_id) == ["clip-0", "clip-1", "clip-2"]
    assert list(run.records.errors) == [2.0, 0.0, 1.0] or run.records.errors.fillna(0).tolist() == [2, 0, 1]
    assert run.cells.value[0] == pytest.approx(100 * 3 / 6)
    assert run.cells.model[0] == "recogniser"
    assert run.path.is_dir()


def test_what_a_function_said_is_asked_again_unless_its_identity_is_given(manifest, tmp_path):
    asked = []

    def recogniser(samples):
        asked.append(1)
        return "x"

    for _ in range(2):
        audiobench_pytest.evaluate(recogniser, manifest, folder=tmp_path / "work", limit=2)
    assert len(asked) == 4
    for _ in range(2):
        run = audiobench_pytest.evaluate(recogniser, manifest, folder=tmp_path / "work", limit=2, identity="v1")
    assert len(asked) == 6
    assert run.records.cached.all()


@pytest.mark.parametrize(
    ("model", "recipe", "words"),
    [
        ("oracle", "bit-rate/audiobench-pytest@1", "recipe bit-rate/audiobench-pytest@1 scores the sound of an answer"),
        ("mu-law", (), "mu-law gives no answers in text, which the task 'asr' wants"),
    ],
)
def test_answers_in_another_channel_than_the_tasks_are_refused(manifest, tmp_path, model, recipe, words):
    with pytest.raises(UsageError, match=words):
        audiobench_pytest.evaluate(model, manifest, recipe, folder=tmp_path / "work")


def test_a_name_and_several_recipes(manifest, tmp_path):
    recipes = ["wer/audiobench-pytest@2", "wer/openasr@2026-08"]
    run = audiobench_pytest.evaluate("oracle", manifest, recipes, folder=tmp_path / "work")
    assert list(run.cells.recipe) == recipes
    assert list(run.cells.value) == [0.0, 0.0]


def test_another_task(manifest, tmp_path):
    run = audiobench_pytest.evaluate(lambda samples: "it is sad", f"emotion:{manifest}", folder=tmp_path, name="mood")
    assert (run.cells.metric[0], run.cells.value[0]) == ("acc", 100.0)


@pytest.mark.parametrize(
    ("model", "words"),
    [("whisper-tinny", "unknown model 'whisper-tinny' .*whisper-tiny"), (3, "a name or a function")],
)
def test_what_cannot_be_asked_is_told(manifest, tmp_path, model, words):
    with pytest.raises(UsageError, match=words):
        audiobench_pytest.evaluate(model, manifest, folder=tmp_path / "work")


def test_a_model_that_follows_nothing_is_not_asked_for_a_mood(manifest, tmp_path):
    pytest.importorskip("pocketsphinx")
    with pytest.raises(UsageError, match="follows no instruction, so the task 'emotion' cannot be asked"):
        audiobench_pytest.evaluate("pocketsphinx", f"emotion:{manifest}", folder=tmp_path / "work")
