"""Models of published shapes with random weights, built on the device and never saved."""

from __future__ import annotations

import contextlib
import json
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tiny_checkpoints as tiny
from device_meter import DEVICE, TINY

from audiobench_pytest.models.transformers.checkpoints import Checkpoint

TOKENS = 12 if TINY else 64
"""Tokens of every answer: random weights would end none, or each at once."""

ROWS = (1, 4) if TINY else (1, 16, 64)


@dataclass(frozen=True)
class Large:
    """One shape.

    Attributes:
        name: What the table calls it.
        build: Saves the tiny model of that family.
        class_name: Class of transformers.
        shape: What differs in `config.json`, nested as there.
        args: Arguments of the adapter.
        rows: Sizes of batch that are measured.
    """

    name: str
    build: Callable[[Path], Path]
    class_name: str
    shape: Mapping[str, Any]
    args: Mapping[str, str]
    rows: tuple[int, ...]


WHISPER = Large(
    "whisper-large-v3",
    lambda folder: tiny.build_whisper(folder, mels=128),
    "WhisperForConditionalGeneration",
    {
        "vocab_size": 51_866,
        "d_model": 1280,
        "encoder_layers": 32,
        "decoder_layers": 32,
        "encoder_attention_heads": 20,
        "decoder_attention_heads": 20,
        "encoder_ffn_dim": 5120,
        "decoder_ffn_dim": 5120,
        "max_target_positions": 448,
        "init_std": 0.02,
    },
    {"max_new_tokens": str(TOKENS)},
    ROWS,
)
QWEN2_AUDIO = Large(
    "qwen2-audio-7b",
    tiny.build_audio_chat,
    "Qwen2AudioForConditionalGeneration",
    {
        "audio_config": {
            "d_model": 1280,
            "encoder_layers": 32,
            "encoder_attention_heads": 20,
            "encoder_ffn_dim": 5120,
            "init_std": 0.02,
        },
        "text_config": {
            "vocab_size": 156_032,
            "hidden_size": 4096,
            "intermediate_size": 11_008,
            "num_hidden_layers": 32,
            "layer_types": ["full_attention"] * 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "initializer_range": 0.02,
        },
    },
    {"max_new_tokens": str(TOKENS), "min_new_tokens": str(TOKENS)},
    ROWS,
)
MODELS = (WHISPER, QWEN2_AUDIO)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return base | {
        name: _merged(base.get(name) or {}, value) if isinstance(value, Mapping) else value
        for name, value in changes.items()
    }


def built(large: Large, folder: Path) -> Any:
    """Return a model of that shape on the device, and save all but its weights into a folder."""
    import torch
    import transformers

    large.build(folder)
    if not TINY:
        path = folder / "config.json"
        path.write_text(json.dumps(_merged(json.loads(path.read_text()), {**large.shape, "dtype": "bfloat16"})))
    told = json.loads((folder / "generation_config.json").read_text())
    for name in ("suppress_tokens", "begin_suppress_tokens", "max_length"):
        told.pop(name, None)
    (folder / "generation_config.json").write_text(json.dumps(told))
    config = transformers.AutoConfig.from_pretrained(folder)
    torch.manual_seed(0)
    with torch.device(DEVICE):
        model = getattr(transformers, large.class_name)._from_config(
            config, dtype=torch.float32 if TINY else torch.bfloat16
        )
    model.generation_config = transformers.GenerationConfig.from_pretrained(folder)
    # It says letters only, and never the end: every answer has as many tokens as it may, whatever the weights.
    letters = transformers.AutoTokenizer.from_pretrained(folder).convert_tokens_to_ids(list(string.ascii_lowercase))
    with torch.no_grad():
        head = model.get_output_embeddings().weight
        said = head[letters].clone()
        head.zero_()
        head[letters] = said
    return model.to(DEVICE).eval()


@contextlib.contextmanager
def handed_in(model: Any) -> Iterator[None]:
    """Give adapters this model where they would read weights from a folder."""
    with mock.patch.object(Checkpoint, "load_model", return_value=model):
        yield
