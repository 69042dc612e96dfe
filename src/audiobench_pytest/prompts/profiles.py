"""Which prompt a model is given for a sample."""

from __future__ import annotations

from audiobench_pytest.types import Prompt, Sample


def prompt_for(sample: Sample, *, takes_language_hint: bool) -> Prompt:
    """Return what is asked of a recogniser about one sample.

    A plain recogniser needs no instruction. Whether it is told the language is part of the prompt, and so of the cache
    key: a number made with the hint and one made without it are two measurements.

    Args:
        sample: The sample.
        takes_language_hint: What the adapter says of itself.
    """
    return Prompt(language=sample.language if takes_language_hint else None)
