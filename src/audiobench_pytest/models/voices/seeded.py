"""What the voices of the transformers library have in common: one text at a time, from a seed of its own.

A batch would draw other noise for each of its rows, and would pad them.
"""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.models.base import drawn_seed
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.adapter import TransformersAdapter
from audiobench_pytest.types import Answer, Audio, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RefusedError(Exception):
    """Why one text cannot be said."""


class SeededVoiceAdapter(TransformersAdapter):
    """Says each text by itself, at random, seeded by the text and the draw."""

    counts: ClassVar[tuple[str, ...]] = ("threads",)
    gives = frozenset({"speech"})
    reads_aloud = True
    draws_at_random = True
    takes_language_hint = True
    warm_up = False
    batch_rows = 1

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Say each text by itself."""
        return [self._answer(request) for request in batch]

    @abc.abstractmethod
    def say(self, text: str, request: Request) -> tuple[Any, int]:
        """Return the samples of a text that is said, a tensor, and their rate in Hz.

        Raises:
            RefusedError: It cannot be said.
        """

    def _answer(self, request: Request) -> Answer:
        import numpy as np
        import torch

        text = request.prompt.text or ""
        if not text.strip():
            return Answer(error="there is nothing to say: the text of this row is empty")
        own = drawn_seed(self.args["seed"], request.draw)
        seed = int.from_bytes(hashlib.sha256(f"{own}:{text}".encode("utf-8", "replace")).digest()[:4])
        try:
            with devices.steady(self._placement, seed), torch.inference_mode():
                said, rate = self.say(text, request)
        except RefusedError as exc:
            return Answer(error=str(exc))
        sound: NDArray[np.float32] = np.asarray(said.detach().float().cpu().numpy(), np.float32).reshape(-1)
        return Answer(speech=Audio(sound, rate))
