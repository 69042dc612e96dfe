"""Every data set of the hub is read from rows with the very columns that its entry names, and is asked as it should be.

The rows are made here: a parquet file per entry with its columns, nested ones, classes by number and a column that
nobody asked for among them.
"""

import dataclasses
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile as sf

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.datasets.fields import Needs
from audiobench_pytest.datasets.hub.parquet import ParquetRows
from audiobench_pytest.datasets.hub.prepared import Prepared
from audiobench_pytest.datasets.hub.rows import make_record
from audiobench_pytest.datasets.loading import _with_choices
from audiobench_pytest.metrics.judge.metric import JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.registry import create
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import prompt_for
from audiobench_pytest.runner.asking.decoding import Decoded
from audiobench_pytest.runner.asking.questions import Question, outcome_of, request_for
from audiobench_pytest.runner.scoring.scorer import item_of
from audiobench_pytest.types import CellId, Prediction, Prompt, State

CATALOG = load_catalog()
ON_THE_HUB = [dataset for dataset in CATALOG.datasets if dataset.hub is not None]
# One of each layout: a family of a hundred languages has the same columns in all of them.
LAYOUTS = list(
    {
        (d.task, d.family, d.hub.repo, d.hub.audio_column, d.hub.text_column, d.hub.columns, d.prompt, d.labels): d
        for d in ON_THE_HUB
    }.values()
)
OPTIONS = ["a cat", "a dog", "a bird", "a cow"]


def clip(seed: int) -> bytes:
    out = io.BytesIO()
    sf.write(out, np.random.default_rng(seed).uniform(-0.1, 0.1, 1600).astype("float32"), 16_000, format="WAV")
    return out.getvalue()


def expected(dataset, row: int) -> object:
    """Return what the column of references holds in a row."""
    if dataset.recipe == "bbh/voicebench":
        return "yes"
    if dataset.task == "translation":
        return f"this is the answer to row {row}"  # four words at least make one of BLEU's longest units
    if dataset.labels:
        labels = list(CATALOG.labels.get(dataset.labels).labels)
        return labels[row % len(labels)]
    if dataset.name in ("speech-web-questions",):
        return ["Paris", "City of Paris"]
    if dataset.task == "audio-qa":
        return OPTIONS[row % 4]
    return {"spoken-qa": "B", "music": ("major", "minor")[row % 2]}.get(dataset.task, f"answer {row}")


def rows_of(dataset, number: int = 3) -> bytes:
    """Return a parquet file with the columns that an entry names."""
    source, rows = dataset.hub, []
    for row in range(number):
        found = {}
        if source.audio_column is not None:
            found[source.audio_column] = {"bytes": clip(row), "path": f"{row}.wav"}
        if source.id_column:
            found[source.id_column] = f"row-{row}"
        for ours, theirs in source.columns:
            for place, column in enumerate(theirs):
                if ours.startswith("sounds."):
                    found[column] = {"bytes": clip(row + 100), "path": f"{row}-{ours}.wav"}
                elif ours == "choices":
                    found[column] = OPTIONS if len(theirs) == 1 else OPTIONS[place]
                else:
                    found[column] = f"{ours} of row {row}"
        if dataset.cluster:
            found[dataset.cluster] = f"{row % 2}"
        found |= {"nested": [{"name": "x", "values": [row]}], "unused": row, "blob": b"x"}
        found |= {
            name: value.format(row=row) if isinstance(value, str) else value
            for name, value in RULES.get(dataset.recipe, {}).items()
        }
        if source.text_column is not None:
            found[source.text_column] = expected(dataset, row)
        rows.append(found)
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def samples_of(dataset, folder):
    file = ParquetRows(io.BytesIO(rows_of(dataset)), dataset.name, dataset.hub)
    assert file.dropped == ["blob (bytes)"]
    with Prepared(folder, dataset.hub, "0" * 40) as prepared:
        for at, raw in file.read(range(file.rows)):
            prepared.add(
                make_record(
                    at,
                    key=raw.key,
                    path=raw.path,
                    audio=raw.audio,
                    text=raw.text,
                    meta=raw.meta,
                    store=prepared.store,
                    sounds=raw.sounds,
                    reference=dataset.hub.text_column is not None,
                )
            )
        prepared.reload()  # as the next run finds them
        prepared.set_layout([("file", file.rows)])
        rows = prepared.wanted(LoadSettings(folder))
        checked = prepared.checked(rows, dataset, Needs.of(CATALOG.tasks.get(dataset.task)))
    return _with_choices([one.sample for one in checked], dataset)


def test_few_layouts_stand_for_many_sets():
    assert len(LAYOUTS) >= 50
    assert len(ON_THE_HUB) >= 250


@pytest.mark.parametrize("dataset", LAYOUTS, ids=lambda dataset: dataset.name)
def test_a_set_is_read_from_its_own_columns_and_asked(dataset, tmp_path):
    samples = samples_of(dataset, tmp_path)
    assert [sample.problem for sample in samples] == [None] * 3
    task = CATALOG.tasks.get(dataset.task)
    assert all(set(sample.files) == set(task.sounds) for sample in samples)
    assert all(path.is_file() for sample in samples for path in sample.files.values())
    for row, sample in enumerate(samples):
        if dataset.hub.text_column is not None:
            wanted = expected(dataset, row)
            first = wanted[0] if isinstance(wanted, list) else wanted
            assert (sample.reference, sample.aliases) == (first, tuple(wanted[1:]) if isinstance(wanted, list) else ())
        assert sample.meta["nested"] == [{"name": "x", "values": [row]}]
        assert sample.target == dataset.target_language
        assert not task.closed or sample.reference in sample.choices
        prompt = prompt_for(sample, Asked(dataset.task, dataset.prompt, dataset.name), takes_instruction=True)
        assert prompt.sounds == task.sounds
        words = [part for message in prompt.messages for part in message.parts if isinstance(part, str)]
        said = json.dumps(words) + str(prompt.text)
        if "question" in dict(dataset.hub.columns) and dataset.task == "audio-qa":
            assert f"question of row {row}" in said
        for choice in sample.choices if not dataset.prompt else ():
            assert choice in said
        if dataset.task in ("translation", "caption"):
            assert sample.reference not in said


RULES = {
    "ifeval/voicebench": {
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"num_words": None, "relation": None}],
    },
    "bbh/voicebench": {"id": "web_of_lies_{row}"},
}
"""What a row has for rules that read more than a reference."""

SAID = {
    "ifeval/voicebench": ("It has none.", "It has one, or two."),
    "bbh/voicebench": ("Yes, he does.", "No, he does not."),
    "refusal/advbench": ("I'm sorry, but I can't help with that.", "Sure, take a bottle."),
}
"""A right and a wrong answer where neither is a reference: what a rule or a refusal asks for."""

JUDGEMENTS = {
    "bracket_score_1_10": ("[[10]]", "[[1]]"),
    "score_1_5": ("5", "1"),
    "yes_no_last_word": ("Yes", "No"),
    "two_scores": ("10 1", "1 10"),
}
"""The best and the worst that a judge can say, by how its reply is read; of two answers, ours the first."""

SPECS = {d.name: CATALOG.recipe_for(d) for d in ON_THE_HUB}
MADE = {name: Recipe(CATALOG.recipes.get(name)) for name in {spec.name for spec in SPECS.values()}}
RECIPES = {name: MADE[spec.name] for name, spec in SPECS.items()}
SCORED = [d for d in ON_THE_HUB if RECIPES[d.name].metric.stage is None]
JUDGED = [d for d in ON_THE_HUB if RECIPES[d.name].metric.stage == "judge"]
SPOKEN = [d for d in ON_THE_HUB if RECIPES[d.name].metric.stage == "transcript"]
LISTENED = [d for d in ON_THE_HUB if RECIPES[d.name].metric.stage == "listening"]
CELL = CellId("set", "m", "r")


def test_every_set_of_the_hub_has_its_100_percent_here_or_as_a_transcript():
    """Texts that are said aloud are scored by what a transcriber hears: `tests/plugin/test_speech.py`."""
    assert len(SCORED) + len(JUDGED) + len(SPOKEN) + len(LISTENED) == len(ON_THE_HUB)
    assert {CATALOG.tasks.get(d.task).answer for d in (*SPOKEN, *LISTENED)} == {"speech"}


def answers_of(name, samples, closed):
    adapter = create(CATALOG.models.get(name), {})
    unheard = Decoded(None, None, 0.0)
    asked = [request_for(adapter, Question("k", one, Prompt(), "", closed), unheard) for one in samples]
    return [answer.text for answer in adapter.generate(asked)]


def items_of(samples, answers):
    return [
        item_of(outcome_of(CELL, sample, Prediction("k", answer, None, 1.0, 0.1)))
        for sample, answer in zip(samples, answers, strict=True)
    ]


def headline(recipe, language, scores):
    """Return the value that a board shows first, and the best that it can be."""
    scores = recipe.corpus(scores)
    quantity = recipe.quantities([language])[0]
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array([sum(score.numbers.get(name, 0.0) for score in scores)]) for name in names}
    return recipe.values(sums)[quantity.name][0], quantity.maximum if quantity.higher_is_better else 0.0


@pytest.mark.parametrize("dataset", SCORED, ids=lambda dataset: dataset.name)
def test_the_right_answer_is_right_and_a_wrong_one_is_not(dataset, tmp_path):
    """The scores of a set see its rows: references, options, target language."""
    recipe = RECIPES[dataset.name]
    samples = samples_of(dataset, tmp_path)
    closed = CATALOG.tasks.get(dataset.task).closed
    language = dataset.target_language or dataset.language
    right, wrong = SAID.get(recipe.spec.name, (None, "something else entirely"))
    answers = [right] * len(samples) if right else answers_of("oracle", samples, closed)

    scores = [recipe.score(item) for item in items_of(samples, answers)]
    assert all(score.state is State.OK for score in scores)
    value, best = headline(recipe, language, scores)
    if recipe.spec.score != "captions":  # CIDEr and SPICE of one sentence against itself depend on the others
        assert value == pytest.approx(best)
    mistaken, _ = headline(recipe, language, [recipe.score(item) for item in items_of(samples, [wrong] * 3)])
    assert mistaken != pytest.approx(value)
    if not samples[0].choices:
        return

    picked = answers_of("chance", samples, closed)
    for sample, said, item in zip(samples, picked, items_of(samples, picked), strict=True):
        score = recipe.score(item)
        assert score.state is State.OK
        assert headline(recipe, language, [score])[0] == 100.0 * (sample.reference in said)


@pytest.mark.parametrize("dataset", JUDGED, ids=lambda dataset: dataset.name)
def test_a_judge_is_shown_what_its_rows_hold_and_its_verdict_is_the_score(dataset, tmp_path):
    recipe = RECIPES[dataset.name]
    judge = recipe.metric
    samples = samples_of(dataset, tmp_path)
    values = []
    for place in (0, 1):
        scores = []
        for sample, item in zip(samples, items_of(samples, ["What is said."] * 3), strict=True):
            reference, prediction = recipe.texts(item)
            calls = judge.calls(item, reference, prediction)
            shown = json.dumps([call.messages for call in calls], ensure_ascii=False)
            assert "What is said." in shown
            assert str(sample.meta.get("question", "")) in shown
            assert not judge.needs_reference or sample.reference in shown
            said, second = JUDGEMENTS[judge.rubric.parse], judge.parser.pair and judge.rubric.first == "reference"
            replies = [[JudgeReply(said[(place + call.swapped + second) % 2])] for call in calls]
            scores.append(judge.score_replies(item, reference, prediction, replies))
        assert all(score.state is State.OK for score in scores)
        values.append(headline(recipe, dataset.language, scores)[0])
    best, worst = values
    assert best > worst


@pytest.mark.parametrize("dataset", LISTENED, ids=lambda dataset: dataset.name)
def test_a_judge_that_hears_is_shown_what_was_asked_and_sent_the_sound(dataset, tmp_path):
    recipe = RECIPES[dataset.name]
    judge = recipe.metric
    samples = samples_of(dataset, tmp_path)
    heard = {"speech": {"file": "ab/c.flac", "silent_share": 0.1}}
    items = [dataclasses.replace(item, given=heard) for item in items_of(samples, [""] * 3)]
    values = []
    for said in ("It is soft.\nResult: yes", "It is loud.\nResult: no"):
        scores = []
        for row, item in enumerate(items):
            reference, prediction = recipe.texts(item)
            (call,) = judge.calls(item, reference, prediction)
            assert f"instruction of row {row}" in call.messages[-1][1]
            assert call.sound == "ab/c.flac"
            scores.append(judge.score_replies(item, reference, prediction, [[JudgeReply(said)]]))
        values.append(headline(recipe, dataset.language, scores)[0])
    assert values == [100.0, 0.0]
    silent = dataclasses.replace(items[0], given={"speech": {"file": "ab/c.flac", "silent_share": 1.0}})
    unasked = judge.unasked(silent, *recipe.texts(silent))
    assert headline(recipe, dataset.language, [unasked])[0] == 0.0
