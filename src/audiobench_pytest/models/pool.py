"""At most one model in memory per process; beside it, those that hear its answers, and the next where there is room."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import create


@dataclass
class _Entry:
    """A model, and what there is of it in memory.

    Attributes:
        adapter: Its adapter.
        identity: What its answers depend on, once that was asked.
        loaded: Whether it is the model that is asked.
        begun: Whether it is being loaded beside another, or has been: something of it may be in memory.
        ready: Whether all of it is.
    """

    adapter: ModelAdapter
    identity: dict[str, Any] | None = None
    loaded: bool = False
    begun: bool = False
    ready: bool = False


@dataclass
class ModelPool:
    """Keeps one adapter per model name and loads one at a time.

    Attributes:
        args: Arguments given by the user, per model name.
        loads: Number of loads so far, per model name; a finished run repeated loads nothing.
        folder: Where adapters may write beside the run, or None.
        several: Whether models that are on no accelerator stay in memory side by side: small ones, asked in turn.
    """

    args: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    loads: dict[str, int] = field(default_factory=dict)
    several: bool = False
    folder: Path | None = None
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def adapter(self, spec: ModelSpec) -> ModelAdapter:
        """Return the model's adapter, not necessarily loaded.

        Raises:
            UsageError: It does not take an argument it was given, or a package is missing.
            ModelError: Its checkpoint does not exist.
        """
        return self._entry(spec).adapter

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return what its answers depend on; asked of the adapter once.

        Raises:
            ModelError: The checkpoint's revision cannot be resolved.
        """
        entry = self._entry(spec)
        if entry.identity is None:
            entry.identity = entry.adapter.identity()
        return entry.identity

    def set_apart(self, spec: ModelSpec, observed: str) -> None:
        """Keep answers of a model apart from those of another one that went by its name.

        Args:
            spec: The model.
            observed: What tells it from that one.
        """
        entry = self._entry(spec)
        entry.identity = {**entry.adapter.identity(), "observed": observed}

    def load(self, spec: ModelSpec) -> ModelAdapter:
        """Return the model's adapter, loaded; another one in memory is closed first.

        Raises:
            ModelError: It cannot be loaded.
        """
        entry = self._entry(spec)
        if not entry.loaded:
            if self.several:
                self.make_room()
            else:
                for other in self._entries.values():
                    if other is not entry:
                        self._close(other)
            if not entry.ready:
                self._close(entry)
                self._load(entry)
            entry.begun = entry.ready = False
            # What a model brings (transformers alone some hundred thousand objects) stays until it is closed. Walked by
            # every full garbage collection, it costs a small model 3 % of its time.
            gc.freeze()
            entry.loaded = True
            self.loads[spec.name] = self.loads.get(spec.name, 0) + 1
        return entry.adapter

    def load_beside(self, spec: ModelSpec) -> None:
        """Load a model while another one is asked, in another thread than that one's; `load` then takes it over.

        Its adapter was made before, and has to say that it `loads_beside`.

        Raises:
            Exception: It cannot be loaded now; nothing of it is left, and `load` tries again in its turn.
        """
        entry = self._entries[spec.name]
        entry.begun = True
        try:
            self._load(entry)
        except Exception:
            entry.begun = False
            raise
        entry.ready = True

    def is_loaded(self, spec: ModelSpec) -> bool:
        """Whether a model is the one that is asked."""
        return spec.name in self._entries and self._entries[spec.name].loaded

    def close(self) -> None:
        """Free what is in memory, if anything."""
        for entry in self._entries.values():
            self._close(entry)

    def make_room(self) -> None:
        """Free the model in memory where it is on an accelerator; it is loaded again when it is asked again."""
        for entry in self._entries.values():
            if entry.loaded and str(entry.adapter.describe().get("device", "cpu")) != "cpu":
                self._close(entry)

    def _entry(self, spec: ModelSpec) -> _Entry:
        if spec.name not in self._entries:
            self._entries[spec.name] = _Entry(create(spec, self.args.get(spec.name, {})))
            self._entries[spec.name].adapter.folder = self.folder
        return self._entries[spec.name]

    @staticmethod
    def _load(entry: _Entry) -> None:
        try:
            entry.adapter.load()
        except Exception:
            # What was loaded before it failed must not take the room of the next model.
            with contextlib.suppress(Exception):
                entry.adapter.close()
            raise

    @staticmethod
    def _close(entry: _Entry) -> None:
        if entry.loaded:
            entry.loaded = False
            gc.unfreeze()  # else the circles of a model that goes would keep its memory
            entry.adapter.close()
        elif entry.begun:
            entry.begun = entry.ready = False
            with contextlib.suppress(Exception):  # of a model that nobody asked, as of one that failed while it loaded
                entry.adapter.close()
