"""Qwen2.5-Omni and Qwen3-Omni, whose processors want packages for pictures."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.models.transformers.families.hearing import HearingProcessor


class _Omni(HearingProcessor):
    @staticmethod
    @abc.abstractmethod
    def tokens(frames: int) -> int:
        """Return how many tokens a clip takes, given the frames of its spectrogram."""

    def hear(self, audio: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        found = self.feature_extractor(
            list(audio), padding="longest", truncation=False, return_attention_mask=True, **options
        )
        whole = [self.audio_token * self.tokens(int(frames)) for frames in found["attention_mask"].sum(-1)]
        return whole, {
            "input_features": found["input_features"],
            "feature_attention_mask": found["attention_mask"],
        }


class Qwen25Omni(_Omni):
    """Of Qwen2.5-Omni."""

    sound_tokens = ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")

    @staticmethod
    def tokens(frames: int) -> int:
        """Return how many tokens a clip takes, given the frames of its spectrogram."""
        return ((frames - 1) // 2 + 1 - 2) // 2 + 1


class Qwen3Omni(_Omni):
    """Of Qwen3-Omni."""

    sound_tokens = ("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>")

    @staticmethod
    def tokens(frames: int) -> int:
        """Return how many tokens a clip takes, given the frames of its spectrogram."""
        whole, rest = divmod(frames, 100)
        return 13 * whole + (((rest - 1) // 2 + 1 - 1) // 2 + 1 - 1) // 2 + 1
