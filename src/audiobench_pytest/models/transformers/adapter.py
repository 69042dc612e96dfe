"""What every model of the transformers library has in common: device, precision, threads, memory, identity."""

from __future__ import annotations

import abc
import gc
import importlib.metadata
from collections.abc import Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.base import ModelAdapter, Weights, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.checkpoints import open_checkpoint
from audiobench_pytest.models.transformers.decoding import departures
from audiobench_pytest.models.transformers.low_rank import LowRankAdapter, inner_folder
from audiobench_pytest.types import Request

_WARM = {"max_new_tokens": 4, "min_new_tokens": None}


def options_with(
    own: Mapping[str, Option], *, half: str = "float16", attention: tuple[str, ...] = ()
) -> dict[str, Option]:
    """Return the options of a family between those that all families take.

    Args:
        own: The family's options.
        half: Its half precision, see `TransformersAdapter.half`.
        attention: Implementations of attention that it has beside `sdpa` and `eager`.
    """
    return {
        "device": Option(str, "auto", "auto, cpu, mps, cuda or cuda:N", (), False),
        # The precision that it resolves to is part of the identity; how it was asked for is not.
        "dtype": Option(
            str, "auto", f"precision; auto is {half} on CUDA, else float32", ("auto", *devices.DTYPES), False
        ),
        **own,
        "attn": Option(str, "auto", "implementation of attention", ("auto", "sdpa", "eager", *attention)),
        "seed": Option(int, 0, "seed set before every batch"),
        # Its digest is part of the identity; where it lies is not.
        "adapter": Option(
            str, None, "folder of a LoRA adapter that is added to the weights; checkpoint:NAME: below them", (), False
        ),
        "threads": Option(int, None, "CPU threads; default: torch's, which takes every core", (), False),
    }


class TransformersAdapter(ModelAdapter, abc.ABC):
    """Runs a checkpoint with torch.

    The key of its answers holds repository and commit (or, for a folder, the digest of its files), precision and
    generation arguments. Versions of torch and transformers are not in it: an upgrade would ask every model everything
    again, for changes that are meant to change no answer. They are recorded with every run (`describe`) instead. Nor is
    the device in it, beyond the precision it brings.

    Attributes:
        half: The half precision that models of this family were trained in.
        counts: Options that are numbers from 1 up.
    """

    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    extra: ClassVar[str] = "local"
    overlaps = True
    warm_up = True
    half: ClassVar[str] = "float16"
    counts: ClassVar[tuple[str, ...]]

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the checkpoint's repository, where it is no folder."""
        return weights_of(spec.source, spec.revision, below=inner_folder(args.get("adapter")))

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Find the checkpoint and read its small files.

        Raises:
            MissingExtraError: torch or transformers is not installed.
            ModelError: There is no such checkpoint, or it is of a kind that the adapter cannot run.
            UsageError: An argument out of its range, or one that this checkpoint cannot honour.
        """
        super().__init__(spec, args)
        self._check_arguments()
        devices.place(self.args["device"], self.args["dtype"])  # misspelt: before anything is looked for
        self._checkpoint = open_checkpoint(spec)
        self._placement = devices.place(self.args["device"], self.args["dtype"], half=self._half())
        given = self.args["adapter"]
        self._low_rank = None if given is None else LowRankAdapter(spec.name, given, self._checkpoint)
        self._attention: str | None = None

    def _half(self) -> str:
        """Return the half precision of this checkpoint's family."""
        return self.half

    def _check_arguments(self) -> None:
        for name in self.counts:
            if (value := self.args[name]) is not None and value < 1:
                raise UsageError(f"--model-args: {name}={value} of model '{self.spec.name}' must be at least 1")

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on; imports neither torch nor transformers.

        Raises:
            ModelError: A file of a checkpoint folder cannot be read.
        """
        found = {**self.base_identity(), **self._checkpoint.identity(), "dtype": self._placement.dtype}
        return found if self._low_rank is None else {**found, "low_rank": self._low_rank.digest()}

    def settle(self, model: Any) -> None:
        """Take over a model that was just loaded: add an adapter, see how it attends, on how many threads it may run.

        Raises:
            ModelError: The adapter was made for another model.
        """
        if self._low_rank is not None:
            self._low_rank.add_to(model)
        self._attention = getattr(model.config, "_attn_implementation", None)
        if self.args["threads"] is not None:
            import torch

            torch.set_num_threads(self.args["threads"])

    def warm(self, request: Request) -> None:
        """Answer about silence, in a few tokens only: a model may have much to say about it."""
        args = dict(self.args)
        self.args.update({name: value for name, value in _WARM.items() if name in args})
        try:
            self.generate([request])
        finally:
            self.args.update(args)

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""
        devices.synchronize(self._placement)

    def close(self) -> None:
        """Free the memory of a model that nothing refers to any more."""
        gc.collect()
        if self._placement.on_cuda:
            import torch

            torch.cuda.empty_cache()

    def describe(self) -> dict[str, Any]:
        """Return device, precision, attention, commit or folder, package versions, and what of it is not greedy."""
        told = devices.describe(self._placement)
        if self._low_rank is not None:
            told["adapter"] = str(self.args["adapter"])
        told |= {"source": self._checkpoint.source, "commit": self._checkpoint.commit}
        told |= {name: importlib.metadata.version(name) for name in self.packages}
        if found := departures(self._checkpoint.generation, self.args):
            told["not_greedy"] = found
        return told if self._attention is None else {**told, "attn": self._attention}
