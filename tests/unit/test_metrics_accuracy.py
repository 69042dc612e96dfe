import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.reading import read_entries
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, StepSpec
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.accuracy.confusion import confusion, count_of, macro_f1
from audiobench_pytest.metrics.accuracy.gold import finder
from audiobench_pytest.metrics.accuracy.metric import COMPAT
from audiobench_pytest.metrics.extraction.choices import cleaned, option, option_letter
from audiobench_pytest.metrics.extraction.labels import named_set
from audiobench_pytest.metrics.extraction.phrases import Phrases, tokens
from audiobench_pytest.metrics.extraction.published_options import first_option
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.steps import step
from audiobench_pytest.types import SampleScore, State

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=100)
ANIMALS = ("dog", "cat", "cow", "hot dog")
PIECES = (
    "A B C D E a b c I 1 2 3.5 -5 . , : ; ! ? ( ) [ ] { } \" ' “ ” ` * ** # > - — / & $ \\boxed{ \\text{ \\( <think> "
    "</answer> <answer> the answer is option choose final so therefore not n't but or and no yes second bee because "
    "wait actually joy dog cat 答案 是 选 选项 第二个 不是 而是 所以 B项 ， 。 、 高兴 \u200b \ufeff \x00 \ud800 İ ﷺ "
    "Ⓑ ２ ٣ 𝟗"
)
TEXTS = st.one_of(
    st.text(st.characters()),
    st.lists(st.sampled_from([*PIECES.split(), " ", "\n"]), max_size=14).map("".join),
    st.lists(st.sampled_from(PIECES.split()), max_size=14).map(" ".join),
)
PLAIN_PIECES = "A B C D a the answer is option choose not but or dog cat second because I think 答案 是 选 不是 . , ?"
PLAIN = st.lists(st.sampled_from(PLAIN_PIECES.split()), min_size=1, max_size=8).map(" ".join)
SPECS = [spec for spec in load_catalog().recipes if spec.score in ("accuracy", "match")]
EXTRACTIONS = [
    *("option", "option_letter", "letters_to_texts", "voicebench_option", "first_or_second_last_letter"),
    *("air_bench_option", "yes_no"),
]
LABELS = sorted(spec.name for spec in load_catalog().labels)


def composed(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    (spec,) = read_entries(path, "recipes", RecipeSpec)
    return Recipe(spec)


def accuracy(*steps: StepSpec, **options: str) -> Recipe:
    return Recipe(RecipeSpec("own/accuracy@1", "accuracy", dict(options), default=LanguageRule(prediction=steps)))


def values(recipe: Recipe, scores: list[SampleScore]) -> dict[str, float]:
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.float64(sum(score.numbers.get(name, 0.0) for score in scores)).reshape(()) for name in names}
    return {name: float(value) for name, value in recipe.values(sums).items()}


# Extractions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXTRACTIONS)
@pytest.mark.parametrize("choices", [(), ANIMALS, ("A", "B"), ("", "?!", "1"), tuple(map(str, range(40)))], ids=len)
@DETERMINISTIC
@given(text=TEXTS)
def test_no_text_makes_an_extraction_raise(name, choices, text):
    extract = step(StepSpec(name)).extract
    assert extract is not None
    found = extract(text, Item("A", text, choices=choices))
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("argument", ["choices", *LABELS])
@DETERMINISTIC
@given(text=TEXTS)
def test_no_text_makes_a_label_raise(argument, text):
    extract = step(StepSpec("label", argument)).extract
    assert extract is not None
    found = extract(text, Item("A", text, choices=ANIMALS))
    known = ANIMALS if argument == "choices" else load_catalog().labels.get(argument).labels
    assert found is None or found in known


@pytest.mark.parametrize(
    "spec", [s for s in load_catalog().recipes if s.score in ("accuracy", "match")], ids=lambda s: s.name
)
@settings(DETERMINISTIC, max_examples=30)
@given(reference=TEXTS, text=TEXTS)
def test_no_text_makes_a_recipe_raise(spec, reference, text):
    score = Recipe(spec).score(Item(reference, text, choices=ANIMALS, aliases=(text, "")))
    assert (score.state is State.DATA_ERROR) == (dict(score.numbers) == {})
    assert (score.reason is None) == (score.state is State.OK)


@DETERMINISTIC
@given(text=TEXTS)
def test_what_the_source_reads_never_raises(text):
    assert first_option(text) in (None, *"ABCD")


@pytest.mark.parametrize(
    "frame",
    [
        "  {}  ",
        "\n{}\n\n",
        "**{}**",
        "`{}`",
        "*{}*",
        "__{}__",
        "# {}",
        "> {}",
        "- {}",
        "```\n{}\n```",
        "\u200b{}\ufeff",
    ],
)
@pytest.mark.parametrize("choices", [(), ANIMALS], ids=len)
@settings(DETERMINISTIC, max_examples=200)
@given(text=PLAIN)
def test_strict_extraction_does_not_see_spaces_and_markdown_around_an_answer(frame, choices, text):
    item = Item("A", text, choices=choices)
    assert option(frame.format(text), item) == option(text, item)
    assert option_letter(frame.format(text), item) == option_letter(text, item)


@DETERMINISTIC
@given(text=TEXTS)
def test_a_letter_that_is_extracted_stands_in_the_answer_or_has_a_name_in_it(text):
    letter = option_letter(text, Item("A", text))
    names = {"A": ("first", "ay", "one", "一", "1"), "B": ("second", "bee", "be", "two", "二", "2", "2")}
    if letter in ("A", "B"):
        seen = cleaned(text).casefold()
        assert letter.casefold() in seen or any(name in seen for name in names[letter])


@pytest.mark.parametrize(
    "form", ["{} or {}", "({})\n({})", "The answer is {} or {}", "答案是{}或者{}", "{}, {}", "{}和{}", "{}/{}"]
)
@pytest.mark.parametrize(("letter", "other"), list(itertools.permutations("ABCD", 2)))
def test_naming_a_second_option_makes_an_answer_invalid(form, letter, other):
    assert option(form.format(letter, other), Item("A", "")) is None


def test_letters_only_leave_texts_of_options_aside():
    item = Item("A", "", choices=ANIMALS)
    assert option("It is a cat.", item) == "B"
    assert option_letter("It is a cat.", item) is None
    assert option_letter("It is a cat, so (B)", item) == "B"


def test_more_options_than_letters():
    choices = tuple(f"text{number}" for number in range(30))
    assert option("text29", Item("A", "", choices=choices)) == "#30"
    assert option("Z", Item("A", "", choices=choices)) == "Z"
    assert Recipe(load_catalog().recipes.get("choice/strict@1")).score(
        Item("text29", "The answer is text29.", choices=choices)
    ).numbers == {"n": 1, "correct": 1}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("**Yes**, it is.", "yes"),
        ("The answer is no", "no"),
        ("Yes, there is no music.", "yes"),
        ("No, though some would say yes.", "no"),
        ("It could be yes or no, but the answer is yes.", "yes"),
        ("Yes and no", None),
        ("Yes, at first.\nno", None),
        ("No!\nNo doubt, yes would be wrong.\nNo", "no"),
        ("true", "yes"),
        ("False", "no"),
        ("I know", None),
        ("notable eyes", None),
        ("nothing", None),
        ("是的。", "yes"),
        ("是", "yes"),
        ("不是", "no"),
        ("不是，这是一只猫", "no"),
        ("答案是否。", "no"),
        ("答案：没有", "no"),
        ("这是一只猫", None),
        ("是一只猫", None),
        ("", None),
    ],
)
def test_yes_or_no(text, answer):
    extract = step(StepSpec("yes_no")).extract
    assert extract is not None
    assert extract(text, Item("yes", text)) == answer


def test_words_keep_their_marks_and_numbers_their_points():
    assert [token.text for token in tokens("Hot-dogs cost 1,000.50 in C#, -5% हिन्दी 中年 é")] == [
        *("hot", "dogs", "cost", "1,000.50", "in", "c", "#", "-5", "%", "हिन्दी", "中", "年", "é"),
    ]


def test_where_phrases_overlap_the_first_and_then_the_longer_counts():
    phrases = Phrases([("animal", "dog"), ("food", "hot dog"), ("show", "dog show")])
    text = "hot dog show, Dog"
    assert [(one.key, text[one.start : one.end]) for one in phrases.find(text)] == [
        ("food", "hot dog"),
        ("animal", "Dog"),
    ]


# Gold answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "choices", "gold"),
    [
        ("B", (), "B"),
        ("b", (), "B"),
        ("(B)", (), "B"),
        ("B.", (), "B"),
        ("B", ANIMALS, "B"),
        ("cat", ANIMALS, "B"),
        ("CAT ", ANIMALS, "B"),
        ("Hot-Dog", ANIMALS, "D"),
        ("(B) cat", ANIMALS, "B"),
        ("B. cat", ANIMALS, "B"),
        ("(B) cat", ("(A) dog", "(B) cat"), "B"),
        ("dog", ("cat", "dog", "dog"), "B"),  # two options of one text are one
        ("C", ("cat", "dog", "dog"), "B"),
        ("1", ("3", "1"), "B"),  # the text
        ("A", ("A", "B"), "A"),
        ("G", ("C", "G"), "B"),
        # none of these
        ("1", ANIMALS, None),  # an index
        ("0", (), None),
        ("E", ANIMALS, None),
        ("bird", ANIMALS, None),
        ("dog", (), None),
        ("B. dog", ANIMALS, None),
        ("A", ("B", "A"), None),  # letter of one option, text of the other
        ("", ANIMALS, None),
        ("?", ("?", "!"), None),
    ],
)
def test_the_gold_option_by_letter_or_text(reference, choices, gold):
    recipe = accuracy(StepSpec("option"))
    found = finder(recipe.spec.default, None)(Item(reference, "", choices=choices), reference)
    assert found.answer == gold
    assert (found.reason is None) == (gold is not None)
    score = recipe.score(Item(reference, "B", choices=choices))
    if gold is None:
        assert (score.state, dict(score.numbers)) == (State.DATA_ERROR, {})
        assert repr(reference) in str(score.reason)
    else:
        assert score.reference == gold


def test_the_reason_says_which_options_there_are():
    score = accuracy(StepSpec("option")).score(Item("bird", "B", choices=ANIMALS))
    assert "'cat'" in str(score.reason)
    assert "A to D" in str(score.reason)


def test_a_reference_without_text_is_an_error_of_the_data_and_aliases_count():
    recipe = Recipe(RecipeSpec("own/text@1", "accuracy", default=LanguageRule(steps=(StepSpec("lower"),))))
    assert recipe.score(Item(" ", "x")).state is State.DATA_ERROR
    assert recipe.score(Item("Lyon", "PARIS", aliases=("Paris",))).numbers == {"n": 1, "correct": 1}
    assert recipe.score(Item("Lyon", "Paris")).numbers == {"n": 1}


# Composing -----------------------------------------------------------------------------------------------------------


def test_a_recipe_of_ones_own_that_reads_a_field_and_yes_or_no(tmp_path):
    recipe = composed(
        tmp_path,
        """
recipes:
  - name: own/yes-no@1
    score: accuracy
    default:
      steps: [json_field: answer, yes_no]
""",
    )
    rows = [
        ("Yes", '{"answer": "yes, it is"}', 1, State.OK),
        ("no", '```json\n{"answer": "No."}\n```', 1, State.OK),
        ("no", '{"answer": "yes"}', 0, State.OK),
        ("yes", '{"answer": "perhaps"}', 0, State.INVALID),
        ("yes", "no json", 0, State.INVALID),
        ("yes", "", 0, State.OK),
    ]
    scores = [recipe.score(Item(reference, text)) for reference, text, _, _ in rows]
    assert [(score.numbers.get("correct", 0), score.state) for score in scores] == [row[2:] for row in rows]
    assert values(recipe, scores) == {"acc": pytest.approx(100 / 3), "invalid_rate": pytest.approx(100 / 3)}
    assert recipe.score(Item("maybe", '{"answer": "yes"}')).state is State.DATA_ERROR
    assert recipe.signature(["en"]) == "own/yes-no@1|lang:en|steps:json_field=answer,yes_no"


def test_a_recipe_of_ones_own_with_labels_of_ones_own(tmp_path):
    recipe = composed(
        tmp_path,
        """
recipes:
  - name: own/labels@1
    score: accuracy
    options: {confusion: "true"}
    default:
      prediction:
        - labels: [indoors, outdoors]
""",
    )
    assert recipe.score(Item("Indoors", "They are indoors.")).numbers == {"n": 1, "correct": 1, "cm:indoors>indoors": 1}
    assert recipe.score(Item("indoors", "hm")).numbers == {"n": 1, "invalid": 1, "cm:indoors>": 1}
    assert recipe.score(Item("at sea", "indoors")).state is State.DATA_ERROR


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (RecipeSpec("own/a@1", "accuracy", {"compat": "randomly"}), "must be one of voicebench"),
        (RecipeSpec("own/a@1", "accuracy", {"gold": "guess"}), "must be one of text, choice"),
        (RecipeSpec("own/a@1", "accuracy", {"confusion": "yes"}), "must be true or false"),
        (RecipeSpec("own/a@1", "accuracy", {"gold": "label", "labels": "emotoin"}), "did you mean emotion"),
        (RecipeSpec("own/a@1", "accuracy", {"labls": "emotion"}), "did you mean labels"),
        (RecipeSpec("own/a@1", "match"), "needs the option 'rule'"),
        (RecipeSpec("own/a@1", "match", {"rule": "prefix", "labels": "emotoin"}), "did you mean emotion"),
        (
            RecipeSpec("own/a@1", "accuracy", default=LanguageRule(prediction=(StepSpec("label", "emotoin"),))),
            "did you mean emotion",
        ),
        (RecipeSpec("own/a@1", "accuracy", default=LanguageRule(prediction=(StepSpec("label"),))), "needs an argument"),
        (
            RecipeSpec("own/a@1", "accuracy", default=LanguageRule(prediction=(StepSpec("opton"),))),
            "did you mean option",
        ),
        (
            RecipeSpec("own/a@1", "accuracy", default=LanguageRule(prediction=(StepSpec("label", ("Dog", "dog")),))),
            "stands for both",
        ),
    ],
)
def test_what_cannot_be_is_said_at_load(spec, message):
    with pytest.raises(CatalogError, match=message):
        Recipe(spec)


def test_quantities_and_signature_say_what_was_asked_for():
    recipe = accuracy(
        StepSpec("option"), compat="first-option-default-A", confusion="true", mean_over="task_name", gold="choice"
    )
    quantities = recipe.quantities(["en"])
    assert [quantity.name for quantity in quantities] == [
        *("acc", "acc_task_mean", "macro_f1", "acc_compat", "invalid_rate")
    ]
    assert [quantity.higher_is_better for quantity in quantities] == [True] * 4 + [False]
    assert all((quantity.minimum, quantity.maximum) == (0.0, 100.0) for quantity in quantities)
    assert "compat:first-option-default-A" in recipe.signature(["en"])
    assert {quantity.name for quantity in quantities} == values(recipe, [recipe.score(Item("A", "A"))]).keys()


@pytest.mark.parametrize("compat", COMPAT)
def test_no_sample_adds_more_than_itself_to_a_compat(compat):
    for text in ("", "A", "B.", "no idea", "(C)"):
        counted, right = COMPAT[compat](Item("A", text), "A")
        assert 0 <= right <= counted <= 1


def test_a_compat_takes_two_options_of_one_text_for_one():
    item = Item("dog", "C", choices=("cat", "dog", "dog"))
    recipe = Recipe(load_catalog().recipes.get("choice/mmsu@ultraeval"))
    assert recipe.score(item).numbers == {"n": 1, "correct": 1, "n_compat": 1, "correct_compat": 1}


# Confusion and macro-F1 ----------------------------------------------------------------------------------------------

PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["a", "b", "c", "d", ""])), max_size=30)


def naive_macro_f1(pairs: list[tuple[str, str]]) -> float:
    labels = {label for pair in pairs for label in pair if label}
    found = []
    for label in labels:
        hits = sum(gold == label == predicted for gold, predicted in pairs)
        named = sum(predicted == label for _, predicted in pairs)
        there = sum(gold == label for gold, _ in pairs)
        precision = hits / named if named else 0.0
        recall = hits / there if there else 0.0
        found.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return 100 * sum(found) / len(found) if found else float("nan")


@DETERMINISTIC
@given(draws=st.lists(PAIRS, min_size=1, max_size=5))
def test_macro_f1_agrees_with_its_definition_in_each_draw(draws):
    names = {count_of(*pair) for pairs in draws for pair in pairs} | {"n"}
    sums = {
        name: np.array([sum(count_of(*pair) == name for pair in pairs) for pairs in draws], float) for name in names
    }
    sums["n"] = np.array([len(pairs) for pairs in draws], float)
    np.testing.assert_allclose(macro_f1(sums), [naive_macro_f1(pairs) for pairs in draws])


@DETERMINISTIC
@given(pairs=PAIRS)
def test_the_confusion_matrix_counts_every_pair_once(pairs):
    sums = {"n": float(len(pairs))}
    for pair in pairs:
        sums[count_of(*pair)] = sums.get(count_of(*pair), 0.0) + 1
    labels, matrix = confusion(sums)
    assert list(labels) == sorted({label for pair in pairs for label in pair}, key=lambda label: (label == "", label))
    for i, gold in enumerate(labels):
        for j, predicted in enumerate(labels):
            assert matrix[i][j] == pairs.count((gold, predicted))


@pytest.mark.parametrize("label", ["a>b", "100%", "cafe/restaurant", "高兴", "x|y", "%3E", " "])
def test_any_label_survives_its_name(label):
    labels, matrix = confusion({count_of(label, "b"): 2.0, "cmx": 1.0})
    assert set(labels) == {label, "b"}
    assert matrix[labels.index(label)][labels.index("b")] == 2


def test_values_of_nothing_are_undefined():
    recipe = accuracy(StepSpec("option"), confusion="true", mean_over="task")
    assert all(np.isnan(value) for value in recipe.values({}).values())


def test_a_mean_over_groups_leaves_out_those_that_a_draw_does_not_hold():
    recipe = accuracy(StepSpec("option"), mean_over="task_name")
    sums = {"n": [4.0, 2.0], "correct": [2.0, 1.0], "n@x": [2.0, 2.0], "correct@x": [2.0, 1.0], "n@y": [2.0, 0.0]}
    found = recipe.values({name: np.array(numbers) for name, numbers in sums.items()})["acc_task_mean"]
    np.testing.assert_allclose(found, [50.0, 50.0])


def test_a_set_of_choices_that_is_known_brings_its_synonyms():
    recipe = accuracy(StepSpec("label", "choices"))
    known = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
    assert recipe.score(Item("joy", "happy", choices=known)).numbers == {"n": 1, "correct": 1}
    assert recipe.score(Item("joy", "happy", choices=known[:-1])).state is State.INVALID  # another set: no synonyms
    assert recipe.score(Item("Joy", "happy", choices=tuple(label.title() for label in known))).prediction == "Joy"


def test_unknown_label_sets_are_named_with_those_that_are_close():
    with pytest.raises(ValueError, match="did you mean"):
        named_set("meld-emotions")
