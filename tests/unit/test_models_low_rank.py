"""LoRA adapters beside a checkpoint: added as peft would, refused where they are something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

import tiny_checkpoints as tiny

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.leaderboard.cells.evidence import weights_of


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build_ctc(tmp_path_factory.mktemp("checkpoints") / "ctc")


LAYERS = tuple(f"wav2vec2.encoder.layers.{layer}.attention.{side}_proj" for layer in (0, 1) for side in "qv")


def save_adapter(
    folder: Path, *, rank: int = 4, width: int = 32, layers: tuple[str, ...] = LAYERS, **config: Any
) -> Path:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    folder.mkdir(parents=True)
    weights = {}
    for layer in layers:
        weights[f"base_model.model.{layer}.lora_A.weight"] = torch.randn(rank, width)
        weights[f"base_model.model.{layer}.lora_B.weight"] = torch.randn(width, rank)
    save_file(weights, folder / "adapter_model.safetensors")
    told = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj", "v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps({**told, **config}))
    return folder


@pytest.mark.parametrize(
    ("config", "scale"),
    [({}, 2.0), ({"use_rslora": True}, 4.0), ({"alpha_pattern": {"q_proj": 4}}, 1.0)],
    ids=["plain", "by the root of the rank", "by layer"],
)
def test_it_is_added_at_its_scale(checkpoint: Path, tmp_path: Path, config: dict[str, Any], scale: float) -> None:
    import torch
    from safetensors.torch import load_file

    folder = save_adapter(tmp_path / "lora", **config)
    before = tiny.loaded(checkpoint)
    after = tiny.loaded(checkpoint, adapter=str(folder))
    halves = load_file(folder / "adapter_model.safetensors")
    old, new = (dict(one._recognizer.model.named_parameters()) for one in (before, after))
    a, b = (halves[f"base_model.model.{LAYERS[0]}.lora_{side}.weight"] for side in "AB")
    name = f"{LAYERS[0]}.weight"
    assert torch.allclose(new[name], old[name] + scale * b @ a, atol=1e-5)
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed == {f"{layer}.weight" for layer in LAYERS}
    batch = tiny.requests(1, 2)
    assert after.generate(batch) != before.generate(batch)


def test_its_files_are_part_of_the_identity_and_its_place_is_not(checkpoint: Path, tmp_path: Path) -> None:
    folder = save_adapter(tmp_path / "lora")
    one = tiny.unloaded(checkpoint, adapter=str(folder))
    moved = tiny.unloaded(checkpoint, adapter=str(shutil.copytree(folder, tmp_path / "moved")))
    assert one.identity() == moved.identity() != tiny.unloaded(checkpoint).identity()
    other = save_adapter(tmp_path / "other", lora_alpha=16)
    assert tiny.unloaded(checkpoint, adapter=str(other)).identity() != one.identity()
    assert one.describe()["adapter"] == str(folder)


def test_with_it_a_promise_about_the_weights_is_not_kept_by_the_checkpoint_alone(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = save_adapter(tmp_path / "lora")
    plain, added = (tiny.unloaded(checkpoint, **args).identity() for args in ({}, {"adapter": str(folder)}))
    other = tiny.unloaded(checkpoint, adapter=str(save_adapter(tmp_path / "other", lora_alpha=16))).identity()
    assert weights_of(plain) == plain["weights"]
    assert len({weights_of(one)[:6] for one in (plain, added, other)}) == 3
    assert weights_of(added) == weights_of(json.loads(json.dumps(added)))


def test_the_folder_of_a_model_in_an_environment_of_its_own_tells_its_weights() -> None:
    assert weights_of({"model": "/here", "revision": None, "source": "sha256:ab12"}) == "ab12"
    assert weights_of({"model": "org/x", "revision": None, "source": "org/x"}) == ""


@pytest.mark.parametrize("name", ["vocoder_content", "speaker_embedding_content", "model_args"])
def test_nor_with_other_files_beside_it(name: str) -> None:
    identities = [
        {"weights": "0123", name: {"adapters": told} if name == "model_args" else told}
        for told in ("us/some-repository", "sha256:ab", "sha256:cd")
    ]
    named, *by_content = map(weights_of, identities)
    assert named == "0123"
    assert len({text[:4] for text in (named, *by_content)}) == 3


def test_a_layer_that_was_trained_as_a_whole_is_replaced(checkpoint: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = save_adapter(tmp_path / "lora")
    weights = load_file(folder / "adapter_model.safetensors")
    weights["base_model.model.lm_head.bias"] = torch.full((32,), 3.0)
    save_file(weights, folder / "adapter_model.safetensors")
    model: Any = tiny.loaded(checkpoint, adapter=str(folder))
    assert model._recognizer.model.lm_head.bias.tolist() == [3.0] * 32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": ("wav2vec2.nowhere",)}, r"does not fit \(it was made for some/base\): the model has no layer"),
        ({"width": 16}, r"is \(32, 32\) there and \(16, 16\) here"),
    ],
)
def test_one_for_another_model_is_refused(checkpoint: Path, tmp_path: Path, options: Any, words: str) -> None:
    folder = save_adapter(tmp_path / "lora", base_model_name_or_path="some/base", **options)
    with pytest.raises(ModelError, match=words):
        tiny.loaded(checkpoint, adapter=str(folder))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"peft_type": "IA3"}, "an adapter of type IA3, which cannot be added here: merge it"),
        ({"use_dora": True}, "LORA with use_dora"),
        ({"bias": "all"}, "LORA with bias"),
        ({"kasa_config": {"beta": 1}}, "LORA with kasa_config"),
        *(
            ({"init_lora_weights": began}, rf"began with init_lora_weights={began}, which changes the weights that")
            for began in ("pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga")
        ),
    ],
)
def test_one_that_is_more_than_a_product_is_refused_before_loading(
    checkpoint: Path, tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        tiny.unloaded(checkpoint, adapter=str(save_adapter(tmp_path / "lora", **config)))


@pytest.mark.parametrize("began", [True, False, "gaussian", "eva", "orthogonal"])
def test_one_that_began_without_changing_the_weights_below_is_taken(
    checkpoint: Path, tmp_path: Path, began: bool | str
) -> None:
    assert tiny.unloaded(checkpoint, adapter=str(save_adapter(tmp_path / "lora", init_lora_weights=began)))


def test_a_folder_that_holds_none_says_what_is_wanted(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"adapter=.*nowhere of model .*: no adapter_config\.json there"):
        tiny.unloaded(checkpoint, adapter=str(tmp_path / "nowhere"))
    folder = save_adapter(tmp_path / "lora")
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"neither adapter_model\.safetensors nor adapter_model\.bin"):
        tiny.unloaded(checkpoint, adapter=str(folder))


def test_peft_says_the_same(checkpoint: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="compares with peft, where it is installed")
    import torch
    import transformers

    base = transformers.AutoModelForCTC.from_pretrained(checkpoint)
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    theirs = peft.get_peft_model(base, config)
    theirs.save_pretrained(tmp_path / "lora")
    ours: Any = tiny.loaded(checkpoint, adapter=str(tmp_path / "lora"))
    merged = dict(theirs.merge_and_unload().named_parameters())
    for name, weight in ours._recognizer.model.named_parameters():
        assert torch.allclose(weight, merged[name], atol=1e-5), name


def test_a_checkpoint_that_brings_its_own_needs_the_package_that_loads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    (tmp_path / "granite").mkdir()
    folder = tiny.rewrite(tmp_path / "granite", "config.json", model_type="granite_speech", has_lora_adapter=True)
    for name in ("model.safetensors", "adapter_config.json"):
        (folder / name).write_text("{}")
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else real(name))
    with pytest.raises(ModelError, match="leaves out without it: pip install peft"):
        tiny.talker(folder, load=False)
