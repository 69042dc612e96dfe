"""Voxtral, whose processor wants mistral-common: a package that holds numpy back, for a format that is soon told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.hearing import HearingProcessor

_VOCABULARY = "tekken.json"
_PIECE_S, _PIECE_TOKENS = 30, 375
"""A clip is heard in pieces of half a minute, the last one filled up with silence, which takes as many tokens."""


class VoxtralProcessor(HearingProcessor):
    """Its vocabulary as transformers reads it, and its chat format (no tools, no system message beside a sound)."""

    sound_tokens = ("[AUDIO]", "[BEGIN_AUDIO]", "")
    opens = "<s>"
    most_seconds = 40 * 60.0  # what its makers say it understands
    template = (
        "<s>{% for m in messages %}{% if m['role'] == 'user' %}[INST]{% for c in m['content'] %}"
        "{% if c['type'] == 'audio' %}[BEGIN_AUDIO][AUDIO]{% else %}{{ c['text'] }}{% endif %}{% endfor %}[/INST]"
        "{% elif m['role'] == 'assistant' %}{% for c in m['content'] %}{{ c['text'].rstrip(' ') }}{% endfor %}</s>"
        "{% elif m['role'] == 'system' %}[SYSTEM_PROMPT]{% for c in m['content'] %}{{ c['text'] }}{% endfor %}"
        "[/SYSTEM_PROMPT]{% else %}{{ raise_exception('no turn of ' ~ m['role']) }}{% endif %}{% endfor %}"
    )

    def load_tokenizer(self, checkpoint: Checkpoint) -> Any:
        """Return the tokenizer that transformers makes of `tekken.json`, whether mistral-common is there or not.

        Raises:
            ModelError: There is no such file, or it cannot be read.
        """
        path = checkpoint.find(_VOCABULARY)
        if path is None:
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} has no {_VOCABULARY}: copy it from the checkpoint it "
                "was made of"
            )
        import transformers

        try:
            # From the file's own folder: by a hub id its name would be looked up in the hub's list of files.
            return transformers.TokenizersBackend.from_pretrained(
                path.parent, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>",
                trust_remote_code=False,
            )  # fmt: skip
        except Exception as exc:  # of no common class, as in `Checkpoint.load`
            raise ModelError(f"model '{checkpoint.model}': {path}: {type(exc).__name__}: {exc}") from exc

    def hear(self, audio: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Return what stands for each sound, and `(pieces, mel bins, frames)` of all of them."""
        import torch

        features = self.feature_extractor
        samples = _PIECE_S * features.sampling_rate
        pieces = []
        for sound in audio:
            found = features(sound, padding=True, pad_to_multiple_of=samples, truncation=False, **options)
            whole = found["input_features"][0]
            pieces.append(whole.unflatten(1, (-1, samples // features.hop_length)).transpose(0, 1))
        whole = [self.audio_token * (_PIECE_TOKENS * len(piece)) for piece in pieces]
        return whole, {"input_features": torch.cat(pieces)}
