"""Families that are told what to do with what they hear, and how sound gets into the question of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.transformers.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class TalkingFamily:
    """What sets a family apart.

    Attributes:
        class_name: Class of transformers.
        most_sounds: Most sounds of one question; None for any number.
        spelled: Its chat format takes texts only, in which the placeholder of a sound stands.
        tokens: Of a family whose own processor wants packages for pictures: how many tokens a clip takes, given the
            frames of its spectrogram. Tokenizer and feature extractor then do without that processor.
        sound_tokens: Placeholder of a sound, what opens and what closes one; for such a family.
        features: Names of spectrogram and its mask, likewise.
    """

    class_name: str
    most_sounds: int | None = 1
    spelled: bool = False
    tokens: Callable[[int], int] | None = None
    sound_tokens: tuple[str, str, str] = ("", "", "")
    features: tuple[str, str] = ("input_features", "feature_attention_mask")

    def processor(self, checkpoint: Checkpoint) -> Any:
        """Return what makes the model's inputs of texts and clips.

        Raises:
            ModelError: It cannot be loaded.
        """
        if self.tokens is None:
            return checkpoint.load("AutoProcessor")
        return HearingProcessor(checkpoint, self)


class HearingProcessor:
    """Tokenizer and feature extractor of a model that also sees; offers what a processor of transformers offers.

    Attributes:
        tokenizer: Of the checkpoint.
        feature_extractor: Of the checkpoint.
        audio_token: Placeholder of a sound, once per sound in a text.
    """

    def __init__(self, checkpoint: Checkpoint, family: TalkingFamily) -> None:
        """Load both.

        Raises:
            ModelError: They cannot be loaded, or there is no chat format.
        """
        self._family = family
        self.tokenizer = checkpoint.load("AutoTokenizer")
        self.feature_extractor = checkpoint.load("AutoFeatureExtractor")
        self.audio_token, self.audio_bos_token, self.audio_eos_token = family.sound_tokens
        self._template = self.tokenizer.chat_template or self._older(checkpoint)
        if self._template is None:
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} has no chat format (chat_template.jinja, or "
                "chat_template.json): copy it from the checkpoint it was made of"
            )

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
        assert self._family.tokens is not None
        (whole,) = text
        inputs: dict[str, Any] = {}
        if audio:
            found = self.feature_extractor(
                list(audio), padding="longest", truncation=False, return_attention_mask=True,
                return_tensors=return_tensors, **audio_kwargs,
            )  # fmt: skip
            first, *rest = whole.split(self.audio_token)
            counts = [self._family.tokens(int(frames)) for frames in found["attention_mask"].sum(-1)]
            pieces = [self.audio_token * count + piece for count, piece in zip(counts, rest, strict=True)]
            whole = first + "".join(pieces)
            inputs = dict(zip(self._family.features, (found["input_features"], found["attention_mask"]), strict=True))
        told = self.tokenizer([whole], return_tensors=return_tensors, add_special_tokens=False)
        return {"input_ids": told["input_ids"], "attention_mask": told["attention_mask"], **inputs}


def _qwen25_omni(frames: int) -> int:
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


def _qwen3_omni(frames: int) -> int:
    whole, rest = divmod(frames, 100)
    return 13 * whole + (((rest - 1) // 2 + 1 - 1) // 2 + 1 - 1) // 2 + 1


_QWEN25_OMNI = TalkingFamily(
    "Qwen2_5OmniThinkerForConditionalGeneration", None,
    tokens=_qwen25_omni, sound_tokens=("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"),
)  # fmt: skip
_QWEN3_OMNI = TalkingFamily(
    "Qwen3OmniMoeThinkerForConditionalGeneration", None,
    tokens=_qwen3_omni, sound_tokens=("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>"),
)  # fmt: skip

FAMILIES: Mapping[str, TalkingFamily] = {
    "audioflamingo3": TalkingFamily("AudioFlamingo3ForConditionalGeneration"),
    "granite_speech": TalkingFamily("GraniteSpeechForConditionalGeneration", spelled=True),
    "musicflamingo": TalkingFamily("MusicFlamingoForConditionalGeneration"),
    "qwen2_5_omni": _QWEN25_OMNI,
    "qwen2_5_omni_thinker": _QWEN25_OMNI,
    "qwen2_audio": TalkingFamily("Qwen2AudioForConditionalGeneration", None),
    "qwen3_omni_moe": _QWEN3_OMNI,
    "qwen3_omni_moe_thinker": _QWEN3_OMNI,
}
"""By model type. What a family needs to be here: a processor that takes texts with a placeholder and clips, and an
answer that does not depend on the batch (a test holds this on a small checkpoint of each). Of a model that also speaks
only the part that writes is loaded."""
