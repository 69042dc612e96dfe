"""Where the time of a shard goes, and the warm-up that keeps what happens only once out of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Audio, Prompt, Request

T = TypeVar("T")

_WARM_UP_S = 1.0


@dataclass(slots=True)
class Spent:
    """Seconds of one shard, by what the model did; what its wall time has beyond them, the model waited for us.

    Attributes:
        load_s: Bringing the model into memory.
        load_ahead_s: How much of that passed before the shard began, while another model was asked.
        warmup_s: The made-up question behind that, see `warm_up`.
        infer_s: Answering, attempts that failed included.
        decode_wait_s: Waiting for a batch that was not decoded in time.
    """

    load_s: float = 0.0
    load_ahead_s: float = 0.0
    warmup_s: float = 0.0
    infer_s: float = 0.0
    decode_wait_s: float = 0.0

    def plain(self) -> dict[str, float]:
        """Return the seconds by name, for a receipt."""
        return {name: value for name, value in asdict(self).items() if value or name != "load_ahead_s"}


def timed_waits(clips: Iterator[T], spent: Spent) -> Generator[T]:
    """Yield what an iterator yields; the time it takes counts as waiting for decoded clips."""
    while True:
        began = time.perf_counter()
        try:
            found = next(clips)
        except StopIteration:
            return
        finally:
            spent.decode_wait_s += time.perf_counter() - began
        yield found


def warm_up(adapter: ModelAdapter, prompt: Prompt, spent: Spent) -> None:
    """Ask a model that was just loaded a made-up question, and throw its answer away.

    The first question pays for what is done once: kernels are loaded, handles and memory pools are made. That is
    reported (`warmup_s`), and is not in the time of the first batch. One second of silence is short and always the
    same; an adapter that declares `warm_up` promises that no answer depends on what it was asked before.

    What goes wrong here is no matter of any sample: it will go wrong again with the first batch, and be told there.

    Args:
        adapter: A loaded model.
        prompt: What is asked beside the sound: a real question's, so that the same code runs.
        spent: Takes the time.
    """
    audio = None
    if adapter.sample_rate is not None:
        import numpy as np

        audio = Audio(np.zeros(round(_WARM_UP_S * adapter.sample_rate), np.float32), adapter.sample_rate)
    began = time.perf_counter()
    with contextlib.suppress(Exception):
        adapter.warm(Request("", audio, prompt))
        adapter.synchronize()
    spent.warmup_s += time.perf_counter() - began
