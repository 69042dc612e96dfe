"""What makes the inputs of a model whose own processor wants packages that hearing does not need."""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.spectrograms import without_silence


class HearingProcessor(abc.ABC):
    """Tokenizer and feature extractor of a model; offers what a processor of transformers offers.

    Attributes:
        sound_tokens: Placeholder of a sound, what opens and what closes one.
        opens: What a question begins with, whatever its format.
        template: Chat format of a family whose checkpoints bring none.
        most_seconds: Longest clip that it hears; None for that of the feature extractor.
        tokenizer: Of the checkpoint.
        feature_extractor: Of the checkpoint.
        audio_token: Placeholder of a sound, once per sound in a text.
    """

    sound_tokens: tuple[str, str, str]
    opens: str = ""
    template: str | None = None
    most_seconds: float | None = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Load both.

        Raises:
            ModelError: They cannot be loaded, or there is no chat format.
        """
        self.tokenizer = self.load_tokenizer(checkpoint)
        self.feature_extractor = without_silence(checkpoint.load("AutoFeatureExtractor"))
        self.audio_token, self.audio_bos_token, self.audio_eos_token = self.sound_tokens
        self.max_audio_len = self.most_seconds
        self._template = self.tokenizer.chat_template or self._older(checkpoint) or self.template
        if self._template is None:
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} has no chat format (chat_template.jinja, or "
                "chat_template.json): copy it from the checkpoint it was made of"
            )

    def load_tokenizer(self, checkpoint: Checkpoint) -> Any:
        """Return the tokenizer.

        Raises:
            ModelError: It cannot be loaded.
        """
        return checkpoint.load("AutoTokenizer")

    @abc.abstractmethod
    def hear(self, audio: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Return what stands for each sound of a question in its text, and the model's inputs of all of them.

        Args:
            audio: Sounds, `(samples,)` each; at least one.
            options: For the feature extractor.
        """

    @staticmethod
    def _older(checkpoint: Checkpoint) -> str | None:
        """Return the format from where processors used to keep it, which a tokenizer does not read."""
        path = checkpoint.find("chat_template.json")
        if path is None:
            return None
        try:
            return str(json.loads(path.read_bytes())["chat_template"])
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ModelError(f"model '{checkpoint.model}': {path}: no chat format: {exc!r}") from exc

    def apply_chat_template(self, conversation: Sequence[Any], **options: Any) -> str:
        """Return a conversation in the model's format, each sound by its placeholder."""
        return str(self.tokenizer.apply_chat_template(conversation, chat_template=self._template, **options))

    def __call__(
        self, text: Sequence[str], audio: Sequence[Any] | None, *, return_tensors: str, audio_kwargs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the inputs of one question.

        Args:
            text: One text, in which `audio_token` stands once per sound.
            audio: Its sounds, `(samples,)` each.
            return_tensors: `pt`.
            audio_kwargs: For the feature extractor.
        """
        (whole,) = text
        inputs: dict[str, Any] = {}
        if audio:
            heard, inputs = self.hear(audio, {"return_tensors": return_tensors, **audio_kwargs})
            first, *rest = whole.split(self.audio_token)
            whole = first + "".join(sound + piece for sound, piece in zip(heard, rest, strict=True))
        if not whole.startswith(self.opens):
            whole = self.opens + whole
        told = self.tokenizer([whole], return_tensors=return_tensors, add_special_tokens=False)
        return {"input_ids": told["input_ids"], "attention_mask": told["attention_mask"], **inputs}
