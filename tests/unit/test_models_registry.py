"""Names of adapters, and models that are named by hub id or folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.models import registry
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import ADAPTERS, adapter_class, create, forms, register_adapter, spec_from

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_registered_adapter_exists_and_is_one(name: str) -> None:
    assert issubclass(adapter_class(name), ModelAdapter)


def test_unknown_adapter_is_refused_with_close_matches() -> None:
    with pytest.raises(CatalogError, match=r"'transformer-asr' \(did you mean transformers-asr or "):
        adapter_class("transformer-asr")


def test_an_adapter_may_be_added_but_no_other_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ADAPTERS", dict(ADAPTERS))
    null = "audiobench_pytest.models.harness:NullAdapter"
    register_adapter("mine", null)
    register_adapter("mine", null)
    assert create(ModelSpec("one", adapter="mine"), {"delay": "1"}).args["delay"] == 1
    with pytest.raises(CatalogError, match=r"the model adapter 'mine' is .*NullAdapter already: call other:Adapter by"):
        register_adapter("mine", "other:Adapter")


@pytest.mark.parametrize(
    ("config", "adapter"),
    [
        ('{"model_type": "qwen2_audio"}', "transformers-audio-chat"),
        ('{"model_type": "whisper"}', "transformers-asr"),
        ("{", "transformers-asr"),
        (None, "transformers-asr"),
    ],
)
def test_a_folders_model_type_says_which_adapter_runs_it(tmp_path: Path, config: str | None, adapter: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    spec = spec_from(f"hf:{tmp_path}")
    assert spec is not None
    assert spec.adapter == adapter


@pytest.mark.parametrize("text", ["whisper-tiny", "HF:a/b", "no/such:thing", ""])
def test_another_text_is_left_to_the_catalogue(text: str) -> None:
    assert spec_from(text) is None


def test_the_forms_can_be_told() -> None:
    assert forms().startswith("hf:<hub id or folder>[@revision], ")


def test_importing_the_registry_and_an_adapter_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from audiobench_pytest.models.registry import adapter_class, spec_from\n"
        "adapter_class('transformers-asr'), adapter_class('null'), spec_from('hf:a/b')\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'numpy', 'pocketsphinx', 'torchaudio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "name", "source", "revision"),
    [
        ("hf:openai/whisper-tiny", "whisper-tiny", "openai/whisper-tiny", None),
        ("hf:openai/whisper-tiny@main", "whisper-tiny@main", "openai/whisper-tiny", "main"),
        ("hf:openai/whisper-tiny@refs/pr/7", "whisper-tiny@refs-pr-7", "openai/whisper-tiny", "refs/pr/7"),
        (f"hf:a/b.c_d@{COMMIT}", "b.c_d@0123456789ab", "a/b.c_d", COMMIT),
        ("hf:gpt2", "gpt2", "gpt2", None),
    ],
)
def test_hub_ids_become_models_with_readable_names(text: str, name: str, source: str, revision: str | None) -> None:
    spec = spec_from(text)
    assert (spec.name, spec.source, spec.revision, spec.adapter) == (name, source, revision, "transformers-asr")


def test_a_folder_wins_over_a_hub_id_and_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "openai" / "my model@2"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    spec = spec_from("hf:openai/my model@2/")
    assert (spec.name, spec.source, spec.revision) == ("my-model@2", str(folder), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hf:./no/such/folder", "neither an existing folder nor a hub id"),
        ("hf:/no/such/folder", "neither an existing folder nor a hub id"),
        ("hf:a/b/c", "neither"),
        ("hf:a--b/c", "neither"),
        ("hf:", "neither"),
        ("hf:a/b@", "nothing follows the '@'"),
    ],
)
def test_what_is_neither_folder_nor_hub_id_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spec_from(text)


def test_a_folder_has_no_revision(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no revisions: leave out '@main'"):
        spec_from(f"hf:{tmp_path}@main")


def test_create_checks_arguments_and_applies_the_entrys_batch_limits() -> None:
    spec = ModelSpec("small", adapter="null", args={"delay": "0.5"}, batch_rows=3, batch_seconds=7.5)
    adapter = create(spec, {"decode": "no"})
    assert (adapter.args, adapter.batch_rows, adapter.batch_seconds) == ({"decode": False, "delay": 0.5}, 3, 7.5)
    with pytest.raises(UsageError, match=r"takes no argument 'dekode'.*did you mean decode"):
        create(spec, {"dekode": "no"})
