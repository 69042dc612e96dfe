"""The recipe `wer/openasr@2026-08`, against values worked out by hand and a straight re-statement of its rules."""

import functools
import random
import re
import sys
import unicodedata
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words
from whisper_normalizer.basic import remove_symbols_and_diacritics
from whisper_normalizer.english import EnglishNumberNormalizer, EnglishTextNormalizer

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import CatalogError, MissingExtraError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.text import openasr_english, openasr_multilingual
from audiobench_pytest.types import State

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=200)
LANGUAGES = ("en", "de", "es", "fr", "it", "pt")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe(load_catalog().recipes.get("wer/openasr@2026-08"))


# fmt: off
ENGLISH = [
    # bracketed spans, fillers (all twenty), words that only begin like one
    ("[laughter] hello (off mic) there <unk>", "hello there"),
    ("ah aha ahh ahm eh ehehe em hm huh hum mhum uhm umm uhuh well", "well"),
    ("Hmm, mm mhm mmm uh um: well", "well"),
    ("uh-huh, get 'em now", "get now"),
    ("ahem, the human hummed", "ahem the human hummed"),
    # 's is "is" after these thirteen words only
    ("it's he's she's what's that's", "it is he is she is what is that is"),
    ("who's here's there's how's", "who is here is there is how is"),
    ("when's where's why's this's", "when is where is why is this is"),
    ("where 's he", "where is he"),
    ("the dog's bone", "the dog s bone"),
    ("everyone's fine", "everyone s fine"),
    ("the dog's been fed, he's got it, let's go", "the dog has been fed he has got it let us go"),
    # the other contractions and the titles are Whisper's
    ("I can't, we won't, they've", "i can not we will not they have"),
    ("Mr. Brown and Dr. Jones", "mister brown and doctor jones"),
    # compounds, before numbers are read ("o" is a nought)
    ("the wi-fi and hi-fi, lo fi sci-fi", "the wifi and hifi lofi scifi"),
    ("e-mail, e-book, E commerce", "email ebook ecommerce"),
    ("an X-ray of a T-shirt", "an xray of a tshirt"),
    ("all right, al right, how ever, et cetera", "alright alright however etc"),
    ("at 5 p.m. or 11 A.M.", "at 5 pm or 11 am"),
    ("O.K. then", "okay then"),
    # numbers
    ("twenty-five apples in nineteen eighty four", "25 apples in 1984"),
    ("$20 million or fifty percent", "$20000000 or 50%"),
    ("1,250,000 people", "1250000 people"),
    ("a $ sign and a % sign", "a sign and a sign"),
    # spelling: added entries, corrected entries, entries turned round
    ("OK, kay, etcetera", "okay okay etc"),
    ("the colour of my favourite theatre", "the color of my favorite theater"),
    ("archaeology is archaeological or archeological", "archeology is archeological or archeological"),
    ("cancellation cancelation cancellations", "cancelation cancelation cancelations"),
    ("a flyer, a flier, travelogues", "a flier a flier travelogs"),
    ("pummelled, pummelling, snowploughs", "pummeled pummeling snowplows"),
    # names, after the spelling
    ("Stephen and Sara met Kathryn MacDonald", "steven and sarah met catherine mcdonald"),
    ("Geoff, Mohamed and Zak", "jeff mohammed and zach"),
    # acronyms: two single characters join, three where one is "a" or "i"
    ("the B B C news", "the bbc news"),
    ("the U.S. and the U.S.A.", "the us and the usa"),
    ("I B and I B M", "i b and ibm"),
    ("option A B or A B C", "option a b or abc"),
    ("a big cat and I", "a big cat and i"),
    ("5G in three D on B-2", "5g in 3d on b2"),
    ("3D, B-2", "3db2"),
    # diacritics go, as Whisper has it
    ("the café in Łódź", "the cafe in lodz"),
    ("", ""),
    ("[music]", ""),
]

MULTILINGUAL = [
    # case, bracketed spans, punctuation; diacritics stay
    ("de", "„Größe“ – über [Lachen] die Straße (leise)!", "größe über die straße"),
    ("fr", "L'Été, où ça ? <bruit>", "l été où ça"),
    ("es", "¿Qué mañana?", "qué mañana"),
    ("it", "Perché così?", "perché così"),
    ("pt", "Não, irmã: coração.", "não irmã coração"),
    # letter and mark typed apart become one letter; a mark without a letter of its own becomes a space
    ("de", "u\u0308ber", "über"),
    ("de", "x\u0301y", "x y"),
    # what is neither word nor space goes without a trace
    ("de", "Donau\u00addampf\u200bschiff", "donaudampfschiff"),
    ("fr", "ＡＢＣ snake_case", "abc snake case"),
    # numbers
    ("de", "25 Häuser", "fünfundzwanzig häuser"),
    ("de", "10 000 Häuser", "zehntausend häuser"),
    ("de", "10.000 Häuser", "zehntausend häuser"),
    ("de", "10000 Häuser", "zehntausend häuser"),
    ("de", "am 3. 500 Mal", "am dreitausendfünfhundert mal"),
    ("de", "3,5 und 007", "drei fünf und sieben"),
    ("fr", "80 € ou 25", "quatre-vingts ou vingt-cinq"),
    ("es", "16 y 2000", "dieciséis y dos mil"),
    ("it", "21 anni", "ventuno anni"),
    ("pt", "22 pães", "vinte e dois pães"),
    ("pt-BR", "22 pães", "vinte e dois pães"),
    ("de", "m² und R2D2", "mzwei und rzweidzwei"),
    # one group of three per digit before it: 1 000 000 is read as 1000 and 0
    ("es", "1 000 000", "mil cero"),
    # a language that the source does not score: digits stay
    ("nl", "Één van 25!", "één van 25"),
]

SCORES = [
    # language, reference, prediction, substitutions, deletions, insertions, units
    ("en", "The white paper is here.", "the whitepaper was here", 1, 0, 0, 5),
    ("en", "whitepaper", "white paper", 0, 0, 0, 1),
    ("en", "state of the art", "stateoftheart", 0, 0, 0, 4),
    ("en", "the dog's bone", "the dogs bone", 0, 0, 0, 4),
    ("en", "the dog's bone", "the dog is bone", 1, 0, 0, 4),
    ("en", "it's Stephen's colour", "it is Steven's color", 0, 0, 0, 5),
    ("en", "ab cd", "abc d", 2, 0, 0, 2),
    ("en", "I go", "", 0, 2, 0, 2),
    ("en", "I go", "[noise] uh", 0, 2, 0, 2),
    # the region joined is one unit of the reference
    ("de", "die Haus Tür ist zu", "die Haustür ist zu", 0, 0, 0, 4),
    ("de", "ab cd", "abc d", 0, 0, 0, 1),
    # a region with another error is not joined; the compound in it is free all the same
    ("de", "Haus Tür ist", "Haustür war", 1, 0, 0, 3),
    ("de", "25 Häuser", "fünfundzwanzig Häuser", 0, 0, 0, 2),
    ("de", "10 000", "Zehn tausend", 0, 0, 0, 1),
    ("fr", "un élève", "un eleve", 1, 0, 0, 2),
    # what the number reader writes is one word, what a writer writes is two
    ("fr", "vingt-cinq", "25", 1, 1, 0, 2),
]
# fmt: on


@pytest.mark.parametrize(("raw", "expected"), ENGLISH)
def test_english_is_normalised(recipe: Recipe, raw: str, expected: str) -> None:
    assert recipe.normalise(raw, "en") == expected


@pytest.mark.parametrize(("language", "raw", "expected"), MULTILINGUAL)
def test_other_languages_are_normalised(recipe: Recipe, language: str, raw: str, expected: str) -> None:
    assert recipe.normalise(raw, language) == expected


@pytest.mark.parametrize(
    ("language", "reference", "prediction", "substitutions", "deletions", "insertions", "units"), SCORES
)
def test_errors_are_counted(
    recipe: Recipe,
    language: str,
    reference: str,
    prediction: str,
    substitutions: int,
    deletions: int,
    insertions: int,
    units: int,
) -> None:
    numbers = recipe.score(Item(reference, prediction, language)).numbers
    parts = (numbers["substitutions"], numbers["deletions"], numbers["insertions"])
    assert (*parts, numbers["units"]) == (substitutions, deletions, insertions, units)
    assert numbers["errors"] == sum(parts)


def test_the_rate_of_a_set_is_that_of_the_corpus(recipe: Recipe) -> None:
    # 1 of 5, 2 of 2 and 0 of 1: 3 of 8.
    pairs = [("The white paper is here.", "the whitepaper was here"), ("I go", ""), ("whitepaper", "white paper")]
    scores = [recipe.score(Item(reference, prediction)).numbers for reference, prediction in pairs]
    sums = {name: np.asarray(sum(score[name] for score in scores), float) for name in scores[0]}
    values = recipe.values(sums)
    assert recipe.quantities(["en"])[0].name == "wer"
    assert float(values["wer"]) == 37.5
    assert float(values["deletion_rate"]) == 25.0


@pytest.mark.parametrize(
    ("language", "reference"),
    [
        ("en", ""),
        ("en", "[noise]"),
        ("en", "Um, uh-huh."),
        ("en", "Ignore time segment in scoring"),
        ("en", "IGNORE_TIME_SEGMENT_IN_SCORING"),
        ("de", "…"),
        ("fr", "(rires)"),
    ],
)
def test_a_row_that_the_source_removes_is_a_data_error(recipe: Recipe, language: str, reference: str) -> None:
    score = recipe.score(Item(reference, "anything at all", language))
    assert score.state is State.DATA_ERROR
    assert score.numbers == {}
    assert score.reason is not None
    assert score.reason.startswith("the reference")


def test_the_word_tables_have_the_sizes_of_the_source() -> None:
    assert len(openasr_english.FILLERS) == 20
    assert len(openasr_english.IS_AFTER) == 13
    assert len(openasr_english.COMPOUNDS) == 16
    variants = [variant for names in openasr_english.NAMES.values() for variant in names.split()]
    assert len(variants) == len(set(variants)) == 152
    assert set(variants).isdisjoint(openasr_english.NAMES), "a name that is kept is not changed"


def test_the_signature_names_options_and_packages_of_each_language(recipe: Recipe) -> None:
    options = (
        "avg:micro|compounds:true|empty_reference:data_error|ignored_reference:ignore time segment in scoring|"
        "join_regions:de es fr it pt"
    )
    normaliser, jiwer = f"whisper-normalizer:{version('whisper-normalizer')}", f"jiwer:{version('jiwer')}"
    assert recipe.signature(["en"]) == (
        f"wer/openasr@2026-08|lang:en|steps:openasr_english|unit:word|{options}|{normaliser}|{jiwer}"
    )
    assert recipe.signature(["de"]) == (
        "wer/openasr@2026-08|lang:de|steps:openasr_multilingual,openasr_numbers=de|unit:word|"
        f"{options}|num2words:{version('num2words')}|{normaliser}|{jiwer}"
    )


def test_numbers_of_a_language_without_reader_are_refused() -> None:
    with pytest.raises(ValueError, match="one of de, es, fr, it, pt"):
        openasr_multilingual.openasr_numbers("nl")
    spec = load_catalog().recipes.get("wer/openasr@2026-08")
    with pytest.raises(CatalogError, match="empty_reference"):
        Recipe(type(spec)(spec.name, "wer", {"empty_reference": "skip"}))


def test_the_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    read = openasr_multilingual.openasr_numbers("de")
    openasr_multilingual._num2words.cache_clear()
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'audiobench-pytest\[numbers\]'"):
        read("ohne Ziffern")


def test_numbers_too_long_to_read_stay(recipe: Recipe) -> None:
    digits = "7" * 5000
    for language in LANGUAGES:
        assert recipe.normalise(f"Xx {digits} yy", language) == f"xx {digits} yy"
    # The rest of the English rule still applies.
    assert recipe.normalise(f"{digits} colours, e-mail Stephen", "en") == f"{digits} colors email steven"


# Straight re-statements, slow and one rule after the other.


@functools.cache
def whisper() -> EnglishTextNormalizer:
    return EnglishTextNormalizer()


@functools.cache
def numbers() -> EnglishNumberNormalizer:
    return EnglishNumberNormalizer()


@functools.cache
def spellings() -> dict[str, str]:
    table = dict(whisper().standardize_spellings.mapping)
    for british, american in [
        ("archaeological", "archeological"),
        ("cancellation", "cancelation"),
        ("cancellations", "cancelations"),
        ("travelogue", "travelog"),
        ("travelogues", "travelogs"),
    ]:
        assert table.pop(american) == british
        table[british] = american
    assert table.pop("flyer / flier") == "flier / flyer"
    table |= {"flyer": "flier", "archaeology": "archeology", "snowploughs": "snowplows", "ok": "okay", "kay": "okay"}
    return table | {"pummelled": "pummeled", "pummelling": "pummeling", "etcetera": "etc", "mm": "hmm"}


def without_brackets(text: str) -> str:
    for opening, closing in (("<[", ">]"), ("(", ")")):
        kept = ""
        i = 0
        while i < len(text):
            ends = [j for j in range(i + 1, len(text)) if text[j] in closing] if text[i] in opening else []
            if ends and (opening != "(" or ends[0] > i + 1):
                i = ends[0] + 1
            else:
                kept += text[i]
                i += 1
        text = kept
    return text


def naive_english(text: str) -> str:
    text = without_brackets(text.lower())
    text = "".join("" if run in openasr_english.FILLERS else run for run in re.split(r"(\w+)", text))
    text = re.sub(r"\s+'", "'", text)
    for pattern, replacement in whisper().replacers.items():
        if pattern == r"'s\b":
            for word in openasr_english.IS_AFTER:
                text = re.sub(rf"\b{word}'s\b", f"{word} is", text)
        else:
            text = re.sub(pattern, replacement, text)
    text = re.sub(r"(\d),(\d)", r"\1\2", text)
    text = re.sub(r"\.([^0-9]|$)", r" \1", text)
    text = remove_symbols_and_diacritics(text, keep=".%$¢€£")
    for words, joined in openasr_english.COMPOUNDS.items():
        first, second = words.split()
        text = re.sub(rf"\b{first}\s+{second}\b", joined, text)
    words = [spellings().get(word, word) for word in numbers()(text).split()]
    for kept, variants in openasr_english.NAMES.items():
        words = [kept if word in variants.split() else word for word in words]
    output: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalnum():
            run.append(word)
            continue
        if len(run) > 2 or (len(run) == 2 and not {"a", "i"} & set(run)):
            run = ["".join(run)]
        output += [*run, word]
        run = []
    text = re.sub(r"[.$¢€£]([^0-9])", r" \1", " ".join(output).strip())
    text = re.sub(r"([^0-9])%", r"\1 ", text)
    return " ".join(text.split())


def naive_multilingual(language: str, text: str) -> str:
    text = unicodedata.normalize("NFKC", without_brackets(text.lower()))
    text = "".join(" " if unicodedata.category(char)[0] in "MSP" else char for char in text).lower()
    text = "".join(char for char in text if char.isalnum() or char.isspace())
    text = " ".join(text.split())
    i = 1
    while i + 3 < len(text):  # digit, space, three digits, no word character: delete the space, go on after the digits
        group = text[i + 1 : i + 4]
        after = text[i + 4 : i + 5]
        if text[i - 1].isdecimal() and text[i] == " " and group.isdecimal() and not after.isalnum():
            text = text[:i] + text[i + 1 :]
            i += 4
        else:
            i += 1
    output = ""
    digits = ""
    for char in f"{text} ":
        if char.isdecimal():
            digits += char
            continue
        output += (num2words(int(digits), lang=language) if digits else "") + char
        digits = ""
    return output.removesuffix(" ")


PIECES = {
    "en": """
        um uh hmm ahm uhuh human it's he's dog's John's let's who's can't won't they've I'd we'll y'all Mr. Dr. St.
        wi-fi e-mail x-ray t-shirt a.m. p.m. O.K. ok kay etcetera colour archaeology cancellation travelog flyer
        Stephen Sara Kathryn Mohamed MacDonald Ann A B C D I M a b s t 5G 3D U.S.A. B.B.C. one two three twenty
        hundred thousand million first second point half and oh o zero double percent dollars cents 1 12 1,250 3.5
        £2 $20 50% ¢7 % $ . [laughter] (off mic) <unk> ( ) [ ] < > café naïve ß 北京 é ñ ' - _ wi fi all right
        et cetera 's been got e mail x y z \u00ad \u0301
    """,
    "de": "Größe über Straße ẞ u\u0308ber Haus Tür Häuser „ “ – z.B.",
    "es": "¿Qué mañana? señor ¡sí! corazón n\u0303 pingüino",
    "fr": "L'été où ça ? cœur Noël aujourd'hui « oui » c\u0327a",
    "it": "Perché così? città l'anno e\u0300 però",
    "pt": "Não, irmã coração. a\u0303o guarda-chuva você",
}
EVERYWHERE = """
    0 1 7 25 007 100 1999 3,5 1.000 10.000 2² ① ½ x1y 12 000 ４５ ٣ ab, cd; e\u0301 x\u0301 _ - € % 😀 ...
    2 345x 3 456_7 [Lachen] (leise) <x> ( ) [ ] < > \u00ad \u200b İ ǅ ﬁ ａｂ
"""
PHRASES = {
    "en": ["how ever", "sci  fi", "two and a half", "all-right", "one oh one"],
    "other": ["10 000", "1 000 000", "2 345 x", "a\u2028b"],
}


WORDS = """
    it's who's let's can't Mr. Dr. wi-fi e-mail p.m. O.K. ok etcetera colour archaeological cancellation flyer
    travelogues Stephen Geoff Sara Mohamed um uh-huh [noise] café the cat sat there
"""


def generated(language: str, count: int) -> list[str]:
    rng = random.Random(f"openasr {language}")
    if language == "en":
        pieces = [*PIECES["en"].split(), *PHRASES["en"]]
    else:
        pieces = [*PIECES[language].split(), *EVERYWHERE.split(), *PHRASES["other"]]
    separators = [" ", " ", " ", "", ", ", ". ", "-", "  "]
    return [
        "".join(rng.choice(pieces) + rng.choice(separators) for _ in range(rng.randrange(1, 7))) for _ in range(count)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_thousand_texts_agree_with_a_straight_statement_of_the_rule(recipe: Recipe, language: str) -> None:
    naive: Callable[[str], str] = naive_english if language == "en" else functools.partial(naive_multilingual, language)
    for text in generated(language, 10_000):
        assert recipe.normalise(text, language) == naive(text), repr(text)


@DETERMINISTIC
@given(reference=st.text(max_size=60), prediction=st.text(max_size=60), language=st.sampled_from([*LANGUAGES, "eo"]))
def test_no_text_makes_the_recipe_raise(reference: str, prediction: str, language: str) -> None:
    score = shared_recipe().score(Item(reference, prediction, language))
    assert (score.numbers == {}) == (score.state is State.DATA_ERROR)


@DETERMINISTIC
@given(numbers=st.lists(st.integers(0, 10**12)), seed=st.integers(0, 10**6), language=st.sampled_from(LANGUAGES))
def test_no_error_means_that_only_spaces_differ(numbers: list[int], seed: int, language: str) -> None:
    recipe = shared_recipe()
    rng = random.Random(seed)
    texts = generated(language, 200)
    reference = f"{rng.choice(texts)} {' '.join(map(str, numbers))}"
    for prediction in (reference, reference.replace(" ", ""), rng.choice(texts)):
        score = recipe.score(Item(reference, prediction, language))
        if score.state is State.DATA_ERROR:
            continue
        left, right = recipe.normalise(reference, language), recipe.normalise(prediction, language)
        if left == right:
            assert score.numbers["errors"] == 0
        if score.numbers["errors"] == 0:
            assert left.replace(" ", "") == right.replace(" ", "")


@DETERMINISTIC
@given(text=st.text(max_size=60))
def test_the_multilingual_step_changes_nothing_the_second_time(text: str) -> None:
    once = openasr_multilingual.openasr_multilingual(text)
    assert openasr_multilingual.openasr_multilingual(once) == once


@DETERMINISTIC
@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=12))
def test_the_english_step_changes_nothing_the_second_time_where_no_number_or_letter_stands_alone(
    words: list[str],
) -> None:
    once = openasr_english.openasr_english(" ".join(words))
    assert openasr_english.openasr_english(once) == once


@functools.cache
def shared_recipe() -> Recipe:
    return Recipe(load_catalog().recipes.get("wer/openasr@2026-08"))
