from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, StepSpec
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics import recipes
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.steps import EXTRACTIONS, TEXT_STEPS
from audiobench_pytest.metrics.text.units import counting

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None)
OURS = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@1"))
RULED_LANGUAGES = ["fr", *sorted(OURS.spec.languages)]
LANGUAGES = st.sampled_from(RULED_LANGUAGES)
PIECES = "Hello the colour 25 % 我 在 图书 館 2008年 が か゛ ข้าว हिंदी élève м'ята ي ş , 。 😊"
TEXTS = st.one_of(st.text(st.characters()), st.lists(st.sampled_from(PIECES.split())).map(" ".join))


def rule(*steps: str, unit: str = "word", prediction: tuple[str, ...] = ()) -> LanguageRule:
    return LanguageRule(
        tuple(StepSpec(name) for name in steps), unit, prediction=tuple(StepSpec(name) for name in prediction)
    )


def spec(default: LanguageRule, score: str = "wer", **languages: LanguageRule) -> RecipeSpec:
    return RecipeSpec("wer/test@1", score, default=default, languages=languages)


@DETERMINISTIC
@given(reference=TEXTS, prediction=TEXTS, language=LANGUAGES)
def test_numbers_of_a_score_agree_with_each_other(reference: str, prediction: str, language: str) -> None:
    score = OURS.score(Item(reference, prediction, language))
    numbers = score.numbers
    assert numbers["errors"] == numbers["substitutions"] + numbers["deletions"] + numbers["insertions"]
    assert numbers["substitutions"] + numbers["deletions"] <= numbers["units"]
    split = counting(OURS.spec.rule(language).unit).split
    assert (numbers["errors"] == 0) == (split(score.reference) == split(score.prediction))
    assert score.reference == OURS.normalise(reference, language)
    assert score.prediction == OURS.normalise(prediction, language)


@DETERMINISTIC
@given(reference=TEXTS, language=LANGUAGES)
def test_an_empty_answer_deletes_the_whole_reference_and_an_equal_one_nothing(reference: str, language: str) -> None:
    empty = OURS.score(Item(reference, "", language)).numbers
    assert (empty["errors"], empty["deletions"]) == (empty["units"], empty["units"])
    assert OURS.score(Item(reference, reference, language)).numbers["errors"] == 0


@DETERMINISTIC
@given(words=st.lists(st.text("abcdefgéüñçß", min_size=1), max_size=8), language=st.sampled_from(["fr", "ja", "zh"]))
def test_case_punctuation_width_and_spaces_cost_nothing(words: list[str], language: str) -> None:
    reference = " ".join(words).replace("ß", "s")
    prediction = f" «{',  '.join(words)}!» ".replace("ß", "s").upper()
    prediction = "".join(chr(ord(c) + 0xFEE0) if "A" <= c <= "Z" else c for c in prediction)
    assert OURS.score(Item(reference, prediction, language)).numbers["errors"] == 0


@DETERMINISTIC
@given(text=TEXTS)
def test_the_general_rule_applied_twice_is_applied_once(text: str) -> None:
    once = OURS.normalise(text, "fr")
    assert OURS.normalise(once, "fr") == once


@pytest.mark.parametrize("language", ["zh", "zh-CN", "ZH_cn", "zh-Hans-CN"])
def test_a_region_does_not_hide_the_language(language: str) -> None:
    assert OURS.normalise("5%", language) == "百分之五"


def test_each_text_is_normalised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setitem(TEXT_STEPS, "lower", lambda text: seen.append(text) or text.lower())
    recipe = Recipe(spec(rule("lower"), de=rule("lower", unit="character")))
    for _ in range(3):
        recipe.score(Item("Reference", "Answer", "fr"))
        recipe.score(Item("Reference", "Other", "it"))
    assert seen == ["Reference", "Answer", "Other"]
    recipe.score(Item("Reference", "Answer", "de"))
    assert seen[3:] == ["Reference", "Answer"]


def test_an_answer_that_is_unwrapped_first_shares_the_memory_of_references(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setitem(TEXT_STEPS, "lower", lambda text: seen.append(text) or text.lower())
    recipe = Recipe(spec(rule("lower", prediction=("strip_tags",))))
    assert recipe.score(Item("Reference", "<en>Reference", "fr")).numbers["errors"] == 0
    assert seen == ["Reference"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setitem(TEXT_STEPS, "lower", lambda text: seen.append(text) or text.lower())
    monkeypatch.setattr(recipes, "CACHED_TEXTS", 2)
    recipe = Recipe(spec(rule("lower")))
    for text in ("a", "b", "c", "a", "x" * (recipes.CACHED_LENGTH + 1), "a"):
        recipe.normalise(text, "fr")
    assert [text[0] for text in seen] == ["a", "b", "c", "a", "x"]
    recipe.normalise("x" * (recipes.CACHED_LENGTH + 1), "fr")
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("languages", "name"),
    [
        (["en"], "wer"),
        (["en", "fr", "hi"], "wer"),
        (["zh"], "cer"),
        (["ja"], "cer"),
        (["en", "zh"], "cer"),
        ([], "wer"),
    ],
)
def test_the_score_is_called_wer_only_where_every_language_counts_words(languages: list[str], name: str) -> None:
    assert OURS.quantities(languages)[0].name == name


def test_the_signature_of_english_names_recipe_rule_average_and_packages() -> None:
    assert OURS.signature(["en"]) == (
        "wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro"
        f"|whisper-normalizer:{version('whisper-normalizer')}|jiwer:{version('jiwer')}"
    )


def test_the_signature_groups_languages_by_rule_and_knows_no_order() -> None:
    general = "steps:nfkc,drop_format_characters,lower,punctuation_to_space|unit:word"
    expected = (
        f"wer/audiobench-pytest@1|lang:de,fr|{general}|lang:en|steps:whisper_english|unit:word|avg:micro"
        f"|whisper-normalizer:{version('whisper-normalizer')}|jiwer:{version('jiwer')}"
    )
    assert OURS.signature(["fr", "en", "de"]) == OURS.signature(iter(["de", "en", "fr", "fr"])) == expected


def test_the_signature_names_only_packages_that_the_languages_need() -> None:
    assert "whisper-normalizer" not in OURS.signature(["zh"])
    assert "zhconv" not in OURS.signature(["zh"])
    assert f"|zhconv:{version('zhconv')}|" in OURS.signature(["yue"])


def test_a_user_composes_a_recipe_from_names() -> None:
    recipe = Recipe(spec(rule("nfkc", "lower"), ja=rule("remove_spaces", unit="character")))
    assert recipe.score(Item("Ａ b", "a B c", "en")).numbers["insertions"] == 1
    assert recipe.score(Item("か ん", "かん", "ja")).numbers["units"] == 2


def test_a_step_that_extracts_does_not_touch_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRACTIONS, "after_colon", lambda text, item: text.partition(":")[2] or None)
    recipe = Recipe(spec(rule("after_colon", "lower")))
    assert recipe.texts(Item("a:B", "Answer:B", "en")) == ("a:b", "b")
    assert recipe.texts(Item("a:B", "no colon", "en")) == ("a:b", None)
    wrong = RecipeSpec("wer/test@1", "wer", default=LanguageRule(reference=(StepSpec("after_colon"),)))
    with pytest.raises(CatalogError, match=r"'after_colon' extracts: it belongs to the prediction"):
        Recipe(wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (spec(rule("lowr")), r"recipe 'wer/test@1', rule 'default': unknown step 'lowr' \(did you mean lower"),
        (spec(rule(), zh=rule(unit="charater")), r"rule 'zh': unknown unit 'charater' \(did you mean character"),
        (
            spec(rule(), zh=rule(unit="word:lwer")),
            r"rule 'zh': unit 'word:lwer': unknown option 'lwer' \(did you mean lower",
        ),
        (spec(rule(), score="wr"), r"recipe 'wer/test@1': unknown metric 'wr' \(did you mean wer"),
        (
            RecipeSpec("wer/test@1", "wer", options={"averge": "micro"}),
            r"recipe 'wer/test@1': unknown option 'averge' of 'wer' \(did you mean average",
        ),
        (
            RecipeSpec("wer/test@1", "wer", options={"average": "median"}),
            r"option average: 'median': must be one of micro, utterance",
        ),
        (
            RecipeSpec("wer/test@1", "wer", options={"average": "utterance", "compat": "null-dropped"}),
            r"recipe 'wer/test@1': the options average: utterance and compat exclude each other",
        ),
    ],
)
def test_a_recipe_with_an_unknown_part_is_refused_at_load(wrong: RecipeSpec, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        Recipe(wrong)
