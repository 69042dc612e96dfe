"""A model that is not asked: what the cache knows of it is enough to find its answers, wherever they are read.

What an answer depends on may not be told on another machine: the checkpoint is not there, a package is missing, a CPU
would pick another precision than the GPU that answered. So the cache says beside the answers what they depend on, and
what decides on the questions.

The weights are no such matter: where this machine holds those that are meant, answers of others are not taken for
theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import AudiobenchError, ModelError
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.paths import by_content
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.described import IDENTITY, TRAITS, described
from audiobench_pytest.records.identities import ADDED, CHECKPOINT, CONTENT, added, pins
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

_TOLD = (*CHECKPOINT, "source", "own")
"""Names in an identity under which weights, or a class of the user's, tell what they are."""


def traits_of(adapter: ModelAdapter) -> dict[str, Any]:
    """Return what of an adapter decides on its questions, as plain values."""
    return {"sees": sorted(adapter.sees), **{name: getattr(adapter, name) for name in _TRAITS}}


class KeptModel(ModelAdapter):
    """Stands in for a model whose answers are kept, and has none of its own."""

    takes_style = True  # what it would refuse it has no answer to

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
            ModelError: The cache does not tell which of several models is meant, or has answers of other weights only.
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
        identity: Mapping[str, Any] | None = None
        why = "its answers are not kept"
        try:
            here = super().adapter(spec)
            identity = here.identity()
            # Who answers behind a server's name is told by its answers, and of several the cache alone knows the last.
            told = not here.streams or pins(identity)
            if told and any(folder.is_dir() for folder in cache.model_folders(spec.name, identity)):
                return here
        except AudiobenchError as exc:  # what it lacks here does not matter where it is not asked
            why = str(exc)
            here = None
        named = [one for one in described(self.folders, spec.name) if self._is_meant(spec, one[IDENTITY])]
        weights = self._weights(spec, identity)
        known = [one for one in named if not _other_weights(spec, weights, one[IDENTITY])]
        if named and not known:
            raise ModelError(
                f"the cache holds answers of '{spec.name}' with other weights than those that are meant here "
                f"({_other_weights(spec, weights, named[0][IDENTITY])}): ask this one with --stage predict, name the "
                "weights that answered (hf:OWNER/NAME@COMMIT, the folder, adapter=), or name the cache that is meant"
            )
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
        # Left alone, a machine decides on the precision; named, it is meant.
        dtype = given.get("dtype", "auto").strip()
        if dtype != "auto" and identity.get("dtype") not in (None, dtype):
            return False
        return all(
            name not in said or _agrees(spec.name, name, json.loads(json.dumps(checked[name])), said[name])
            for name in given
            if name in checked and options[name].affects_answers
        )

    def _weights(self, spec: ModelSpec, identity: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what can be told here of the weights that are meant, by name; None is for weights that are not added.

        A branch of the hub may have moved on since it answered elsewhere: its commit counts where its weights lie here.

        Args:
            spec: The model.
            identity: Of its adapter, where that can be made here.
        """
        from audiobench_pytest.models.transformers import checkpoints
        from audiobench_pytest.models.transformers.low_rank import inner_folder

        source, folder = str(spec.source or ""), Path(spec.source or "").expanduser()
        is_folder = bool(source) and folder.is_dir()
        if identity is not None:
            found = {name: identity[name] for name in ("model", *_TOLD) if identity.get(name)}
            found |= dict.fromkeys(ADDED) | added(identity)
            commit = str(identity.get("revision") or "")
            held = is_folder and checkpoints.holds_weights(folder, checkpoints.ANY_WEIGHTS)
            lies_here = held or checkpoints.is_fetched(source, commit)
            if not lies_here and commit not in (spec.revision, self.args.get(spec.name, {}).get("revision")):
                found.pop("revision", None)
            if is_folder and not lies_here:
                found.pop("weights", None)
            return found
        found = {} if is_folder or source.startswith((".", "/", "~")) else {"model": source}
        if COMMIT.fullmatch(spec.revision or ""):
            found["revision"] = spec.revision
        # What a server reads of a folder, its own adapter knows.
        if is_folder and checkpoints.holds_weights(folder) and not adapter_class(spec.adapter).streams:
            found["weights"] = checkpoints.folder_digest(folder)
        low_rank = self.args.get(spec.name, {}).get("adapter", spec.args.get("adapter"))
        inner = inner_folder(low_rank)
        place = folder / inner if inner else Path(str(low_rank)).expanduser()
        if low_rank is None or (inner and not is_folder):
            found["low_rank"] = low_rank
        elif place.is_dir():
            found["low_rank"] = checkpoints.folder_digest(place)
        return found


def _agrees(model: str, name: str, given: Any, said: Any) -> bool:
    """Whether an argument is the one of kept answers; a path that is not here may be what they know by its content."""
    if isinstance(said, str) and said.startswith(CONTENT) and given != said:
        found = by_content(model, {name: given})[name]
        return found in (said, given)
    return bool(given == said)


def _other_weights(spec: ModelSpec, here: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """Return in words how weights that are meant here differ from those that answered; "" where nothing tells."""
    theirs = {"model": kept.get("model")} | {name: kept.get(name) for name in _TOLD} | added(kept)
    has_content = {here.get("source"), theirs["source"]} != {None}
    if kept.get("adapter") != spec.adapter and here.get("model") != theirs["model"]:
        return ""  # another way to run it, which may have a checkpoint of its own
    told = []
    for name, value in here.items():
        other = theirs.get(name)
        if name == "model" and (has_content or not value or other in (None, "class")):
            continue
        if value != other and (other is not None or name in ADDED):
            told.append(f"{name}: {_short(other)} answered, {_short(value)} is meant")
    return "; ".join(told)


def _short(value: Any) -> str:
    return "none" if value is None else str(value)[:60]


def _differences(identities: Sequence[Mapping[str, Any]]) -> str:
    names = sorted({name for one in identities for name in one})
    told = []
    for name in names:
        values = sorted({canonical(one.get(name)) for one in identities})
        if len(values) > 1:
            told.append(f"{name}: {' and '.join(value[:60] for value in values)}")
    return "; ".join(told)
