"""Signs, percent and currencies: heard, so that leaving one out is an error, and written as a symbol or as a word.

Symbol and word become one token, whatever form the word has (`20 %`, `20 procent`, `20 procentów`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_PERCENT = (
    r"percents?|per ?cent[oi]?|prozente?|pour ?cent|por ?ciento|por ?cento|percento|ehuneko|"
    r"procent(?:o|ów|y|u|em|e|et|a|i|en|ų|us|ai|iem)?|prosent(?:tia|ti|in|er|ene)?|protsen(?:t|ti|ta)|"
    r"százalék(?:a|ot|os|kal)?|persen|peratus|yüzde|faiz|phần trăm|odstot(?:ek|ka|ki|kov)|posto|porsyento|asilimia|"
    r"процент(?:а|ов|ы|у|ом|и)?|відсот(?:ок|ки|ків|ка|ку)|працэнт(?:а|аў|ы)?|на сто|пайыз|пайызы|хувь|"
    r"τοις εκατ[οό]|տոկոս|პროცენტი|"
    r"بالمئة|بالمائة|في المئة|في المائة|في المية|درصد|فیصد|سلنه|אחוז(?:ים)?|"
    r"प्रतिशत|फ़ीसदी|फीसदी|टक्के|শতাংশ|சதவீதம்|சதவிகிதம்|శాతం|ಪ್ರತಿಶತ|ಶೇಕಡಾ|ശതമാനം|ટકા|ਪ੍ਰਤੀਸ਼ਤ|ପ୍ରତିଶତ"
)
_DOLLAR = (
    r"us ?\$|\$|(?:us[ -])?dollars?|d[óo]lar(?:es|ów|y|a|e|ů|om|ja)?|dollar[oi]|dollar(?:ia|in|er|en)?|dolláro?t?|"
    r"доллар(?:а|ов|ы|у)?|долар(?:а|и|ів|у)?|δολάρι(?:ο|α)?|دولار(?:ات)?|دلار|ڈالر|דולר(?:ים)?|डॉलर|ডলার"
)
_EURO = r"€|euro(?:s|n|a|t|ja|ia|t)?|евро|євро|ευρώ|يورو|یورو|אירו|יורו|यूरो|ইউরো|avro"
_POUND = r"£|pounds?|pfund|livres? sterling|libras?|sterline|sterlina|funt(?:ów|y)?|фунт(?:а|ов|ы)?"
_WORDS = (
    ("percent", rf"[%٪]|(?<![^\W_])(?:{_PERCENT})(?![^\W_])"),
    ("real", r"r\$|(?<![^\W_])(?:real|reais)(?![^\W_])"),
    ("dollar", rf"us ?\$|\$|(?<![^\W_])(?:{_DOLLAR})(?![^\W_])"),
    ("euro", rf"€|(?<![^\W_])(?:{_EURO})(?![^\W_])"),
    ("pound", rf"£|(?<![^\W_])(?:{_POUND})(?![^\W_])"),
    ("yen", r"[¥]|(?<![^\W_])(?:yen|yenes|иен[аы]?|円)(?![^\W_])"),
    (
        "rupee",
        r"₹|(?<![^\W_])(?:rs\.?|rupees?|rup(?:ia|ie|ias|ii)|рупи[йяи]|रुपये|रुपए|रुपया|रुपयों|রুপি|روپے|روپیہ)(?![^\W_])",
    ),
    ("ruble", r"₽|(?<![^\W_])(?:r[ou]bles?|rubel|рубл(?:ь|я|ей|и)|руб\.?)(?![^\W_])"),
    ("won", r"₩|(?<![^\W_])원(?![^\W_])"),
    ("hryvnia", r"₴|(?<![^\W_])(?:гривн(?:я|і|ю)|гривень)(?![^\W_])"),
    ("lira", r"₺|(?<![^\W_])(?:tl|lira|lirası|lire)(?![^\W_])"),
    ("zloty", r"(?<![^\W_])(?:zł|złot(?:y|e|ych))(?![^\W_])"),
    ("shekel", r"₪|(?<![^\W_])שקל(?:ים)?(?![^\W_])"),
    ("dong", r"₫|(?<![^\W_])đồng(?![^\W_])"),
    ("naira", r"₦|(?<![^\W_])naira(?![^\W_])"),
)
_SAID = tuple((re.compile(pattern), f" {token} ") for token, pattern in _WORDS)
_BEFORE_ITS_NUMBER = re.compile(r"(us ?\$|r\$|[$€£¥₹₽₩₴₺₪₫₦฿])\s*(\d[\d.,]*)")
_AFTER_THE_NUMBER = r"\2 \1"
_MINUS = re.compile(
    r"(?<![\w.,])[-−–](?=\d)|(?<![^\W_])(?:минус|мінус|moins|menos|meno|negatif|minusz|ناقص|منفی|מינוס)(?= ?\d)"
)


def spoken_symbols(text: str) -> str:
    """Write a sign, a percent and a currency as one token, symbol and word alike; apply to lower case.

    They are heard, so that leaving one out is an error.
    """
    text = _BEFORE_ITS_NUMBER.sub(_AFTER_THE_NUMBER, _MINUS.sub("minus ", text))
    for pattern, token in _SAID:
        text = pattern.sub(token, text)
    return text


_READ: Mapping[str, Mapping[str, str]] = {
    "ja": {"-": "マイナス", "%": "パーセント", "$": "ドル", "€": "ユーロ", "£": "ポンド", "¥": "円", "°c": "度"},
    "ko": {"-": "마이너스", "%": "퍼센트", "$": "달러", "€": "유로", "£": "파운드", "₩": "원", "¥": "엔", "°c": "도"},
    "th": {"-": "ลบ", "%": "เปอร์เซ็นต์", "$": "ดอลลาร์", "€": "ยูโร", "£": "ปอนด์", "฿": "บาท", "°c": "องศาเซลเซียส"},
    "lo": {"-": "ລົບ", "%": "ເປີເຊັນ", "$": "ໂດລາ", "€": "ເອີໂຣ", "₭": "ກີບ"},
    "km": {"-": "ដក", "%": "ភាគរយ", "$": "ដុល្លារ", "€": "អឺរ៉ូ", "៛": "រៀល"},
    "my": {"-": "အနုတ်", "%": "ရာခိုင်နှုန်း", "$": "ဒေါ်လာ", "€": "ယူရို"},
}
"""What a symbol is read as in a language that is counted in characters."""


def _read_symbols(argument: str | tuple[str, ...]) -> Callable[[str], str]:
    """Make the step that writes a sign, a percent and a currency as the words of a language; apply to lower case.

    Raises:
        ValueError: No reading is known for this language.
    """
    if not isinstance(argument, str) or argument not in _READ:
        raise ValueError(f"must be one of {', '.join(_READ)}")
    table = _READ[argument]
    symbols = {symbol: word for symbol, word in table.items() if symbol != "-"}
    pattern = re.compile("|".join(map(re.escape, symbols)))
    minus = re.compile(r"(?<![0-9A-Za-z.,])[-−–](?=\d)")

    def read(text: str) -> str:
        text = _BEFORE_ITS_NUMBER.sub(_AFTER_THE_NUMBER, minus.sub(table["-"], text))
        return pattern.sub(lambda found: symbols[found[0]], text)

    return read


TEXT_STEPS = {"spoken_symbols": spoken_symbols}
MADE_TEXT_STEPS = {"read_symbols": _read_symbols}
