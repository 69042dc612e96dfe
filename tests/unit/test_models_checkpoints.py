"""Checkpoint folders: what identifies them, and which are refused."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoints import build_ctc, loaded, requests, rewrite, unloaded

from audiobench_pytest.errors import MissingExtraError, ModelError
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.records import digests


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torchaudio_compat.preseed()
    return build_ctc(tmp_path_factory.mktemp("checkpoints") / "ctc")


def test_a_folders_identity_follows_its_files_and_not_its_place(checkpoint: Path, tmp_path: Path) -> None:
    there = shutil.copytree(checkpoint, tmp_path / "elsewhere")
    before = unloaded(there).identity()
    assert before == unloaded(checkpoint).identity()
    (there / "README.md").write_text("no part of the model")
    assert unloaded(there).identity() == before
    with (there / "vocab.json").open("a") as file:
        file.write("\n")
    after = unloaded(there).identity()
    assert after["weights"] != before["weights"]
    weights = there / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert unloaded(there).identity()["weights"] not in (before["weights"], after["weights"])
    (there / "vocab.json").rename(there / "vocabulary.json")
    assert unloaded(there).identity()["weights"] != after["weights"]


def test_unchanged_weights_are_read_once(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_memo", digests.DigestMemo())
    read: list[str] = []
    real = digests._sha256

    def counted(path: Path, size: int) -> str:
        read.append(path.name)
        return real(path, size)

    monkeypatch.setattr(digests, "_sha256", counted)
    first = unloaded(checkpoint).identity()
    assert "model.safetensors" in read
    read.clear()
    assert unloaded(checkpoint).identity() == first
    assert read == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"model_type": "bert", "architectures": ["BertModel"]},
            "of type 'bert', saved as BertModel; this version runs",
        ),
        ({"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForPreTraining"]}, "saved as Wav2Vec2ForPreTraining"),
        (
            {"model_type": "whisper", "architectures": ["WhisperForAudioClassification"]},
            "WhisperForAudioClassification",
        ),
        ({}, "of type ''"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_before_loading(
    tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    rewrite(tmp_path, "config.json", **config)
    (tmp_path / "pytorch_model.bin").write_bytes(b"not read")
    with pytest.raises(ModelError, match=said):
        unloaded(tmp_path)


def test_a_folder_that_is_no_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        unloaded(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="holds no weights"):
        unloaded(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"config\.json: .*line 1"):
        unloaded(tmp_path)


def test_torn_and_incomplete_weights_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint, tmp_path / "ctc")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 weight\(s\) that Wav2Vec2ForCTC needs \(lm_head.weight\)"):
        unloaded(folder).load()
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"AutoModelForCTC cannot be loaded from .*ctc: "):
        unloaded(folder).load()


def test_weights_that_serve_training_only_may_be_missing(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint, tmp_path / "ctc")
    weights = load_file(folder / "model.safetensors")
    del weights["wav2vec2.masked_spec_embed"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert loaded(folder).generate(requests(1))[0].text


def test_weights_under_the_names_of_older_versions_are_whole(checkpoint: Path, tmp_path: Path) -> None:
    # As on the hub: the published files are older than torch's new spelling of a normalised weight.
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint, tmp_path / "ctc")
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    renamed = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        new = next((new for new in old if name.endswith(new)), None)
        renamed[name.replace(new, old[new]) if new else name] = weight
    assert sum(name.endswith(("weight_g", "weight_v")) for name in renamed) == 2
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    batch = requests(1, 2)
    assert loaded(folder).generate(batch) == loaded(checkpoint).generate(batch)


def test_a_missing_package_names_the_extra(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingExtraError, match=r"'torch'.*pip install 'audiobench-pytest\[local\]'"):
        unloaded(checkpoint)
