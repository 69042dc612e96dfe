"""A model that is not asked: what the cache knows of it is enough to find its answers, wherever they are read.

What an answer depends on may not be told on another machine: the checkpoint is not there, a package is missing, a CPU
would pick another precision than the GPU that answered. So the cache says beside the answers what they depend on, and
what decides on the questions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import AudiobenchError, ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.described import IDENTITY, TRAITS, described
from audiobench_pytest.records.keys import canonical
from audiobench_pytest.types import Answer, Request

_TRAITS = (
    "takes_language_hint",
    "takes_instruction",
    "takes_messages",
    "takes_tools",
    "reads_aloud",
    "most_sounds",
    "streams",
)


def traits_of(adapter: ModelAdapter) -> dict[str, Any]:
    """Return what of an adapter decides on its questions, as plain values."""
    return {"sees": sorted(adapter.sees), **{name: getattr(adapter, name) for name in _TRAITS}}


class KeptModel(ModelAdapter):
    """Stands in for a model whose answers are kept, and has none of its own."""

    @classmethod
    def require(cls, spec: ModelSpec) -> None:
        """Need nothing."""

    def __init__(self, spec: ModelSpec, identity: Mapping[str, Any], traits: Mapping[str, Any]) -> None:
        """Be what the cache says.

        Args:
            spec: The catalogue entry.
            identity: What the answers depend on.
            traits: What `traits_of` said of the adapter that gave them.
        """
        self.spec, self.args, self._identity = spec, {}, dict(identity)
        self.sees = frozenset(traits["sees"])  # type: ignore[misc]  # of this one model, not of the class
        for name in _TRAITS:
            setattr(self, name, traits[name])

    def identity(self) -> dict[str, Any]:
        """Return what the kept answers depend on."""
        return self._identity

    def load(self) -> None:
        """Refuse.

        Raises:
            ModelError: Always: there is nothing to load.
        """
        raise ModelError(f"model '{self.spec.name}' is not asked in this stage")

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Refuse; see `load`."""
        raise ModelError(f"model '{self.spec.name}' is not asked in this stage")


@dataclass
class KeptPool(ModelPool):
    """Models that are not asked: as they are configured here where they can be told, else as the cache knows them.

    Attributes:
        folders: Folders of the caches.
    """

    folders: Sequence[Path] = field(default_factory=tuple)
    _found: dict[str, ModelAdapter] = field(default_factory=dict)

    def adapter(self, spec: ModelSpec) -> ModelAdapter:
        """Return what stands for a model.

        Raises:
            ModelError: The cache does not tell which of several models is meant.
            RecordError: The cache cannot be read.
        """
        if spec.name not in self._found:
            self._found[spec.name] = self._find(spec)
        return self._found[spec.name]

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return what the kept answers of a model depend on."""
        return self.adapter(spec).identity()

    def load(self, spec: ModelSpec) -> ModelAdapter:
        """Refuse: nothing is asked.

        Raises:
            ModelError: Always.
        """
        raise ModelError(f"model '{spec.name}' is not asked in this stage")

    def _find(self, spec: ModelSpec) -> ModelAdapter:
        cache = PredictionCache(self.folders)
        here: ModelAdapter | None = None
        why = "its answers are not kept"
        try:
            here = super().adapter(spec)
            # Who answers behind a server's name is told by its answers, and of several the cache alone knows the last.
            told = not here.streams or bool(here.identity().get("revision"))
            if told and any(folder.is_dir() for folder in cache.model_folders(spec.name, here.identity())):
                return here
        except AudiobenchError as exc:  # what it lacks here does not matter where it is not asked
            why = str(exc)
            here = None
        known = [one for one in described(self.folders, spec.name) if self._is_meant(spec, one[IDENTITY])]
        different = {canonical(one[IDENTITY]): one for one in known}
        if len(different) > 1:
            raise ModelError(
                f"the cache holds answers of {len(different)} models called '{spec.name}', and which is meant cannot "
                f"be told here ({_differences([one[IDENTITY] for one in different.values()])}): say it with "
                "--model-args, or name a cache that holds one of them"
            )
        if known:
            return KeptModel(spec, known[0][IDENTITY], known[0][TRAITS])
        if here is not None:
            return here
        raise ModelError(
            f"the cache holds no answers of model '{spec.name}', and it cannot be told here what it is: {why}"
        )

    def _is_meant(self, spec: ModelSpec, identity: Mapping[str, Any]) -> bool:
        """Whether an identity has the arguments that were given."""
        given = self.args.get(spec.name, {})
        adapter = adapter_class(spec.adapter)
        options = adapter.options_for(spec)
        checked = checked_args(adapter, spec, given)
        said: Mapping[str, Any] = identity.get("args") or {}
        return all(
            name not in said or json.loads(json.dumps(checked[name])) == said[name]
            for name in given
            if name in checked and options[name].affects_answers
        )


def _differences(identities: Sequence[Mapping[str, Any]]) -> str:
    names = sorted({name for one in identities for name in one})
    told = []
    for name in names:
        values = sorted({canonical(one.get(name)) for one in identities})
        if len(values) > 1:
            told.append(f"{name}: {' and '.join(value[:60] for value in values)}")
    return "; ".join(told)
