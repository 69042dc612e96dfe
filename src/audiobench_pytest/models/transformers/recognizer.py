"""What a family of transformers' speech recognisers has to offer to `TransformersAsrAdapter`."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import waveform_of
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_TOKENS_LOOKED_AT = 500


class Recognizer(abc.ABC):
    """One checkpoint of one family: what can be told from its small files, and after `load` its model.

    Attributes:
        rows: Most rows of a batch, unless the catalogue says otherwise.
        seconds: Most padded seconds of a batch, likewise.
        sample_rate: Hz at which the model wants its audio.
        least_seconds: Seconds up to which every shorter clip is filled.
        equal_length: Padding would change its answers: only clips of equal length may share a batch.
        half: The half precision that such models were trained in, see `devices.place`.
        takes_language_hint: It makes use of the dataset's language.
    """

    rows: ClassVar[int]
    seconds: ClassVar[float]
    half: ClassVar[str] = "float16"
    least_seconds: float = 0.0
    equal_length: bool = False
    takes_language_hint: bool = False

    def __init__(self, checkpoint: Checkpoint, args: Mapping[str, Any]) -> None:
        """Check the arguments against the checkpoint; load nothing.

        Raises:
            UsageError: An argument that this checkpoint cannot honour.
        """
        self.checkpoint = checkpoint
        self.args = dict(args)
        self.sample_rate = int(checkpoint.features.get("sampling_rate", 16_000))
        self._model: Any = None

    @abc.abstractmethod
    def load(self, placement: Placement) -> None:
        """Bring model and tokenizer into memory.

        Raises:
            ModelError: They cannot be loaded.
        """

    @abc.abstractmethod
    def recognize(self, batch: Sequence[Request], placement: Placement) -> list[Answer]:
        """Answer each request; no answer depends on what else is in the batch (exactly so in float32)."""

    @property
    def model(self) -> Any:
        """The loaded model.

        Raises:
            ModelError: `load` was not called.
        """
        if self._model is None:
            raise ModelError(f"model '{self.checkpoint.model}' was asked before it was loaded")
        return self._model

    def check_writes(self, tokenizer: Any) -> None:
        """Refuse a tokenizer that turns every token into nothing: each answer would be empty.

        Raises:
            ModelError: It does; a checkpoint of a trainer may be saved without its tokenizer's files.
        """
        size = int(self.checkpoint.config.get("vocab_size", 0) or len(tokenizer))
        looked_at = range(0, size, max(1, size // _TOKENS_LOOKED_AT))
        if not any(tokenizer.decode([token], skip_special_tokens=True).strip() for token in looked_at):
            raise ModelError(
                f"model '{self.checkpoint.model}': {self.checkpoint.where} has no tokenizer that writes anything "
                "(tokenizer.json, vocab.json): copy its files from the checkpoint it was made of"
            )

    def close(self) -> None:
        """Forget the model."""
        self._model = None

    def _waveform(self, request: Request) -> NDArray[np.float32]:
        return waveform_of(request, self.sample_rate, self.checkpoint.model)

    def _refuse(self, arguments: Mapping[str, Any], why: str) -> None:
        """Raise a UsageError if any of these arguments differs from the value that asks for nothing."""
        for name, idle in arguments.items():
            if self.args[name] != idle:
                raise UsageError(f"--model-args: {name}={self.args[name]} of model '{self.checkpoint.model}': {why}")
