"""A metric of texts, over what a transcriber wrote down of spoken answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, language_code
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.base import Metric
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.registry import metric_class
from audiobench_pytest.types import Quantity, SampleScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

_FLOOR = "floor_"


def by_language(text: str) -> dict[str, str]:
    """Read `en=whisper-large-v3 zh=paraformer-zh default=whisper-large-v3`; a name alone is everybody's."""
    pairs = [pair.partition("=") for pair in text.split()]
    found = {language_code(code) if equals else "default": name if equals else code for code, equals, name in pairs}
    if not found or not all(found.values()):
        raise ValueError("write NAME, or LANGUAGE=NAME for each language and default=NAME")
    return found


def who_writes(transcribers: Mapping[str, str], language: str) -> str:
    """Return who writes down answers in a language, or "" where nobody is named.

    Args:
        transcribers: Names by language, see `by_language`.
        language: ISO 639 code.
    """
    code = language_code(language)
    while code:
        if code in transcribers:
            return transcribers[code]
        code = code.rpartition("-")[0]
    return transcribers.get("default", "")


def _named(value: str) -> str:
    """Return what a value of transcripts is called; how often a judge said nothing is no matter of what was heard."""
    return value if value == "judge_invalid_rate" else f"asr_{value}"


class Transcribed(Metric):
    """Another metric's numbers, of the transcript; of the reference recording as `floor_...`, where there is one.

    Attributes:
        inner: The metric that reads the transcripts.
        inner_spec: The recipe of it alone.

    Options:
        metric: Name of the metric that reads the transcripts (`wer`, `bleu`, `judge`); further options are its own.
        transcriber: Who writes down, by language: `en=NAME zh=NAME default=NAME`.
        floor: Name of the sample's sound in which the reference is said: what the transcriber makes of that is the
            error rate that no answer can be blamed for (`asr_wer_floor`).
    """

    stage: ClassVar = "transcript"

    def __init__(self, spec: RecipeSpec) -> None:
        own: dict[str, Callable[[str], object]] = {"metric": str, "transcriber": by_language, "floor": str}
        lacking = [name for name in ("metric", "transcriber") if name not in spec.options]
        if lacking:
            raise CatalogError(f"the option '{lacking[0]}' is missing")
        inner = {name: value for name, value in spec.options.items() if name not in own}
        self.options = own  # type: ignore[misc]  # the other options are the inner metric's
        super().__init__(dataclasses.replace(spec, options={k: v for k, v in spec.options.items() if k in own}))
        self.spec = spec
        self.inner = metric_class(str(self.given["metric"]))(
            dataclasses.replace(spec, score=str(self.given["metric"]), options=inner)
        )
        if self.inner.stage not in (None, "judge"):
            raise CatalogError(f"the metric '{self.given['metric']}' hears answers itself")
        self.packages, self.uses_units, self.sees = self.inner.packages, self.inner.uses_units, self.inner.sees  # type: ignore[misc]
        self.inner_spec = dataclasses.replace(spec, score=str(self.given["metric"]), options=inner)
        self.transcribers: Mapping[str, str] = self.given["transcriber"]  # type: ignore[assignment]
        self.floor = str(self.given.get("floor", ""))

    def transcriber(self, language: str) -> str:
        """Return who writes down answers in a language, or "" where nobody is named."""
        return who_writes(self.transcribers, language)

    def prepare(self, rule: LanguageRule) -> None:
        """Have the inner metric check a rule."""
        self.inner.prepare(rule)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the inner metric's values, their names after `asr_`, and the floor of the first."""
        found = [dataclasses.replace(one, name=_named(one.name)) for one in self.inner.quantities(languages)]
        if self.floor:
            found.insert(1, dataclasses.replace(found[0], name=f"{found[0].name}_floor"))
        return tuple(found)

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Score the transcript."""
        return self.inner.score(item, reference, prediction, rule)

    def with_floor(self, score: SampleScore, floor: SampleScore) -> SampleScore:
        """Return the numbers of an answer with those of the reference recording, as the same transcriber heard it."""
        below = {f"{_FLOOR}{name}": value for name, value in floor.numbers.items()}
        return dataclasses.replace(score, numbers={**score.numbers, **below}) if score.numbers else score

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return the inner metric's values, and the first of them of the floor's sums."""
        found = self.inner.values({name: value for name, value in sums.items() if not name.startswith(_FLOOR)})
        named = {_named(name): value for name, value in found.items()}
        if self.floor:
            below = {name.removeprefix(_FLOOR): value for name, value in sums.items() if name.startswith(_FLOOR)}
            if below:
                named |= {f"asr_{name}_floor": value for name, value in self.inner.values(below).items()}
            else:
                import numpy as np

                named |= {f"asr_{name}_floor": np.full_like(value, np.nan) for name, value in found.items()}
        return named

    def corpus(self, scores: Sequence[SampleScore]) -> Sequence[SampleScore]:
        """Have the inner metric look at all scores."""
        return self.inner.corpus(scores)

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the inner metric's fields; who transcribed is added when it has."""
        return [f"of:{self.given['metric']}", *self.inner.signature(languages)]

    def versions(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the inner metric's packages."""
        return self.inner.versions(languages)
