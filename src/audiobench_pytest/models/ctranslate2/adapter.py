"""Whisper checkpoints run by faster-whisper."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, UsageError
from audiobench_pytest.models.base import ModelAdapter, Weights, weights_of
from audiobench_pytest.models.ctranslate2.conversion import converted, is_converted, was_converted
from audiobench_pytest.models.ctranslate2.whisper import CTranslateWhisper
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers.checkpoints import open_checkpoint
from audiobench_pytest.models.transformers.devices import Placement, describe, gpu_shows
from audiobench_pytest.types import Answer, Request

_TYPES = ("float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16", "int8_bfloat16")
_TO_CONVERT = ("torch", "transformers")


class FasterWhisperAdapter(ModelAdapter):
    """Runs a Whisper checkpoint of transformers, which it converts once, or one that was converted before.

    The key of its answers holds what that of `transformers` holds: the checkpoint, the precision, the arguments.
    Nothing is decoded again at a higher temperature, no voice detection stands before the model, no text of a window is
    told to the next.
    """

    packages: ClassVar[tuple[str, ...]] = ("faster_whisper",)
    extra: ClassVar[str] = "faster-whisper"
    overlaps = True
    warm_up = True
    made_ready = True
    made_what = "conversion"
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option(str, "auto", "auto, cpu, cuda or cuda:N", (), False),
        "dtype": Option(
            str,
            "auto",
            "precision; auto is float16 on CUDA, else float32; int8 is faster on a CPU",
            ("auto", *_TYPES),
            False,
        ),
        "language": Option(str, None, "force this language, or auto: the model detects it; default: the dataset's"),
        "task": Option(str, "transcribe", "what Whisper is told to do", ("transcribe", "translate")),
        "num_beams": Option(int, 1, "width of the beam search; 1 is greedy"),
        "max_new_tokens": Option(int, None, "most tokens of an answer (of a 30 s window); default: the checkpoint's"),
        "threads": Option(int, None, "CPU threads; default: every core", (), False),
    }

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the checkpoint's repository, where it is no folder."""
        return weights_of(spec.source, spec.revision)

    @classmethod
    def make_ready(cls, spec: ModelSpec) -> str:
        """Convert the checkpoint, or find it converted.

        Raises:
            MissingExtraError: A package is not installed.
            ModelError: There is no such checkpoint, or it cannot be converted.
        """
        cls.require(spec)
        return f"converted: {converted(open_checkpoint(spec))}"

    @classmethod
    def require(cls, spec: ModelSpec) -> None:
        """Check that the packages are there, those that convert a checkpoint too where it has to be.

        Raises:
            MissingExtraError: One is not.
        """
        super().require(spec)
        for package in () if is_converted(spec.source) else _TO_CONVERT:
            if importlib.util.find_spec(package) is None:
                raise MissingExtraError(f"model '{spec.name}'", package, "local")

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages that are not there."""
        missing = [one for one in _TO_CONVERT if importlib.util.find_spec(one) is None]
        to_convert = [] if is_converted(spec.source) else missing
        return super().lacks(spec, args) + [
            (f"the package '{package}' to convert its checkpoint", "pip install 'audiobench-pytest[local]'")
            for package in to_convert
        ]

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Find the checkpoint and read its small files.

        Raises:
            MissingExtraError: A package is not installed.
            ModelError: There is no such checkpoint, or it is no Whisper.
            UsageError: An argument out of its range, or one that this checkpoint cannot honour.
        """
        super().__init__(spec, args)
        for name in ("num_beams", "max_new_tokens", "threads"):
            if (value := self.args[name]) is not None and value < 1:
                raise UsageError(f"--model-args: {name}={value} of model '{spec.name}' must be at least 1")
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.args["device"]):
            raise UsageError(f"--model-args: device={self.args['device']!r} must be auto, cpu, cuda or cuda:N")
        chosen = self.args["device"] != "auto"
        device = self.args["device"] if chosen else "cuda" if gpu_shows(os.environ) else "cpu"
        half = "float16" if device.startswith("cuda") else "float32"
        self._placement = Placement(device, half if self.args["dtype"] == "auto" else self.args["dtype"], chosen)
        self._recognizer = CTranslateWhisper(open_checkpoint(spec), self.args)
        self.args = self._recognizer.args
        self.sample_rate = self._recognizer.sample_rate
        self.takes_language_hint = self._recognizer.takes_language_hint
        self.least_seconds = self._recognizer.least_seconds
        self.batch_rows, self.batch_seconds = self._recognizer.rows, self._recognizer.seconds

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on.

        Raises:
            ModelError: A file of a checkpoint folder cannot be read.
        """
        checkpoint = self._recognizer.checkpoint
        return {**self.base_identity(), **checkpoint.identity(), "dtype": self._placement.dtype}

    def loads_beside(self) -> bool:
        """Whether torch has nothing to convert: the engine alone leaves seeds and defaults of the process alone."""
        return was_converted(self._recognizer.checkpoint)

    def load(self) -> None:
        """Convert the checkpoint where that was not done before, and bring it to its device.

        Raises:
            ModelError: One of the two failed.
        """
        self._recognizer.load(self._placement)

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Recognise a batch."""
        return self._recognizer.recognize(batch, self._placement) if batch else []

    def close(self) -> None:
        """Free the model's memory."""
        self._recognizer.close()
        gc.collect()

    def describe(self) -> dict[str, Any]:
        """Return device and precision, and the versions of the engine."""
        versions = {name: importlib.metadata.version(name) for name in ("ctranslate2", "faster-whisper")}
        return {**describe(self._placement), **versions}
