"""Moshi, which hears and speaks at the same time, through the transformers library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import drawn_seed, waveform_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.adapter import TransformersAdapter, options_with
from audiobench_pytest.types import Answer, Audio, Prompt, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SILENT = 3
"""Token of its text where it says nothing."""

_UNSAID = frozenset({_SILENT, 0})
"""Tokens of its text that are no words: silence, and the end of one."""

_LATE = 1
"""Frames by which the last codebooks come later than the first, so that so many more are asked for."""


class MoshiAdapter(TransformersAdapter):
    """Has one question said to it at a time, and lets it speak once that has ended.

    While it listens it is silent: what it would say meanwhile is not asked for, since transformers feeds it silence as
    soon as it speaks. It draws text and sound as the checkpoint's generation settings have it. It hears sounds alone:
    no words can be put beside them.
    """

    counts = ("threads",)
    half = "bfloat16"
    gives = frozenset({"text", "speech"})
    draws_at_random = True
    follows_instructions = True
    takes_messages = True
    warm_up = False
    batch_rows = 1
    options: ClassVar[Mapping[str, Option]] = options_with(
        {"answer_seconds": Option(float, 20.0, "seconds that it has for its answer")}, half="bfloat16"
    )

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Read how it hears; see the base class.

        Raises:
            ModelError: The checkpoint is no Moshi.
            UsageError: It has no time to answer in.
        """
        super().__init__(spec, args)
        checkpoint = self._checkpoint
        if checkpoint.model_type != "moshi":
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} is of type '{checkpoint.model_type}', not 'moshi'"
            )
        if not self.args["answer_seconds"] > 0:
            raise UsageError(
                f"--model-args: answer_seconds={self.args['answer_seconds']} of '{spec.name}' must be above 0"
            )
        codec = checkpoint.config.get("audio_encoder_config") or {}
        self.sample_rate = int(codec.get("sampling_rate") or 24_000)
        self._longest = int(checkpoint.config.get("max_position_embeddings") or 3000)
        self._model: Any = None
        self._tokenizer: Any = None

    def refuses(self, prompt: Prompt) -> str | None:
        """Return why it cannot be asked with a prompt, or None where it can."""
        if len(prompt.messages) > 1 or _words(prompt):
            return (
                f"model '{self.spec.name}' hears one sound and no words; the prompt '{prompt.profile}' has them: ask "
                "with one of the sound alone, such as --prompt spoken-qa/sound-alone"
            )
        return super().refuses(prompt)

    def load(self) -> None:
        """Bring the model to its device.

        Raises:
            ModelError: It cannot be loaded, lacks weights, or its device is not there.
        """
        self._tokenizer = self._checkpoint.load("AutoTokenizer")
        self._model = self._checkpoint.load_model(
            "MoshiForConditionalGeneration", self._placement, self.args["attn"], "it answers nothing"
        )
        self.settle(self._model)

    def close(self) -> None:
        """Free the memory."""
        self._model = self._tokenizer = None
        super().close()

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer each question by itself."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Request) -> Answer:
        import torch

        if (why := self.refuses(request.prompt)) is not None:
            return Answer(error=why)
        rate = self.sample_rate or 24_000
        sound = waveform_of(request, rate, self.spec.name)
        config = self._model.config
        frame = round(rate / config.audio_encoder_config.frame_rate)
        heard = max(1, math.ceil(len(sound) / frame))
        said = max(1, math.ceil(self.args["answer_seconds"] * rate / frame))
        if heard + said + _LATE >= self._longest:
            most = (self._longest - said - _LATE - 1) * frame / rate
            return Answer(error=f"hears {most:g} s where it answers for {self.args['answer_seconds']:g} s")
        given = torch.zeros(1, 1, heard * frame)
        given[0, 0, : len(sound)] = torch.from_numpy(sound)
        given = given.to(self._model.device, self._model.dtype)
        with devices.steady(self._placement, drawn_seed(self.args["seed"], request.draw)):
            found = self._model.generate(
                input_ids=torch.full((1, heard), _SILENT, device=self._model.device),
                user_input_values=given,
                moshi_input_values=torch.zeros_like(given),
                max_new_tokens=said + _LATE,
            )
        tokens = found.sequences[0, -(said + _LATE) :].tolist()
        text = self._tokenizer.decode([one for one in tokens if one not in _UNSAID], skip_special_tokens=True).strip()
        if request.prompt.answer != "speech":
            return Answer(text)
        whole: NDArray[np.float32] = found.audio_sequences[0, 0].float().cpu().numpy()
        return Answer(text, speech=Audio(whole[heard * frame :], rate))


def _words(prompt: Prompt) -> bool:
    """Whether anything of a prompt is written."""
    return bool(prompt.text) or any(
        isinstance(part, str) and part.strip() for message in prompt.messages for part in message.parts
    )
