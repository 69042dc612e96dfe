"""How a decoder is run: greedily unless asked otherwise, and never on numbers that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.errors import ModelError

_PLAIN: dict[str, tuple[Any, ...]] = {
    "bad_words_ids": (None, []),
    "diversity_penalty": (None, 0),
    "do_sample": (None, False),
    "encoder_no_repeat_ngram_size": (None, 0),
    "encoder_repetition_penalty": (None, 1),
    "exponential_decay_length_penalty": (None,),
    "guidance_scale": (None, 1),
    "length_penalty": (None, 1),
    "min_length": (None, 0),
    "min_new_tokens": (None, 0),
    "no_repeat_ngram_size": (None, 0),
    "num_beams": (None, 1),
    "penalty_alpha": (None, 0),
    "repetition_penalty": (None, 1),
    "sequence_bias": (None, {}),
}
"""Settings that change which token follows, and the values at which they change nothing."""
_ALWAYS_SET = ("do_sample", "num_beams")
_WITH_BEAMS = ("diversity_penalty", "length_penalty")


def departures(generation: Mapping[str, Any], args: Mapping[str, Any]) -> str:
    """Return in what decoding departs from plain greedy search, as `name=value, ...`; "" where it does not.

    Args:
        generation: Settings that came with the checkpoint; sampling and beams among them are not used.
        args: Arguments of the adapter, which come first.
    """
    own = {name: value for name, value in generation.items() if name not in _ALWAYS_SET}
    settings = {**own, **{name: value for name, value in args.items() if value is not None}}
    beams = settings.get("num_beams", 1) > 1
    return ", ".join(
        f"{name}={settings[name]}"
        for name, plain in _PLAIN.items()
        if settings.get(name) not in plain and (beams or name not in _WITH_BEAMS)
    )


def finite_tokens(model: Any, name: str, processors: Sequence[Any] = (), **options: Any) -> Any:
    """Generate tokens; the likeliest of scores that are no numbers would be a token like any other.

    Args:
        model: The loaded model.
        name: What it is called.
        processors: Of its scores, before they are looked at.
        options: For the model's `generate`.

    Raises:
        ModelError: A score was not finite. The runner asks the halves of such a batch, until the one clip fails alone.
    """
    watch = _Watch()
    tokens = model.generate(**options, logits_processor=[*processors, watch])
    if watch.saw_worse:
        raise ModelError(
            f"the output of model '{name}' is not finite in {model.dtype}: pass dtype=float32; where it is that "
            "already, its weights are broken"
        )
    return tokens


class _Watch:
    """Notes whether the best score of any row was ever no number; waits for no device."""

    def __init__(self) -> None:
        self._seen: Any = None

    def __call__(self, tokens: Any, scores: Any) -> Any:
        """Return the scores as they are, `(rows, vocabulary)`; tokens that are ruled out have minus infinity."""
        worse = ~scores.amax(-1).isfinite().all()
        self._seen = worse if self._seen is None else self._seen | worse
        return scores

    @property
    def saw_worse(self) -> bool:
        """Whether there was one."""
        return self._seen is not None and bool(self._seen)
