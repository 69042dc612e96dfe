"""Invented words per minute, by hand."""

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.datasets.fields import Needs
from audiobench_pytest.datasets.manifests.read import read_manifest
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import State

RECIPE = Recipe(load_catalog().recipes.get("nonspeech/audiobench-pytest@1"))


def values(*answers, seconds=30.0):
    import numpy as np

    sums: dict[str, float] = {}
    for answer in answers:
        for name, number in RECIPE.score(Item("", answer, audio_s=seconds)).numbers.items():
            sums[name] = sums.get(name, 0.0) + number
    found = RECIPE.values({name: np.float64(number) for name, number in sums.items()})
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("answers", "wpm", "rate"),
    [
        (["", ""], 0.0, 0.0),
        (["Thank you.", ""], 2.0, 50.0),
        (["谢谢观看", ""], 4.0, 50.0),
        (["[silence]", "(music)"], 0.0, 0.0),
        (["Thanks for watching!", "Bye"], 4.0, 100.0),
    ],
)
def test_words_per_minute_of_clips_in_which_nobody_speaks(answers, wpm, rate):
    assert values(*answers) == {"invented_wpm": pytest.approx(wpm), "invented_rate": pytest.approx(rate)}


def test_the_length_may_stand_in_the_row_and_has_to_stand_somewhere():
    assert RECIPE.score(Item("", "you", meta={"duration_s": 60})).numbers["minutes"] == 1.0
    assert RECIPE.score(Item("", "you")).state is State.DATA_ERROR


def test_a_hundred_clips_are_bundled():
    path = corpus_path("nonspeech/manifest.jsonl")
    samples = read_manifest(path, "en", needs=Needs(reference=False))
    assert len(samples) == 100
    assert {sample.problem for sample in samples} == {None}
    assert {sample.meta["kind"] for sample in samples} == {"silence", "noise", "hum", "tone", "clicks", "music"}
    assert sum(sample.audio.stat().st_size for sample in samples if sample.audio) < 2_000_000
