"""Gemma 3n: a sound is as many tokens as its configuration says, and the part that sees is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

from tiny_checkpoints import rewrite, speechlike, talker
from tiny_talkers import build_gemma3n

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.ways import ways_of
from audiobench_pytest.types import Audio, Message, Prompt, Request, Sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_gemma3n(tmp_path_factory.mktemp("gemma3n") / "checkpoint")


@pytest.fixture(scope="module")
def gemma(folder: Path) -> ModelAdapter:
    return talker(folder)


def request(seconds: float, seed: int = 0, *messages: Message, more: float = 0.5) -> Request:
    prompt = Prompt(messages=messages) if messages else Prompt("what?")
    sounds = {"more": Audio(speechlike(more, 9), 16_000)}
    return Request(f"s{seed}", Audio(speechlike(seconds, seed), 16_000), prompt, sounds=sounds)


def inputs(adapter: Any, asked: Request) -> dict[str, Any]:
    return dict(adapter._inputs([adapter._text(asked)], [adapter._sounds(asked)]))


def sound(tokens: int = 188) -> str:
    return f"\n\n<start_of_audio>{'<audio_soft_token>' * tokens}<end_of_audio>\n\n"


def test_a_sound_becomes_what_the_processor_of_transformers_puts_in_its_place(gemma: Any) -> None:
    made = inputs(gemma, request(1.0))
    assert gemma._processor.tokenizer.decode(made["input_ids"][0]) == (
        f"<bos><start_of_turn>user\n{sound()}what?<end_of_turn>\n<start_of_turn>model\n"
    )
    # 1 s and 80 ms of silence, of which the latter is no sound.
    assert made["input_features"].shape == (1, 105, 128)
    assert made["input_features_mask"].sum() == 100


def test_sounds_of_different_length_stand_in_their_order(gemma: Any) -> None:
    made = inputs(gemma, request(2.0, 0, Message("user", ("a", Sound("more"), "b", Sound()))))
    assert f"a{sound()}b{sound()}" in gemma._processor.tokenizer.decode(made["input_ids"][0])
    assert made["input_features_mask"].sum(-1).tolist() == [50, 200]


def test_sound_and_instruction_alone_still_begin_as_every_text_does(folder: Path) -> None:
    adapter: Any = talker(folder, template="plain")
    made = inputs(adapter, request(1.0))
    assert adapter._processor.tokenizer.decode(made["input_ids"][0]) == f"<bos>{sound()}what?"


def test_half_a_minute_is_heard_alone_and_in_a_batch(gemma: ModelAdapter) -> None:
    batch = [request(seconds, seed) for seed, seconds in enumerate((30.0, 0.3, 31.0, 12.3456))]
    together = gemma.generate(batch)
    assert together == [gemma.generate([one])[0] for one in batch]
    assert [answer.meta.get("heard_s") for answer in together] == [None, None, 30.0, None]
    assert gemma.describe()["hears_s"] == 30.0


def test_a_checkpoint_with_all_its_weights_is_loaded_without_those_that_see(
    folder: Path, gemma: ModelAdapter, tmp_path: Path
) -> None:
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    whole = shutil.copytree(folder, tmp_path / "whole")
    weights = load_file(whole / "model.safetensors")
    assert not [name for name in weights if "vision_tower" in name]
    assert [name for name in weights if "embed_vision" in name], "what embeds pictures is no part of it"
    weights["model.vision_tower.timm_model.blocks.0.weight"] = torch.zeros(3)
    save_file(weights, whole / "model.safetensors", {"format": "pt"})
    assert talker(whole).generate([request(1.0)]) == gemma.generate([request(1.0)])


def test_neither_timm_nor_torchvision_is_asked_for(folder: Path) -> None:
    code = f"""
import sys
sys.modules.update(timm=None, torchvision=None)  # importing them fails
sys.path.insert(0, {str(Path(__file__).parent)!r})
from tiny_checkpoints import talker
print(type(talker({str(folder)!r})._model).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["Gemma3nForConditionalGeneration"], done.stderr


def test_the_number_of_tokens_is_that_of_the_configuration(folder: Path, tmp_path: Path) -> None:
    import shutil

    fewer = rewrite(shutil.copytree(folder, tmp_path / "fewer"), "config.json", audio_soft_tokens_per_image=50)
    adapter: Any = talker(fewer)
    made = inputs(adapter, request(1.0))
    assert sound(50) in adapter._processor.tokenizer.decode(made["input_ids"][0])
    assert adapter.generate([request(1.0)])[0].error is None
    assert json.loads((fewer / "config.json").read_text())["vision_config"]["model_type"] == "gemma3n_vision"


def test_the_catalogue_runs_it_in_this_process_too() -> None:
    ways = ways_of(load_catalog().models.get("gemma-3n-e2b"))
    assert list(ways) == ["isolated", "transformers", "vllm"]
    assert (ways["transformers"].adapter, ways["transformers"].source, ways["transformers"].verified) == (
        "transformers-audio-chat",
        "google/gemma-3n-E2B-it",
        False,
    )
