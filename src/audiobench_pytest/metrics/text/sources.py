"""Text steps of single sources: punctuation and spaces around Han characters, fillers, tokens cut and cleaned.

`CHINESE_MARKS` is the list of the package zhon (2.1.1), which those sources take.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.character_table import CharacterTable
from audiobench_pytest.metrics.text.tokenizers import TOKENIZERS, tokens

CHINESE_MARKS = (
    "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､\u3000、〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿"
    "–—‘’‛“”„‟…‧﹏﹑﹔·．！？｡。"
)


"""Punctuation of Chinese texts: full-width forms, East Asian marks, dashes, quotation marks."""


_DELETED = str.maketrans("", "", (CHINESE_MARKS + string.punctuation).replace("'", ""))


_SPACED = str.maketrans(dict.fromkeys(CHINESE_MARKS + string.punctuation, " "))


_BETWEEN_HAN = re.compile("(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])")


_NO_PUNCTUATION = CharacterTable(lambda code: None if unicodedata.category(chr(code))[0] == "P" else code)
"""Deletes the Unicode category P."""


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


_GIGASPEECH = frozenset(
    {
        *("UH", "UHH", "UM", "EH", "MM", "HM", "AH", "HUH", "HA", "ER", "OOF", "HEE", "ACH", "EEE", "EW"),  # fillers
        *("<UNK>", "<COMMA>", "<PERIOD>", "<QUESTIONMARK>", "<EXCLAMATIONPOINT>"),  # unknown words, punctuation
        *("<SIL>", "<NOISE>", "<MUSIC>", "<OTHER>"),  # what is no speech
    }
)


_AUDIOBENCH = re.compile(r"\b(?:uh|umm|um|er|ah)\b")


def gigaspeech_reference(text: str) -> str:
    """Clean a reference of GigaSpeech as UltraEval-Audio does: upper case, hyphens to spaces, words without score out.

    Those are 15 fillers, the unknown word, the names of punctuation marks and the tags of utterances without speech.
    """
    return " ".join(word for word in text.upper().replace("-", " ").split() if word not in _GIGASPEECH)


def drop_audiobench_fillers(text: str) -> str:
    """Delete uh, um, umm, er and ah, the fillers of AudioBench, from a lower-case text."""
    return _AUDIOBENCH.sub("", text)


def name_emptiness(text: str) -> str:
    """Write the word `empty` for an empty text, as AudioBench does, so that nothing is compared with nothing."""
    return text if text.strip() else "empty"


def tokenize(argument: str | tuple[str, ...]) -> Callable[[str], str]:
    """Return the step that puts a space between the tokens of a tokenizer (`tokenize: zh`).

    Raises:
        ValueError: There is no such tokenizer.
    """
    if not isinstance(argument, str) or argument not in TOKENIZERS:
        raise ValueError(f"name one tokenizer of {', '.join(sorted(TOKENIZERS))}")
    cut = tokens(argument)
    return lambda text: " ".join(cut(text))


def drop_punctuation_tokens(text: str) -> str:
    """Delete each token, as spaces part them, that is made of punctuation marks only; symbols (+, $) stay."""
    return " ".join(
        token for token in text.split() if not all(unicodedata.category(character)[0] == "P" for character in token)
    )


TEXT_STEPS = {
    "chinese_and_ascii_punctuation_to_space": chinese_and_ascii_punctuation_to_space,
    "delete_chinese_and_ascii_punctuation": delete_chinese_and_ascii_punctuation,
    "delete_punctuation": delete_punctuation,
    "space_between_han": space_between_han,
    "drop_audiobench_fillers": drop_audiobench_fillers,
    "gigaspeech_reference": gigaspeech_reference,
    "name_emptiness": name_emptiness,
    "drop_punctuation_tokens": drop_punctuation_tokens,
}
MADE_TEXT_STEPS = {
    "tokenize": tokenize,
}
PACKAGES = {
    "tokenize": ("sacrebleu",),
}
