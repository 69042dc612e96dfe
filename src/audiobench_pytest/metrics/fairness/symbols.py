"""Signs, percent and currencies: heard, so that leaving one out is an error, and written as a symbol or as a word.

Symbol and word become one token, whatever form the word has (`20 %`, `20 procent`, `20 procentów`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from audiobench_pytest.metrics.fairness.letters import marks_to_space

_SYMBOLS = {
    "%": "percent",
    "٪": "percent",
    "us$": "dollar",
    "us $": "dollar",
    "r$": "real",
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "₹": "rupee",
    "₽": "ruble",
    "₩": "won",
    "₴": "hryvnia",
    "₺": "lira",
    "₪": "shekel",
    "₫": "dong",
    "₦": "naira",
    "฿": "baht",
}
_SYMBOL = re.compile("|".join(map(re.escape, sorted(_SYMBOLS, key=len, reverse=True))))
_ANY_SYMBOL = re.compile("[%٪$€£¥₹₽₩₴₺₪₫₦฿]")
_BEFORE_ITS_NUMBER = re.compile(r"((?:us ?|r)?[$€£¥₹₽₩₴₺₪₫₦฿])\s*(\d[\d.,]*)")
_MINUS = re.compile(r"(?<![\w.,])[-−–](?=\d)")

_FORMS = """
percent: percent percents percento prozent prozente procent procento procentów procenty procentu procentem procenta
percent: procente procentų procentus procentai procents procenti prosent prosenttia prosentti prosenter protsenti
percent: protsent százalék százaléka százalékot százalékos persen peratus yüzde faiz odstotek odstotka odstotki
percent: odstotkov posto porsyento asilimia ehuneko porciento porcento percentuale pourcent
percent: процент процента процентов проценты проценту процентом проценти відсоток відсотки відсотків відсотка
percent: працэнт працэнта працэнтаў пайыз пайызы хувь տոկոս პროცენტი بالمئة بالمائة درصد فیصد سلنه אחוז אחוזים
percent: प्रतिशत फ़ीसदी फीसदी टक्के শতাংশ சதவீதம் சதவிகிதம் శాతం ಪ್ರತಿಶತ ಶೇಕಡಾ ശതമാനം ટકા ਪ੍ਰਤੀਸ਼ਤ ପ୍ରତିଶତ
dollar: dollar dollars dólar dólares dolar dolares dolarów dolary dolara dolare dolarů dolarja dollari dollaro dollaria
dollar: dollarin dollaren dollár dollárt доллар доллара долларов доллары доллару долар долара долари доларів долару
dollar: δολάριο δολάρια دولار دولارات دلار ڈالر דולר דולרים डॉलर ডলার
euro: euro euros euron euroa eurot eur euró avro евро євро ευρώ يورو یورو אירו יורו यूरो ইউরো
pound: pound pounds pfund libra libras sterlina sterline funt funtów funty фунт фунта фунтов фунты
yen: yen yenes иена иены иен єн
rupee: rs rupee rupees rupia rupias rupie rupii рупия рупии рупий रुपये रुपए रुपया रुपयों রুপি روپے روپیہ
ruble: ruble rubles rouble roubles rubel рубль рубля рублей рубли руб
real: real reais
won: 원
hryvnia: гривня гривні гривню гривень
lira: tl lira lirası lire
zloty: zł złoty złote złotych
shekel: שקל שקלים
dong: đồng
naira: naira
"""
_TOKENS = {
    form: token
    for line in _FORMS.split("\n")
    if line
    for token, _, forms in [line.partition(":")]
    for form in forms.split()
}
"""What a word stands for; of one token all forms are one, since a symbol has none."""

_PHRASES: Mapping[str, str] = {
    **dict.fromkeys(("per cent", "pour cent", "por ciento", "por cento", "per cento", "phần trăm"), "percent"),
    **dict.fromkeys(("τοις εκατό", "τοις εκατο", "في المئة", "في المائة", "في المية", "на сто"), "percent"),
}
_LAST_OF_PHRASES = frozenset(phrase.split()[-1] for phrase in _PHRASES)
_PHRASE = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, _PHRASES))})(?!\S)")
_MINUS_WORDS = frozenset(["минус", "мінус", "moins", "menos", "meno", "negatif", "minusz", "ناقص", "منفی", "מינוס"])
_DIGITS = frozenset("0123456789")


def _spoken_symbols(text: str) -> str:
    """Write a sign, a percent and a currency as a word of their own, behind the number; apply to lower case.

    They are heard, so that leaving one out is an error.
    """
    text = _MINUS.sub("minus ", text)
    if _ANY_SYMBOL.search(text) is None:
        return text
    return _SYMBOL.sub(lambda found: f" {_SYMBOLS[found[0]]} ", _BEFORE_ITS_NUMBER.sub(r"\2 \1", text))


def _symbol_words(text: str) -> str:
    """Write a word that stands for a symbol as the symbol's own word, whatever its form; apply to words without marks.

    A minus in words is one only before digits.
    """
    words = text.split(" ")
    if not _LAST_OF_PHRASES.isdisjoint(words):
        words = _PHRASE.sub(lambda found: _PHRASES[found[0]], text).split(" ")
    if not _MINUS_WORDS.isdisjoint(words):
        following = [*words[1:], ""]
        words = [
            "minus" if one in _MINUS_WORDS and after[:1] in _DIGITS else one
            for one, after in zip(words, following, strict=True)
        ]
    return " ".join([_TOKENS.get(word, word) for word in words])


def spoken_words(text: str) -> str:
    """Write signs, percent and currencies as words, and their words in any form as these; other marks become spaces.

    Apply to lower case.
    """
    return _symbol_words(marks_to_space(_spoken_symbols(text)))


_READ: Mapping[str, Mapping[str, str]] = {
    "ja": {
        "/": "{1}分の{0}",
        ":": "{0}時{1}分",
        ".": "点",
        "-": "マイナス",
        "%": "パーセント",
        "$": "ドル",
        "€": "ユーロ",
        "£": "ポンド",
        "¥": "円",
        "°c": "度",
    },
    "ko": {
        "/": "{1}분의{0}",
        ":": "{0}시{1}분",
        ".": "점",
        "-": "마이너스",
        "%": "퍼센트",
        "$": "달러",
        "€": "유로",
        "£": "파운드",
        "₩": "원",
        "¥": "엔",
        "°c": "도",
    },
    "th": {
        "/": "เศษ{0}ส่วน{1}",
        ":": "{0}นาฬิกา{1}นาที",
        ".": "จุด",
        "-": "ลบ",
        "%": "เปอร์เซ็นต์",
        "$": "ดอลลาร์",
        "€": "ยูโร",
        "£": "ปอนด์",
        "฿": "บาท",
        "°c": "องศาเซลเซียส",
    },
    "lo": {
        "/": "{0}ສ່ວນ{1}",
        ":": "{0}ໂມງ{1}ນາທີ",
        ".": "ຈຸດ",
        "-": "ລົບ",
        "%": "ເປີເຊັນ",
        "$": "ໂດລາ",
        "€": "ເອີໂຣ",
        "₭": "ກີບ",
    },
    "km": {
        "/": "{0}ភាគ{1}",
        ":": "{0}ម៉ោង{1}នាទី",
        ".": "ក្បៀស",
        "-": "ដក",
        "%": "ភាគរយ",
        "$": "ដុល្លារ",
        "€": "អឺរ៉ូ",
        "៛": "រៀល",
    },
    "my": {"/": "{1}ပုံ{0}ပုံ", ":": "{0}နာရီ{1}မိနစ်", ".": "ဒသမ", "-": "အနုတ်", "%": "ရာခိုင်နှုန်း", "$": "ဒေါ်လာ", "€": "ယူရို"},
}
"""What a symbol is read as in a language that is counted in characters; `.` is the mark of decimals,
`/` a fraction and `:` a clock time, which would be other numbers where spaces do not count."""


_FRACTION = re.compile(r"(?<![\d/.,])(\d{1,3})/(\d{1,3})(?![\d/])")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])")
_POINT = re.compile(r"(?<=\d)[.,](?=\d)")
"""What is left between digits once groups are joined; without it 3.5 would be 35 where spaces do not count."""


def _read_symbols(argument: str | tuple[str, ...]) -> Callable[[str], str]:
    """Make the step that writes a sign, a percent and a currency as the words of a language; apply to lower case.

    Raises:
        ValueError: No reading is known for this language.
    """
    if not isinstance(argument, str) or argument not in _READ:
        raise ValueError(f"must be one of {', '.join(_READ)}")
    table = _READ[argument]
    symbols = {symbol: word for symbol, word in table.items() if symbol not in "-./:"}
    pattern = re.compile("|".join(map(re.escape, symbols)))
    minus = re.compile(r"(?<![0-9A-Za-z.,])[-−–](?=\d)")

    def read(text: str) -> str:
        text = _BEFORE_ITS_NUMBER.sub(r"\2 \1", minus.sub(table["-"], text))
        text = _FRACTION.sub(lambda found: table["/"].format(*found.groups()), text)
        text = _CLOCK.sub(lambda found: table[":"].format(*(str(int(part)) for part in found.groups())), text)
        text = _POINT.sub(table["."], text)
        return pattern.sub(lambda found: symbols[found[0]], text)

    return read


TEXT_STEPS = {"spoken_words": spoken_words}
MADE_TEXT_STEPS = {"read_symbols": _read_symbols}
