"""What a model of the catalogue needs that no package brings: told before anything runs."""

import dataclasses

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class

MODELS = load_catalog().models
COPY = "a working copy of CosyVoice"


def lacks(name, **given):
    spec = MODELS.get(name)
    adapter = adapter_class(spec.adapter)
    return dict(adapter.lacks(spec, checked_args(adapter, spec, given)))


def told(found, words):
    return [command for what, command in found.items() if words in what]


def test_a_working_copy_has_to_be_named_and_to_be_there(tmp_path):
    assert told(lacks("cosyvoice2"), COPY) == ["--model-args code=PATH"]
    (gone,) = [what for what in lacks("cosyvoice2", code=str(tmp_path / "gone")) if COPY in what]
    assert gone.endswith("gone is not there)")
    assert told(lacks("cosyvoice2", code=str(tmp_path)), COPY) == []


@pytest.mark.parametrize("name", ["moss-tts", "glm-4-voice", "baichuan-audio-chat", "midashenglm-7b"])
def test_code_of_a_checkpoint_needs_a_commit(name):
    spec = MODELS.get(name)
    adapter = adapter_class(spec.adapter)
    words = f"a commit of {spec.source}, whose checkpoint brings code"
    assert len(told(lacks(name), words)) == 1
    pinned = dataclasses.replace(spec, revision="0" * 40)
    assert not told(dict(adapter.lacks(pinned, checked_args(adapter, pinned, {}))), words)
    branch = dataclasses.replace(spec, revision="main")
    assert told(dict(adapter.lacks(branch, checked_args(adapter, branch, {}))), words)


def test_every_class_that_looks_for_a_commit_has_entries_that_say_so():
    """An entry that forgot it would be found out only when its model loads."""
    looks = {"MossTTS", "BaichuanAudio", "GLM4Voice"}
    for spec in MODELS:
        if spec.runtime is not None:
            name = spec.runtime.entry.rpartition(":")[2]
            assert spec.runtime.pinned == (name in looks or spec.args.get("remote_code") == "yes"), spec.name
            assert set(spec.runtime.needs) == {"code"} & set(spec.args), spec.name
