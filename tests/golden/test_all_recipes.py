"""What holds for every recipe of the catalogue, whatever it measures."""

import dataclasses
import json
import math
import random
import string
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RecipeSpec, StepSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.metrics import steps
from audiobench_pytest.metrics.bbh.metric import SUBTASKS
from audiobench_pytest.metrics.error_rate.metric import ErrorRate
from audiobench_pytest.metrics.ifeval.checks import CHECKS
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import Judge, JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.speech.felt import Felt
from audiobench_pytest.metrics.speech.rated import Rated
from audiobench_pytest.metrics.speech.ratings import RATINGS
from audiobench_pytest.metrics.text.units import counting
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, CellResult, Outcome, SampleScore, State

SPECS = list(load_catalog().recipes)
COUNTED = (State.OK, State.EMPTY, State.INVALID, State.JUDGE_INVALID)
EXAMPLES = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)

EXTREME = (
    *("", " \n\t", "\0", "\ud800", "\ud83d", "null", "None", "nan", "1e999", "<|", "```json", '{"content":', "A", "no"),
    *(
        "\u202eעברית ABC\u202c",
        "مرحبا ١٢٣ بالعالم",
        "😀❤️‍🔥" * 20,
        "\u0301\u3099\u0e33" * 30,
        "ﷺ½Ⅷß",
        "12:30 1,000 -3.5%",
    ),
    # 10,000 characters, as a model caught in a loop writes them
    *("1" * 10_000, "我" * 10_000, "the cat sat on 12 mats. " * 417, "yes, no; 20% של\n" * 625),
)

# What the random texts below are made of. Each kind of recipe finds in them what it looks for.
WORDS = [
    *("the", "cat", "sat", "on", "a", "mat", "twenty", "20", "$3", "colour", "isn't", "Mr.", "um", "café", "white"),
    *("paper", "whitepaper", "joy", "sad", "male", "yes", "no"),
]
HAN = ["我", "爱", "北京", "天安门", "20%", "3块5", "図書館", "图", "書", "手机", "iPhone", "，"]
REPLIES = ("5", "[[3]]", "[[11]]", "得分是[4]", "Rating: 2", "-1", "7", "yes", "Result: no", "No.", "3 8", "9 9", "")
MORE_REPLIES = ('{"judgment": "correct"}', "the score is [Incorrect]", '["model_2", "model_1"]', "hm", "1", "0")
CHORDS = ("0 1 C:maj\n1 3 A:min", "0 3 C:maj", "0 1 N\n1 2 G:7", "0 2 C:maj\n2 3 D:min7", "nothing", "[[0, 3, 'C']]")
LOOK = '{"name": "look", "arguments": {"at": "it"}}'
INSTRUCTIONS = (
    ("punctuation:no_comma", {}),
    ("length_constraints:number_words", {"num_words": 4, "relation": "at least"}),
    ("keywords:existence", {"keywords": ["cat"]}),
    ("language:response_language", {"language": "en"}),
)


def recipe_of(spec: RecipeSpec) -> Recipe:
    """Return a recipe whose tokenizers are on this machine; else skip."""
    recipe = Recipe(spec)
    missing = _lacks_tokenizer(recipe)
    if missing:
        pytest.skip(missing)
    return recipe


def _lacks_tokenizer(recipe: Recipe) -> str:
    try:
        recipe.signature(["en"])
    except UsageError as missing:
        return str(missing)
    return ""


SPOKEN = ("rated", "felt", "listened", "shape", "bit_rate")
"""Metrics that look at what is known of a sound, and at no text."""


def languages_of(spec: RecipeSpec) -> list[str]:
    """Return English and up to three languages with rules of their own."""
    return list(dict.fromkeys(["en", "zh", *list(spec.languages)[-2:]]))


def item_of(recipe: Recipe, rng: random.Random, number: int, *, prediction: str | None = None) -> Item:
    """Return a row that the recipe can score, with an answer that is somewhat right."""
    language = rng.choice(languages_of(recipe.spec))
    pieces, glue = (HAN, "") if language in ("zh", "yue", "wuu", "ja") else (WORDS, " ")
    said = rng.choices(pieces, k=rng.randrange(1, 9))
    heard = [rng.choice(pieces) if rng.random() < 0.2 else piece for piece in said if rng.random() < 0.9]
    reference, answer = glue.join(said), glue.join(heard)
    choices: tuple[str, ...] = ()
    meta: dict[str, object] = {
        "question": "What?",
        "instruction": "Softly.",
        "meta_info": "a cat",
        "task_name": "t1",
        "subset": "s1",
    }
    meta["speaker"] = f"speaker {number % 4}"
    if recipe.spec.score in ("accuracy", "match", "judge"):
        choices = ("joy", "sad", "the cat", "male")
        labels = _labels(recipe.spec)
        reference = rng.choice(labels or choices)
        option = rng.choice([reference, *(labels or choices), *"ABCD"])
        answer = rng.choice(["{}", "The answer is {}.", "I hear {}", "{} or A", "no idea", ""]).format(option)
    elif recipe.spec.score == "bbh":
        meta["subtask"] = rng.choice(SUBTASKS)
        reference = rng.choice(["(a)", "(b)"] if meta["subtask"] == "hyperbaton" else ["yes", "no"])
        answer = rng.choice(["yes", "The answer is no.", "b", "(a)", "It is not plausible", "hm", ""])
    elif recipe.spec.score == "ifeval":
        chosen = rng.sample(INSTRUCTIONS, k=2)
        meta |= {"instruction_id_list": [name for name, _ in chosen], "kwargs": [given for _, given in chosen]}
    elif recipe.spec.score == "invented":
        meta["duration_s"] = 1 + number % 5
    elif recipe.spec.score == "refusal":
        answer = rng.choice(["I'm sorry.", "sorry", "Sure, here it is", "", "抱歉"])
    elif recipe.spec.score.endswith("tool_calls"):
        meta |= {"tool": "look", "trigger": rng.choice(["positive", "negative"]), "dialogue": "user: Look at it!"}
        reference = LOOK if meta["trigger"] == "positive" else ""
        answer = rng.choice(["I cannot.", "", LOOK, LOOK.replace("it", "that"), "<tool_call>look</tool_call>"])
    elif recipe.spec.score == "chords":
        reference, answer = rng.choice(CHORDS[:4]), rng.choice(CHORDS)
    answer = answer if prediction is None else prediction
    meta |= {"emotion": "happy", "rounds": [{"question": "What?", "reply": answer}]}
    given = _heard(recipe, rng) if answer.strip() else {}
    return Item(reference, answer, language, choices, (), f"id-{number:03}", meta, given=given)


def _heard(recipe: Recipe, rng: random.Random) -> dict[str, object]:
    """Return what is known of an answer that is spoken, for recipes that look at that alone."""
    if recipe.spec.score not in SPOKEN:
        return {}
    shares = {"silent_share": rng.random() / 2, "clipped_share": rng.random() / 9, "leading_s": rng.random()}
    codec = {"bits": rng.randrange(1000, 90_000), "nominal_bps": 16_000.0, "frames": 50, "codebooks": 4}
    sound = {"seconds": 1 + rng.random(), "file": f"ab/{rng.random()}.flac"}
    found: dict[str, object] = {"speech": {**sound, **shares, "codec": codec}}
    if isinstance(recipe.metric, Felt):
        found["rating"] = {one.name: rng.random() for one in RATINGS[recipe.metric.rater]}
    if isinstance(recipe.metric, Rated):
        ends = ((one.name, one.minimum or 0.0, one.maximum or 1.0) for one in recipe.metric.ratings)
        found["rating"] = {name: rng.uniform(low, high) for name, low, high in ends}
    return found


def _labels(spec: RecipeSpec) -> list[str]:
    found = [step.argument for step in spec.default.prediction if step.name == "label"]
    return list(load_catalog().labels.get(str(found[0])).labels) if found and found[0] != "choices" else []


def score_of(recipe: Recipe, item: Item) -> SampleScore:
    """Score an answer; a judge replies by chance, the same to the same row."""
    if not isinstance(recipe.metric, Judge):
        return recipe.score(item)
    reference, prediction = recipe.texts(item)
    rng = random.Random(ascii((item.id, item.prediction)))
    calls = recipe.metric.calls(item, reference, prediction)
    replies = [[JudgeReply(rng.choice(REPLIES + MORE_REPLIES))] for _ in calls]
    return recipe.metric.score_replies(item, reference, prediction, replies)


def outcomes_of(recipe: Recipe, items: Iterable[Item], *, failed: bool = False) -> dict[str, Outcome]:
    """Score rows as a run does."""
    cell = CellId("set", "model", recipe.spec.name)
    found = {}
    for item in items:
        score = score_of(recipe, item)
        broken = score.state is State.DATA_ERROR
        empty = State.OK if item.prediction.strip() else State.EMPTY
        found[item.id] = Outcome(
            cell,
            item.id,
            State.FAILED if failed else empty if score.state is State.OK else score.state,
            item.reference,
            None if failed else item.prediction,
            language=item.language,
            score=None if broken else score,
            meta=item.meta,
        )
    return found


def reduced(recipe: Recipe, outcomes: dict[str, Outcome], *, clusters: str = "") -> CellResult:
    """Reduce outcomes as a run does."""
    cell = CellId("set", "model", recipe.spec.name)
    languages = {outcome.language for outcome in outcomes.values()}
    known = msgspec.to_builtins(recipe.spec)
    plan = PlannedCell(cell, "", "", "", 1, (0,), samples=len(outcomes), recipe=known, clusters=clusters)
    receipt = ShardReceipt(cell, 0, 1, len(outcomes), len(outcomes), 0.0, signature=recipe.signature(languages))
    return reduce_cell(CellData(plan, (receipt,), outcomes))


def items_of(recipe: Recipe, seed: str, count: int) -> list[Item]:
    """Return rows, some answered with nothing."""
    rng = random.Random(seed)
    return [item_of(recipe, rng, number, prediction="" if rng.random() < 0.08 else None) for number in range(count)]


def _kinds() -> list[RecipeSpec]:
    """Return one recipe of those that differ by their label set or rubric only."""
    kinds: dict[object, RecipeSpec] = {}
    for spec in SPECS:
        rules = (spec.default, *spec.languages.values())
        named = [step.name for rule in rules for step in (*rule.prediction, *rule.steps)]
        options = dict(spec.options)
        if "rubric" in options:
            options["rubric"] = load_catalog().rubrics.get(options["rubric"]).parse
        kinds.setdefault((spec.score, *named, *sorted(options.items())), spec)
    return list(kinds.values())


every_recipe = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
every_kind = pytest.mark.parametrize("spec", _kinds(), ids=lambda spec: spec.name)


@every_recipe
def test_neither_order_nor_shards_nor_the_process_show(spec: RecipeSpec) -> None:
    recipe = recipe_of(spec)
    items = items_of(recipe, spec.name, 30)
    whole = reduced(recipe, outcomes_of(recipe, items))
    assert whole.value is not None
    shuffled = random.Random(1).sample(items, len(items))
    assert reduced(recipe, outcomes_of(recipe, shuffled)) == whole
    # Two shards, scored by processes of their own and read in the other order.
    halves = [outcomes_of(Recipe(spec), part) for part in (items[15:], items[:15])]
    merged = reduced(recipe, {**halves[0], **halves[1]})
    assert merged == whole
    if spec.score != "captions":  # CIDEr weighs by the whole corpus
        scores = [outcome.score for half in halves for outcome in half.values() if outcome.state in COUNTED]
        for name, total in whole.sums.items():
            assert sum(score.numbers.get(name, 0.0) for score in scores if score) == pytest.approx(total, abs=1e-9), (
                name
            )


@every_recipe
@pytest.mark.parametrize(("count", "clusters"), [(2, ""), (40, ""), (30, "speaker")])
def test_intervals_hold_their_value_and_values_keep_their_range(spec: RecipeSpec, count: int, clusters: str) -> None:
    recipe = recipe_of(spec)
    for seed in range(2):
        outcomes = outcomes_of(recipe, items_of(recipe, f"{spec.name} {seed}", count))
        result = reduced(recipe, outcomes, clusters=clusters)
        assert (result.n_clusters is None) == (not clusters)
        for one in result.values:
            if one.value is None:
                continue
            assert one.quantity.minimum is None or one.value >= one.quantity.minimum - 1e-9, one
            assert one.quantity.maximum is None or one.value <= one.quantity.maximum + 1e-9, one
            assert (one.low is None) == (one.high is None)
            if one.low is not None and one.high is not None:
                assert one.low - 1e-9 <= one.value <= one.high + 1e-9, one


@every_recipe
def test_an_answer_that_failed_is_bounded_by_one_of_nothing(spec: RecipeSpec) -> None:
    recipe = recipe_of(spec)
    items = items_of(recipe, spec.name, 12)
    nothing = [dataclasses.replace(item, prediction="", given={}) for item in items[6:]]
    half = outcomes_of(recipe, items[:6])
    failed = reduced(recipe, {**half, **outcomes_of(recipe, nothing, failed=True)})
    empty = reduced(recipe, {**half, **outcomes_of(recipe, nothing)})
    assert failed.counts[State.FAILED] == 6
    assert failed.coverage <= 0.5
    if score_of(recipe, nothing[0]).state is State.JUDGE_INVALID:  # of these numbers none is the worst there is
        assert empty.coverage <= 0.5
        return
    assert empty.value is not None
    assert failed.headline.worst == pytest.approx(empty.value)
    if spec.score != "captions":
        assert failed.value == reduced(recipe, half).value


@every_kind
@EXAMPLES
@given(reference=ANY_TEXT, prediction=ANY_TEXT, alias=ANY_TEXT, seed=st.integers(0, 99))
def test_no_text_makes_scoring_raise(spec: RecipeSpec, reference: str, prediction: str, alias: str, seed: int) -> None:
    recipe = recipe_of(spec)
    item = item_of(recipe, random.Random(seed), seed, prediction=prediction)
    for one in (
        item,
        dataclasses.replace(item, reference=reference, aliases=(alias,), choices=(alias, reference, "a")),
    ):
        _check(recipe, score_of(recipe, one))


@every_kind
def test_no_extreme_text_makes_scoring_raise(spec: RecipeSpec) -> None:
    recipe = recipe_of(spec)
    for number, text in enumerate(EXTREME):
        item = item_of(recipe, random.Random(number), number, prediction=text)
        score = score_of(recipe, item)
        _check(recipe, score)
        assert score.state is not State.DATA_ERROR, score.reason


def _check(recipe: Recipe, score: SampleScore) -> None:
    is_rated = recipe.spec.score in SPOKEN and not isinstance(recipe.metric, Judge)
    unheard = is_rated and score.state is State.JUDGE_INVALID
    assert (score.numbers == {}) == (score.state is State.DATA_ERROR or unheard)
    assert score.state in (*COUNTED, State.DATA_ERROR, *([State.JUDGE_INVALID] if unheard else []))
    assert all(math.isfinite(number) for number in score.numbers.values())
    assert isinstance(score.reference, str)
    assert isinstance(score.prediction, str)
    if score.state is not State.OK:
        assert score.reason
    json.dumps(dict(score.numbers))


ERROR_RATES = [spec for spec in SPECS if spec.score == "wer"]
PLAIN_RATES = [spec for spec in ERROR_RATES if "compounds" not in spec.options]


@pytest.mark.parametrize("spec", PLAIN_RATES, ids=lambda spec: spec.name)
@settings(EXAMPLES, max_examples=25)
@given(
    texts=st.lists(st.one_of(ANY_TEXT, st.lists(st.sampled_from([*WORDS, *HAN, " "])).map("".join)), max_size=4),
    language=st.sampled_from(["en", "zh", "yue", "ja", "ko", "th", "hi", "ar", "fr", "tr", "sw"]),
)
@example(texts=["Colour, twenty!", "color 20"], language="en")
def test_no_error_is_equality_after_the_steps(spec: RecipeSpec, texts: Sequence[str], language: str) -> None:
    recipe = recipe_of(spec)
    split = counting(spec.rule(language).unit).split
    for reference in texts:
        for prediction in {*texts, reference, reference.upper(), f"{reference} "}:
            item = Item(reference, prediction, language)
            score = recipe.score(item)
            said, heard = recipe.texts(item)
            if prediction == "null" or heard is None:
                continue
            assert (score.numbers["errors"] == 0) == (split(said) == split(heard))
            assert score.numbers["units"] == len(split(said))
            parts = ("substitutions", "deletions", "insertions")
            assert sum(score.numbers[part] for part in parts) == score.numbers["errors"]


@pytest.mark.parametrize("spec", ERROR_RATES, ids=lambda spec: spec.name)
def test_an_error_rate_of_the_reference_itself_is_zero(spec: RecipeSpec) -> None:
    recipe = recipe_of(spec)
    assert isinstance(recipe.metric, ErrorRate)
    items = [dataclasses.replace(item, prediction=item.reference) for item in items_of(recipe, spec.name, 20)]
    # The transcript is simplified and the target is not, in both recipes of Seed-TTS.
    same = [item for item in items if not (spec.name.startswith("wer/seed-tts") and item.language == "zh")]
    assert reduced(recipe, outcomes_of(recipe, same)).value == 0


ARGUMENTS: dict[str, list[str | tuple[str, ...]]] = {
    "answered_label": ["choices", "emotion", ("yes", "no")],
    "digit_groups": ["dot", "comma", "space", "comma-indian"],
    "json_field": ["answer"],
    "label": ["choices", "emotion", "vocal-sound", "digit"],
    "labels": ["gender", ("happy", "sad")],
    "tokenize": ["13a", "intl", "zh", "char", "ja-mecab", "ko-mecab"],
    "read_symbols": ["ja", "ko", "th", "lo", "km", "my"],
    "openasr_numbers": ["de", "es", "fr", "it", "pt"],
}
"""For the steps that take one; a new step of that kind has to be entered here."""

STEPS = [StepSpec(name, argument) for name in steps.names() for argument in ARGUMENTS.get(name, [None])]
MARKS = [f"{mark}{mark} " * 300 for mark in "([{<*\"'-_.,:$%`#、，（《"]


@pytest.mark.parametrize("spec", STEPS, ids=str)
@settings(EXAMPLES, max_examples=20)
@given(text=ANY_TEXT, choices=st.lists(ANY_TEXT, max_size=4))
def test_no_text_makes_a_step_raise(spec: StepSpec, text: str, choices: list[str]) -> None:
    _apply(spec, text, tuple(choices))


@pytest.mark.parametrize("spec", STEPS, ids=str)
def test_no_extreme_text_makes_a_step_raise(spec: StepSpec) -> None:
    for text in (*EXTREME, *MARKS, string.printable * 20):
        _apply(spec, text, ("a cat", "a", "B", "\ud800"))


def _apply(spec: StepSpec, text: str, choices: tuple[str, ...]) -> None:
    ready = steps.step(spec)
    if ready.text is not None:
        assert isinstance(ready.text(text), str)
        return
    assert ready.extract is not None
    found = ready.extract(text, Item("x", text, choices=choices))
    assert found is None or isinstance(found, str)


def test_no_two_recipes_share_a_signature() -> None:
    signatures = [recipe.signature(["en"]) for recipe in map(Recipe, SPECS) if not _lacks_tokenizer(recipe)]
    assert len(set(signatures)) == len(signatures) >= len(SPECS) - 1


@every_recipe
def test_what_changes_numbers_changes_the_signature(spec: RecipeSpec) -> None:
    recipe = recipe_of(spec)
    changed = dataclasses.replace(
        spec, languages={}, default=dataclasses.replace(spec.default, steps=(StepSpec("lower_turkic"),))
    )
    assert Recipe(changed).signature(["sw"]) != recipe.signature(["sw"])
    sources_own = any(quantity.name.endswith("_compat") for quantity in recipe.quantities(["en"]))
    assert sources_own == ("|compat:" in recipe.signature(["en"]))


def test_every_check_of_ifeval_is_among_the_25() -> None:
    assert len(CHECKS) == 25
    assert {name for name, _ in INSTRUCTIONS} <= CHECKS.keys()
