"""What an answer costs: by what the vendor counted where it tells, else by the length of sound and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiobench_pytest.catalog.schema import PriceSpec

COST = "cost_usd"
"""Key of a kept answer's meta that holds what it cost, in US dollars, at the price of the day it was given."""

_CHARACTERS_PER_TOKEN = 4.0
_SPOKEN_TOKENS_PER_S = 4.0
_SOUND_TOKENS_PER_WORD_TOKEN = 5.0
_LEAST_TOKENS = 24.0
_MILLION = 1e6


def cost_of(price: PriceSpec, audio_s: float, asked: str, answered: str, told: Mapping[str, Any]) -> float:
    """Return what an answer cost, in US dollars.

    Args:
        price: What the vendor takes.
        audio_s: Seconds of sound that were sent.
        asked: The words that were sent.
        answered: The answer.
        told: What the server counted: `prompt_tokens` (of all that was sent), `audio_tokens` (of them, of sound),
            `tokens` (of the answer), `spoken_tokens` (of them, of sound); each may be missing.
    """
    heard = _number(told, "audio_tokens", audio_s * price.tokens_per_second)
    sent = _number(told, "prompt_tokens", heard + len(asked) / _CHARACTERS_PER_TOKEN)
    said = _number(told, "tokens", len(answered) / _CHARACTERS_PER_TOKEN)
    spoken = min(said, _number(told, "spoken_tokens", 0.0)) if price.spoken_tokens else 0.0
    text = max(0.0, sent - heard)
    tokens = heard * price.audio_tokens + text * price.text_tokens
    tokens += (said - spoken) * price.output_tokens + spoken * price.spoken_tokens
    return audio_s * price.audio_second + tokens / _MILLION


def estimated(price: PriceSpec, audio_s: float, asked: str = "", *, aloud: bool = False) -> float:
    """Return about what an answer will cost: as many tokens as are spoken in the time, at least a short sentence.

    Args:
        price: What the vendor takes.
        audio_s: Seconds of sound that are sent.
        asked: The words that are sent.
        aloud: Whether the answer is wanted in speech, which has tokens of sound beside those of its words.
    """
    words = max(_LEAST_TOKENS, audio_s * _SPOKEN_TOKENS_PER_S)
    sound = words * _SOUND_TOKENS_PER_WORD_TOKEN if aloud and price.spoken_tokens else 0.0
    return cost_of(price, audio_s, asked, "", {"tokens": words + sound, "spoken_tokens": sound})


def _number(told: Mapping[str, Any], name: str, otherwise: float) -> float:
    value = told.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else otherwise
