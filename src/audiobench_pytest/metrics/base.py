"""What a metric is: one sample to sufficient numbers, sums of those numbers to values.

Every value is a function of sums over samples, so that a corpus, a slice, a bootstrap draw and a merge of shards are
the same computation on other sums: `values` takes arrays, one entry per draw, and is vectorised.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sums = Mapping[str, NDArray[np.float64]]
    """Sum of each sufficient number; a name that no sample has may be missing. See `total`."""


class Metric(abc.ABC):
    """One way to score, configured by a recipe.

    Attributes:
        options: Checks and converts what a recipe may write under `options`; each function raises ValueError.
        packages: Distributions whose version decides the numbers; they go into the signature.
        uses_units: Whether the rules' `unit` counts, and thus goes into the signature.
        sees: What `score` looks at beside reference, prediction and language: fields of `Item`. A stored score is
            found again by no more than that.
        needs_reference: Whether a sample without a reference cannot be scored.
        stage: Name of the stage that asks another model about the answers (`runner.scoring.stages`), or None where
            `score` has all it needs.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {}
    packages: ClassVar[tuple[str, ...]] = ()
    uses_units: ClassVar[bool] = False
    sees: ClassVar[tuple[str, ...]] = ("choices", "aliases", "id", "meta")
    needs_reference: ClassVar[bool] = True
    stage: ClassVar[str | None] = None

    def __init__(self, spec: RecipeSpec) -> None:
        """Check the recipe's options.

        Raises:
            CatalogError: An option is unknown or its value cannot be.
        """
        self.spec = spec
        self.given: dict[str, object] = {}
        for name, text in spec.options.items():
            if name not in self.options:
                raise CatalogError(f"unknown option '{name}' of '{spec.score}'{did_you_mean(name, self.options)}")
            try:
                self.given[name] = self.options[name](text)
            except ValueError as exc:
                raise CatalogError(f"option {name}: {text!r}: {exc}") from None

    def prepare(self, rule: LanguageRule) -> None:  # noqa: B027 - optional to override
        """Check what a rule says to this metric (its unit, say), once per rule.

        Raises:
            CatalogError: The rule names a unit or tokenizer that does not exist.
        """

    @abc.abstractmethod
    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return what `values` gives for samples of these languages, the headline first."""

    @abc.abstractmethod
    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Return the sufficient numbers of one sample.

        Args:
            item: The raw texts and all else that is known.
            reference: The reference after the rule's steps.
            prediction: The prediction after the rule's steps, or None where a step could extract nothing.
            rule: The rule of the item's language.
        """

    @abc.abstractmethod
    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return each quantity from sums; NaN where nothing defines it. Elementwise: all arrays have one shape."""

    def corpus(self, scores: Sequence[SampleScore]) -> Sequence[SampleScore]:
        """Return the scores again after looking at all of them; for the few that weigh by the corpus (CIDEr)."""
        return scores

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the metric's fields of the signature: average, tokenizer, fallback, ... ; `avg:micro`."""
        return [f"{name}:{text}" for name, text in sorted(self.spec.options.items())]

    def versions(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the distributions whose version decides the numbers of these languages."""
        return self.packages


def total(sums: Sums, name: str) -> NDArray[np.float64]:
    """Return a sum by name, zeros where no sample has such a number."""
    import numpy as np

    if name in sums:
        return sums[name]
    like = next(iter(sums.values()), None)
    return np.zeros_like(like, dtype=np.float64) if like is not None else np.zeros((), np.float64)


def ratio(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64], scale: float = 100.0
) -> NDArray[np.float64]:
    """Return `scale * numerator / denominator`, NaN where the denominator is 0."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator != 0, scale * numerator / np.where(denominator != 0, denominator, 1.0), np.nan)


def flag(text: str) -> bool:
    """Convert `true` or `false` as YAML writes it."""
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a check that lets these words through."""

    def check(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return check
