"""Which judge is asked, and what became of a judging."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.models.endpoints.connection import ServerSettings
from audiobench_pytest.types import Prediction

SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
"""Fields of a question that a rubric may set."""


@dataclass(frozen=True, slots=True)
class JudgeSettings(ServerSettings):
    """Which judge is asked, where, and how hard. Only `model` and `omit` change what it says.

    Attributes:
        model: The model's name there; None: the one that the rubric's published values were judged by.
        omit: Sampling fields that the server refuses and that are not sent: `temperature`, `top_p`, `max_tokens`,
            `seed`. They are named in the signature.
        asks: Whether a judge is asked; else the replies that are kept are all there is.

    Raises:
        UsageError: A value out of its range.
    """

    model: str | None = None
    omit: frozenset[str] = frozenset()
    asks: bool = True

    def __post_init__(self) -> None:
        try:
            ServerSettings.__post_init__(self)
        except UsageError as exc:
            raise UsageError(f"judge: {exc}") from None
        for name in self.omit:
            if name not in SAMPLING:
                raise UsageError(f"judge: there is no sampling field '{name}'{did_you_mean(name, SAMPLING)}")


@dataclass(slots=True)
class JudgeRecord:
    """What became of a judging, filled in while it goes on; for the result's files and its signature.

    Attributes:
        model: The name that was asked for: often an alias that moves.
        rubric: Name of the rubric and digest of its words.
        sampling: What was sent with each question; the seed is that of the first sample.
        omitted: Sampling fields of the rubric that were not sent.
        served: The dated names that the server said it is, with the number of replies of each.
        fingerprints: Its `system_fingerprint`s, likewise.
        endpoints: Where it was asked in this run.
        asked: Questions sent in this run, repetitions included.
        cached: Replies that the cache knew.
        repeated: Questions asked again because a reply could not be read.
        unanswered: Questions without a reply.
        tokens: Tokens of the replies of this run, where the server tells.
        prompt_tokens: Tokens of the questions of this run, where the server tells.
    """

    model: str = ""
    rubric: str = ""
    sampling: dict[str, float] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    served: dict[str, int] = field(default_factory=dict)
    fingerprints: dict[str, int] = field(default_factory=dict)
    endpoints: tuple[str, ...] = ()
    asked: int = 0
    cached: int = 0
    repeated: int = 0
    unanswered: int = 0
    tokens: int = 0
    prompt_tokens: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "model": self.model,
            "rubric": self.rubric,
            "sampling": dict(self.sampling),
            "omitted": list(self.omitted),
            "served": dict(sorted(self.served.items())),
            "fingerprints": dict(sorted(self.fingerprints.items())),
            "endpoints": list(self.endpoints),
            **{name: getattr(self, name) for name in _COUNTED},
        }

    def note(self, prediction: Prediction) -> None:
        """Count a reply."""
        for seen, name in ((self.served, "model"), (self.fingerprints, "system_fingerprint")):
            told = prediction.meta.get(name)
            if isinstance(told, str):
                seen[told] = seen.get(told, 0) + 1

    def signature_fields(self) -> list[str]:
        """Return what the judge adds to the recipe's signature: its dated name as the server told it, what was omitted.

        A server that tells no name is taken by the name it was asked for.
        """
        fields = [f"judge:{'+'.join(sorted(self.served) or [self.model])}"]
        return fields + ([f"not-sent:{','.join(self.omitted)}"] if self.omitted else [])


_COUNTED = ("asked", "cached", "repeated", "unanswered", "tokens", "prompt_tokens")
