"""The score of IFEval: shares of prompts and of instructions that were followed, strictly and loosely."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.errors import did_you_mean
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.ifeval.arguments import ArgumentError, Arguments
from audiobench_pytest.metrics.ifeval.checks import CHECKS, Check
from audiobench_pytest.metrics.ifeval.language import SEED, langdetect
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

_PARTS = ("strict_prompt", "strict_instruction", "loose_prompt", "loose_instruction")


class InstructionFollowing(Metric):
    """Followed instructions: per sample `n`, `instructions` and how many prompts and instructions were followed.

    A prompt is followed when each of its instructions is. *Strict* looks at the answer as it is; *loose* is content
    with any of eight variants: first line, last line or both taken away, each with and without asterisks. The
    instruction level is pooled: followed instructions of the set over all of its instructions. An empty answer
    follows nothing.

    A sample names its instructions in `instruction_id_list` (or `instruction`) and their arguments, one mapping or
    null for each, in `kwargs` (or `instruction_kwargs`). An unknown instruction, or one whose arguments are missing
    or cannot be, is a `data_error`.

    Definition: Zhou et al. 2023, "Instruction-Following Evaluation for Large Language Models"; VoiceBench for the mean.
    """

    packages = ("langdetect",)
    sees = ("meta",)
    needs_reference = False

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the mean of the four shares, then the four."""
        return tuple(Quantity(name, higher_is_better=True, maximum=100.0) for name in ("ifeval", *_PARTS))

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Check each instruction, strictly and loosely.

        Returns:
            Numbers; as reference the ids of the instructions, as prediction those followed strictly.

        Raises:
            MissingExtraError: An instruction is about the language and langdetect is not installed.
        """
        try:
            checks = dict(_checks(item.meta))
        except ArgumentError as error:
            return SampleScore({}, "", "", State.DATA_ERROR, str(error))
        answer = prediction or ""
        strict = [name for (name, _), check in checks.items() if answer.strip() and check(answer)]
        variants = [variant for variant in loose_variants(answer) if variant.strip()]
        loose = sum(any(check(variant) for variant in variants) for check in checks.values())
        numbers: dict[str, float] = {
            "n": 1,
            "instructions": len(checks),
            "strict_prompt": len(strict) == len(checks),
            "strict_instruction": len(strict),
            "loose_prompt": loose == len(checks),
            "loose_instruction": loose,
        }
        state, reason = (State.OK, None) if answer.strip() else (State.EMPTY, "the answer is empty")
        return SampleScore(numbers, " ".join(name for name, _ in checks), " ".join(strict), state, reason)

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return the shares in percent and their mean."""
        prompts, instructions = total(sums, "n"), total(sums, "instructions")
        values = {part: ratio(total(sums, part), prompts if "prompt" in part else instructions) for part in _PARTS}
        strict, loose = (values[f"{kind}_prompt"] + values[f"{kind}_instruction"] for kind in ("strict", "loose"))
        return {"ifeval": (strict + loose) / len(_PARTS), **values}

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return how instructions are averaged, and what sentences and languages are told by."""
        return [
            "instructions:pooled",
            "sentences:rules",
            f"language:langdetect-seed-{SEED}",
            *super().signature(languages),
        ]

    def versions(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return langdetect.

        Raises:
            MissingExtraError: It is not installed; better told when a run is planned than at the first sample.
        """
        langdetect()
        return self.packages


def loose_variants(answer: str) -> Iterator[str]:
    """Yield an answer, then without its first line, its last and both, each with and without asterisks."""
    lines = answer.split("\n")
    for part in (answer, *("\n".join(kept).strip() for kept in (lines[1:], lines[:-1], lines[1:-1]))):
        yield part
        yield part.replace("*", "")


def _checks(meta: Mapping[str, Any]) -> Iterator[tuple[tuple[str, int], Check]]:
    """Yield the check of each instruction under its id and place: a prompt may give one instruction twice.

    Raises:
        ArgumentError: The row is not as it must be.
    """
    key, names = _listed(meta, "instruction_id_list", "instruction")
    arguments_key, arguments = _listed(meta, "kwargs", "instruction_kwargs", default=[None] * len(names))
    if not names:
        raise ArgumentError(f"'{key}' is empty: there is no instruction to follow")
    if len(arguments) != len(names):
        raise ArgumentError(f"'{key}' has {len(names)} entries, '{arguments_key}' has {len(arguments)}")
    for place, (name, given) in enumerate(zip(names, arguments, strict=True)):
        if not isinstance(name, str) or name not in CHECKS:
            hint = did_you_mean(name, CHECKS, show_all_below=0) if isinstance(name, str) else ""
            raise ArgumentError(f"unknown instruction {name!r:.80}{hint}")
        if not isinstance(given, Mapping | None):
            raise ArgumentError(f"{name}: its arguments must be a mapping or null, not {given!r:.80}")
        try:
            yield (name, place), CHECKS[name](Arguments(given or {}))
        except ArgumentError as error:
            raise ArgumentError(f"{name}: {error}") from None


def _listed(meta: Mapping[str, Any], *keys: str, default: Sequence[Any] | None = None) -> tuple[str, Sequence[Any]]:
    """Return the first of these keys that the row has, and its list; one that a table spells as JSON is read."""
    for key in keys:
        value = meta.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            value = _from_json(value)
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise ArgumentError(f"'{key}' must be a list, not {value!r:.80}")
        return key, value
    if default is None:
        raise ArgumentError(f"the row has no '{keys[0]}' (nor '{keys[1]}')")
    return keys[0], default


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
