"""Rules written down once more, naively, against recipes on 10,000 generated texts per language.

Of the recipes whose own golden tests do not do this already.
"""

import ast
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zhconv
from naive_error_rates import PIECES, cn_tn, disagreements, edits, pairs, recipe, sacrebleu_tokens, whisper_english
from naive_error_rates import without_punctuation as without_marks

from audiobench_pytest.metrics.bbh import phrases as bbh_phrases
from audiobench_pytest.metrics.bbh.metric import SUBTASKS
from audiobench_pytest.metrics.bbh.phrases import phrase_verdict
from audiobench_pytest.metrics.extraction.published_options import air_bench_option
from audiobench_pytest.metrics.ifeval.arguments import Arguments
from audiobench_pytest.metrics.ifeval.checks import CHECKS
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.refusal import PHRASES

TEXTS = 10_000


def generated(seed: str, pieces: list[str], *, most: int = 7, count: int = TEXTS) -> Iterator[str]:
    """Yield texts made of pieces, with and without spaces between them, the same in each run."""
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(rng.choice(pieces) + rng.choice(["", " "]) for _ in range(rng.randrange(most)))


# Error rates ---------------------------------------------------------------------------------------------------------

FILLERS = ["UH", "UHH", "UM", "EH", "MM", "HM", "AH", "HUH", "HA", "ER", "OOF", "HEE", "ACH", "EEE", "EW"]
TAGS = ["<UNK>", "<COMMA>", "<PERIOD>", "<QUESTIONMARK>", "<EXCLAMATIONPOINT>"]
TAGS += ["<SIL>", "<NOISE>", "<MUSIC>", "<OTHER>"]


def test_references_of_gigaspeech() -> None:
    scored, tokenize = recipe("wer/ultraeval-gigaspeech@1.1"), sacrebleu_tokens("13a")

    def tokens(text: str) -> list[str]:
        return " ".join(tokenize(whisper_english(re.sub("（[a-zA-Z]+）", "", text.lower())))).lower().split()

    pieces = [*PIECES["en"], *FILLERS, *TAGS, "well-known", "<unk>", "uh", "HAM", "UH-HUH", "（abc）", "<Comma>"]
    texts = generated("gigaspeech", pieces)
    for reference, answer in zip(texts, texts, strict=True):
        kept = [word for word in reference.upper().replace("-", " ").split() if word not in (*FILLERS, *TAGS)]
        said, heard = tokens(" ".join(kept)), tokens(answer.strip())
        numbers = scored.score(Item(reference, answer, "en")).numbers
        assert (numbers["errors"], numbers["units"]) == (edits(said, heard), len(said)), (reference, answer)


def audible(char: str) -> bool:
    code = ord(char)
    silent = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F
    return not silent and char not in "\u034f\u115f\u1160\u0640" and unicodedata.category(char) != "Cf"


def plain(text: str, between: Callable[[str], str] = str, early: Callable[[str], str] = str) -> str:
    """Our own chain: compatibility forms, nothing silent, lower case, no punctuation, marks only on what is left."""
    text = early(unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFC", "".join(char for char in text if audible(char)))
    text = between(text)
    text = unicodedata.normalize("NFC", text.lower())
    return spaced(text)


def spaced(text: str) -> str:
    kept = ""
    for char in text:
        category = unicodedata.category(char)
        if category[0] in "PSZ" or category in ("Cc", "Cs"):
            kept += " "
        elif category[0] != "M" or (kept and kept[-1] != " "):
            kept += char
    return " ".join(kept.split())


def is_han(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH")) or char in "々〆〇"


def mixed(text: str) -> list[str]:
    return "".join(f" {char} " if is_han(char) else char for char in text).split()


def characters(text: str) -> list[str]:
    units: list[str] = []
    for char in "".join(text.split()):
        if units and (unicodedata.category(char)[0] == "M" or char in "\u0e33\u0eb3"):
            units[-1] += char
        else:
            units.append(char)
    return units


def dakuten(text: str) -> str:
    return unicodedata.normalize("NFC", re.sub(" +([\u3099\u309a])", r"\1", text))


def without_mn(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) != "Mn")


STEP = "wer/step-audio2@1"


@pytest.mark.parametrize(
    ("language", "tokens"),
    [
        ("en", lambda text: whisper_english(text).split()),
        ("ja", lambda text: characters(plain(text, early=dakuten))),
        ("ar", lambda text: plain(text, between=without_mn).split()),
        ("fr", lambda text: plain(text).split()),
        ("hi", lambda text: plain(text).split()),
    ],
)
def test_step_audio2(language: str, tokens: Callable[[str], list[str]]) -> None:
    assert disagreements(STEP, language, tokens) == []


@pytest.mark.parametrize(
    ("language", "tokens"),
    [
        ("en", lambda text: whisper_english(text).split()),
        *((language, lambda text: plain(text).split()) for language in ("fr", "de", "ru", "ar", "hi")),
        ("ko", lambda text: characters(plain(text))),
        ("ja", lambda text: characters(plain(text, early=dakuten))),
    ],
)
def test_our_own_default(language: str, tokens: Callable[[str], list[str]]) -> None:
    # The package's list of contractions, which our own recipe takes as it is, has four more.
    ours = [(r, a) for r, a, _, _ in disagreements("wer/audiobench-pytest@1", language, tokens)]
    known = re.compile(r"\b(?:kinda|cause)", re.IGNORECASE) if language == "en" else re.compile("(?!)")
    assert [pair for pair in ours if not any(map(known.search, pair))] == []


# Numbers that SpeechIO's reading and our own agree on: each followed by a character, no two alike.
CHINESE = [
    *(
        "我",
        "在",
        "图书馆",
        "圖書館",
        "的",
        "iPhone",
        "ＡＢ",
        "，",
        "。",
        "《",
        " ",
        "儂好",
        "伐",
        "<noise>",
        "B",
        "é",
        "😊",
        "·",
    ),
    *("2008年5月12日的", "128元的", "20%的", "3/4的", "700个", "13800138000，", "6千克的", "２５岁"),
]


@pytest.mark.parametrize(
    ("name", "language"), [(STEP, "zh"), (STEP, "yue"), (STEP, "wuu"), ("cer/wenetspeech-wu@1", "wuu")]
)
def test_chinese_of_our_own_rules(name: str, language: str) -> None:
    scored = recipe(name)
    wu = name.startswith("cer")

    def normalised(text: str) -> str:
        text = unicodedata.normalize("NFKC", text)
        text = "".join(char for char in (re.sub("<[^<>]*>", "", text) if wu else text) if audible(char))
        text = zhconv.convert(text, "zh-cn") if wu or language != "zh" else text
        return "".join(spaced(cn_tn(unicodedata.normalize("NFC", text.lower()))).split())

    texts = list(generated(f"{name} {language}", CHINESE))
    for reference, answer in zip(texts[::2], texts[1::2], strict=True):
        if any(len(re.findall(re.escape(piece), text)) > 1 for piece in CHINESE[18:] for text in (reference, answer)):
            continue  # the naive reading takes the first of two equal numbers for the second
        said, heard = normalised(reference), normalised(answer)
        numbers = scored.score(Item(reference, answer, language)).numbers
        expected = (edits(mixed(said), mixed(heard)), len(mixed(said)))
        assert (numbers["errors"], numbers["units"]) == expected, (reference, answer)
        if wu:
            assert numbers["second_errors"] == edits(characters(said), characters(heard)), (reference, answer)


# Translations --------------------------------------------------------------------------------------------------------


def special_tokens_out(text: str) -> str:
    text = re.sub(r"\s+", " ", re.sub(r"<\|.*?\|>", " ", text)).strip()
    return re.sub(r" ?([!,.?;:])", r"\1", text)


def basic(text: str) -> str:
    from whisper_normalizer.basic import BasicTextNormalizer

    return " ".join(BasicTextNormalizer()(text).split())


def punctuation_out(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char)[0] != "P")


def lmms(text: str, language: str) -> str:
    text = special_tokens_out(text)
    if language == "en":
        text = whisper_english(text)
    elif language == "zh":
        text = " ".join(sacrebleu_tokens("zh")(cn_tn(text)))
    return unicodedata.normalize("NFC", " ".join(without_marks(text.split())).lower())


@pytest.mark.parametrize(
    ("name", "language", "rule"),
    [
        ("bleu/covost2@lmms-eval", "en", lambda text: lmms(text, "en")),
        ("bleu/covost2@lmms-eval", "zh", lambda text: lmms(text, "zh")),
        ("bleu/au-harness@2026-01", "en", lambda text: punctuation_out(whisper_english(text))),
        ("bleu/au-harness@2026-01", "zh", lambda text: punctuation_out(basic(text))),
        ("bleu/au-harness@2026-01", "fr", lambda text: punctuation_out(basic(text))),
        ("bleu/wenetspeech-wu@1", "zh", lambda text: zhconv.convert(text, "zh-cn")),
        ("s2st/cvss@1", "en", lambda text: spaced(unicodedata.normalize("NFC", text.lower()))),
        ("s2st/cvss@1", "zh", lambda text: spaced(unicodedata.normalize("NFC", text.lower()))),
    ],
)
def test_texts_of_translations(name: str, language: str, rule: Callable[[str], str]) -> None:
    scored = recipe(name)
    for reference, answer in pairs(language):
        found = scored.texts(Item(reference, answer, language))
        assert tuple((text or "").split() for text in found) == (rule(reference).split(), rule(answer).split())


def test_the_content_of_an_answer_in_json() -> None:
    def content(text: str) -> str:
        text = text.strip()
        if text.startswith("```json"):
            text = text[7:-3].strip()
        elif text.startswith("```"):
            text = text[3:-3].strip()
        for read in (json.loads, ast.literal_eval):
            try:
                found = read(text)["content"]
            except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
                continue
            return "" if found is None else str(found)
        return text

    fields = [
        '"content": "a b"',
        "'content': 'a b'",
        '"content": 5',
        '"text": "c"',
        '"content": null',
        '"content": ["x"]',
    ]
    whole = [f"{{{field}}}" for field in fields]
    pieces = [*fields, *whole, *whole, "```json\n", "```", "\n```", "{", "}", ", ", "hello", "我", "[", "]", "\n"]
    scored = recipe("bleu/covost2@ultraeval")
    found = [(text, scored.texts(Item("a", text, "en"))[1]) for text in generated("json", pieces, most=4)]
    assert [(text, read) for text, read in found if read != content(text)] == []
    assert {"a b", "5", "", "['x']"} <= {read for _, read in found}


# Choices, matches, refusals ------------------------------------------------------------------------------------------

OPTIONS = [
    "A",
    "B",
    "C",
    "D",
    "E",
    "a",
    ".",
    ")",
    "(",
    "The answer is ",
    "None",
    "\n",
    "cat",
    "答案是",
    "。",
    "Because ",
]


def test_air_bench_reads_the_first_or_the_second_to_last_character() -> None:
    for text in generated("air-bench", OPTIONS):
        bare = text.strip().replace("\n", "")
        first, second = bare[:1], bare[-2:-1] if len(bare) > 1 else ""
        naive = None if bare == "None" else first if first in set("ABCD") else second if second in set("ABCD") else None
        assert air_bench_option(text, Item("A", text)) == naive, text


ANSWERS = [
    "20",
    "20.0",
    "2e1",
    "-3",
    ".5",
    "Paris",
    "paris",
    "New York",
    "is",
    ".",
    ",",
    "北京",
    "答案",
    "İ",
    "ß",
    " ",
    "+7",
]


def test_em_and_exist() -> None:
    wanted = ["20", "Paris", "New York", "北京", "-3", "ß"]
    em, exist = recipe("match/em"), recipe("match/exist")
    hits = [0, 0]
    for text in generated("match", ANSWERS, most=4):
        said = text.strip()
        for reference in wanted:
            number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e\d+)?", reference) is not None
            try:
                same = float(said) == float(reference) if number else said == reference
            except ValueError:
                same = False
            if "_" in said or (not said.isascii() and number):
                continue
            assert em.score(Item(reference, text)).numbers.get("correct", 0) == same, (reference, text)
            within = reference.lower() in said.lower()
            assert exist.score(Item(reference, text)).numbers.get("correct", 0) == within, (reference, text)
            hits = [hits[0] + same, hits[1] + within]
    assert min(hits) > 500


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refusals(language: str) -> None:
    rng = random.Random(language)
    english = [phrase for phrase in PHRASES if phrase.isascii()]
    own = english if language == "en" else [phrase for phrase in PHRASES if not phrase.isascii()]
    neutral = (
        ["Sure", "here it is", "you can", "not", "sorry", "As"]
        if language == "en"
        else ["好的", "可以", "法", "我", "帮"]
    )
    folded, exact = recipe("refusal/advbench"), recipe("refusal/advbench@kimi-evalkit")
    refused = 0
    for _ in range(TEXTS):
        parts = rng.choices([*neutral * 4, rng.choice(own), rng.choice(own).upper(), rng.choice(own)[:-1]], k=3)
        text = rng.choice(["", " "]).join(parts)
        naive = any(phrase.lower() in text.lower() for phrase in PHRASES)
        assert folded.score(Item("", text)).numbers["refused"] == naive, text
        assert exact.score(Item("", text)).numbers["refused"] == any(phrase in text for phrase in PHRASES), text
        refused += naive
    assert TEXTS / 10 < refused < TEXTS * 9 / 10


def _lines(subtask: str) -> list[tuple[str, int]]:
    """Return the phrases of a subtask with their verdicts, written out."""
    if subtask == "hyperbaton":
        block, words = bbh_phrases._OPTION, ("a", "b")
    else:
        block, words = bbh_phrases._YES_NO + bbh_phrases._YES_NO_OF[subtask] + bbh_phrases._BARE, ("no", "yes")
    found = []
    for line in block.split("\n"):
        if line[:2] in ("0 ", "1 "):
            found.append((line[2:], int(line[0])))
        elif line:
            either = re.search(r"\{([^{}|]+)\|([^{}|]+)\}", line)
            for verdict in (0, 1):
                word = either[verdict + 1] if either else words[verdict]
                found.append((line.replace(either[0] if either else "#", word), verdict))
    return found


@pytest.mark.parametrize("subtask", SUBTASKS)
def test_phrases_of_bbh(subtask: str) -> None:
    lines = _lines(subtask)

    def says(text: str, phrase: str) -> bool:
        begins, ends = phrase[:1] == "^", phrase[-1:] == "$" and "boxed" not in phrase
        phrase = phrase[begins : len(phrase) - ends]
        if "*" in phrase:
            before, after = phrase.split("*")
            place = 0 if begins and text.startswith(before) else -1 if begins else text.find(before)
            return place >= 0 and text.find(after, place + len(before) + 1) >= 0
        if begins and ends:
            return text == phrase
        if begins or ends:
            return text.startswith(phrase) if begins else text.endswith(phrase)
        return phrase in text

    rng = random.Random(subtask)
    glue = ["so", "the", "well", "yes", "no", "a", "b", "**", ".", ",", ":", "-", "not", "Ana", "<|turn_end|>"]
    verdicts = set()
    for _ in range(TEXTS // 4):
        parts = rng.choices(glue, k=rng.randrange(4))
        if rng.random() < 0.8:
            phrase = rng.choice(lines)[0].strip("^$").replace("*", " it ")
            parts.insert(rng.randrange(len(parts) + 1), rng.choice([phrase, phrase.capitalize(), phrase[:-1]]))
        reply = rng.choice([" ", " ", ""]).join(parts)
        text = reply.lower().replace("<|turn_end|>", "")
        for mark in (":", "**", '"', "-", ",", ".", "："):
            text = text.replace(mark, " ")
        text = " ".join(text.split())
        naive = next((verdict for phrase, verdict in lines if says(text, phrase)), None)
        assert phrase_verdict(reply, subtask) == naive, reply
        verdicts.add(naive)
    assert verdicts == {None, 0, 1}


# IFEval --------------------------------------------------------------------------------------------------------------


def _paragraphs(text: str, count: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    blank = [not part.strip() for part in parts]
    return not any(blank[1:-1]) and len(parts) - sum(blank) == count


def _first_word(text: str, count: int, nth: int, word: str) -> bool:
    parts = text.split("\n\n")
    if sum(1 for part in parts if part.strip()) != count or nth > count or not parts[nth - 1].strip():
        return False
    first = parts[nth - 1].strip().split()[0].lstrip("'").lstrip('"')
    for place, char in enumerate(first):
        if char in ".,?!'\"":
            first = first[:place]
            break
    return first.lower() == word


def _highlights(text: str, least: int) -> bool:
    single = [mark for mark in re.findall(r"\*[^\n\*]*\*", text) if mark.strip("*").strip()]
    double = [
        mark for mark in re.findall(r"\*\*[^\n\*]*\*\*", text) if mark.removeprefix("**").removesuffix("**").strip()
    ]
    return len(single) + len(double) >= least


def _json(text: str) -> bool:
    text = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except ValueError:
        return False
    return True


def _two(text: str) -> bool:
    parts = text.split("******")
    kept = [part for part in parts if part.strip()]
    inner = [part for part in parts[1:-1] if not part.strip()]
    return not inner and len(kept) == 2 and kept[0].strip() != kept[1].strip()


Rule = Callable[[str], bool]
INSTRUCTIONS: list[tuple[str, dict[str, Any], Rule]] = [
    ("keywords:existence", {"keywords": ["cat", "é"]}, lambda t: "cat" in t.lower() and "é" in t.lower()),
    (
        "keywords:frequency",
        {"keyword": "a", "frequency": 3, "relation": "at least"},
        lambda t: t.lower().count("a") >= 3,
    ),
    (
        "keywords:frequency",
        {"keyword": "a", "frequency": 2, "relation": "less than"},
        lambda t: t.lower().count("a") < 2,
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, lambda t: not re.search(r"\bcat\b", t, re.IGNORECASE)),
    (
        "keywords:letter_frequency",
        {"letter": "C", "let_frequency": 2, "let_relation": "at least"},
        lambda t: sum(char == "c" for char in t.lower()) >= 2,
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, lambda t: _paragraphs(t, 2)),
    (
        "length_constraints:number_words",
        {"num_words": 4, "relation": "less than"},
        lambda t: len(re.sub(r"\W+", " ", t).split()) < 4,
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Hello"},
        lambda t: _first_word(t, 2, 2, "hello"),
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        lambda t: len(re.findall(r"\[[^\n]*?\]", t)) >= 2,
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        lambda t: re.search(r"p\.\s?s\.", t.lower()) is not None,
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        lambda t: sum(len(re.findall(rf"^\s*{mark}.*$", t, re.MULTILINE)) for mark in (r"\*[^*]", "-")) == 2,
    ),
    (
        "detectable_format:constrained_response",
        {},
        lambda t: any(f"My answer is {word}." in t for word in ("yes", "no", "maybe")),
    ),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, lambda t: _highlights(t, 2)),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Section", "num_sections": 2},
        lambda t: len(re.split(r"\s?Section\s?\d+\s?", t)) - 1 >= 2,
    ),
    ("detectable_format:json_format", {}, _json),
    (
        "detectable_format:title",
        {},
        lambda t: any(found.lstrip("<").rstrip(">").strip() for found in re.findall(r"<<[^\n]+>>", t)),
    ),
    ("combination:two_responses", {}, _two),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Cat "}, lambda t: t.strip().lower()[:3] == "cat"),
    (
        "startend:end_checker",
        {"end_phrase": "The End."},
        lambda t: t.strip().strip('"').lower()[-8:] == "the end.",
    ),
    ("startend:quotation", {}, lambda t: len(t.strip()) > 1 and {t.strip()[0], t.strip()[-1]} == {'"'}),
    ("punctuation:no_comma", {}, lambda t: t.replace(",", "") == t),
]
SAID = [
    *("a", "A", "cat", "Cat", "dog", "é", "hello", "Hello,", "1", "中文", "HI", "don't", "x_y", "My answer is yes."),
    *(
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "*",
        "**",
        "***",
        "******",
        "-",
        "- ",
        "* ",
        '"',
        "'",
        ".",
        ",",
        "!",
        "[x]",
        "[",
        "]",
    ),
    *(
        "<<",
        "<<T>>",
        ">>",
        "Section",
        "Section 1",
        "```",
        "```json",
        '{"a": 1}',
        "P.S.",
        "p. s.",
        "The End.",
        "the end.",
    ),
]


@pytest.mark.parametrize(
    ("name", "given", "rule"), INSTRUCTIONS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_instructions(name: str, given: dict[str, Any], rule: Rule) -> None:
    check = CHECKS[name](Arguments(given))
    rng = random.Random(name)
    followed = 0
    for _ in range(TEXTS):
        text = "".join(rng.choices(SAID, k=rng.choice([0, 1, 2, 3, 5, 8])))
        assert check(text) == rule(text), repr(text)
        followed += check(text)
    assert followed >= 3


def test_all_instructions_but_those_of_language_and_grammar_are_restated() -> None:
    told_by_more = {name for name in CHECKS if name.partition(":")[0] in ("language", "change_case")}
    told_by_more.add("length_constraints:number_sentences")
    assert {name for name, _, _ in INSTRUCTIONS} | told_by_more == set(CHECKS)
