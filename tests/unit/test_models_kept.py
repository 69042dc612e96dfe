"""What stands for a model that is not asked: the cache's word, but never for other weights than those that lie here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

import tiny_checkpoints as tiny
from test_models_low_rank import save_adapter

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.kept import KeptPool, traits_of
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.models.transformers.adapter import TransformersAdapter
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.described import keep_traits
from audiobench_pytest.types import Prediction

ARGS = {"device": "cpu"}
A, B = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build_ctc(tmp_path_factory.mktemp("checkpoints") / "ctc")


def in_folder(folder: Path) -> ModelSpec:
    return ModelSpec("ctc", "transformers-asr", source=str(folder))


def answered(cache: Path, there: ModelAdapter, **differs: Any) -> dict[str, Any]:
    """Keep an answer of a model, as a run of another machine would."""
    identity = {**there.identity(), **differs}
    kept = PredictionCache([cache]).model(there.spec.name, identity)
    kept.put(Prediction("key", "one", None, 0.0, 0.0))
    kept.close()
    keep_traits(PredictionCache([cache]).model_folders(there.spec.name, identity)[0], "ctc", traits_of(there))
    return identity


def found(cache: Path, spec: ModelSpec, **args: str) -> dict[str, Any]:
    return KeptPool({spec.name: {**ARGS, **args}}, folders=[cache]).identity(spec)


def changed(folder: Path) -> Path:
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"other weights")
    return folder


def miss_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def require(cls: type[ModelAdapter], spec: ModelSpec) -> None:
        raise MissingExtraError(f"model '{spec.name}'", "torch", "local")

    monkeypatch.setattr(TransformersAdapter, "require", classmethod(require))


def test_what_a_machine_decides_keeps_no_answers_apart(checkpoint: Path, tmp_path: Path) -> None:
    there = answered(tmp_path, create(in_folder(checkpoint), ARGS), dtype="float16")
    assert found(tmp_path, in_folder(checkpoint)) == there


def test_a_precision_that_is_named_is_meant(checkpoint: Path, tmp_path: Path) -> None:
    there = answered(tmp_path, create(in_folder(checkpoint), ARGS), dtype="float16")
    assert found(tmp_path, in_folder(checkpoint), dtype="float16") == there
    assert found(tmp_path, in_folder(checkpoint), dtype="bfloat16")["dtype"] == "bfloat16", "which has no answers"


def test_answers_of_other_weights_are_not_taken(checkpoint: Path, tmp_path: Path) -> None:
    answered(tmp_path, create(in_folder(checkpoint), ARGS), dtype="float16")
    other = changed(Path(shutil.copytree(checkpoint, tmp_path / "other")))
    with pytest.raises(ModelError, match=r"other weights than those that are meant here \(weights: .* is meant\)"):
        found(tmp_path, in_folder(other))


def test_nor_where_a_package_is_missing(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = answered(tmp_path, create(in_folder(checkpoint), ARGS), dtype="float16")
    miss_a_package(monkeypatch)
    assert found(tmp_path, in_folder(checkpoint)) == kept
    other = changed(Path(shutil.copytree(checkpoint, tmp_path / "other")))
    with pytest.raises(ModelError, match="other weights than those that are meant here"):
        found(tmp_path, in_folder(other))


def test_of_two_the_one_whose_weights_lie_here_is_meant(checkpoint: Path, tmp_path: Path) -> None:
    other = changed(Path(shutil.copytree(checkpoint, tmp_path / "other")))
    kept = [answered(tmp_path, create(in_folder(one), ARGS), dtype="float16") for one in (checkpoint, other)]
    assert [found(tmp_path, in_folder(one)) for one in (checkpoint, other)] == kept


def test_a_folder_without_weights_says_nothing(checkpoint: Path, tmp_path: Path) -> None:
    there = answered(tmp_path, create(in_folder(checkpoint), ARGS))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert found(tmp_path, in_folder(empty)) == there


def test_an_adapter_that_was_added_there_and_not_here_is_other_weights(checkpoint: Path, tmp_path: Path) -> None:
    low_rank = str(save_adapter(tmp_path / "lora"))
    there = answered(tmp_path, create(in_folder(checkpoint), {**ARGS, "adapter": low_rank}), dtype="float16")
    assert found(tmp_path, in_folder(checkpoint), adapter=low_rank) == there
    with pytest.raises(ModelError, match=r"low_rank: \w+ answered, none is meant"):
        found(tmp_path, in_folder(checkpoint))
    with pytest.raises(ModelError, match=r"low_rank: \w+ answered, \w+ is meant"):
        found(tmp_path, in_folder(checkpoint), adapter=str(save_adapter(tmp_path / "other", lora_alpha=16)))


@pytest.mark.parametrize("missing", [False, True], ids=["all is here", "a package is missing"])
def test_nor_is_one_that_lies_below_the_weights(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    whole = Path(shutil.copytree(checkpoint, tmp_path / "whole"))
    save_adapter(whole / "lora")
    there = answered(tmp_path, create(in_folder(whole), {**ARGS, "adapter": "checkpoint:lora"}), dtype="float16")
    if missing:
        miss_a_package(monkeypatch)
    assert found(tmp_path, in_folder(whole), adapter="checkpoint:lora") == there
    with pytest.raises(ModelError, match=r"low_rank: \w+ answered, none is meant"):
        found(tmp_path, in_folder(whole))
    shutil.rmtree(whole / "lora")
    save_adapter(whole / "lora", lora_alpha=16)
    with pytest.raises(ModelError, match=r"low_rank: \w+ answered, \w+ is meant"):
        found(tmp_path, in_folder(whole), adapter="checkpoint:lora")


@pytest.fixture
def on_the_hub(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a model of the hub: the hub's cache has commit B under `main`."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.file_download.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repo = tmp_path / "hub" / "models--us--ctc"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(B)
    for commit in (A, B):
        shutil.copytree(checkpoint, repo / "snapshots" / commit)
        for name in ("generation_config.json", "chat_template.json", "chat_template.jinja"):
            (repo / ".no_exist" / commit).mkdir(parents=True, exist_ok=True)
            (repo / ".no_exist" / commit / name).touch()
        for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
            if not (repo / "snapshots" / commit / name).exists():
                (repo / ".no_exist" / commit / name).touch()
    return lambda revision=None, owner="us": ModelSpec("ctc", "transformers-asr", f"{owner}/ctc", revision)


def test_a_branch_that_moved_on_is_other_weights_only_where_they_lie(
    checkpoint: Path, tmp_path: Path, on_the_hub: Any
) -> None:
    there = answered(tmp_path, create(on_the_hub(A), ARGS), dtype="float16")
    with pytest.raises(ModelError, match=f"revision: {A} answered, {B} is meant"):
        found(tmp_path, on_the_hub())
    (tmp_path / "hub" / "models--us--ctc" / "snapshots" / B / "model.safetensors").unlink()
    assert found(tmp_path, on_the_hub()) == there
    assert found(tmp_path, on_the_hub(A)) == there
    with pytest.raises(ModelError, match=f"revision: {A} answered, {B} is meant"):
        found(tmp_path, on_the_hub(B))


def test_a_namesake_of_another_owner_is_another_model(
    tmp_path: Path, on_the_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = answered(tmp_path, create(on_the_hub(A), ARGS), dtype="float16")
    miss_a_package(monkeypatch)
    assert found(tmp_path, on_the_hub()) == kept
    with pytest.raises(ModelError, match="model: us/ctc answered, them/ctc is meant"):
        found(tmp_path, on_the_hub(owner="them"))


def test_another_way_to_run_it_may_have_a_checkpoint_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    here = create(in_folder(checkpoint), ARGS)
    kept = answered(tmp_path, here, adapter="vllm", model="them/ctc-for-servers", revision=A, weights=None)
    assert found(tmp_path, in_folder(checkpoint)) == kept


OWN = """
class Own:
    def load(self, args): ...
    def generate(self, batch): ...
"""


def test_a_file_among_the_arguments_is_known_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"one")
    spec = spec_from(f"ctc={tmp_path / 'own.py'}:Own")
    assert spec is not None
    there = answered(tmp_path, create(spec, {"weights": str(weights)}), entry="code of another machine")
    assert there["args"]["weights"].startswith("sha256:")
    kept = KeptPool({"ctc": {"weights": str(weights)}}, folders=[tmp_path])
    assert kept.identity(spec) == there
    weights.write_bytes(b"two")
    assert KeptPool({"ctc": {"weights": str(weights)}}, folders=[tmp_path]).identity(spec) != there
    weights.unlink()
    assert KeptPool({"ctc": {"weights": str(weights)}}, folders=[tmp_path]).identity(spec) == there
