"""Phi-4-multimodal: what transformers' own processor makes, without torchvision, and the adapter that hears."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

from tiny_checkpoints import rewrite, speechlike, talker
from tiny_talkers import build_phi4

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.transformers.checkpoints import Checkpoint, folder_digest
from audiobench_pytest.models.transformers.low_rank import LowRankAdapter
from audiobench_pytest.models.ways import ways_of
from audiobench_pytest.types import Audio, Message, Prompt, Request, Sound

HEARS = "checkpoint:speech-lora"
TEXT_ALONE = (
    "{% for message in messages %}{% if 'tools' in message %}{{ '<|tool|>' }}{% endif %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_phi4(tmp_path_factory.mktemp("phi4") / "checkpoint")


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_phi4(tmp_path_factory.mktemp("phi4") / "with-adapter", speech=True)


@pytest.fixture(scope="module")
def phi(folder: Path) -> ModelAdapter:
    return talker(folder)


def request(seconds: float, *messages: Message) -> Request:
    prompt = Prompt(messages=messages) if messages else Prompt("what?")
    sounds = {"more": Audio(speechlike(0.5, 9), 16_000)}
    return Request("s", Audio(speechlike(seconds, 1), 16_000), prompt, sounds=sounds)


def inputs(adapter: Any, asked: Request) -> dict[str, Any]:
    return dict(adapter._inputs([adapter._text(asked)], [adapter._sounds(asked)]))


def said(adapter: Any, asked: Request) -> str:
    return str(adapter._processor.tokenizer.decode(inputs(adapter, asked)["input_ids"][0]))


# Phi4MultimodalProcessor of transformers 5.24 made the same tokens and frames, to the bit.
def test_a_question_becomes_what_the_processor_of_transformers_makes(phi: Any) -> None:
    made = inputs(phi, request(1.2345))
    assert said(phi, request(1.2345)) == f"<|user|>{'<|audio|>' * 16}what?<|end|><|assistant|>"
    assert made["audio_input_features"].shape == (1, 121, 80)
    assert made["audio_embed_sizes"].tolist() == [16]


def test_frames_are_made_where_the_sound_is(phi: Any) -> None:
    """The extractor of transformers puts its window on a device that it is told, and the sound on none."""
    asked = request(1.0)
    made = phi._processor(
        text=[phi._text(asked)],
        audio=phi._sounds(asked),
        return_tensors="pt",
        audio_kwargs={"sampling_rate": 16_000, "device": "meta"},
    )
    assert made["audio_input_features"].equal(inputs(phi, asked)["audio_input_features"])


def test_several_sounds_are_refused_where_beams_would_mix_them_up(folder: Path) -> None:
    adapter = talker(folder, load=False, num_beams="2")
    both = Prompt(messages=(Message("user", (Sound("more"), "and", Sound())),))
    assert "num_beams=2: transformers repeats each sound for the beams" in str(adapter.refuses(both))
    one = Prompt(messages=(Message("user", (Sound(), "and?")),))
    assert adapter.refuses(one) is None
    assert adapter.refuses(Prompt("what?")) is None
    assert talker(folder, load=False).refuses(both) is None


def test_sounds_of_different_length_stand_in_their_order(phi: Any) -> None:
    asked = request(2.0, Message("user", ("a", Sound("more"), "b", Sound())))
    made = inputs(phi, asked)
    assert f"a{'<|audio|>' * 6}b{'<|audio|>' * 25}<|end|>" in said(phi, asked)
    assert made["audio_embed_sizes"].tolist() == [6, 25]
    assert made["audio_attention_mask"].sum(-1).tolist() == [48, 198]


def test_a_format_that_takes_the_text_of_a_turn_alone_makes_the_same(phi: Any, folder: Path, tmp_path: Path) -> None:
    older = shutil.copytree(folder, tmp_path / "older")
    (older / "chat_template.jinja").write_text(TEXT_ALONE)
    adapter: Any = talker(older)
    turns = (Message("system", ("be brief",)), Message("user", (Sound(), "what?")))
    for asked in (request(1.0), request(1.0, *turns)):
        assert said(adapter, asked) == said(phi, asked)
    assert adapter.takes_tools is False, "its place for tools is none that transformers fills"


def test_a_format_kept_beside_that_of_the_tokenizer_is_the_one_of_the_model(folder: Path, tmp_path: Path) -> None:
    both = shutil.copytree(folder, tmp_path / "both")
    rewrite(both, "chat_template.json", chat_template="<|audio|>{{ messages[0]['content'][1]['type'] }}")
    assert said(talker(both), request(0.1)) == "<|audio|>text"


def test_four_minutes_are_heard(folder: Path) -> None:
    adapter = talker(folder, long_audio="refuse")
    assert adapter.describe()["hears_s"] == 240.0
    (answer,) = adapter.generate([request(240.1)])
    assert "is longer than the 240 s that the model hears" in str(answer.error)


def test_neither_torchvision_nor_peft_is_asked_for(speaking: Path) -> None:
    code = f"""
import sys
sys.modules.update(torchvision=None, peft=None)  # importing them fails
sys.path.insert(0, {str(Path(__file__).parent)!r})
from tiny_checkpoints import talker
print(type(talker({str(speaking)!r}, adapter={HEARS!r})._model).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["Phi4MultimodalForCausalLM"], done.stderr


def test_a_tokenizer_that_knows_no_sound_is_refused(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    rewrite(other, "tokenizer_config.json", audio_token="<|image|>", extra_special_tokens={})
    with pytest.raises(ModelError, match=r"does not say that its token \d+ stands for a sound"):
        talker(other)


# --- the adapter that hears ---------------------------------------------------------------------


def test_without_the_adapter_that_lies_below_it_it_is_not_asked(speaking: Path) -> None:
    with pytest.raises(UsageError, match=r"in its folder speech-lora, .*: pass adapter=checkpoint:speech-lora"):
        talker(speaking, load=False)


# transformers' own load_adapter, by peft 0.21, gave the same scores but for rounding (1e-6).
def test_the_adapter_is_added_to_what_it_was_trained_for(phi: Any, speaking: Path) -> None:
    import torch
    from safetensors.torch import load_file

    adapter: Any = talker(speaking, adapter=HEARS)
    halves = load_file(speaking / "speech-lora" / "adapter_model.safetensors")
    a, b = (halves[f"base_model.model.model.layers.0.self_attn.o_proj.lora_{side}.weight"] for side in "AB")
    old, new = (dict(one._model.named_parameters()) for one in (phi, adapter))
    changed = "model.layers.0.self_attn.o_proj.weight"
    assert [name for name in old if not torch.equal(old[name], new[name])] == [changed]
    assert torch.allclose(new[changed], old[changed] + 2 * b @ a, atol=1e-5)
    assert adapter.generate([request(1.0)]) != phi.generate([request(1.0)])
    assert adapter.describe()["adapter"] == HEARS


def test_what_it_holds_is_part_of_the_identity(speaking: Path, tmp_path: Path) -> None:
    there = talker(speaking, load=False, adapter=HEARS).identity()
    moved = shutil.copytree(speaking, tmp_path / "moved")
    assert talker(moved, load=False, adapter=HEARS).identity() == there
    assert talker(moved, load=False, adapter=str(moved / "speech-lora")).identity() == there
    rewrite(moved / "speech-lora", "adapter_config.json", lora_alpha=16)
    assert talker(moved, load=False, adapter=HEARS).identity()["low_rank"] != there["low_rank"]
    assert there["low_rank"] == folder_digest(speaking / "speech-lora")


def test_one_in_a_repository_is_known_by_its_commit_and_fetched_only_when_it_is_loaded(speaking: Path) -> None:
    asked: list[str] = []

    def find(name: str) -> Path | None:
        asked.append(name)
        return speaking / name if (speaking / name).is_file() else None

    low_rank = LowRankAdapter("phi", HEARS, Checkpoint("phi", "acme/phi", "1" * 40, {}, find=find))
    assert low_rank.digest() == HEARS
    assert asked == ["speech-lora/adapter_config.json"]
    assert low_rank.add_to(talker(speaking, adapter=HEARS)._model) == 1  # type: ignore[attr-defined]
    assert asked[1:] == ["speech-lora/adapter_model.safetensors"]
    gone = Checkpoint("phi", "acme/phi", "1" * 40, {}, find=lambda name: find(name) if "config" in name else None)
    with pytest.raises(ModelError, match=r"adapter=checkpoint:speech-lora: neither adapter_model\.safetensors nor"):
        LowRankAdapter("phi", HEARS, gone).add_to(None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("checkpoint:vision-lora", r"adapter=checkpoint:vision-lora .*: no adapter_config\.json there"),
        ("checkpoint:", "write checkpoint: and the name of a folder of the checkpoint"),
        ("checkpoint:../elsewhere", "write checkpoint: and the name of a folder of the checkpoint"),
        ("checkpoint:/elsewhere", "write checkpoint: and the name of a folder of the checkpoint"),
    ],
)
def test_a_folder_that_the_checkpoint_does_not_have_is_refused(speaking: Path, given: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        talker(speaking, load=False, adapter=given)


def test_the_catalogue_runs_it_in_this_process_too() -> None:
    ways = ways_of(load_catalog().models.get("phi-4-multimodal"))
    assert list(ways) == ["isolated", "transformers"]
    here, apart = ways["transformers"], ways["isolated"]
    assert (here.adapter, here.source, here.args) == ("transformers-audio-chat", apart.source, {"adapter": HEARS})
    assert (here.revision, apart.revision, here.verified) == ("refs/pr/70", None, False)
