"""The text steps a recipe can name: pure functions from text to text.

Each is total (no text makes one raise) and is applied to reference and prediction alike. Importing this module loads no
normaliser package; the first text that needs one does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics import chinese, english, general

TextStep = Callable[[str], str]

STEPS: Mapping[str, TextStep] = {
    "attach_dakuten": general.attach_dakuten,
    "chinese_numbers": chinese.chinese_numbers,
    "compose_sara_am": general.compose_sara_am,
    "drop_format_characters": general.drop_format_characters,
    "lower": general.lower,
    "lower_turkic": general.lower_turkic,
    "nfkc": general.nfkc,
    "punctuation_to_space": general.punctuation_to_space,
    "remove_spaces": general.remove_spaces,
    "whisper_english": english.whisper_english,
    "zhconv_zh_cn": chinese.zhconv_zh_cn,
}
"""Step by the name it has in a recipe."""

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "whisper_english": ("whisper-normalizer",),
    "zhconv_zh_cn": ("zhconv",),
}
"""Distributions whose version decides what a step does; steps that are not listed need none."""


def step(name: str) -> TextStep:
    """Return the text step of a name.

    Raises:
        CatalogError: No step has this name; the message lists close matches.
    """
    if name not in STEPS:
        raise CatalogError(f"unknown text step '{name}'{did_you_mean(name, STEPS)}")
    return STEPS[name]
