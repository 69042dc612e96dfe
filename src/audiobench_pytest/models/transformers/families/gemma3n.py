"""Gemma 3n without its eyes, which are built by timm, and timm wants torchvision."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.hearing import HearingProcessor

_SILENT_FRAMES = 8
"""Silence behind a clip, in frames of its spectrogram: the encoder reads six ahead, which then are the same in any
batch, and the same as where transformers fills a batch up."""


class Gemma3nProcessor(HearingProcessor):
    """Tokenizer and feature extractor; a sound takes as many tokens as the configuration says, however long it is."""

    opens = "<bos>"
    most_seconds = 30.0

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Load both; see the base class."""
        self._tokens = int(checkpoint.config.get("audio_soft_tokens_per_image", 188))
        super().__init__(checkpoint)

    def load_tokenizer(self, checkpoint: Checkpoint) -> Any:
        """Return the tokenizer, which knows what stands for a sound.

        Raises:
            ModelError: It cannot be loaded.
        """
        tokenizer = checkpoint.load("AutoTokenizer")
        self.sound_tokens = (tokenizer.audio_token, "", "")
        self._whole = f"\n\n{tokenizer.boa_token}{tokenizer.audio_token * self._tokens}{tokenizer.eoa_token}\n\n"
        return tokenizer

    def hear(self, audio: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Return what stands for each sound, and `(sounds, frames, mel bins)` of all of them."""
        from torch.nn.utils.rnn import pad_sequence

        more = _SILENT_FRAMES * self.feature_extractor.hop_length
        found = [
            self.feature_extractor(sound, padding="max_length", max_length=len(sound) + more, **options)
            for sound in audio
        ]
        inputs = {
            name: pad_sequence([one[name][0] for one in found], batch_first=True)
            for name in ("input_features", "input_features_mask")
        }
        return [self._whole] * len(audio), inputs


def without_pictures(checkpoint: Checkpoint) -> Any:
    """Return the configuration of a checkpoint with nothing in place of the part that sees.

    What embeds pictures stays, so that all other weights are those of the checkpoint.
    """
    import transformers

    own = {name: value for name, value in checkpoint.config.items() if name != "auto_map"}
    seen = {name: value for name, value in (own.get("vision_config") or {}).items() if name != "model_type"}
    return transformers.Gemma3nConfig.from_dict({**own, "vision_config": _no_pictures()(**seen)})


@functools.cache
def _no_pictures() -> Any:
    """Return the configuration of a part that sees and has no weights, known to transformers from here on."""
    import transformers

    class NoPicturesConfig(transformers.Gemma3nVisionConfig):  # type: ignore[misc]
        model_type = "audiobench_no_pictures"

    class NoPictures(transformers.PreTrainedModel):  # type: ignore[misc]
        config_class = NoPicturesConfig
        _supports_sdpa = _supports_flash_attn = True  # it never attends

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.post_init()

    transformers.AutoModel.register(NoPicturesConfig, NoPictures)
    return NoPicturesConfig
