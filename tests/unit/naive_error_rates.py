"""Second, naive versions of what error-rate recipes are made of, and texts to compare them on."""

import functools
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterator

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore

PAIRS = 5000  # of a reference and an answer: 10,000 texts

# fmt: off
COMMON = [
    *("Ａ", "ｂ", "５", "，", "。", "（abc）", "(aside)", "[noise]", "<unk>", "<|en|>", "😊", "❤️", "…", "—"),
    *("-", "'", "’", "%", "$", "+", "a.b", "3.5", "1,000", "12", "007", "B2B", "é", "e\u0301", "ß", "Ø"),
    *("\u200b", "\t", ",", "!", "&amp;"),
]
PIECES = {
    "en": [
        *("the", "colour", "favourite", "theatre", "Mr.", "dr", "isn't", "can't", "won't", "I'm", "we've", "he's got"),
        *("um", "uh", "er", "ah", "hmm", "kinda", "cause", "twenty five", "one hundred", "and a half", "double oh"),
        *("seven", "$20", "fifty percent", "minus 4", "point five", "2nd", "1990s", "e-mail", "don't", "O.K."),
        *("state", "20", "7"),
    ],
    "zh": [
        *("我", "在", "图书馆", "圖書館", "的", "iPhone", "2008年5月12日", "98年", "3月", "128元", "3块5", "2万"),
        *("20%", "５％", "13800138000", "+86 139", "010-62345678", "3/4", "200个", "15岁", "1024", "00", "3.1415"),
        *("《", "》", "、", "B二B", "22000", "多", "千克", "12:30", "100000", "2", "0"),
    ],
    "ja": [
        *("が", "か゛", "ｶﾞ", "図書館", "パーティー", "で", "、", "。", "２５円", "です", "ー", "Tokyo", "は"),
        "行きます",
    ],
    "ko": ["안녕", "하세요", "여러분", "오늘은", "25", "퍼센트", "좋은", "날", "iPhone", ".", "ㅋㅋ"],
    "hi": ["हिंदी", "भाषा", "मैं", "क़लम", "क\u093cलम", "।", "२५", "हूँ", "बोलता"],
    "th": ["น้ำ", "น้\u0e4d\u0e32", "ข้าว", "ขาว", "ๆ", "๒๕", "ก่", "เก่า"],
    "ar": ["كِتَابٌ", "كتاب", "جميـــل", "،", "؟", "٢٥", "أهلا", "ﷺ", "مؤمن"],
    "fr": ["été", "où", "l'élève", "L’été", "cœur", "25", "euros", "«", "»", "aujourd'hui", "grand-père"],
    "de": ["Größe", "über", "Straße", "STRASSE", "25", "„", "“", "Donau\u00adschiff"],
    "ru": ["Ёлка", "елка", "йод", "25", "рублей", "«", "»"],
}
PIECES["yue"] = [*PIECES["zh"], "佢", "喺", "睇書"]
# fmt: on


def recipe(name: str) -> Recipe:
    """Return a recipe of the catalogue."""
    return Recipe(load_catalog().recipes.get(name))


def pairs(language: str, count: int = PAIRS) -> Iterator[tuple[str, str]]:
    """Yield references and answers made of pieces that the rules look for, the same in each run."""
    rng = random.Random(f"{language} {count}")
    pieces = [*PIECES[language] * 3, *COMMON]
    spaces = ["", " "] if language in ("zh", "yue", "ja", "th") else [" ", " ", " ", "  ", ""]
    for _ in range(count):
        reference = [rng.choice(pieces) for _ in range(rng.randrange(7))]
        answer = [piece for piece in reference if rng.random() < 0.9]
        answer[len(answer) // 2 :] = [
            rng.choice(pieces) if rng.random() < 0.2 else p for p in answer[len(answer) // 2 :]
        ]
        yield (
            "".join(piece + rng.choice(spaces) for piece in reference),
            "".join(piece + rng.choice(spaces) for piece in answer),
        )


def edits(reference: list[str], prediction: list[str]) -> int:
    """Return the edit distance by the table of Wagner and Fischer."""
    if reference == prediction:
        return 0
    row = list(range(len(prediction) + 1))
    for i, said in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, heard in enumerate(prediction, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (said != heard))
    return row[-1]


def disagreements(
    name: str, language: str, tokens: Callable[[str], list[str]], of_answer: Callable[[str], str] = lambda text: text
) -> list[tuple[str, str, object, object]]:
    """Return the pairs on which a recipe's errors and units are not those of a naive rule.

    Args:
        name: The recipe.
        language: The language.
        tokens: The naive rule: from a raw text to what is counted.
        of_answer: What is done to the answer before.
    """
    scored = recipe(name)
    found = []
    for reference, answer in pairs(language):
        numbers = scored.score(Item(reference, answer, language)).numbers
        said = tokens(reference)
        expected = (edits(said, tokens(of_answer(answer))), len(said))
        if (numbers["errors"], numbers["units"]) != expected:
            found.append((reference, answer, (numbers["errors"], numbers["units"]), expected))
    return found


def values(name: str, language: str, scores: list[SampleScore]) -> dict[str, float]:
    """Return the values of a recipe over samples of one language, as its quantities name them."""
    import numpy as np

    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array(sum(score.numbers.get(name, 0.0) for score in scores)) for name in names}
    scored = recipe(name)
    found = scored.values(sums)
    return {quantity.name: float(found[quantity.name]) for quantity in scored.quantities([language])}


@functools.cache
def _whisper() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser = EnglishTextNormalizer()
    for added in ("kinda", "sorta", "dunno", "cause"):  # by the package, not by OpenAI
        del normaliser.replacers[rf"\b{added}\b"]
    return normaliser


def whisper_english(text: str) -> str:
    """Apply the package's normaliser with OpenAI's contractions only; numbers it cannot read stay."""
    try:
        return _whisper()(text)
    except (AssertionError, ValueError):
        from audiobench_pytest.metrics.text.whisper import whisper_english_openai

        return whisper_english_openai(text)


def sacrebleu_tokens(name: str) -> Callable[[str], list[str]]:
    """Return the splitter of one of sacrebleu's tokenizers."""
    from sacrebleu.metrics import BLEU

    tokenize = BLEU(tokenize=name).tokenizer
    return lambda text: tokenize(text).split()


def without_punctuation(tokens: list[str]) -> list[str]:
    """Leave out tokens made only of punctuation marks."""
    return [token for token in tokens if {unicodedata.category(char)[0] for char in token} != {"P"}]


BIG = "百千万亿兆京垓秭穰沟涧正载"
POWERS = dict(zip("十百千万亿兆京垓秭穰沟涧正载", [1, 2, 3, 4, *range(8, 48, 4)], strict=True))


def spell(number: str) -> str:
    """Read a number out as SpeechIO's normaliser does."""
    whole, _, decimals = number.partition(".")
    said = _say(int(whole), padded=whole.startswith("0")) if len(whole) > 1 else one_by_one(whole)
    said = re.sub(f"(?<![^{BIG}])二(?=[{BIG}])", "两", said)
    if decimals:
        said = f"{said or '零'}点{one_by_one(decimals)}"
    return said[1:] if said.startswith("一十") else said


def _say(value: int, padded: bool) -> str:
    if value < 10:
        return "" if value == 0 else ("零" if padded else "") + one_by_one(str(value))
    unit, power = max(((u, p) for u, p in POWERS.items() if 10**p <= value), key=lambda pair: pair[1])
    high, low = divmod(value, 10**power)
    return _say(high, padded) + unit + _say(low, padded=low < 10 ** (power - 1))


def one_by_one(digits: str) -> str:
    """Read digits out one by one."""
    return "".join("零一二三四五六七八九"[int(digit)] for digit in digits)


MONEY = "((亿|千万|百万|万|千|百)|(亿|千万|百万|万|千|百|)元|(亿|千万|百万|万|千|百|)块|角|毛|分)"
MEASURES = (
    "([匹张座回场尾条个首阙阵网炮顶丘棵只支袭辆挑担颗壳窠曲墙群腔砣客贯扎捆刀令打手罗坡山岭江溪"
    "钟队单双对出口头脚板跳枝件贴针线管名位身堂课本页家户层丝毫厘分钱两斤铢石钧锱忽寸尺丈里寻常"
    "铺程撮勺合升斗盘碗碟叠桶笼盆盒杯斛锅簋篮罐瓶壶卮盏箩箱煲啖袋钵年月日季刻时周天秒旬纪岁世更"
    "夜春夏秋冬代伏辈丸泡粒幢堆根道面片块]|[千毫微]克|[千分厘毫微]米)"
)
MARKS = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃《》「」『』【】〔〕〖〗"
    "〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏·〈〉" + string.punctuation
)


def cn_tn(text: str) -> str:
    """Apply SpeechIO's Chinese normaliser, one rule after the other, each to the first text that equals its find."""

    def date(found: str) -> str:
        parts = re.fullmatch(r"(?:(\d+)年)?(?:(\d+)月(?:(\d+)([日号]))?)?", found)
        assert parts is not None
        year, month, day, word = parts.groups()
        return (
            (one_by_one(year) + "年" if year else "")
            + (spell(month) + "月" if month else "")
            + (spell(day) + word if day else "")
        )

    def money(found: str) -> str:
        for number in re.findall(r"\d+(?:\.\d+)?", found):
            found = found.replace(number, spell(number))
        return found

    def digits(found: str) -> str:
        return one_by_one(re.sub(r"\D", "", found))

    rules: list[tuple[str, Callable[[str], str]]] = [
        (r"\D+((?:(?:[089]\d|(?:19|20)\d{2})年)?(?:\d{1,2}月(?:\d{1,2}[日号])?)?)", date),
        (rf"\D+(\d+(?:\.\d+)?[多余几]?{MONEY}(?:\d{MONEY}?)?)", money),
        (r"\D((?:\+?86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8})\D", digits),
        (r"\D((?:0(?:10|2[1-3]|[3-9]\d{2})-?)?[1-9]\d{6,7})\D", digits),
        (r"(\d+/\d+)", lambda found: "分之".join(map(spell, reversed(found.split("/"))))),
        (r"(\d+(?:\.\d+)?%)", lambda found: "百分之" + spell(found[:-1])),
        (rf"(\d+(?:\.\d+)?)[多余几]?{MEASURES}", spell),
        (r"(\d{4,32})", one_by_one),
        (r"(\d+(?:\.\d+)?)", spell),
    ]
    text = f"^{text}$"
    for number, (pattern, read) in enumerate(rules):
        text = text.replace("％", "%") if number == 5 else text
        for found in [match[1] for match in re.finditer(pattern, text)]:
            text = text.replace(found, read(found), 1)
    for left, right in re.findall("([a-zA-Z]+)二([a-zA-Z]+)", text):
        text = text.replace(f"{left}二{right}", f"{left}2{right}", 1)
    text = text.lstrip("^").rstrip("$")
    return "".join(" " if char in MARKS else char for char in text)
