"""BLEU and chrF, against sacrebleu and against values worked out by hand."""

from __future__ import annotations

import importlib.util
import math
import random
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, StepSpec
from audiobench_pytest.errors import CatalogError, MissingExtraError, UsageError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.text import tokenizers
from audiobench_pytest.types import SampleScore, State

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=60)
OFFLINE = ("13a", "intl", "zh", "char", "ja-mecab", "ko-mecab")
PIECES = (
    *("the", "cat", "sat", "on", "a", "mat", "The", "CAT", ",", ".", "!", "-", "—", "&amp;", "&quot;", "<skipped>"),
    *("1,000", "3.5", "can't", "(so)", "über", "naïve", "$5", "50%", "a.b", "不", "我爱北京", "。", "，", "ＡＢ"),
    *("東京", "タワー", "は", "高い", "です", "안녕", "하세요", "학교에", "갔다", "ไทย", "हिंदी", "مرحبا", "😀"),
)
LINES = st.lists(st.sampled_from([*PIECES, "\u3000", "\n", "-\n", "\t"]), max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(LINES.filter(str.strip), LINES), min_size=1, max_size=5)


def bleu_recipe(tokenizer: str = "13a", **options: str) -> Recipe:
    return Recipe(RecipeSpec("bleu/test@1", "bleu", options, LanguageRule(unit=tokenizer)))


CHRF = Recipe(RecipeSpec("chrf/test@1", "chrf"))


def sums_of(scores: Sequence[SampleScore]) -> dict[str, np.ndarray]:
    names = {name for score in scores for name in score.numbers}
    return {name: np.array(math.fsum(score.numbers.get(name, 0.0) for score in scores)) for name in names}


def value_of(recipe: Recipe, items: Sequence[Item], name: str = "bleu") -> float:
    return float(recipe.values(sums_of([recipe.score(item) for item in items]))[name])


def items_of(pairs: Sequence[tuple[str, str]], language: str = "en") -> list[Item]:
    return [Item(reference, prediction, language) for reference, prediction in pairs]


def catalogued(name: str) -> Recipe:
    return Recipe(load_catalog().recipes.get(name))


# By hand

BY_HAND = [
    # Precisions 5/6, 3/5, 2/4, 1/3.
    ("the cat sat on the mat", "the cat sat on a mat", (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25),
    # No common run of three: half a match of 3, then a quarter of a match of 2. One word short: exp(1 - 6/5).
    ("a b x d e f", "a b c d e", math.exp(-1 / 5) * (4 / 5 * 2 / 4 * 0.5 / 3 * 0.25 / 2) ** 0.25),
    # A word counts as often as the reference has it: 2 of 4, 1 of 3, then nothing.
    ("b b a c", "b b b b", (2 / 4 * 1 / 3 * 0.5 / 2 * 0.25 / 1) ** 0.25),
    # Too short for a run of four.
    ("the cat sat", "the cat sat", 0.0),
    ("the cat sat on the mat", "dogs bark loud at night", 0.0),
    ("the cat sat on the mat", "", 0.0),
    # Case counts; the full stop is a token of its own, so 4/5, 3/4, 2/3, 1/2.
    ("The cat sat down.", "the cat sat down.", (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
    # Longer than the reference: no penalty, only lower precision.
    ("a b c d", "a b c d e", (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
]


@pytest.mark.parametrize(("reference", "prediction", "expected"), BY_HAND)
def test_bleu_by_hand(reference: str, prediction: str, expected: float) -> None:
    assert value_of(bleu_recipe(), [Item(reference, prediction)]) == pytest.approx(100 * expected, abs=1e-9)


def test_a_corpus_is_one_text() -> None:
    # 9 of 10 words, 7 of 8 pairs, 5 of 6, 3 of 4.
    pairs = [("a b c d e", "a b c d e"), ("f g h i j", "f g h i x")]
    assert value_of(bleu_recipe(), items_of(pairs)) == pytest.approx(
        100 * (9 / 10 * 7 / 8 * 5 / 6 * 3 / 4) ** 0.25, abs=1e-9
    )


CUTS = [
    ("13a", 'Hello, "world" &amp; 1,000.5 (x).', ["Hello", ",", '"', "world", '"', "&", "1,000.5", "(", "x", ")", "."]),
    ("zh", "我爱Beijing，3.5度。", ["我", "爱", "Beijing", "，", "3.5", "度", "。"]),
    ("char", "我 a1", ["我", "a", "1"]),
    ("intl", "naïve—yes $5", ["naïve", "—", "yes", "$", "5"]),
    ("ja-mecab", "東京タワーは高い。", ["東京", "タワー", "は", "高い", "。"]),
    ("ko-mecab", "학교에 갔다.", ["학교", "에", "갔", "다", "."]),
]


@pytest.mark.parametrize(("name", "text", "expected"), CUTS)
def test_what_a_tokenizer_counts(name: str, text: str, expected: list[str]) -> None:
    assert tokenizers.tokenizer(name)(text) == expected


def test_chrf_by_hand() -> None:
    # Characters 2 of 3, pairs 1 of 2, 0 of 1 triple; both sides are equally long, so F is the mean precision.
    values = CHRF.values(sums_of([CHRF.score(Item("a bc", "a bd"))]))
    assert float(values["chrf"]) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)
    # Words 1 of 2, word pairs 0 of 1.
    assert float(values["chrfpp"]) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0 + 1 / 2 + 0) / 5)


def test_chrf_weighs_recall_twice_by_hand() -> None:
    # Precision 1 (one character, no longer run on the left), recall 1/2.
    assert value_of(CHRF, [Item("ab", "a")], "chrf") == pytest.approx(100 * 5 * 1 * 0.5 / (4 * 1 + 0.5))


# Against sacrebleu


@pytest.mark.parametrize("tokenizer", OFFLINE)
def test_bleu_is_that_of_sacrebleu(tokenizer: str) -> None:
    recipe = bleu_recipe(tokenizer)

    @DETERMINISTIC
    @given(pairs=PAIRS)
    def check(pairs: list[tuple[str, str]]) -> None:
        references, predictions = map(list, zip(*pairs, strict=True))
        oracle = sacrebleu.corpus_bleu(predictions, [references], tokenize=tokenizer, force=True)
        scores = [recipe.score(item) for item in items_of(pairs)]
        sums = sums_of(scores)
        assert [sums[f"correct_{order}"] for order in range(1, 5)] == oracle.counts
        assert [sums[f"total_{order}"] for order in range(1, 5)] == oracle.totals
        if oracle.sys_len + oracle.ref_len:
            assert float(recipe.values(sums)["bleu"]) == pytest.approx(oracle.score, abs=1e-9)

    check()


@DETERMINISTIC
@given(rows=st.lists(st.tuples(LINES.filter(str.strip), LINES.filter(str.strip), LINES), min_size=1, max_size=5))
def test_bleu_with_two_references_is_that_of_sacrebleu(rows: list[tuple[str, str, str]]) -> None:
    items = [Item(first, prediction, aliases=(second,)) for first, second, prediction in rows]
    first, second, predictions = map(list, zip(*rows, strict=True))
    oracle = sacrebleu.corpus_bleu(predictions, [first, second], force=True)
    recipe = bleu_recipe(references="all")
    if oracle.sys_len + oracle.ref_len:
        assert value_of(recipe, items) == pytest.approx(oracle.score, abs=1e-9)
    alone = sacrebleu.corpus_bleu(predictions, [first], force=True)
    if alone.sys_len + alone.ref_len:
        assert value_of(bleu_recipe(), items) == pytest.approx(alone.score, abs=1e-9)


@DETERMINISTIC
@given(pairs=PAIRS)
def test_chrf_is_that_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    references, predictions = map(list, zip(*pairs, strict=True))
    for name, word_order in (("chrf", 0), ("chrfpp", 2)):
        oracle = sacrebleu.corpus_chrf(predictions, [references], word_order=word_order).score
        assert value_of(CHRF, items_of(pairs), name) == pytest.approx(oracle, abs=1e-9)


def test_values_of_a_large_set_and_its_draws_are_those_of_sacrebleu() -> None:
    source = random.Random(7)
    pairs = []
    for _ in range(400):
        words = source.choices(PIECES, k=source.randint(3, 20))
        pairs.append((" ".join(words), " ".join(word for word in words if source.random() < 0.8)))
    recipe = bleu_recipe()
    scores = [recipe.score(item) for item in items_of(pairs)]
    draws = [source.choices(range(len(pairs)), k=len(pairs)) for _ in range(5)]
    names = scores[0].numbers
    sums = {name: np.array([sum(scores[row].numbers[name] for row in draw) for draw in draws]) for name in names}
    found = recipe.values(sums)["bleu"]
    assert found.shape == (5,)
    for value, draw in zip(found, draws, strict=True):
        oracle = sacrebleu.corpus_bleu([pairs[row][1] for row in draw], [[pairs[row][0] for row in draw]], force=True)
        assert value == pytest.approx(oracle.score, abs=1e-9)


# Properties

WORDS = st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=4, max_size=12, unique=True)


@DETERMINISTIC
@given(sentences=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), same=st.booleans())
def test_bleu_and_chrf_are_100_exactly_where_all_is_equal(
    sentences: list[tuple[list[str], list[str]]], same: bool
) -> None:
    pairs = [(" ".join(reference), " ".join(reference if same else other)) for reference, other in sentences]
    equal = all(reference == prediction for reference, prediction in pairs)
    assert (value_of(bleu_recipe(), items_of(pairs)) > 100 - 1e-9) == equal
    assert (value_of(CHRF, items_of(pairs), "chrfpp") > 100 - 1e-9) == equal
    assert value_of(bleu_recipe(), items_of(pairs)) <= 100


@DETERMINISTIC
@given(pairs=PAIRS, seed=st.integers(0, 99), cut=st.integers(0, 5))
def test_neither_order_nor_shards_show(pairs: list[tuple[str, str]], seed: int, cut: int) -> None:
    shuffled = random.Random(seed).sample(pairs, len(pairs))
    for recipe, name in ((bleu_recipe(), "bleu"), (CHRF, "chrf")):
        whole = value_of(recipe, items_of(pairs), name)
        assert value_of(recipe, items_of(shuffled), name) == pytest.approx(whole, abs=1e-12, nan_ok=True)
        shards = [sums_of([recipe.score(item) for item in items_of(part)]) for part in (pairs[:cut], pairs[cut:])]
        merged = {key: sum(shard.get(key, np.array(0.0)) for shard in shards) for key in {*shards[0], *shards[1]}}
        assert float(recipe.values(merged)[name]) == pytest.approx(whole, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("tokenizer", OFFLINE)
@settings(DETERMINISTIC, max_examples=40)
@given(reference=st.text(), prediction=st.text(st.characters(exclude_categories=())))
def test_no_text_makes_scoring_fail(tokenizer: str, reference: str, prediction: str) -> None:
    for recipe in (bleu_recipe(tokenizer), CHRF):
        score = recipe.score(Item(reference, prediction))
        assert (score.state is State.DATA_ERROR) == (not reference.strip())
        values = recipe.values(sums_of([score]))
        assert all(math.isnan(value) or 0 <= value <= 100 for value in values.values())


@pytest.mark.parametrize("tokenizer", ["ja-mecab", "ko-mecab"])
def test_mecab_is_given_what_it_can_take(tokenizer: str) -> None:
    cut = tokenizers.tokenizer(tokenizer)
    assert "".join(cut("x" * 100_000)) == "x" * 100_000
    assert cut("a\0b") == ["a", "b"]
    assert cut("a \ud800 b") == ["a", "\ufffd", "b"]


def test_nothing_is_not_a_score() -> None:
    for recipe in (bleu_recipe(), bleu_recipe(compat_empty="empty"), CHRF):
        assert all(np.isnan(value) for value in recipe.values({}).values())


@pytest.mark.parametrize("reference", ["", " ", "\n"])
def test_an_empty_reference_is_the_datas_fault(reference: str) -> None:
    for recipe in (bleu_recipe(), bleu_recipe(references="all"), CHRF):
        score = recipe.score(Item(reference, "a b c"))
        assert score.state is State.DATA_ERROR
        assert score.numbers == {}
        assert score.reason == "the reference is empty"


def test_an_empty_prediction_counts() -> None:
    pair = ("a b c d e", "a b c d e")
    assert value_of(bleu_recipe(), items_of([pair])) == pytest.approx(100)
    assert value_of(bleu_recipe(), items_of([pair, ("f g h i j", "")])) == pytest.approx(100 * math.exp(1 - 10 / 5))
    assert value_of(CHRF, items_of([pair, ("f g h i j", "")]), "chrf") < 60


def test_an_answer_from_which_nothing_could_be_extracted_is_scored_as_nothing() -> None:
    for recipe, length in ((bleu_recipe(), "sys_len"), (CHRF, "pred_char_1")):
        score = recipe.metric.score(Item("a b", "?"), "a b", None, recipe.spec.default)
        assert (score.state, score.prediction, score.numbers[length]) == (State.INVALID, "", 0)
        assert recipe.metric.score(Item("a b", ""), "a b", "", recipe.spec.default).numbers == score.numbers


def test_what_a_source_writes_for_an_empty_prediction_is_its_own_value() -> None:
    pairs = [("a b c d", "a b c d"), ("an empty room is here", ""), ("nothing", " ")]
    recipe = bleu_recipe(compat_empty="empty")
    references, predictions = map(list, zip(*pairs, strict=True))
    replaced = [text if text.strip() else "empty" for text in predictions]
    ours = sacrebleu.corpus_bleu(predictions, [references]).score
    theirs = sacrebleu.corpus_bleu(replaced, [references]).score
    assert value_of(recipe, items_of(pairs), "bleu") == pytest.approx(ours, abs=1e-9)
    assert value_of(recipe, items_of(pairs), "bleu_compat") == pytest.approx(theirs, abs=1e-9)
    assert theirs > ours
    assert [quantity.name for quantity in recipe.quantities(["en"])] == ["bleu", "bleu_compat"]
    assert "compat:empty-answer-as-empty" in recipe.signature(["en"])


# Tokenizers that are not there


@pytest.fixture
def fresh_tokenizers():
    def forget() -> None:
        tokenizers.tokenizer.cache_clear()
        tokenizers._loaded.cache_clear()

    forget()
    yield
    forget()


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, fresh_tokenizers: None) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "MeCab" else find(name))
    recipe = catalogued("bleu/audiobench-pytest@1")
    with pytest.raises(MissingExtraError, match=r"mecab-python3.*audiobench-pytest\[ja\]"):
        recipe.score(Item("東京", "東京", "ja"))
    with pytest.raises(MissingExtraError):
        recipe.signature(["ja"])
    assert recipe.score(Item("Tokyo", "Tokyo", "en")).numbers["correct_1"] == 1


def test_a_missing_model_file_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_tokenizers: None
) -> None:
    from sacrebleu.tokenizers import tokenizer_spm

    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(UsageError, match=r"sacrebleu_tokenizer_spm\.model: copy it there, or fetch it"):
        catalogued("bleu/audiobench@2025-06").signature(["en"])
    assert list(tmp_path.iterdir()) == [], "nothing is downloaded"


def test_flores101_cuts_by_its_model_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_tokenizers: None
) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    from sacrebleu.tokenizers import tokenizer_spm

    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "sentences.txt").write_text("the cat sat on the mat\nthe dog sat\nan empty mat\n", "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "sentences.txt"),
        model_prefix=str(tmp_path / "models" / "sacrebleu_tokenizer_spm"),
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    pairs = [("the cat sat on the mat", "the cat sat on a mat"), ("the empty mat", "")]
    references, predictions = map(list, zip(*pairs, strict=True))
    recipe = catalogued("bleu/audiobench@2025-06")
    oracle = sacrebleu.corpus_bleu(predictions, [references], tokenize="flores101")
    assert value_of(recipe, items_of(pairs, "zh")) == pytest.approx(oracle.score, abs=1e-9)
    oracle = sacrebleu.corpus_bleu([predictions[0], "empty"], [references], tokenize="flores101")
    assert value_of(recipe, items_of(pairs), "bleu_compat") == pytest.approx(oracle.score, abs=1e-9)
    assert "tok=flores101," in recipe.signature(["en"])


def test_an_unknown_tokenizer_is_refused_at_load() -> None:
    with pytest.raises(CatalogError, match=r"unknown tokenizer 'ja-mekab' \(did you mean ja-mecab"):
        bleu_recipe("ja-mekab")
    with pytest.raises(CatalogError, match="name one tokenizer of 13a, char"):
        Recipe(RecipeSpec("bleu/x@1", "bleu", {}, LanguageRule((StepSpec("tokenize", "chinese"),), "zh")))


# The recipes


def test_the_signature_holds_that_of_sacrebleu() -> None:
    ours = catalogued("bleu/audiobench-pytest@1")
    own = version("sacrebleu")
    assert ours.signature(["zh"]) == (
        f"bleu/audiobench-pytest@1|lang:zh|unit:zh|sacrebleu:nrefs=1,case=mixed,eff=no,tok=zh,smooth=exp,version={own}"
    )
    metric = sacrebleu.metrics.BLEU(tokenize="ja-mecab")
    metric.corpus_score(["東京"], [["東京"]])
    assert str(metric.get_signature()).replace(":", "=").replace("|", ",") in ours.signature(["ja"])
    assert f"|ipadic:{version('ipadic')}|mecab-python3:{version('mecab-python3')}" in ours.signature(["ja"])
    for word_order in (0, 2):
        metric = sacrebleu.metrics.CHRF(word_order=word_order)
        metric.corpus_score(["a"], [["a"]])
        assert str(metric.get_signature()).replace(":", "=").replace("|", ",") in CHRF.signature(["en"])
    several = sacrebleu.metrics.BLEU()
    several.corpus_score(["a", "b"], [["a", "b"], [None, "c"]])
    signature = str(several.get_signature()).replace(":", "=").replace("|", ",")
    assert signature in bleu_recipe(references="all").signature(["en"])
    assert signature not in bleu_recipe().signature(["en"])


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [
        ("en", "13a"),
        ("de", "13a"),
        ("ar", "13a"),
        ("zh", "zh"),
        ("zh-TW", "zh"),
        ("yue", "zh"),
        ("wuu", "zh"),
        ("ja", "ja-mecab"),
        ("ko", "ko-mecab"),
        ("th", "char"),
        ("lo", "char"),
    ],
)
def test_our_tokenizer_of_a_target_language(language: str, tokenizer: str) -> None:
    assert f"tok={tokenizer}" in catalogued("bleu/audiobench-pytest@1").signature([language])


SENTENCES = {
    "en": ("Hello, Mr. Smith: the colour IS red!", "hello mr smith the color is red"),
    "zh": ("<|zh|>我爱北京，2008年。", "我愛北京 , 二零零八年"),
}
"""A reference and a prediction that most normalisers make equal."""

NORMALISED = ("hello mister smith the color is red",) * 2


@pytest.mark.parametrize(
    ("name", "language", "reference", "prediction", "texts"),
    [
        ("bleu/covost2@ultraeval", "en", "A  b.", '```json\n{"content": "A b."}\n```', ("A  b.", "A b.")),
        ("bleu/covost2@ultraeval", "zh", "我。", "{'content': '我。'}", ("我。", "我。")),
        ("bleu/covost2@ultraeval", "en", "A b.", "just A b.", ("A b.", "just A b.")),
        ("bleu/covost2@lmms-eval", "en", *SENTENCES["en"], NORMALISED),
        ("bleu/covost2@lmms-eval", "en", "<|en|>It costs $3.5 , OK?", "- 50%", ("it costs $3.5 ok", "50%")),
        ("bleu/covost2@lmms-eval", "fr", "Ça va , « là » ?", "<|fr|>ça va", ("ça va, là", "ça va")),
        (
            "bleu/covost2@lmms-eval",
            "zh",
            *SENTENCES["zh"],
            tuple(f"我 {ai} 北 京 二 零 零 八 年" for ai in "爱愛"),
        ),
        ("bleu/au-harness@2026-01", "en", *SENTENCES["en"], NORMALISED),
        ("bleu/au-harness@2026-01", "en", "It costs 3.5%.", "three point five", ("it costs 35", "35")),
        ("bleu/au-harness@2026-01", "de", "Über [x] 5, ja!", "ＵＢＥＲ 5 + ja", ("über 5 ja", "uber 5 ja")),
        ("bleu/au-harness@2026-01", "zh", "我爱[x]北京，2.5。", "我爱 北京", ("我爱北京 2 5", "我爱 北京")),
        ("bleu/step-audio2@1", "zh", *SENTENCES["zh"], SENTENCES["zh"]),
        ("bleu/wenetspeech-wu@1", "zh", *SENTENCES["zh"], ("<|zh|>我爱北京，2008年。", "我爱北京 , 二零零八年")),
        (
            "s2st/cvss@1",
            "en",
            *SENTENCES["en"],
            ("hello mr smith the colour is red", "hello mr smith the color is red"),
        ),
        ("bleu/audiobench@2025-06", "zh", *SENTENCES["zh"], SENTENCES["zh"]),
    ],
)
def test_what_a_recipe_compares(
    name: str, language: str, reference: str, prediction: str, texts: tuple[str, str]
) -> None:
    assert catalogued(name).texts(Item(reference, prediction, language)) == texts


@pytest.mark.parametrize(
    ("name", "tokenizers_by_language"),
    [
        ("bleu/covost2@ultraeval", {"zh": "zh", "cmn": "zh", "zh-CN": "zh", "en": "13a", "ja": "13a", "de": "13a"}),
        ("bleu/covost2@ja-mecab", {"zh": "zh", "cmn": "zh", "en": "13a", "ja": "ja-mecab", "de": "13a"}),
        ("bleu/covost2@lmms-eval", {"zh": "zh", "cmn": "zh", "en": "13a"}),
        ("bleu/au-harness@2026-01", {"zh": "zh", "cmn": "zh", "en": "13a", "ja": "13a"}),
        ("bleu/step-audio2@1", {"zh": "zh", "cmn": "zh", "en": "13a"}),
        ("bleu/wenetspeech-wu@1", {"zh": "zh", "wuu": "zh"}),
        ("s2st/cvss@1", {"zh": "zh", "cmn": "zh", "en": "13a"}),
    ],
)
def test_which_tokenizer_a_source_takes(name: str, tokenizers_by_language: dict[str, str]) -> None:
    recipe = catalogued(name)
    for language, tokenizer in tokenizers_by_language.items():
        assert f",tok={tokenizer}" in recipe.signature([language])
    assert recipe.quantities(["en"])[0].name == "bleu"


def test_the_recipe_for_japanese_counts_its_words() -> None:
    item = Item("東京タワーは高いです。", "東京タワーは低いです。", "ja")
    # 13a sees one word, which differs; MeCab 東京 タワー は 高い です 。 with one word of six replaced.
    assert value_of(catalogued("bleu/covost2@ultraeval"), [item]) == 0
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 0.5 / 3) ** 0.25
    assert value_of(catalogued("bleu/covost2@ja-mecab"), [item]) == pytest.approx(expected)
