"""Recipes of choices, against values worked out by hand from their rules and against plain restatements of them."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from audiobench_pytest import catalog
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.extraction.published_options import (
    air_bench_option,
    first_option,
    first_or_second_last_letter,
    voicebench_option,
)
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore, State

TABLE = yaml.safe_load((Path(catalog.__file__).parent / "tables" / "choice_templates.yaml").read_text("utf-8"))
ANIMALS = ("dog", "cat", "cow", "hot dog")
PHRASES = ("a dog", "a cat", "a cow", "a pig")
PARTS = {
    "en": "the answer is|option|A|B|C|D|a|b|c|d|.|,|:|)|(|**|\"|'|would be|choose|not|dog|cat|\n|1.|Answer|boxed{|}|\\("
    "|\\)|\\text{|correct|None|E|because|likely|<1>|i'd say|$",
    "zh": "答案|是|选|选项|选择|A|B|C|D|a|b|c|d|。|，|：|:|.|应该|正确|所以|因此|故|只有|对|错|不|为|我不知道|的|1."
    "|说法|\n|**|猫",
}


def recipe(name: str) -> Recipe:
    return Recipe(load_catalog().recipes.get(name))


STRICT = recipe("choice/audiobench-pytest@1")
OFFICIAL, LETTER = recipe("choice/mmau-official@v05.15.25"), recipe("choice/mmau-letter@1")


def extracted(text: str, choices: tuple[str, ...] = ()) -> str | None:
    _, prediction = STRICT.texts(Item("A", text, choices=choices))
    return prediction


def values(recipe: Recipe, scores: list[SampleScore]) -> dict[str, float]:
    names = {name for score in scores for name in score.numbers}
    sums = {name: sum(score.numbers.get(name, 0.0) for score in scores) for name in names}
    found = recipe.values({name: np.float64(number).reshape(()) for name, number in sums.items()})
    return {name: float(value) for name, value in found.items()}


def generated(language: str, count: int = 10_000) -> list[str]:
    source = random.Random(language)
    parts = PARTS[language].split("|")
    texts = []
    for _ in range(count):
        chosen = source.choices(parts, k=source.randrange(0, 7))
        glue = [source.choice(["", " "]) for _ in chosen]
        texts.append("".join(part + end for part, end in zip(chosen, glue, strict=True)))
    return texts


# fmt: off
@pytest.mark.parametrize("text", [
    "B", "b", "(B)", "[B]", "B.", "B)", "B:", "“B”", "'B'", "  B\n", "**B**", "`B`", "Ｂ", "（B）", "B\n\nIt meows.",
    "B. It meows", "(B) because of the meow", "B - it meows", "B, because it meows", "The answer is B",
    "The answer is B.", "the answer is b.", "The correct answer is (B).", "Answer: B", "answer is b)", "**Answer:** B",
    "### Answer\nB", "Answer - B", "My final answer: B", "The answer to the question is B", "Option B", "option b",
    "Choice B.", "Answer B", "I would choose B.", "I'd go with B because it meows", "I think it's B.",
    "I believe the answer is most likely B.", "It's hard to tell, but I'd lean towards B.", "B is the best answer",
    "Based on the sound, B seems correct.", "The letter is 'B'.", "Her blood type is B", "$\\boxed{B}$",
    "\\boxed{\\text{B}}", "The final answer is $\\boxed{B}$.", '{"answer": "B"}', "<answer>B</answer>",
    "the second option", "The second one", "second", "option two", "Option 2", "option number two",
    "I pick the second option.", "The answer is the second one.", "bee", "option bee", "The answer is bee.", "答案是B",
    "答案是b。", "答案是 B", "正确答案为：Ｂ", "答案：（B）", "选B", "我选择B，因为它最大", "应该选B", "故选B。",
    "本题选B", "选项B正确", "B选项", "B项", "B、猫", "B.猫", "B：猫", "我觉得应该是b。", "我认为是B", "正确的是B",
    "答案应该是b选项", "第二个选项", "选第二个", "选项二", "答案是第二项", "不难看出答案是B", "毫无疑问选B", "=> B",
    "-B-", "probably b", "b吧", "是第二个", "It's the second one.", "La réponse est B.", "Die richtige Antwort ist B.",
    "正解はBです", "정답은 B입니다.", "Ответ: B",
])
def test_each_of_these_names_b(text):
    assert extracted(text) == "B"


@pytest.mark.parametrize("text", [
    "I do not know", "I don't know the answer.", "the cat sat", "A cat is sitting.", "Because", "2", "E", "...",
    "None of the above", "Dad and Bob", "The answer is a dog", "I am a. friend", "The answer might be in the audio.",
    "Plan B", "R&B", "a.m.", "e.g. b", "He got an A in math.", "It's in C major.", "B flat", "the key of B-flat major",
    "Can you see?", "Let me see", "I can't answer that.", "The correct answer is not provided.",
    "I choose to answer with nothing", "Mr. B. Smith spoke", "ABCD", "He is an A student", "C++", "我不知道",
    "维生素C", "这是b站的视频", "第一个人说的是对的",
])
def test_each_of_these_names_nothing(text):
    assert extracted(text) is None


@pytest.mark.parametrize("text", [
    "A or B", "A, B, or C?", "A/B", "Both A and B", "between B and C", "B, or maybe C", "The answer is A or B",
    "The answer is B/C", "The answer is A. The answer is B.", "The options are A, B, C, and D.", "A\nB\nC",
    "(A) dog (B) cat", "Options: A. dog B. cat", "A. dog\nB. cat\nC. cow\nD. pig", "选择B或C", "是A还是B", "A和B都对",
    "a b c d 都不对",
])
def test_two_options_without_a_final_one_name_none(text):
    assert extracted(text) is None


@pytest.mark.parametrize(("text", "letter"), [
    ("not A but B", "B"), ("It is not A, it is B.", "B"), ("rather than A, B", "B"), ("B, not A.", "B"),
    ("Answer is B not C", "B"), ("Option A is incorrect. Option B is correct.", "B"),
    ("My answer is B, since A is wrong.", "B"), ("It's definitely not C. I'd say D.", "D"),
    ("We can eliminate A and B. C is the answer.", "C"), ("The answer is not A.", None), ("A is wrong", None),
    ("Neither A nor B", None), ("I don't think the answer is B.", None),
    ("i don't think it is the first one i think the answer is b", "B"), ("不是A而是B", "B"), ("答案不是A，是C", "C"),
    ("不选A，选D", "D"), ("排除A和B，选C", "C"), ("A不对，B不对，D不对，答案是C。", "C"),
    ("选项A说的不对，选项B也不对，所以选C", "C"),
])
def test_what_is_denied_is_not_named(text, letter):
    assert extracted(text) == letter


@pytest.mark.parametrize(("text", "letter"), [
    ("A. dog\nB. cat\nThe answer is B.", "B"), ("Options:\nA. dog\nB. cat\n\nAnswer: B", "B"),
    ("I am between B and C, but I choose C", "C"), ("It could be A, B, or C, but the best answer is C", "C"),
    ("Among A, B, C and D, the answer is D", "D"), ("Option A barks. Option B meows. I think it is Option B.", "B"),
    ("The answer is A. Wait, the answer is B.", "B"), ("A? No, B.", "B"), ("No. B.", "B"),
    ("The answer is A at first. Therefore, the final answer is C.", "C"), ("<think>A or B</think>\nB", "B"),
    ("所以答案是C", "C"),
])
def test_a_final_answer_outranks_what_was_considered(text, letter):
    assert extracted(text) == letter


@pytest.mark.parametrize(("text", "choices", "letter"), [
    ("dog", ANIMALS, "A"), ("Dog!", ANIMALS, "A"), ("It is a hot dog.", ANIMALS, "D"),
    ("The dog's bark", ANIMALS, "A"), ("dogs", ANIMALS, None), ("I hear a dog and a cat", ANIMALS, None),
    ("Cat, dog, or cow", ANIMALS, None), ("not a dog but a cat", ANIMALS, "B"),
    ("There is no dog, only a cat", ANIMALS, "B"), ("It could be a cat, but the answer is dog.", ANIMALS, "A"),
    ("Dog. Unlike a cat it barks", ANIMALS, "A"), ("It's neither a dog nor a cat; it's a cow.", ANIMALS, "C"),
    ("B. cat", ANIMALS, "B"), ("The answer is (B) cat.", ANIMALS, "B"), ("dog (A)", ANIMALS, "A"),
    ("cat, option B", ANIMALS, "B"), ("B cat", ANIMALS, "B"), ("A dog", ANIMALS, "A"), ("A cow", ANIMALS, "C"),
    ("B\n\nA dog would bark", ANIMALS, "B"), ("(B) because a dog barks otherwise", ANIMALS, "B"),
    # a letter with the text of another option names two
    ("B. dog", ANIMALS, None), ("(B) a dog", ANIMALS, None), ("B dog", ANIMALS, None), ("a dog", PHRASES, "A"),
    ("The dog", PHRASES, None),
    # the number of options sets the letters
    ("E", ("1", "2", "3", "4", "5"), "E"), ("C", ("yes", "no"), None),
    # texts that look like letters or numbers
    ("2", ("1", "2", "3"), "B"), ("option 2", ("3", "2", "1"), "B"), ("option 2", ("4", "3", "2"), "C"),
    ("option 2", ("x", "y"), "B"), ("G", ("C", "G", "D", "E"), "B"), ("C", ("D", "C", "A", "B"), None),
    ("C", ("C", "B"), "A"), ("A", ("A", "B", "C"), "A"), ("A", ("B", "A"), None),
    ("vitamin C", ("vitamin C", "vitamin D"), "A"), ("C major", ("A minor", "C major", "G major"), "B"),
    ("C#", ("C", "C#", "D"), "B"), ("5%", ("5%", "10%"), "A"), ("5", ("5%", "10%"), None), ("$5", ("$5", "$6"), "A"),
    ("-5", ("5", "-5"), "B"), ("3.5", ("3", "3.5"), "B"),
    # yes and no
    ("Yes", ("Yes", "No"), "A"), ("No, it is not.", ("Yes", "No"), "B"),
    ("Yes, there is no music.", ("Yes", "No"), "A"),
    # options written with their letters; two options of one text are one
    ("cat", ("(A) dog", "(B) cat"), "B"), ("(B) cat", ("(A) dog", "(B) cat"), "B"),
    ("dog", ("dog", "cat", "dog"), "A"),
    # Chinese
    ("是狗在叫", ("狗", "猫"), "A"), ("不是狗，是猫", ("狗", "猫"), "B"), ("答案选B，猫", ("狗", "猫"), "B"),
])
def test_options_by_their_text(text, choices, letter):
    assert extracted(text, choices) == letter
# fmt: on


def test_the_rate_of_answers_that_name_nothing():
    answers = ["B", "the second option", "cat", "A", "I do not know", ""]
    scores = [STRICT.score(Item("B", text, choices=ANIMALS)) for text in answers]
    assert [score.state for score in scores] == [*[State.OK] * 4, State.INVALID, State.OK]
    found = values(STRICT, scores)
    assert found == {"acc": pytest.approx(300 / 6), "invalid_rate": pytest.approx(100 / 6)}


@pytest.mark.parametrize(
    ("aliases", "text", "right"),
    [(("C",), "C", True), (("cow",), "C", True), (("(C) cow",), "the third option", True), (("cow",), "A", False)],
)
def test_further_references_are_read_as_the_first_one_is(aliases, text, right):
    for choices in (ANIMALS, ("dog", "cat", "cow")):
        score = STRICT.score(Item("B", text, choices=choices, aliases=aliases))
        assert (score.numbers.get("correct", 0) == 1) == right


# MMAU ----------------------------------------------------------------------------------------------------------------

BARKS = ("Dog bark", "Cat meow", "Dog growl")


@pytest.mark.parametrize(
    ("text", "right", "state"),
    [
        ("dog bark", True, State.OK),
        ("The dog: BARK!", True, State.OK),  # any order, any further words
        ("(A) Dog bark", True, State.OK),
        ("bark", False, State.INVALID),  # "dog" is missing, and no option is whole
        ("dog bark or growl", False, State.OK),  # a word that only a wrong option has
        ("Dog bark, Cat meow, Dog growl", False, State.OK),  # all options quoted
        ("A", False, State.INVALID),  # a letter alone always fails
        ("dogbark", False, State.INVALID),
        ("...", False, State.INVALID),
        ("", False, State.OK),
    ],
)
def test_mmau_compares_sets_of_words(text, right, state):
    score = OFFICIAL.score(Item("Dog bark", text, choices=BARKS))
    assert (score.numbers.get("correct", 0) == 1, score.state) == (right, state)


def test_mmau_takes_a_choice_of_the_same_words_for_no_wrong_one():
    score = OFFICIAL.score(Item("bark dog", "Dog bark", choices=("Dog bark", "bark dog", "Dog growl")))
    assert score.numbers["correct"] == 1


def test_mmau_needs_choices_and_a_reference_with_words():
    assert OFFICIAL.score(Item("dog", "dog")).state is State.DATA_ERROR
    score = OFFICIAL.score(Item("?!", "dog", choices=("?!", "dog")))
    assert (score.state, dict(score.numbers)) == (State.DATA_ERROR, {})


@pytest.mark.parametrize(
    ("text", "official", "letter"),
    [
        ("A", False, True),
        ("(A)", False, True),
        ("The answer is A.", False, True),
        ("the first option", False, True),
        ("B", False, False),
        ("(A) Dog bark", True, True),
        ("(B) Dog bark", True, False),  # the letter says another option than the text
        ("A or B", False, False),
        ("dog bark", True, True),
    ],
)
def test_mmau_letters_are_expanded_in_a_variant_of_its_own(text, official, letter):
    item = Item("Dog bark", text, choices=BARKS)
    assert (OFFICIAL.score(item).numbers.get("correct", 0) == 1) == official
    assert (LETTER.score(item).numbers.get("correct", 0) == 1) == letter


def test_mmau_letters_of_choices_that_carry_them():
    item = Item("(A) Man", "A", choices=("(A) Man", "(B) Woman"))
    assert LETTER.score(item).numbers["correct"] == 1


@pytest.mark.parametrize("reference", ["B", "(B)", "b.", "(B) Cat meow", "Cat meow"])
def test_mmau_takes_the_letter_of_an_option_for_its_text(reference):
    for text, right in (("a cat meow", True), ("cat", False), ("Dog bark", False), ("B", False), ("the b", False)):
        score = OFFICIAL.score(Item(reference, text, choices=BARKS))
        assert (score.numbers.get("correct", 0) == 1) == right, text
    # A text that looks like a letter is the text that it is.
    assert OFFICIAL.score(Item("B", "it is B", choices=("C", "B"))).numbers["correct"] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_mmau_as_its_rule_says(language):
    choices = ("A dog", "a cat", "the answer", "选项 b")
    for text in generated(language):
        said = set(re.findall(r"\b\w+\b", text.lower()))
        answer = {"a", "dog"}
        wrong = {"cat", "the", "answer", "选项", "b"}  # "a" is the answer's as well
        right = bool(said) and answer <= said and not wrong & said
        score = OFFICIAL.score(Item("A dog", text, choices=choices))
        assert score.numbers.get("correct", 0.0) == right, text


# VoiceBench ----------------------------------------------------------------------------------------------------------

VOICEBENCH = recipe("choice/voicebench@2025-06")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is B.", "B"),
        ("Answer is: **C** cow", "C"),
        ("<1> b", "B"),  # the tag goes, then the whole reply is the letter
        ("b", "B"),
        ("C) cow", "C"),
        ("d: pig", "D"),
        ("B cow", None),
        (" B", None),  # not stripped
        ("(c)", "C"),
        ("答案是D", "D"),
        ("选项B是最合适的", "B"),
        ("I am a. friend", "A"),  # " a."
        ("I would be a fool to say (c)", "A"),  # "would be a" comes before "(c)" in the list
        ('"B" or "A"', "A"),  # within one form the letters are tried in order
        ("is \\( \\boxed{\\text{D}} \\)", "D"),
        ("I do not know", None),
        ("", None),
        ("E.", None),
    ],
)
def test_voicebench_templates(text, letter):
    assert voicebench_option(text, Item("A", text)) == letter


def test_voicebench_has_163_forms():
    assert len(TABLE["voicebench"]) == 163
    assert all(form.count("_") == 1 for form in TABLE["voicebench"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_voicebench_as_its_rule_says(language):
    def naive(text: str) -> str | None:
        text = text.lower()
        if text[:3] in ("<1>", "<2>", "<3>"):
            text = text[3:].strip()
        for form in TABLE["voicebench"]:
            for letter in "abcd":
                if form.replace("_", letter) in text:
                    return letter.upper()
        for letter in "abcd":
            if text == letter or any(text.startswith(letter + mark) for mark in ".,:)"):
                return letter.upper()
        return None

    texts = generated(language)
    found = [voicebench_option(text, Item("A", text)) for text in texts]
    assert found == [naive(text) for text in texts]
    assert {None, "A", "B", "C", "D"} == set(found)


def test_voicebench_draws_count_as_a_quarter():
    answers = [("A", "The answer is A."), ("A", "The answer is B."), ("C", "no idea"), ("D", "")]
    found = values(VOICEBENCH, [VOICEBENCH.score(Item(gold, text)) for gold, text in answers])
    assert found["acc"] == pytest.approx(25.0)
    assert found["acc_compat"] == pytest.approx(100 * (1 + 0.25 + 0.25) / 4)
    assert found["invalid_rate"] == pytest.approx(25.0)  # the empty answer is a state of its own


# First option --------------------------------------------------------------------------------------------------------

FIRST = recipe("choice/first-option@ultraeval")


@pytest.mark.parametrize(
    ("text", "compat", "ours"),
    [
        ("答案是B", "B", "B"),
        ("答案：C", "C", "C"),
        ("答案选项为：D", "D", "D"),
        ("我选择c", "C", "C"),
        ("A和B都对，选择D", "D", "D"),
        ("答案是C，所以选A", "C", "A"),  # the first form in the list wins there, the concluding one with us
        ("答案是：不确定B。", "B", None),
        ("The answer is (b)", "B", "B"),
        ("The correct answer is: \\boxed{C}", "C", "C"),
        ("选项D", "D", "D"),
        ("B：猫", "B", "B"),
        ("第二个选项", None, "B"),
        ("Paris", "A", None),  # any letter in any word
        ("I do not know", "D", None),
        ("the cat sat", "C", None),
        ("Sorry", None, None),
        ("我不知道", None, None),
        ("", None, None),
        ("第二题答案1.B", "B", None),
    ],
)
def test_first_option(text, compat, ours):
    assert first_option(text) == compat
    for gold in "ABCD":
        score = FIRST.score(Item(gold, text, "zh"))
        assert score.numbers.get("correct_compat", 0.0) == (gold == (compat or "A"))
        assert score.numbers.get("correct", 0.0) == (gold == ours)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_first_option_as_its_rule_says(language):
    forms = [form.replace("_", "[ABCD]") for form in TABLE["first_option"]]

    def naive(text: str) -> str | None:
        for form in forms:
            match = re.search(form, text.strip(), re.DOTALL | re.IGNORECASE)
            if match:
                read = match.group(1) if match.group(1) not in (None, "") else match.group(0)
                for letter in "ABCD":
                    if letter in read.upper():
                        return letter
        return None

    texts = generated(language)
    found = [first_option(text) for text in texts]
    assert found == [naive(text) for text in texts]
    assert {None, "A", "B", "C", "D"} == set(found)


def test_an_empty_answer_is_a_there_and_wrong_here():
    found = values(FIRST, [FIRST.score(Item("A", text, "zh")) for text in ("", "我不知道", "A", "B")])
    assert (found["acc"], found["acc_compat"], found["invalid_rate"]) == (25.0, 75.0, 25.0)
    assert np.isnan(found["acc_subset_mean"])  # no row names one


def test_the_six_sets_of_hsk_have_a_mean_of_their_own() -> None:
    # hsk1: 1 of 3; hsk2: 1 of 1. 2 of 4 over all, (1/3 + 1) / 2 over the sets.
    rows = [("hsk1", "A"), ("hsk1", "B"), ("hsk1", "C"), ("hsk2", "选A")]
    found = values(FIRST, [FIRST.score(Item("A", text, "zh", meta={"subset": name})) for name, text in rows])
    assert (found["acc"], found["acc_subset_mean"]) == (50.0, pytest.approx(100 * (1 / 3 + 1) / 2))


# First or second to last character -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("B. cat", "B"),
        ("The answer is C.", "C"),
        ("Because A", "B"),  # the first character
        ("Definitely (A)", "D"),
        ("answer (A)", "A"),
        ("b", None),
        ("the cat", None),
        ("None", None),
        ("", None),
        ("  C  ", "C"),
        ("E", None),
    ],
)
def test_first_or_second_last_letter(text, letter):
    assert first_or_second_last_letter(text, Item("A", text, choices=ANIMALS)) == letter
    assert air_bench_option(text, Item("A", text, choices=ANIMALS)) == letter


def test_letters_go_as_far_as_the_options_except_in_air_bench():
    two = Item("A", "C", choices=("dog", "cat"))
    assert first_or_second_last_letter("C", two) is None
    assert air_bench_option("C", two) == "C"
    six = Item("A", "F", choices=tuple("uvwxyz"))
    assert first_or_second_last_letter("F", six) == "F"
    assert air_bench_option("F", six) is None
    assert air_bench_option("so it is\nB\n.", two) == "B"
    assert first_or_second_last_letter("so it is\nB\n.", two) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_first_or_second_last_as_its_rule_says(language):
    for text in generated(language):
        plain = text.strip()
        naive = None
        if plain and plain != "None":
            naive = plain[0] if plain[0] in "ABCD" else plain[-2:-1] if plain[-2:-1] in tuple("ABCD") else None
        assert first_or_second_last_letter(text, Item("A", text)) == naive, text


def test_mmsu_drops_what_it_cannot_read_and_kimi_counts_it_wrong():
    # gold is always "cat" = B. Read there: B, none, B (of "Because"), none; here: B, cat = B, none, none
    answers = ["B. cat", "it is a cat", "Because A", "no idea"]
    items = [Item("cat", text, choices=ANIMALS) for text in answers]
    mmsu, kimi = recipe("choice/mmsu@ultraeval"), recipe("choice/kimi-choices@2025-08")
    expected = {"acc": 50.0, "invalid_rate": 50.0}
    assert values(mmsu, [mmsu.score(item) for item in items]) == {**expected, "acc_compat": 100.0}
    assert values(kimi, [kimi.score(item) for item in items]) == {**expected, "acc_compat": 50.0}


def test_air_bench_keeps_unparsed_answers_and_names_both_means():
    air = recipe("airbench/foundation")
    # task one: 2 of 3 (one unparsed, wrong); task two: 0 of 1. micro 2/4; mean of tasks (2/3 + 0)/2; parsed only 2/3
    rows = [("one", "B"), ("one", "The answer is B."), ("one", "a cat"), ("two", "A")]
    scores = [air.score(Item("cat", text, choices=ANIMALS, meta={"task_name": task})) for task, text in rows]
    assert values(air, scores) == {
        "acc": pytest.approx(50.0),
        "acc_task_mean": pytest.approx(100 * (2 / 3 + 0) / 2),
        "acc_compat": pytest.approx(200 / 3),
        "invalid_rate": pytest.approx(25.0),
    }
