"""What a run says about loading, the same for all of its sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audiobench_pytest.errors import UsageError

HUB_MODES = ("auto", "stream", "download")


@dataclass(frozen=True)
class LoadSettings:
    """What a run says about loading, the same for all of its sets.

    Attributes:
        cache: Folder for audio taken from the hub (`audio/`) and for what is known about its rows (`datasets/`).
        limit: Keep the first `limit` samples, or None for all.
        sample: Keep a seeded subset of this size, or None for all; see `selection.select`.
        seed: Seed of that subset.
        folders: Corpus root by the name of its setting (`FolderSource.setting`); a set with a root given here is read
            from disk instead of the hub.
        hub_mode: `download` keeps whole parquet files in the hub's own cache, `stream` reads only the byte ranges that
            are needed, `auto` streams when a part of the set is asked for and downloads otherwise.
        language: What the user says own data is in whose lines name no language; "" where nobody says.
        told: Is called with how many of how many rows are kept, as they are taken from the hub; None for nobody.

    Raises:
        UsageError: A value is out of range.
    """

    cache: Path
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    folders: Mapping[str, str] = field(default_factory=dict)
    hub_mode: str = "auto"
    language: str = ""
    told: Callable[[int, int], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.hub_mode not in HUB_MODES:
            raise UsageError(f"hub mode '{self.hub_mode}' does not exist; known: {', '.join(HUB_MODES)}")
        for name, value in (("limit", self.limit), ("sample", self.sample)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; it must be 1 or more")

    @property
    def is_partial(self) -> bool:
        """Whether a part of the set is asked for."""
        return self.limit is not None or self.sample is not None

    def selected(self, total: int) -> int:
        """Return how many samples of a set of `total` are selected."""
        return min(n for n in (total, self.limit, self.sample) if n is not None)

    def selection(self, total: int | None) -> str:
        """Return which samples of a set of `total` are selected, in words: `first 2 of 60`; "" where it is all of them.

        Args:
            total: Samples of the whole set; None where nobody knows.
        """
        if not self.is_partial or (total is not None and self.selected(total) == total):
            return ""
        of = "a set of unknown size" if total is None else str(total)
        told = []
        if self.sample is not None and (total is None or self.sample < total):
            told.append(f"{self.sample} of {of} picked with seed {self.seed}")
        if self.limit is not None:
            of = "them" if told else of
            told.append(f"first {self.limit} of {of}")
        return ", the ".join(told)
