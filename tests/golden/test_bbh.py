"""`bbh/voicebench`: what the grammar reads, where it and the source's phrases disagree, and the three values."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.bbh.metric import SUBTASKS, subtask_of, verdict
from audiobench_pytest.metrics.bbh.phrases import phrase_verdict
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore, State

SPORTS, ORDER, NAVIGATE, LIES = "sports_understanding", "hyperbaton", "navigate", "web_of_lies"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe(load_catalog().recipes.get("bbh/voicebench"))


# fmt: off
READ: list[tuple[str, str, int | None]] = [
    # an announced answer
    (NAVIGATE, "The answer is no.", 0),
    (NAVIGATE, "So the final answer is: **Yes**.", 1),
    (NAVIGATE, "Yes? Let us see. You turn left. The answer to the question is no.", 0),
    (NAVIGATE, "The answer is yes. No, wait: the answer is no.", 0),
    (LIES, "The answer is not yes.", 0),
    (SPORTS, 'The answer to the question "Is the sentence plausible?" is yes.', 1),
    (NAVIGATE, r"The final position is \boxed{\text{No}}.", 0),
    (SPORTS, "Answer: True", 1),
    # yes or no as a sentence, at the beginning, at the end
    (NAVIGATE, "Yes.", 1),
    (NAVIGATE, "no", 0),
    (LIES, "Does X tell the truth? No, X doesn't.", 0),
    (NAVIGATE, "Do you return to the starting point? Yes, you do.", 1),
    (NAVIGATE, "no following these instructions you would not", 0),
    (NAVIGATE, "we come out at zero zero, so yes", 1),
    (SPORTS, "I would say no.", 0),
    (SPORTS, "No problem, it's plausible!", 1),
    # other words for yes and no, both at once
    (NAVIGATE, "Yeah", 1),
    (NAVIGATE, "Yep, you do.", 1),
    (NAVIGATE, "Nope.", 0),
    (SPORTS, "Nah, not at all", 0),
    (SPORTS, "I don't think so", 0),
    (SPORTS, "Hmm, I don’t think so.", 0),
    (SPORTS, "I do not believe so.", 0),
    (SPORTS, "I doubt it.", 0),
    (LIES, "I think so.", 1),
    (LIES, "I believe so, yes.", 1),
    (LIES, "Yes and no", None),
    (LIES, "yes or no", None),
    (LIES, "The answer is yes and no.", None),
    (LIES, "Should I answer yes or no? The answer is no.", 0),
    # plausible
    (SPORTS, "The sentence seems plausible, because he plays basketball.", 1),
    (SPORTS, "The sentence is not plausible.", 0),
    (SPORTS, "It isn't a plausible sentence", 0),
    (SPORTS, "This is implausible", 0),
    (SPORTS, "It's unlikely to be plausible.", 0),
    (SPORTS, "It's possible, but the sentence is not plausible.", 0),
    (SPORTS, "It's not impossible, so it is plausible", 1),
    (SPORTS, "This does not make sense", 0),
    (SPORTS, "Is the sentence plausible? It is.", None),
    (SPORTS, "To decide whether it is plausible we look at the sport.", None),
    # the place
    (NAVIGATE, "If you follow these instructions, you do not return to the starting point.", 0),
    (NAVIGATE, "You begin facing north. You end up back at the starting point.", 1),
    (NAVIGATE, "You are 3 steps to the left of the starting point.", 0),
    (NAVIGATE, "You would end up two steps away from where you started.", 0),
    (NAVIGATE, "You don't end up where you started.", 0),
    (NAVIGATE, "Take 2 steps away from the starting point, then 2 back. You are now back at the starting point.", 1),
    (NAVIGATE, "You do not face the same direction, but you return to the starting point.", 1),
    (NAVIGATE, "There is no way to know.", None),
    # truth and lies
    (LIES, "Delfina tells the truth.", 1),
    (LIES, "Therefore Vina is lying.", 0),
    (LIES, "X is not lying.", 1),
    (LIES, "Since A says B lies and B tells the truth, A does not tell the truth.", 0),
    (LIES, "I cannot say.", None),
    # options
    (ORDER, "b", 1),
    (ORDER, "A.", 0),
    (ORDER, "The answer is (a).", 0),
    (ORDER, "The answer is b", 1),
    (ORDER, "b) red big dog", 1),
    (ORDER, "Sentence B has the correct adjective order.", 1),
    (ORDER, "The correct sentence is a", 0),
    (ORDER, "the adjectives in option b are in the correct order", 1),
    (ORDER, "the correct adjective order is in the second option", 1),
    (ORDER, "The first sentence has the correct order", 0),
    (ORDER, "Option A is incorrect, and option B is correct.", 1),
    (ORDER, "Neither option is right", None),
    (ORDER, "The answer is a big old dog", None),
    (ORDER, "I don't know", None),
]

DISAGREEMENTS: list[tuple[str, str, int | None, int | None]] = [
    # (subtask, answer, ours, the source's phrases)
    (ORDER, "b", 1, 0),  # slip of the source
    (ORDER, "The answer is a big old dog", None, 0),  # an article
    (ORDER, "The correct adjective order is an open question", None, 0),
    (SPORTS, "The sentence you gave me is not plausible.", 0, 1),  # slip of the source
    (SPORTS, "The sentence seems plausible, because he plays basketball.", 1, None),
    (SPORTS, "This is implausible", 0, None),
    (NAVIGATE, "We shall see whether you return to the starting point.", None, 1),
    (NAVIGATE, "No problem! You end up where you began.", 1, 0),
    (NAVIGATE, "Note that you end up where you began.", 1, 0),  # begins with `no`
    (NAVIGATE, "You don't end up where you started.", 0, None),
    (LIES, "X must be lying.", 0, 1),  # slip of the source
    (LIES, "X is not lying.", 1, None),
    (LIES, "The answer is not clear, but X tells the truth.", 1, 0),
]

AGREEMENTS: list[tuple[str, str, int]] = [
    (ORDER, "The answer is (b).", 1),
    (ORDER, "<|turn_end|>Option A is the correct one", 0),
    (ORDER, "The correct adjective order is in the first option", 0),
    (ORDER, "b) red big dog", 1),
    (NAVIGATE, "Final answer: **No**", 0),
    (NAVIGATE, r"The answer is $\boxed{\text{True}}$", 1),
    (NAVIGATE, "You do not return to the starting point", 0),
    (SPORTS, "Considering these points, the sentence is plausible.", 1),
    (SPORTS, "Considering these points, the sentence 'He ran' seems plausible.", 1),
    (LIES, "From this it follows that Ana tells the truth.", 1),
    (LIES, "Ana does not tell the truth.", 0),
]
# fmt: on


@pytest.mark.parametrize(("subtask", "answer", "expected"), READ)
def test_what_the_grammar_reads(subtask: str, answer: str, expected: int | None) -> None:
    assert verdict(answer, subtask) == expected


@pytest.mark.parametrize(("subtask", "answer", "ours", "source"), DISAGREEMENTS)
def test_where_grammar_and_phrases_disagree(subtask: str, answer: str, ours: int | None, source: int | None) -> None:
    assert (verdict(answer, subtask), phrase_verdict(answer, subtask)) == (ours, source)


@pytest.mark.parametrize(("subtask", "answer", "both"), AGREEMENTS)
def test_where_grammar_and_phrases_agree(subtask: str, answer: str, both: int) -> None:
    assert (verdict(answer, subtask), phrase_verdict(answer, subtask)) == (both, both)


def test_the_earlier_phrase_decides() -> None:
    # `answer is no` stands before `answer is yes` in the list, whatever comes first in the answer.
    assert phrase_verdict("the answer is yes. The answer is no", NAVIGATE) == 0
    assert phrase_verdict("the answer is (b), not: the answer is (a)", ORDER) == 0


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item("", "", id="bbh_sports_understanding_17"), SPORTS),
        (Item("", "", id="web-of-lies/3"), LIES),
        (Item("", "", id="3", meta={"subtask": "Navigate"}), NAVIGATE),
        (Item("", "", id="3", meta={"task": "hyperbaton"}), ORDER),
        (Item("", "", id="navigate_1", meta={"task": "hyperbaton"}), NAVIGATE),
        (Item("", "", id="3", meta={"task": 4}), None),
    ],
)
def test_the_id_or_the_row_says_the_subtask(item: Item, expected: str | None) -> None:
    assert subtask_of(item) == expected


def score(recipe: Recipe, subtask: str, reference: str, prediction: str) -> SampleScore:
    return recipe.score(Item(reference, prediction, id=f"bbh_{subtask}_1"))


def values(recipe: Recipe, scores: list[SampleScore]) -> dict[str, float]:
    names = {name for one in scores for name in one.numbers}
    sums = {name: np.array(sum(one.numbers.get(name, 0.0) for one in scores)) for name in names}
    return {name: float(value) for name, value in recipe.values(sums).items()}


def test_the_three_values_by_hand(recipe: Recipe) -> None:
    scores = [
        score(recipe, NAVIGATE, "Yes", "<1>Yes, you do.<|user|>"),  # both right
        score(recipe, ORDER, "(B)", "b"),  # ours right, source wrong
        score(recipe, LIES, "yes", "X must be lying."),  # ours wrong, source right
        score(recipe, SPORTS, "no", "Hard to tell."),  # nobody knows
        score(recipe, SPORTS, "no", " "),  # nothing said
    ]
    found = values(recipe, scores)
    assert found["acc"] == pytest.approx(100 * 2 / 5)
    assert found["invalid_rate"] == pytest.approx(100 * 2 / 5)
    assert found["acc_compat"] == pytest.approx(100 * (1 + 0 + 1 + 0.5 + 0.5) / 5)
    assert [one.state for one in scores] == [State.OK] * 3 + [State.INVALID, State.EMPTY]
    assert (scores[1].reference, scores[1].prediction) == ("(b)", "(b)")


@pytest.mark.parametrize(
    ("reference", "subtask", "right"),
    [("Yes", LIES, "yes"), ("1", LIES, "yes"), ("0", NAVIGATE, "no"), ("(a)", ORDER, "A"), ("1", ORDER, "B")],
)
def test_references_may_be_words_options_or_numbers(recipe: Recipe, reference: str, subtask: str, right: str) -> None:
    assert score(recipe, subtask, reference, right).numbers["correct"] == 1


def test_an_unusable_row_is_a_data_error_that_says_why(recipe: Recipe) -> None:
    unknown = recipe.score(Item("yes", "yes", id="17", meta={"subtask": "navigatte"}))
    assert (unknown.state, dict(unknown.numbers)) == (State.DATA_ERROR, {})
    assert "'17'" in (unknown.reason or "")
    assert "did you mean navigate" in (unknown.reason or "")
    unfit = score(recipe, NAVIGATE, "(a)", "yes")
    assert (unfit.state, dict(unfit.numbers)) == (State.DATA_ERROR, {})
    assert "navigate must be no, yes, 0 or 1" in (unfit.reason or "")


def test_quantities_and_signature(recipe: Recipe) -> None:
    assert [(one.name, one.higher_is_better, one.maximum) for one in recipe.quantities(["en"])] == [
        ("acc", True, 100.0),
        ("invalid_rate", False, 100.0),
        ("acc_compat", True, 100.0),
    ]
    assert "|compat:voicebench-phrases-else-half" in recipe.signature(["en"])


PARTS = [
    *" .,?\n'\"(",
    "yes",
    "no",
    "not ",
    "answer is ",
    "plausible",
    "option ",
    "a",
    "B",
    "starting point",
    "return to the ",
]
WORDS = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


@settings(deadline=None, max_examples=150, database=None)
@given(answers=st.lists(st.one_of(st.text(max_size=50), WORDS), min_size=1, max_size=4))
def test_no_text_makes_scoring_raise_and_rates_are_percentages(recipe: Recipe, answers: list[str]) -> None:
    scores = [
        score(recipe, subtask, reference, answer)
        for answer, subtask, reference in itertools.product(answers, SUBTASKS, ("0", "1"))
    ]
    found = values(recipe, scores)
    assert all(0 <= value <= 100 for value in found.values())
    # Each answer is right for one of the two references, or for neither where nothing could be read.
    assert found["acc"] == pytest.approx((100 - found["invalid_rate"]) / 2)
    assert found["acc_compat"] == pytest.approx(50)
