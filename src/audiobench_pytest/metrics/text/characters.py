"""Text steps that know no language: Unicode form, case, punctuation, spaces, and what is written beside the words.

No step here erases a combining mark of a letter: a dakuten, a matra, a tone mark or an accent is part of what was said.
"""

from __future__ import annotations

import re
import unicodedata

from audiobench_pytest.metrics.character_table import CharacterTable

_SPACE = ord(" ")


def _heard(code: int) -> int | None:
    """Delete a character that writes no sound."""
    invisible = (
        unicodedata.category(chr(code)) == "Cf"
        or 0xFE00 <= code <= 0xFE0F  # variation selectors: emoji or text style, shape of a Han character
        or 0xE0100 <= code <= 0xE01EF
        or 0x180B <= code <= 0x180F
        or code in (0x034F, 0x115F, 0x1160)  # combining grapheme joiner, Hangul fillers
        or code == 0x0640  # tatweel: stretches an Arabic word on the page
    )
    return None if invisible else code


def _spaced(code: int) -> int:
    """Turn punctuation, a symbol, a separator or a control character into a space."""
    category = unicodedata.category(chr(code))
    return _SPACE if category[0] in "PSZ" or category in ("Cc", "Cs") else code


_DROP, _TO_SPACE = CharacterTable(_heard), CharacterTable(_spaced)


_PARTED_DAKUTEN = re.compile("(?<! ) +(?=[\u3099\u309a])")  # a run of spaces is tried at its first one only


_DECOMPOSED_AM = (
    # NFKC takes Thai and Lao AM apart and leaves a tone mark typed before or after the circle where it is.
    (re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32"), "\\1\u0e33"),
    (re.compile("\u0ecd([\u0ec8-\u0ecb]?)\u0eb2"), "\\1\u0eb3"),
)


def nfkc(text: str) -> str:
    """Apply Unicode normalisation form KC: one form per letter, full width becomes half width."""
    return unicodedata.normalize("NFKC", text)


def drop_format_characters(text: str) -> str:
    """Delete what writes no sound: joiners, direction marks, soft hyphens, variation selectors, tatweel.

    Letters that an invisible character kept apart are composed afterwards.
    """
    dropped = text.translate(_DROP)
    return text if dropped == text else unicodedata.normalize("NFC", dropped)


def lower(text: str) -> str:
    """Lower the case by Unicode's rules for no language in particular, and compose what is one letter only then (ΐ)."""
    return unicodedata.normalize("NFC", text.lower())


def lower_turkic(text: str) -> str:
    """Lower the case as Turkish and Azerbaijani do: dotted and dotless I are two letters."""
    return lower(text.replace("İ", "i").replace("I", "ı"))


def punctuation_to_space(text: str) -> str:
    """Replace each punctuation mark and symbol by a space, squeeze spaces, and keep the marks of letters.

    A combining mark goes only where the character that it stood on goes (an emoji, a quotation mark).
    """
    words = text.translate(_TO_SPACE).split()
    for position, word in enumerate(words):
        if unicodedata.category(word[0])[0] == "M":
            words[position] = _without_leading_marks(word)
    return " ".join(filter(None, words))


def _without_leading_marks(word: str) -> str:
    start = 0
    while start < len(word) and unicodedata.category(word[start])[0] == "M":
        start += 1
    return word[start:]


def remove_spaces(text: str) -> str:
    """Delete all white space, for scripts that write none between words or use it freely."""
    return "".join(text.split())


def attach_dakuten(text: str) -> str:
    """Make a free-standing (han)dakuten the mark of the kana before it; apply after `nfkc`, which sets it apart."""
    return unicodedata.normalize("NFC", _PARTED_DAKUTEN.sub("", text))


def compose_sara_am(text: str) -> str:
    """Write Thai SARA AM and Lao AM as one letter after the tone mark; apply after `nfkc`, which takes them apart."""
    for pattern, composed in _DECOMPOSED_AM:
        text = pattern.sub(composed, text)
    return text


_TAG = re.compile(r"<[^<>]*>")


_SPECIAL_TOKEN = re.compile(r"<\|.*?\|>")


_SPACE_BEFORE_MARK = re.compile(r" ?([!,.?;:])")


_FULL_WIDTH_ASIDE = re.compile("（[A-Za-z]+）")


def strip_tags(text: str) -> str:
    """Delete `<...>`: tags of noises, languages, speakers."""
    return _TAG.sub("", text)


def special_tokens_to_space(text: str) -> str:
    """Replace `<|...|>`, the special tokens of speech models, by a space."""
    return _SPECIAL_TOKEN.sub(" ", text) if "|>" in text else text


def squeeze_spaces(text: str) -> str:
    """Write one space for any white space, none at both ends."""
    return " ".join(text.split())


def close_up_punctuation(text: str) -> str:
    """Delete the space before an exclamation mark, comma, full stop, question mark, semicolon or colon."""
    return _SPACE_BEFORE_MARK.sub(r"\1", text)


def drop_full_width_asides(text: str) -> str:
    """Delete ASCII letters in full-width parentheses, with the parentheses: 人工智能（AI）."""
    return _FULL_WIDTH_ASIDE.sub("", text)


PREFIXES = ("<1>", "<2>", "<3>")


SUFFIX = "<|user|>"


def cut_reply_marks(text: str) -> str:
    """Cut a mark of the channel (`<1>`) at the beginning and of the next turn (`<|user|>`) at the end.

    A text without them is returned as it is, white space included. Defined by VoiceBench.
    """
    if text.startswith(PREFIXES):
        text = text[len(PREFIXES[0]) :].strip()
    if text.endswith(SUFFIX):
        text = text[: -len(SUFFIX)].strip()
    return text


TEXT_STEPS = {
    "attach_dakuten": attach_dakuten,
    "compose_sara_am": compose_sara_am,
    "drop_format_characters": drop_format_characters,
    "lower": lower,
    "lower_turkic": lower_turkic,
    "nfkc": nfkc,
    "punctuation_to_space": punctuation_to_space,
    "remove_spaces": remove_spaces,
    "close_up_punctuation": close_up_punctuation,
    "drop_full_width_asides": drop_full_width_asides,
    "special_tokens_to_space": special_tokens_to_space,
    "squeeze_spaces": squeeze_spaces,
    "strip_tags": strip_tags,
    "cut_reply_marks": cut_reply_marks,
}
