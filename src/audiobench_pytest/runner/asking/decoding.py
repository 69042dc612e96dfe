"""A bounded pool that decodes audio ahead of the model."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from audiobench_pytest.datasets.audio.decode import read_audio
from audiobench_pytest.datasets.audio.levels import levels
from audiobench_pytest.errors import SampleError
from audiobench_pytest.types import Audio, Sample

_PARTS_PER_THREAD = 2
"""Parts of a batch for each thread: with one, all would wait for whoever has the long clips."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded clip, or why it could not be decoded.

    Attributes:
        audio: The sound, or None.
        problem: The reason why there is none.
        seconds: Time it took, in seconds.
        sounds: Further sounds by name.
        levels: How loud the sound is, see `datasets.audio.levels`.
    """

    audio: Audio | None
    problem: str | None
    seconds: float
    sounds: Mapping[str, Audio] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """Seconds of all its sounds."""
        own = self.audio.duration_s if self.audio else 0.0
        return own + sum(sound.duration_s for sound in self.sounds.values()) if self.sounds else own


def decode(sample: Sample, sample_rate: int, max_seconds: float) -> Decoded:
    """Decode one sample's file; a bad file is an outcome, not an exception, whatever a decoder raises over it."""
    started = time.perf_counter()
    path = sample.audio
    sounds: dict[str, Audio] = {}
    try:
        audio = read_audio(path, sample_rate, max_seconds=max_seconds) if path is not None else None
        for name, path in sample.sounds.items():
            sounds[name] = read_audio(path, sample_rate, max_seconds=max_seconds)
    except SampleError as exc:
        return Decoded(None, str(exc), time.perf_counter() - started)
    except Exception as exc:  # a clip that does not fit into memory, a network drive that fails half-way
        problem = f"{path}: cannot be decoded: {type(exc).__name__}: {exc}"
        return Decoded(None, problem, time.perf_counter() - started)
    heard = levels(audio) if audio is not None else {}
    return Decoded(audio, None, time.perf_counter() - started, sounds, heard)


class DecodeAhead:
    """Give out each batch decoded, in order, while the next ones are being decoded; the first begin at once.

    Decoding and resampling release the interpreter lock, so threads suffice. At most `ahead` batches wait in memory
    beside the one in use. A thread takes a few clips of a batch at a time: handing over one costs as much as decoding a
    second of plain sound.
    """

    def __init__(
        self,
        batches: Sequence[Sequence[Sample]],
        *,
        sample_rate: int,
        max_seconds: float,
        threads: int,
        ahead: int = 2,
    ) -> None:
        """Begin.

        Args:
            batches: Samples of each batch.
            sample_rate: Hz that the model wants.
            max_seconds: Clips longer than this are refused.
            threads: Number of decoding threads.
            ahead: Batches decoded in advance.
        """
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="audiobench-decode")
        self._threads = threads
        self._decode = partial(decode, sample_rate=sample_rate, max_seconds=max_seconds)
        self._remaining = iter(batches)
        self._waiting: deque[list[Future[list[Decoded]]]] = deque()
        self._taken = self._closed = False
        for _ in range(ahead + 1):
            self._submit()

    def __iter__(self) -> Iterator[list[Decoded]]:
        return self

    def __next__(self) -> list[Decoded]:
        if self._taken:
            self._submit()  # whoever comes again has done with the batch before
        if not self._waiting:
            self.close()
            raise StopIteration
        self._taken = True
        return [clip for future in self._waiting.popleft() for clip in future.result()]

    def close(self) -> None:
        """Decode nothing more: an interrupt waits for the clips that are being read, and for none behind them."""
        self._closed = True
        self._waiting.clear()
        self._remaining = iter(())
        self._pool.shutdown(cancel_futures=True)

    def _submit(self) -> None:
        if (batch := next(self._remaining, None)) is not None:
            few = -(-len(batch) // (_PARTS_PER_THREAD * self._threads)) or 1
            parts = (batch[start : start + few] for start in range(0, len(batch), few))
            self._waiting.append([self._pool.submit(self._several, part) for part in parts])

    def _several(self, samples: Sequence[Sample]) -> list[Decoded]:
        return [self._decode(sample) for sample in samples if not self._closed]
