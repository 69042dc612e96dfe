"""Text steps for punctuation and the spaces around Han characters, as single sources do it.

`CHINESE_MARKS` is the list of the package zhon (2.1.1), which those sources take.
"""

from __future__ import annotations

import re
import string
import unicodedata

CHINESE_MARKS = (
    "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､\u3000、〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿"
    "–—‘’‛“”„‟…‧﹏﹑﹔·．！？｡。"
)
"""Punctuation of Chinese texts: full-width forms, East Asian marks, dashes, quotation marks."""

_DELETED = str.maketrans("", "", (CHINESE_MARKS + string.punctuation).replace("'", ""))
_SPACED = str.maketrans(dict.fromkeys(CHINESE_MARKS + string.punctuation, " "))
_BETWEEN_HAN = re.compile("(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])")


class _PunctuationTable(dict[int, int | None]):
    """Translation table that deletes the Unicode category P."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.category(chr(code))[0] == "P" else code
        return self[code]


_NO_PUNCTUATION = _PunctuationTable()


def delete_chinese_and_ascii_punctuation(text: str) -> str:
    """Delete Chinese and ASCII punctuation, the apostrophe `'` excepted; what it parted is joined (Seed-TTS)."""
    return text.translate(_DELETED)


def chinese_and_ascii_punctuation_to_space(text: str) -> str:
    """Replace Chinese and ASCII punctuation, the apostrophe included, by spaces (Long-TTS-Eval)."""
    return text.translate(_SPACED)


def delete_punctuation(text: str) -> str:
    """Delete every character of the Unicode category P; what it parted is joined."""
    return text.translate(_NO_PUNCTUATION)


def space_between_han(text: str) -> str:
    """Put a space between two Han characters (U+4E00 to U+9FFF); a Latin word beside one stays attached to it."""
    return _BETWEEN_HAN.sub(" ", text)


TEXT_STEPS = {
    "chinese_and_ascii_punctuation_to_space": chinese_and_ascii_punctuation_to_space,
    "delete_chinese_and_ascii_punctuation": delete_chinese_and_ascii_punctuation,
    "delete_punctuation": delete_punctuation,
    "space_between_han": space_between_han,
}
