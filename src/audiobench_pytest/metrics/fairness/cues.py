"""The words around an option's letter, by language, and the patterns that one template makes of them.

Each language has its ways to say "the answer is C" and "it is not C", in pairs: a cue that is known is known denied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern


@dataclass(frozen=True, slots=True)
class Cues:
    """Words of one language, as patterns.

    Attributes:
        answer: "Answer", with the adjective that may stand before it; may stand before the letter without a verb.
        option: "Option", "letter".
        copula: "Is", between answer and letter, or before the letter by itself.
        choose: "I choose".
        denied: "Is not", "not", before the letter.
        right: What follows a letter that is right.
        wrong: What follows a letter that is not.
        instead: "But", between what is denied and the letter that is right.
    """

    answer: str
    option: str
    copula: str = ""
    choose: str = ""
    denied: str = ""
    right: str = ""
    wrong: str = ""
    instead: str = ""


CUES: Mapping[str, Cues] = {
    "en": Cues(
        answer=r"answer|choice",
        option="option|letter|choice",
        copula=r"(?:answer|option|choice)\s+(?:is|would be|should be|must be)",
        denied=r"is(?:n't| not)",
        instead="but",
    ),
    "es": Cues(
        answer="respuesta(?: correcta)?|soluci[oó]n",
        option="opci[oó]n(?: correcta)?|letra|alternativa|respuesta",
        copula="es|ser[ií]a",
        choose="elijo|escojo|selecciono|elegir[ií]a",
        denied=r"no\s+(?:es|ser[ií]a)|no(?=\s+la\s)",
        right=r"\s+(?:es|ser[ií]a)\s+(?:la\s+)?(?:respuesta\s+|opci[oó]n\s+)?correct[ao]",
        wrong=r"\s+(?:no\s+es|es\s+(?:incorrect|fals))",
        instead="sino|es",
    ),
    "fr": Cues(
        answer="(?:bonne |la )?r[ée]ponse(?: correcte)?",
        option="option|lettre|r[ée]ponse|choix",
        copula="est|serait",
        choose="choisis|choisirais",
        denied=r"n['’](?:est|[ée]tait)\s+pas|pas",
        right=r"\s+est\s+(?:la\s+)?(?:bonne|correcte?|juste|exacte?)",
        wrong=r"\s+(?:n['’]est\s+pas|est\s+(?:fauss|incorrect))",
        instead="mais|c['’]est",
    ),
    "de": Cues(
        answer="(?:richtige |korrekte )?(?:antwort|l[öo]sung)",
        option="option|antwort|buchstabe",
        copula="ist|lautet|w[äa]re",
        choose="w[äa]hle|nehme",
        denied=r"(?:ist|w[äa]re)\s+nicht|nicht|kein(?:e)?",
        right=r"\s+ist\s+(?:die\s+)?(?:richtig|korrekt)",
        wrong=r"\s+ist\s+(?:nicht|falsch|unrichtig)",
        instead="sondern",
    ),
    "it": Cues(
        answer="risposta(?: corretta| giusta)?",
        option="opzione|lettera|risposta",
        copula="è|sarebbe",
        choose="scelgo|sceglierei",
        denied=r"non\s+è|non",
        right=r"\s+è\s+(?:la\s+)?(?:risposta\s+)?(?:corrett|giust)",
        wrong=r"\s+(?:non\s+è|è\s+(?:sbagliat|errat))",
        instead="ma|bensì",
    ),
    "pt": Cues(
        answer="resposta(?: correta| certa)?",
        option="op[çc][ãa]o(?: correta)?|letra|alternativa(?: correta)?|resposta",
        copula="é|seria",
        choose="escolho|escolheria",
        denied=r"n[ãa]o\s+é|n[ãa]o",
        right=r"\s+é\s+(?:a\s+)?(?:resposta\s+|op[çc][ãa]o\s+)?(?:corret|cert)",
        wrong=r"\s+(?:n[ãa]o\s+é|(?:é|est[áa])\s+(?:incorret|errad))",
        instead="mas|e sim",
    ),
    "nl": Cues(
        answer="(?:juiste |correcte )?antwoord",
        option="optie|antwoord|letter",
        copula=r"antwoord\s+is",
        choose="kies",
        denied=r"is\s+niet|niet",
        right=r"\s+is\s+(?:het\s+)?(?:juist|correct|goed)",
        wrong=r"\s+is\s+(?:niet|fout|onjuist)",
        instead="maar",
    ),
    "pl": Cues(
        answer="(?:prawidłow[aą] |poprawn[aą] )?odpowied[źz]",
        option="opcja|odpowied[źz]|litera",
        copula="to",
        choose="wybieram",
        denied=r"nie\s+(?:jest\s+)?|to\s+nie(?:\s+jest)?",
        right=r"\s+jest\s+(?:poprawn|prawidłow)",
        wrong=r"\s+(?:nie\s+jest|jest\s+(?:błędn|niepoprawn))",
        instead="lecz|ale|tylko",
    ),
    "cs": Cues(
        answer="(?:správná )?odpověď",
        option="možnost|odpověď",
        copula="je",
        choose="volím|vybírám",
        denied="není|ne",
        right=r"\s+je\s+správn",
        wrong=r"\s+(?:není|je\s+špatn)",
        instead="ale",
    ),
    "ro": Cues(
        answer="răspunsul(?: corect)?",
        option="opțiunea|varianta",
        copula="este|e",
        choose="aleg",
        denied=r"nu\s+(?:este|e)|nu",
        right=r"\s+este\s+(?:răspunsul\s+)?corect",
        wrong=r"\s+(?:nu\s+este|este\s+greșit)",
        instead="ci",
    ),
    "sv": Cues(
        answer="(?:rätt |rätta )?svar(?:et)?",
        option="alternativ|svar",
        copula="är|er",
        choose="väljer",
        denied=r"(?:är|er)\s+(?:inte|ikke)|inte|ikke",
        right=r"\s+(?:är|er)\s+(?:rätt|korrekt|riktig)",
        wrong=r"\s+(?:är|er)\s+(?:inte|ikke|fel)",
        instead="utan|men",
    ),
    "fi": Cues(
        answer="(?:oikea )?vastaus", option="vaihtoehto|vastaus", copula="on", choose="valitsen", denied=r"ei\s+ole|ei"
    ),
    "hu": Cues(
        answer="(?:helyes )?válasz",
        option="opció|válasz",
        choose="választom a",
        denied="nem",
        wrong=r"\s+(?:nem|hibás)",
    ),
    "el": Cues(
        answer="(?:σωστή )?απάντηση", option="επιλογή", copula="είναι", choose="επιλέγω", denied=r"δεν\s+είναι|όχι"
    ),
    "ru": Cues(
        answer="(?:правильный |верный )?ответ",
        option="вариант|ответ|буква",
        copula="это",
        choose="выбираю",
        denied=r"не|не\s+является",
        right=r"\s*[-–—]?\s*(?:верн|правильн)",
        wrong=r"\s*[-–—]?\s*(?:неверн|неправильн|не\s)",
        instead="а",
    ),
    "uk": Cues(
        answer="(?:правильна )?відповідь",
        option="варіант|відповідь",
        copula="це",
        choose="обираю|вибираю",
        denied="не",
        right=r"\s*[-–—]?\s*(?:вірн|правильн)",
        wrong=r"\s*[-–—]?\s*(?:невірн|неправильн|не\s)",
        instead="а",
    ),
    "tr": Cues(
        answer="(?:doğru )?(?:cevap|yanıt)",
        option="seçenek|şık",
        choose="seçiyorum",
        right=r"\s+(?:şıkkı|seçeneği|doğru)(?!\s+değil)",
        wrong=r"(?:\s+(?:şıkkı|seçeneği|doğru))?\s+değil|\s+yanlış",
    ),
    "id": Cues(
        answer="jawaban(?:nya)?(?: yang benar)?|jawapan(?:nya)?",
        option="opsi|pilihan|jawaban",
        copula="adalah|ialah",
        choose="memilih|pilih",
        denied="bukan(?:lah)?",
        right=r"\s+(?:adalah\s+)?(?:benar|betul)",
        wrong=r"\s+(?:adalah\s+)?(?:salah|bukan)",
        instead="melainkan|tetapi",
    ),
    "vi": Cues(
        answer="(?:đáp án|câu trả lời)(?: đúng)?",
        option="đáp án|phương án|lựa chọn",
        copula="là",
        choose="chọn",
        denied=r"không\s+phải(?:\s+là)?|không\s+chọn",
        right=r"\s+(?:là\s+)?(?:đúng|chính xác)",
        wrong=r"\s+(?:là\s+)?(?:sai|không)",
        instead="mà là|mà",
    ),
    "hi": Cues(
        answer="(?:सही )?(?:उत्तर|जवाब|विकल्प)",
        option="विकल्प",
        copula="है",
        right=r"\s+(?:सही\s+)?है(?![ंँ])",
        wrong=r"\s+(?:सही\s+)?(?:नहीं|ग़लत|गलत)",
    ),
    "bn": Cues(answer="(?:সঠিক )?উত্তর", option="বিকল্প", copula="হল|হলো", wrong=r"\s+(?:নয়|ভুল)"),
    "ta": Cues(answer="(?:சரியான )?(?:பதில்|விடை)", option="விருப்பம்", wrong=r"\s+(?:அல்ல|தவறு)"),
    "th": Cues(
        answer="คำตอบ(?:ที่ถูกต้อง|ที่ถูก)?|ตอบ",
        option="ข้อ|ตัวเลือก",
        copula="คือ|เป็น",
        choose="เลือก",
        denied="ไม่ใช่",
        wrong=r"\s*(?:ผิด|ไม่)",
    ),
    "ja": Cues(
        answer="答え|正解|回答|解答",
        option="選択肢",
        copula="は",
        right=r"\s*(?:です|でしょう|だと思|が正解|が正しい|が答え|を選|だ(?:[。.]|$))",
        wrong=r"\s*(?:では|じゃ)(?:ない|ありません|なく)|\s*(?:は|が)?(?:間違|違い|違う|不正解)",
    ),
    "ko": Cues(
        answer="정답|답변|답",
        option="선택지|보기",
        copula="은|는",
        right=r"\s*번?\s*(?:가|이|이가)?\s*(?:정답|답|맞|옳)|\s*번?\s*(?:입니다|예요|이에요)|번",
        wrong=r"\s*번?\s*(?:가|이|은|는)\s*(?:아니|아닙|아닌|틀)",
    ),
    "zh": Cues(
        answer="答案|正确选项|正確選項|正解",
        option="选项|選項",
        copula="是|为|為|应为",
        choose="应选|應選|选择|選擇|选|選",
        denied="不是|并非|並非|不选|不選|而非|非",
        right=r"\s*(?:选项|選項|项|項)?\s*(?:是|才是)?(?:正确|对的|對的|正確|正解)|\s*[项項](?=\W|$)",
        wrong=r"\s*(?:选项|選項|项|項)?\s*(?:是)?(?:不正确|不正確|错|錯|不对|不對|不是)",
        instead="而是|而选|应该是",
    ),
    "ar": Cues(
        answer="(?:الإجابة|الجواب)(?: الصحيحة?)?",
        option="الخيار|الإجابة|الحرف",
        copula="هي|هو",
        choose="أختار",
        denied="ليست|ليس",
        right=r"\s+(?:هي|هو)?\s*(?:صحيح|الصحيح)",
        wrong=r"\s+(?:ليس|خطأ|خاطئ)",
        instead="بل",
    ),
    "fa": Cues(
        answer="(?:پاسخ|جواب)(?: درست| صحیح)?", option="گزینه", right=r"\s+(?:درست\s+)?است", wrong=r"\s+نیست|\s+غلط"
    ),
    "he": Cues(
        answer="התשובה(?: הנכונה)?",
        option="אפשרות|תשובה",
        copula="היא|הוא",
        choose="בוחר",
        denied="לא|אינה|אינו",
        wrong=r"\s+(?:לא|שגוי)",
    ),
}
"""By language; what it lacks is said otherwise there, or not at all."""

_ARTICLE = r"(?:(?:la|le|el|die|der|das|a|o|de|il|lo|l['’]|het|the|en|to|is|es|est|ist|è|é|jest|son|că)\s*)?"
_NO_LETTER = r"(?<![A-Za-zÀ-ɏ])"
_NOTHING = r"(?!)"


def _letter(name: str) -> str:
    return rf"[(\[「『“\"'*]*(?P<{name}>(?-i:[A-Z]))(?![A-Za-zÀ-ɏ0-9])"


def _before(words: str, *, needs_space: bool = True) -> str:
    return rf"(?<![^\W\d_]){words}" if needs_space else words


def _patterns(denied: bool) -> Iterator[str]:
    for number, (language, cues) in enumerate(CUES.items()):
        # Scripts without spaces, and those that write a particle onto its word, know no border of a word.
        border = language not in ("zh", "ja", "ko", "th")
        option = rf"(?:(?:{cues.option})\s*)?"
        tail = rf"{_ARTICLE}{option}"
        if denied:
            if cues.denied:
                yield _before(rf"(?:{cues.denied})\s*{tail}", needs_space=border) + _letter(f"d{number}")
            continue
        link = rf"(?:\s*(?:{cues.copula}))?" if cues.copula and language != "en" else ""
        yield _before(rf"(?:{cues.answer}){link}\s*[:=–—-]?\s*{tail}", needs_space=border) + _letter(f"a{number}")
        if cues.copula and border and language not in ("pl", "id", "hi", "ro", "fi", "cs", "sv"):
            yield _before(rf"(?:{cues.copula})\s+{tail}") + _letter(f"c{number}")
        if cues.copula and not border and language == "th":
            yield rf"(?:{cues.copula})\s*{tail}" + _letter(f"c{number}")
        if cues.choose:
            yield _before(rf"(?:{cues.choose})\s*{tail}", needs_space=border) + _letter(f"v{number}")
        if cues.instead:
            yield rf"[,，、]\s*(?:{cues.instead})\s*{tail}" + _letter(f"i{number}")


def _after(which: str) -> str:
    found = [getattr(cues, which) for cues in CUES.values()]
    return "|".join(one for one in found if one) or _NOTHING


SAID = LazyPattern("|".join(f"(?:{one})" for one in _patterns(denied=False)), re.IGNORECASE)
"""A cue and the letter that it names, in one of the named groups."""

DENIED = LazyPattern("|".join(f"(?:{one})" for one in _patterns(denied=True)), re.IGNORECASE)
"""A denial and the letter that it denies, in one of the named groups."""

LETTER = LazyPattern(rf"{_NO_LETTER}[A-Z](?![A-Za-zÀ-ɏ0-9])")
"""A capital that stands by itself, perhaps between letters of another script."""

SAID_AFTER = LazyPattern(rf"{_NO_LETTER}([A-Z])(?![A-Za-zÀ-ɏ0-9])(?:{_after('right')})")
DENIED_AFTER = LazyPattern(rf"{_NO_LETTER}([A-Z])(?![A-Za-zÀ-ɏ0-9])(?:{_after('wrong')})")

_OPTIONS = "|".join(f"(?:{cues.option}|{cues.answer})" for cues in CUES.values())
BARE_OPTION = LazyPattern(rf"\W*(?:(?:la|die|l['’]|a)\s*)?(?:{_OPTIONS})\s*[:：]?\s*([A-Z])\W*", re.IGNORECASE)
"""A reply that is the word for option, in any language, and a letter."""
