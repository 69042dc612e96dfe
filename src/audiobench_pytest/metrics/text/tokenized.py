"""Text steps of sources that cut a text into tokens, clean those, and score the tokens joined by spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.text.tokenizers import TOKENIZERS, tokens


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


TEXT_STEPS = {"drop_punctuation_tokens": drop_punctuation_tokens}
MADE_TEXT_STEPS = {"tokenize": tokenize}
PACKAGES = {"tokenize": ("sacrebleu",)}
