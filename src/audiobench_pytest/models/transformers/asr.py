"""Speech recognisers of the transformers library: any Whisper or CTC checkpoint, from the hub or a folder."""

from __future__ import annotations

import gc
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers import ctc, devices
from audiobench_pytest.models.transformers.checkpoints import Checkpoint, open_checkpoint
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.models.transformers.whisper import WhisperRecognizer
from audiobench_pytest.types import Answer, Request

_WARM_TOKENS = 4


class TransformersAsrAdapter(ModelAdapter):
    """Runs a checkpoint whose `config.json` names a Whisper or a CTC model.

    Decoding is greedy and seeded unless asked otherwise. In float32 an answer does not depend on the batch it is given
    in; in half precision rounding differs with the shape of a batch, so that now and then a word may.

    The key of its answers holds repository and commit (or, for a folder, the digest of its files), precision and
    generation arguments. Versions of torch and transformers are not in it: an upgrade would ask every model everything
    again, for changes that are meant to change no answer. They are recorded with every run (`describe`) instead. Nor is
    the device in it, beyond the precision it brings.
    """

    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    extra: ClassVar[str] = "local"
    overlaps = True
    warm_up = True
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option(str, "auto", "auto, cpu, mps, cuda or cuda:N", (), False),
        # The precision that it resolves to is part of the identity; how it was asked for is not.
        "dtype": Option(
            str, "auto", "precision; auto is float16 on CUDA, else float32", ("auto", *devices.DTYPES), False
        ),
        "language": Option(str, None, "force this language, or auto: the model detects it; default: the dataset's"),
        "task": Option(str, "transcribe", "what Whisper is told to do", ("transcribe", "translate")),
        "num_beams": Option(int, 1, "width of the beam search; 1 is greedy"),
        "max_new_tokens": Option(int, None, "most tokens of an answer (of a 30 s window); default: the checkpoint's"),
        "attn": Option(str, "auto", "implementation of attention", ("auto", "sdpa", "eager")),
        "seed": Option(int, 0, "seed set before every batch"),
        "threads": Option(int, None, "CPU threads; default: torch's, which takes every core", (), False),
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Find the checkpoint and read its small files.

        Raises:
            MissingExtraError: torch or transformers is not installed.
            ModelError: There is no such checkpoint, or it is neither Whisper nor CTC over waveforms.
            UsageError: An argument that this checkpoint cannot honour.
        """
        super().__init__(spec, args)
        for name in ("num_beams", "max_new_tokens", "threads"):
            if self.args[name] is not None and self.args[name] < 1:
                raise UsageError(f"--model-args: {name}={self.args[name]} of model '{spec.name}' must be at least 1")
        self._placement = devices.place(self.args["device"], self.args["dtype"])
        self._checkpoint = open_checkpoint(spec)
        self._recognizer = recognizer_of(self._checkpoint, self.args)
        self._attention: str | None = None
        self.args = self._recognizer.args
        self.sample_rate = self._recognizer.sample_rate
        self.equal_length = self._recognizer.equal_length
        self.takes_language_hint = self._recognizer.takes_language_hint
        self.batch_rows, self.batch_seconds = self._recognizer.rows, self._recognizer.seconds

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on; imports neither torch nor transformers.

        Raises:
            ModelError: A file of a checkpoint folder cannot be read.
        """
        return {**self.base_identity(), **self._checkpoint.identity(), "dtype": self._placement.dtype}

    def load(self) -> None:
        """Bring the model to its device.

        Raises:
            ModelError: It cannot be loaded, lacks weights, or its device is not there.
        """
        self._recognizer.load(self._placement)
        if self.args["threads"] is not None:
            import torch

            torch.set_num_threads(self.args["threads"])
        self._attention = getattr(self._recognizer.model.config, "_attn_implementation", None)

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Recognise a batch; running out of memory is torch's own error."""
        if not batch:
            return []
        with devices.steady(self._placement, self.args["seed"]):
            return self._recognizer.recognize(batch, self._placement)

    def warm(self, request: Request) -> None:
        """Recognise silence, to a few tokens only: a model may have much to say about it."""
        args = self._recognizer.args
        self._recognizer.args = {**args, "max_new_tokens": _WARM_TOKENS}
        try:
            self.generate([request])
        finally:
            self._recognizer.args = args

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""
        devices.synchronize(self._placement)

    def close(self) -> None:
        """Free the model's memory."""
        self._recognizer.close()
        gc.collect()
        if self._placement.on_cuda:
            import torch

            torch.cuda.empty_cache()

    def describe(self) -> dict[str, Any]:
        """Return device, precision, attention, commit or folder, and package versions."""
        told = devices.describe(self._placement)
        told |= {"source": self._checkpoint.source, "commit": self._checkpoint.commit}
        told |= {name: importlib.metadata.version(name) for name in self.packages}
        if self._attention is not None:
            told["attn"] = self._attention
        return told


def recognizer_of(checkpoint: Checkpoint, args: Mapping[str, Any]) -> Recognizer:
    """Pick the family of a checkpoint.

    Raises:
        ModelError: It is of none.
        UsageError: An argument that it cannot honour.
    """
    heads = checkpoint.architectures
    if checkpoint.model_type == "whisper" and (not heads or "WhisperForConditionalGeneration" in heads):
        return WhisperRecognizer(checkpoint, args)
    if checkpoint.model_type in ctc.MODEL_TYPES and (not heads or any(head.endswith("ForCTC") for head in heads)):
        return ctc.CtcRecognizer(checkpoint, args)
    raise ModelError(
        f"model '{checkpoint.model}': {checkpoint.where} is of type '{checkpoint.model_type}', saved as "
        f"{', '.join(heads) or 'no particular class'}; this version runs Whisper (WhisperForConditionalGeneration) "
        f"and CTC models (...ForCTC of {', '.join(sorted(ctc.MODEL_TYPES))}); models that are talked to run from a "
        "catalogue entry with adapter: transformers-audio-chat"
    )
