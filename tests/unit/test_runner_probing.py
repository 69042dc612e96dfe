"""Asking twice: which samples, under which key, and what counts as a flip."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from made_runs import RECIPE, make_run, make_set, sentence

from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.cells.variation.repeats import flip_rates, probe_notes
from audiobench_pytest.models import harness
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import ProbedSample
from audiobench_pytest.runner.asking.probing import Probe
from audiobench_pytest.types import Answer, CellId, Request, Sample

CELL = CellId("small", "oracle", RECIPE)


class Fickle:
    """What the oracle answers in these tests: how a sample is answered depends on how often it was asked."""

    asked: ClassVar[dict[str, int]] = {}
    second: ClassVar[Mapping[str, Any]] = {}

    def answer(self, adapter: Any, request: Request) -> Answer:
        assert request.reference is not None
        times = self.asked[request.reference] = self.asked.get(request.reference, 0) + 1
        if times > 1 and request.reference in self.second:
            return Answer(**self.second[request.reference])
        return Answer(text=request.reference)


@pytest.fixture
def fickle(monkeypatch: pytest.MonkeyPatch) -> Fickle:
    one = Fickle()
    one.asked, one.second = {}, {}  # type: ignore[misc]
    monkeypatch.setattr(harness.OracleAdapter, "_answer", lambda self, request: one.answer(self, request))
    return one


def probed(folder: Path, samples: int, **more: Any) -> Any:
    run = make_run(folder / "run", make_set(folder / "data", 12), model="oracle", probe=Probe(samples, 0), **more)
    (cell,) = RunDirectory(run).cells()
    return cell


def test_probed_samples_are_asked_twice_and_the_others_once(tmp_path: Path, fickle: Fickle) -> None:
    cell = probed(tmp_path, 5)
    assert sorted(fickle.asked.values()) == [1] * 7 + [2] * 5
    assert len(cell.probes) == 5
    assert all(probe.same_text and probe.same_score and probe.error is None for probe in cell.probes.values())


def test_second_answers_enter_no_score(tmp_path: Path, fickle: Fickle) -> None:
    fickle.second = {sentence(number): {"text": "nonsense"} for number in range(12)}
    cell = probed(tmp_path, 12)
    result = reduce_cell(cell)
    assert (result.value, result.expected, result.coverage) == (0.0, 12, 1.0)
    assert result.named("flip_rate").value == 100.0
    assert result.named("score_flip_rate").value == 100.0


def test_a_text_may_flip_without_its_score(tmp_path: Path, fickle: Fickle) -> None:
    # Case and punctuation are no errors; a word is.
    fickle.second = {
        sentence(0): {"text": sentence(0).upper() + "!"},
        sentence(1): {"text": sentence(1) + " more"},
        sentence(2): {"text": sentence(2).title()},
    }
    result = reduce_cell(probed(tmp_path, 12))
    flips, scores = result.named("flip_rate"), result.named("score_flip_rate")
    assert flips.value == pytest.approx(100 * 3 / 12)
    assert scores.value == pytest.approx(100 * 1 / 12)
    assert 0.0 <= flips.low < flips.value < flips.high <= 100.0
    assert result.values[0].quantity.name == "wer"


def test_a_sample_without_a_second_answer_is_no_flip(tmp_path: Path, fickle: Fickle) -> None:
    fickle.second = {sentence(0): {"error": "out of memory"}, sentence(1): {"text": "other"}}
    cell = probed(tmp_path, 12)
    assert cell.probes["clip-000"].error == "out of memory"
    assert reduce_cell(cell).named("flip_rate").value == pytest.approx(100 * 1 / 11)
    (note,) = probe_notes([cell])
    assert note == (
        "small-oracle: 11 samples asked twice, 1 with another answer (9.1 % [0.2, 41.3]), "
        "1 with another score (9.1 % [0.2, 41.3]); 1 without a second answer"
    )


def test_a_sample_that_failed_at_first_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(self: Any, request: Request) -> Answer:
        asked.append(request.reference or "")
        return Answer(error="no") if request.reference == sentence(3) else Answer(text=request.reference or "")

    monkeypatch.setattr(harness.OracleAdapter, "_answer", answer)
    cell = probed(tmp_path, 12)
    assert asked.count(sentence(3)) == 1
    assert len(cell.probes) == 11


def test_both_answers_are_kept_and_a_second_run_asks_nothing(tmp_path: Path, fickle: Fickle) -> None:
    fickle.second = {sentence(4): {"text": "other"}}
    first = reduce_cell(probed(tmp_path, 12, cache=tmp_path / "cache"))
    assert sum(fickle.asked.values()) == 24
    manifest = tmp_path / "data" / "small.jsonl"
    again = make_run(tmp_path / "again", manifest, model="oracle", probe=Probe(12, 0), cache=tmp_path / "cache")
    (cell,) = RunDirectory(again).cells()
    assert sum(fickle.asked.values()) == 24
    assert reduce_cell(cell).named("flip_rate") == first.named("flip_rate")
    # Both answers of a sample, each under a key of its own.
    folders = PredictionCache([tmp_path / "cache"]).folders
    lines = [
        line
        for path in sorted(folders[0].rglob("*.jsonl"))
        if "predictions" in str(path)
        for line in path.read_text().splitlines()
    ]
    assert len(lines) == 24


def test_the_cache_may_hold_the_first_answers_already(tmp_path: Path, fickle: Fickle) -> None:
    manifest = make_set(tmp_path / "data", 12)
    make_run(tmp_path / "first", manifest, model="oracle", cache=tmp_path / "cache")
    run = make_run(tmp_path / "second", manifest, model="oracle", probe=Probe(4, 0), cache=tmp_path / "cache")
    (cell,) = RunDirectory(run).cells()
    assert sum(fickle.asked.values()) == 16
    assert (len(cell.probes), reduce_cell(cell).cached) == (4, 12)


def test_each_recipe_has_probes_of_its_own(tmp_path: Path, fickle: Fickle) -> None:
    fickle.second = {sentence(0): {"text": sentence(0).upper()}}
    run = make_run(
        tmp_path / "run",
        make_set(tmp_path / "data", 12),
        model="oracle",
        recipes=(RECIPE, "match/qa-exist"),
        probe=Probe(12, 0),
    )
    cells = RunDirectory(run).cells()
    assert [len(cell.probes) for cell in cells] == [12, 12]
    assert [reduce_cell(cell).named("score_flip_rate").value for cell in cells] == [0.0, 0.0]


def test_a_run_that_was_not_probed_has_no_flip_rate(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_set(tmp_path / "data", 3), model="oracle")
    (cell,) = RunDirectory(run).cells()
    assert reduce_cell(cell).named("flip_rate") is None
    assert list(probe_notes([cell])) == []


def test_which_samples_are_probed_depends_on_id_and_seed_alone() -> None:
    samples = [Sample(f"utt-{number}", Path("x"), "r", "en") for number in range(50)]
    shuffled = random.Random(1).sample(samples, 50)
    assert Probe(7, 3).ids(samples) == Probe(7, 3).ids(shuffled)
    assert len(Probe(7, 3).ids(samples)) == 7
    assert Probe(7, 3).ids(samples) != Probe(7, 4).ids(samples)
    assert Probe(99, 0).ids(samples) == {sample.id for sample in samples}


def test_what_a_judge_would_score_is_compared_by_text_only() -> None:
    probes = {name: ProbedSample(CELL, name, same_text=name != "a", same_score=None) for name in ("a", "b", "c", "d")}
    (flips,) = flip_rates(probes)
    assert (flips.quantity.name, flips.value) == ("flip_rate", 25.0)
