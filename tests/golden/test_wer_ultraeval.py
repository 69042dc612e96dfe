"""The recipes `wer/ultraeval@1.1`, against values worked out by hand and a naive re-statement of the rule."""

import re

import pytest
from naive_error_rates import cn_tn, disagreements, recipe, sacrebleu_tokens, values, whisper_english

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.units import counting

NAME, GIGASPEECH = "wer/ultraeval@1.1", "wer/ultraeval-gigaspeech@1.1"

# fmt: off
TOKENS = [
    # language, raw text, what is counted
    ("en", "Hello,   WORLD!", "hello world"),
    ("en", "He paid twenty dollars, didn't he?", "he paid $ 20 did not he"),
    ("en", "1,250,000 people; 3.5 percent", "1250000 people 3.5 %"),
    ("en", "Mr. Smith can't see the grey colour", "mister smith can not see the gray color"),
    ("en", "um, the state-of-the-art café [noise] (off) <unk>", "the state of the art cafe"),
    ("en", "kinda cause", "kinda cause"),
    ("en", "ＡＢＣ １２", "abc 12"),
    ("en", "ok 😊 &amp; &quot;fine&quot;", "ok amp quot fine quot"),
    ("en", "[music]", ""),
    ("zh", "他花了128元，很贵！", "他 花 了 一 百 二 十 八 元 很 贵"),
    ("zh", "我用iPhone15拍照", "我 用 iphone 十 五 拍 照"),
    ("zh", "人工智能（AI）和B2B", "人 工 智 能 和 b 二 b"),
    ("zh", "1,000人占5％", "一 零 零 零 人 占 百 分 之 五"),
    ("zh", "2008年5月12日", "二 零 零 八 年 五 月 十 二 日"),
    ("zh", "圖書館", "圖 書 館"),
    ("zh", "好的😊（笑）", "好 的 笑"),
    ("zh-CN", "ＡＢＣ，１２", "abc 十 二"),
    ("yue", "佢喺圖書館睇5本書。", "佢 喺 图 书 馆 睇 五 本 书"),
    # marks vanish in every script
    ("fr", "L'été, où ça ?", "l ete ou ca"),
    ("hi", "हिंदी", "ह द"),
    ("th", "น้ำเก่า", "นาเกา"),
    ("de", "Größe", "grosse"),
    ("ja", "東京に行く。", "東京 に 行く"),
]

COUNTS = [
    # language, reference, answer, errors, units
    ("en", "the cat sat on the mat", "the cat sat on a mat", 1, 6),
    ("en", "the cat sat", '{"content": "The cat sat."}', 0, 3),
    ("en", "the cat sat", '```json\n{"content": "the cat"}\n```', 1, 3),
    ("en", "the cat sat", "{'content': 'the cat sat down'}", 1, 3),
    ("en", "the cat sat", '{"text": "the cat sat"}', 1, 3),
    ("en", "the cat sat", "", 3, 3),
    ("zh", "我用iPhone拍照", "我 用 android 拍 照", 1, 5),
    ("zh", "圖書館", "图书馆", 3, 3),
    ("yue", "圖書館", "图书馆", 0, 3),
    # dakuten and accents are free, Korean is counted by space-word
    ("ja", "がんばって", "かんはって", 0, 1),
    ("fr", "un élève", "un eleve", 0, 2),
    ("ko", "안녕 하세요", "안녕하세요", 2, 2),
]
# fmt: on


@pytest.mark.parametrize(("language", "raw", "expected"), TOKENS)
def test_texts_are_cut_as_the_rule_says(language: str, raw: str, expected: str) -> None:
    scored = recipe(NAME)
    split = counting(scored.spec.rule(language).unit).split
    assert split(scored.normalise(raw, language)) == expected.split()


@pytest.mark.parametrize(("language", "reference", "answer", "errors", "units"), COUNTS)
def test_counts_are_those_worked_out_by_hand(
    language: str, reference: str, answer: str, errors: int, units: int
) -> None:
    numbers = recipe(NAME).score(Item(reference, answer, language)).numbers
    if language == "ja":  # MeCab parts kana as it sees fit; both sides are spelled alike
        assert numbers["errors"] == errors
        return
    assert (numbers["errors"], numbers["units"]) == (errors, units)


def test_what_is_said_to_an_empty_reference_counts_here_and_not_in_the_source() -> None:
    texts = [("one two three four", "one two tree four"), ("[music]", "thank you for watching"), ("<noise>", "")]
    scores = [recipe(NAME).score(Item(reference, answer)) for reference, answer in texts]
    found = values(NAME, "en", scores)
    # "one two three four" becomes one token, 1234; "tree" leaves 12, tree and 4: one substituted, two inserted
    assert found["wer"] == pytest.approx(100 * (3 + 4) / 1)
    assert found["wer_compat"] == pytest.approx(100 * 3 / 1)
    assert found["hallucination_on_empty"] == 1.0


def test_chinese_is_called_a_character_error_rate() -> None:
    assert [quantity.name for quantity in recipe(NAME).quantities(["zh"])][:2] == ["cer", "cer_compat"]
    assert [quantity.name for quantity in recipe(NAME).quantities(["yue"])][:2] == ["cer", "cer_compat"]
    assert [quantity.name for quantity in recipe(NAME).quantities(["ko"])][:2] == ["wer", "wer_compat"]


def test_the_signature_tells_the_tokenizer_and_the_dropped_rows() -> None:
    signature = recipe(NAME).signature(["zh"])
    assert (
        "|pred:ultraeval_content|steps:drop_full_width_asides,whisper_english_openai,cn_tn|unit:zh:lower|" in signature
    )
    assert "|compat:empty-references-dropped|" in signature
    assert "|sacrebleu:" in signature


@pytest.mark.parametrize(
    ("reference", "answer", "errors", "units"),
    [
        ("UH THE E-COMMERCE <COMMA> SITE <PERIOD>", "the e commerce site", 0, 4),
        ("HA WE SAW IT EW", "we saw it", 0, 3),
        # only the reference is cleaned: the same fillers count in the answer, but for those of Whisper
        ("UH WE SAW IT", "uh ha we saw it", 1, 3),
        ("<MUSIC>", "thank you", 2, 0),
    ],
)
def test_references_of_gigaspeech_are_cleaned_and_answers_are_not(
    reference: str, answer: str, errors: int, units: int
) -> None:
    numbers = recipe(GIGASPEECH).score(Item(reference, answer, "en")).numbers
    assert (numbers["errors"], numbers["units"]) == (errors, units)


@pytest.mark.parametrize("language", ["en", "zh", "yue", "ja", "ko", "fr", "hi"])
def test_it_agrees_with_a_plain_restatement_of_its_rule(language: str) -> None:
    tokenizer = {"zh": "zh", "yue": "zh", "ja": "ja-mecab"}.get(language, "13a")
    tokenize = sacrebleu_tokens(tokenizer)

    def tokens(text: str) -> list[str]:
        import zhconv

        text = whisper_english(re.sub("（[a-zA-Z]+）", "", text.lower()))
        if language == "yue":
            text = zhconv.convert(text, "zh-cn")
        if language in ("zh", "yue"):
            text = cn_tn(text)
        return " ".join(tokenize(text)).lower().split()

    assert disagreements(NAME, language, tokens) == []
