"""Text steps for what models and test sets write beside the words: tags, special tokens, spaces around them."""

from __future__ import annotations

import re

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


TEXT_STEPS = {
    "close_up_punctuation": close_up_punctuation,
    "drop_full_width_asides": drop_full_width_asides,
    "special_tokens_to_space": special_tokens_to_space,
    "squeeze_spaces": squeeze_spaces,
    "strip_tags": strip_tags,
}
