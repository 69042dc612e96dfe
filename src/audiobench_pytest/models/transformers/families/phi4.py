"""Phi-4-multimodal without its eyes, whose processor wants torchvision; what hears in it is an adapter of low rank."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.hearing import HearingProcessor

SPEECH = "speech-lora"
"""Folder below the weights with the adapter that was trained to hear."""

_TAKES_PARTS = re.compile(r"""['"]type['"]|\.type\b""")
"""How a chat format that takes a turn's parts, and not its text alone, tells sound from words."""


class Phi4Processor(HearingProcessor):
    """Tokenizer and feature extractor; a sound takes a token for 80 ms."""

    # Its makers promise 40 s, and half an hour for summaries. Past 4096 tokens (5 minutes and a half) it turns to other
    # positions, for all of a batch: some are left for the words and the answer.
    most_seconds = 240.0
    template = (
        "{% for m in messages %}<|{{ m['role'] }}|>{% for c in m['content'] %}"
        "{% if c['type'] == 'audio' %}<|audio|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Load both; see the base class."""
        super().__init__(checkpoint)
        self._template = self._older(checkpoint) or self._template  # a tokenizer of old brings another one

    def load_tokenizer(self, checkpoint: Checkpoint) -> Any:
        """Return the tokenizer, which knows what stands for a sound.

        Raises:
            ModelError: It cannot be loaded, or knows it otherwise than the weights.
        """
        tokenizer = checkpoint.load("AutoTokenizer")
        token = getattr(tokenizer, "audio_token", None)
        known = (checkpoint.config.get("audio_config") or {}).get("audio_token_id", 200_011)
        if token is None or tokenizer.convert_tokens_to_ids(token) != known:
            raise ModelError(
                f"model '{checkpoint.model}': the tokenizer of {checkpoint.where} does not say that its token {known} "
                "stands for a sound (audio_token), as that of transformers' own format does: it is of an older format"
            )
        self.sound_tokens = (token, "", "")
        return tokenizer

    def apply_chat_template(self, conversation: Sequence[Any], **options: Any) -> str:
        """Return a conversation in the model's format, which takes the parts of a turn or its text alone."""
        if not _TAKES_PARTS.search(str(self._template)):
            conversation = [{**turn, "content": self._spelled(turn["content"])} for turn in conversation]
        return super().apply_chat_template(conversation, **options)

    def _spelled(self, parts: Sequence[Mapping[str, str]]) -> str:
        return "".join(self.audio_token if part["type"] == "audio" else part["text"] for part in parts)

    def hear(self, audio: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Return what stands for each sound, and `(sounds, frames, mel bins)` of all of them."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        # Its extractor takes a device for its window, and leaves the sound where it is.
        told = {name: value for name, value in options.items() if name != "device"}
        # One by one: in a batch it makes other frames at the end of a shorter sound.
        found = [self.feature_extractor([sound], **told) for sound in audio]
        frames = [one["audio_input_features"][0] for one in found]
        sizes = [int(one["audio_embed_sizes"][0]) for one in found]
        return [self.audio_token * size for size in sizes], {
            "audio_input_features": pad_sequence(frames, batch_first=True),
            "audio_embed_sizes": torch.tensor(sizes),
            "audio_attention_mask": pad_sequence([torch.ones(len(one), dtype=torch.bool) for one in frames], True),
        }


def hears_each_alone(model: Any) -> None:
    """Let a model encode each sound by itself.

    Its own encoder adds the mask to its scores as ones and zeros, so that the padding of a batch is heard a little less
    than the sound, where it should not be heard at all.

    Args:
        model: The model, which is changed.
    """
    from torch.nn.utils.rnn import pad_sequence

    encoder = model.model.embed_tokens_extend.audio_embed.encoder
    whole = encoder.forward

    def each(hidden_states: Any, mask: Any, **options: Any) -> Any:
        lengths = mask.sum(-1).tolist()
        heard = [
            whole(sound[None, :length], None, **options)[0]
            for sound, length in zip(hidden_states, lengths, strict=True)
        ]
        return pad_sequence(heard, batch_first=True)

    encoder.forward = each
