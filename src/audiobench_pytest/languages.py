"""Languages by any of the names they go by; one function for every entrance, so that none is guessed."""

from __future__ import annotations

import functools
import re

from audiobench_pytest.errors import UnknownNameError

_MEANT = dict(
    pair.split("=")
    for pair in [
        "jp=ja",
        "cn=zh",
        "kr=ko",
        "tw=zh-TW",
        "hk=zh-HK",
        "ua=uk",
        "cz=cs",
        "dk=da",
        "gr=el",
        "vn=vi",
        "sp=es",
        "wu=wuu",
        "zh-cn=zh-CN",
    ]
)
"""What a country's code, or another code that is none, is written for."""

_NAMES = dict(
    pair.split("=")
    for pair in [
        "afrikaans=af",
        "albanian=sq",
        "amharic=am",
        "arabic=ar",
        "armenian=hy",
        "assamese=as",
        "azerbaijani=az",
        "basque=eu",
        "belarusian=be",
        "bengali=bn",
        "bosnian=bs",
        "breton=br",
        "bulgarian=bg",
        "burmese=my",
        "cantonese=yue",
        "catalan=ca",
        "chinese=zh",
        "mandarin=zh",
        "croatian=hr",
        "czech=cs",
        "danish=da",
        "dutch=nl",
        "english=en",
        "esperanto=eo",
        "estonian=et",
        "filipino=fil",
        "finnish=fi",
        "flemish=nl",
        "french=fr",
        "galician=gl",
        "georgian=ka",
        "german=de",
        "greek=el",
        "guarani=gn",
        "gujarati=gu",
        "hausa=ha",
        "hawaiian=haw",
        "hebrew=he",
        "hindi=hi",
        "hokkien=nan",
        "hungarian=hu",
        "icelandic=is",
        "igbo=ig",
        "indonesian=id",
        "irish=ga",
        "italian=it",
        "japanese=ja",
        "javanese=jv",
        "kannada=kn",
        "kazakh=kk",
        "khmer=km",
        "korean=ko",
        "kurdish=ku",
        "kyrgyz=ky",
        "lao=lo",
        "latin=la",
        "latvian=lv",
        "lithuanian=lt",
        "luxembourgish=lb",
        "macedonian=mk",
        "malagasy=mg",
        "malay=ms",
        "malayalam=ml",
        "maltese=mt",
        "maori=mi",
        "marathi=mr",
        "minnan=nan",
        "mongolian=mn",
        "nepali=ne",
        "norwegian=no",
        "odia=or",
        "oriya=or",
        "pashto=ps",
        "persian=fa",
        "farsi=fa",
        "polish=pl",
        "portuguese=pt",
        "punjabi=pa",
        "panjabi=pa",
        "quechua=qu",
        "romanian=ro",
        "russian=ru",
        "samoan=sm",
        "sanskrit=sa",
        "serbian=sr",
        "shanghainese=wuu",
        "sindhi=sd",
        "sinhala=si",
        "sinhalese=si",
        "slovak=sk",
        "slovenian=sl",
        "somali=so",
        "sorani=ckb",
        "spanish=es",
        "sundanese=su",
        "swahili=sw",
        "swedish=sv",
        "tagalog=tl",
        "tajik=tg",
        "tamil=ta",
        "tatar=tt",
        "telugu=te",
        "thai=th",
        "tibetan=bo",
        "turkish=tr",
        "turkmen=tk",
        "ukrainian=uk",
        "urdu=ur",
        "uyghur=ug",
        "uzbek=uz",
        "vietnamese=vi",
        "welsh=cy",
        "wu=wuu",
        "xhosa=xh",
        "yiddish=yi",
        "yoruba=yo",
        "zulu=zu",
        "asturian=ast",
        "bangla=bn",
        "bashkir=ba",
        "bokmal=nb",
        "bokmål=nb",
        "castilian=es",
        "cebuano=ceb",
        "chichewa=ny",
        "dari=fa-AF",
        "dhivehi=dv",
        "faroese=fo",
        "frisian=fy",
        "fulah=ff",
        "ganda=lg",
        "luganda=lg",
        "haitian=ht",
        "haitian creole=ht",
        "ilocano=ilo",
        "kinyarwanda=rw",
        "kurmanji=ku",
        "letzeburgesch=lb",
        "lingala=ln",
        "moldavian=ro",
        "moldovan=ro",
        "myanmar=my",
        "nynorsk=nn",
        "occitan=oc",
        "oromo=om",
        "pushto=ps",
        "scottish gaelic=gd",
        "serbo-croatian=sr-Latn",
        "sesotho=st",
        "shona=sn",
        "swiss german=gsw",
        "taiwanese=nan",
        "tigrinya=ti",
        "tswana=tn",
        "valencian=ca",
        "wolof=wo",
        "modern standard arabic=ar",
        "egyptian arabic=arz",
        "american english=en-US",
        "british english=en-GB",
        "mandarin chinese=zh",
        "simplified chinese=zh-Hans",
        "traditional chinese=zh-Hant",
        "cantonese chinese=yue",
        "wu chinese=wuu",
        "min nan chinese=nan",
        "brazilian portuguese=pt-BR",
        "european portuguese=pt-PT",
        "norwegian bokmål=nb",
        "norwegian bokmal=nb",
        "norwegian nynorsk=nn",
    ]
)
"""English names; those of a language that has several are all here."""


_NONE = frozenset({"mul", "und", "zxx", "mis"})
"""Codes that say that there is no one language, or none: nothing can be scored by the rule of one."""


@functools.lru_cache(1024)
def known_language(name: str) -> str:
    """Return the tag of a language: `ja` of `jpn`, `jp`, `Japanese`; `zh-Hant-TW` of `cmn_hant_tw`; `yue` of `zh-yue`.

    Args:
        name: A code of ISO 639 with or without script and region (BCP 47, `_` for `-`), or an English name.

    Raises:
        UnknownNameError: There is no such language; the message lists close matches.
    """
    folded = name.strip().casefold().replace("_", "-")
    if folded in _NAMES:
        return _NAMES[folded]
    if folded.split("-")[0] in _NONE:
        raise UnknownNameError("language", name, _NAMES)
    tag = _MEANT.get(folded, folded)
    import langcodes

    try:
        found = str(langcodes.standardize_tag(tag, macro=True))
        if langcodes.tag_is_valid(found) and found != "und":
            return found
    except langcodes.LanguageTagError:
        pass
    raise UnknownNameError("language", name, _NAMES)


def stated_language(value: object) -> str | None:
    """Return the tag of a language as a row states it, or None where it states none.

    Raises:
        ValueError: It is something else than text, or there is no such language; says what and names close matches.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise ValueError(f"the language is {value!r:.60}, not a text such as 'en'")
    try:
        return known_language(value)
    except UnknownNameError as exc:
        raise ValueError(str(exc)) from None


_SCRIPTS = {
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "Kana": "\u3040-\u30ff",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Hebrew": "\u0590-\u05ff",
    "Thai": "\u0e00-\u0e7f",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Gujarati": "\u0a80-\u0aff",
    "Odia": "\u0b00-\u0b7f",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Kannada": "\u0c80-\u0cff",
    "Malayalam": "\u0d00-\u0d7f",
    "Sinhala": "\u0d80-\u0dff",
    "Lao": "\u0e80-\u0eff",
    "Tibetan": "\u0f00-\u0fff",
    "Burmese": "\u1000-\u109f",
    "Georgian": "\u10a0-\u10ff\u1c90-\u1cbf",
    "Armenian": "\u0530-\u058f",
    "Ethiopic": "\u1200-\u139f",
    "Khmer": "\u1780-\u17ff",
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}
_LATIN = (
    "af ca cs cy da de en es et eu fi fr ga gl hr hu id is it lt lv ms mt nb nl nn no pl pt ro sk sl sq sv sw tr vi"
)
_WRITTEN_IN = {
    **dict.fromkeys(("zh", "yue", "wuu", "nan", "hak", "cmn"), ("Han",)),
    "ja": ("Kana", "Han"),
    "ko": ("Hangul", "Han"),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk"), ("Cyrillic",)),
    "el": ("Greek",),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug"), ("Arabic",)),
    **dict.fromkeys(("he", "yi"), ("Hebrew",)),
    "th": ("Thai",),
    **dict.fromkeys(("hi", "mr", "ne"), ("Devanagari",)),
    **dict.fromkeys(("bn", "as"), ("Bengali",)),
    "gu": ("Gujarati",),
    "or": ("Odia",),
    "ta": ("Tamil",),
    "te": ("Telugu",),
    "kn": ("Kannada",),
    "ml": ("Malayalam",),
    "si": ("Sinhala",),
    "lo": ("Lao",),
    "bo": ("Tibetan",),
    "my": ("Burmese",),
    "ka": ("Georgian",),
    "hy": ("Armenian",),
    **dict.fromkeys(("am", "ti"), ("Ethiopic",)),
    "km": ("Khmer",),
    **dict.fromkeys(_LATIN.split(), ("Latin",)),
}
"""Scripts of languages that have few; of others nothing is claimed."""

_FEWEST_LETTERS = 4
"""Below, a name or an abbreviation may well be the whole text."""


@functools.cache
def _letters(script: str) -> re.Pattern[str]:
    return re.compile(f"[{_SCRIPTS[script]}]")


def other_script(code: str, text: str) -> str:
    """Return the script that a text is written in for the most part where its language is written in another; else "".

    Args:
        code: ISO 639 code of the language, whatever region or script follows it.
        text: Any text.
    """
    language, *others = code.split("-")
    own = _WRITTEN_IN.get(language.lower())
    if any(len(part) == 4 and part.isalpha() and part not in ("Hans", "Hant") for part in others):
        return ""  # a script of its own, as in sr-Latn
    if own is None or any(_letters(script).search(text) for script in own):
        return ""
    counts = {script: len(_letters(script).findall(text)) for script in _SCRIPTS if script not in own}
    most = max(counts, key=lambda script: counts[script])
    # English words inside Chinese are no mistake of the language; a sentence without one Chinese character may be.
    return most if counts[most] >= _FEWEST_LETTERS else ""


@functools.lru_cache(1024)
def macro_language(code: str) -> str:
    """Return the language that a code is a variety of (`ar` of `arz`, `zh` of `wuu`), or the code's own language."""
    from langcodes.data_dicts import MACROLANGUAGES

    language = code.casefold().partition("-")[0]
    return str(MACROLANGUAGES.get(language, language))


@functools.cache
def english_name(code: str) -> str:
    """Return the English name of a language: `Chinese` of `zh-CN`; the code itself where it has none here."""
    names = {tag: name for name, tag in reversed(_NAMES.items())}
    tag = known_language(code)
    return next((names[part].capitalize() for part in (tag, tag.split("-")[0]) if part in names), code)
