"""Speech recognisers of the transformers library: any checkpoint of a known family, from the hub or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers import ctc, devices
from audiobench_pytest.models.transformers.adapter import TransformersAdapter, options_with
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.parakeet import Parakeet
from audiobench_pytest.models.transformers.families.recognizing import FAMILIES
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.models.transformers.whisper import WhisperRecognizer
from audiobench_pytest.types import Answer, Request


class TransformersAsrAdapter(TransformersAdapter):
    """Runs a checkpoint whose `config.json` names a family of recognisers.

    Decoding is greedy and seeded unless asked otherwise. In float32 an answer does not depend on the batch it is given
    in; in half precision rounding differs with the shape of a batch, so that now and then a word may.
    """

    counts = ("num_beams", "max_new_tokens", "threads")
    options: ClassVar[Mapping[str, Option]] = options_with(
        {
            "language": Option(str, None, "force this language, or auto: the model detects it; default: the dataset's"),
            "task": Option(str, "transcribe", "what Whisper is told to do", ("transcribe", "translate")),
            "num_beams": Option(int, 1, "width of the beam search; 1 is greedy"),
            "max_new_tokens": Option(
                int, None, "most tokens of an answer (of a 30 s window); default: the checkpoint's"
            ),
        }
    )

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Pick the family of the checkpoint; see the base class."""
        super().__init__(spec, args)
        self._recognizer = family_of(self._checkpoint)(self._checkpoint, self.args)
        self.args = self._recognizer.args
        self.sample_rate = self._recognizer.sample_rate
        self.equal_length, self.least_seconds = self._recognizer.equal_length, self._recognizer.least_seconds
        self.takes_language_hint = self._recognizer.takes_language_hint
        room = devices.room(self._placement)
        self.batch_rows, self.batch_seconds = self._recognizer.rows * room, self._recognizer.seconds * room

    def _half(self) -> str:
        return family_of(self._checkpoint).half

    def load(self) -> None:
        """Bring the model to its device.

        Raises:
            ModelError: It cannot be loaded, lacks weights, or its device is not there.
        """
        self._recognizer.load(self._placement)
        self.settle(self._recognizer.model)

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Recognise a batch; running out of memory is torch's own error."""
        if not batch:
            return []
        with devices.steady(self._placement, self.args["seed"]):
            return self._recognizer.recognize(batch, self._placement)

    def close(self) -> None:
        """Free the model's memory."""
        self._recognizer.close()
        super().close()


def family_of(checkpoint: Checkpoint) -> type[Recognizer]:
    """Pick the family of a checkpoint.

    Raises:
        ModelError: It is of none.
    """
    heads, kind = checkpoint.architectures, checkpoint.model_type
    if kind == "whisper" and (not heads or "WhisperForConditionalGeneration" in heads):
        return WhisperRecognizer
    if kind in ctc.MODEL_TYPES and (not heads or any(head.endswith("ForCTC") for head in heads)):
        return ctc.CtcRecognizer
    if kind in Parakeet.CLASSES:
        return Parakeet
    if kind in FAMILIES:
        return FAMILIES[kind]
    raise ModelError(
        f"model '{checkpoint.model}': {checkpoint.where} is of type '{kind}', saved as "
        f"{', '.join(heads) or 'no particular class'}; this version runs Whisper (WhisperForConditionalGeneration), "
        f"CTC models (...ForCTC of {', '.join(sorted(ctc.MODEL_TYPES))}) and "
        f"{', '.join([*FAMILIES, *Parakeet.CLASSES])}; "
        "models that are talked to run from a catalogue entry with adapter: transformers-audio-chat"
    )
