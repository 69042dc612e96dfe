"""One name, several ways to run it: which is taken, which is named, and that each of the catalogue's can be."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in_server import put_on_path

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec, WaySpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models import ways
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.runner.hearing.asking import model_of

KNOWN = load_catalog().models

ENTRY = ModelSpec(
    "tiny",
    "null",
    source="x/tiny",
    ways=(WaySpec("vllm", gpus=1), WaySpec("sglang", gpus=1)),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what says whether there is a GPU, and puts the programs of servers on the PATH or takes them from it."""

    def set_up(*, gpu: bool, programs: bool) -> None:
        monkeypatch.setattr(ways, "gpu_shows", lambda environ: gpu)
        monkeypatch.setenv("PATH", str(tmp_path))
        if programs:
            put_on_path(tmp_path / "bin", monkeypatch)

    return set_up


def found(text: str, **given: str) -> ModelSpec:
    return ways.find(text, lambda name: ENTRY if name == "tiny" else KNOWN.get(name), given)


@pytest.mark.parametrize(
    ("gpu", "programs", "way"),
    [(True, True, "vllm"), (False, True, ""), (True, False, "")],
)
def test_the_best_way_is_taken_where_it_is_here(here, gpu, programs, way):
    pytest.importorskip("httpx")
    here(gpu=gpu, programs=programs)
    spec = found("tiny")
    assert (spec.name, spec.way) == ("tiny", way)
    assert spec.adapter == (way or "null")


def test_a_way_that_does_not_take_the_arguments_is_passed_by(here):
    pytest.importorskip("httpx")
    here(gpu=True, programs=True)
    assert found("tiny", words="3").adapter == "null", "vLLM takes no such argument"
    assert found("tiny", tensor_parallel="2").adapter == "vllm"
    assert found("tiny", tensor_parallel="many").adapter == "null", "nor such a value"


def test_a_way_with_a_checkpoint_of_its_own_has_no_revision_of_another(here):
    entry = replace(ENTRY, revision="a" * 40, ways=(WaySpec("vllm", source="y/tiny"), WaySpec("sglang")))
    by_name = ways.ways_of(entry)
    assert (by_name["vllm"].source, by_name["vllm"].revision) == ("y/tiny", None)
    assert (by_name["sglang"].source, by_name["sglang"].revision) == ("x/tiny", "a" * 40)


def test_a_way_that_is_named_is_part_of_the_name(here):
    here(gpu=False, programs=False)
    spec = found("tiny@vllm")
    assert (spec.name, spec.way, spec.gpus, spec.ways) == ("tiny@vllm", "vllm", 1, ())
    assert found("hf:org/x@main@vllm").revision == "main"
    assert found("hf:org/x@main@vllm").name == "x@main@vllm"
    assert found("mine=hf:org/x@sglang").name == "mine"
    assert found("hf:org/x").adapter == "transformers-asr", "served only where that is said"
    assert ways.row("hf:org/x@vllm") == "x@vllm"
    assert ways.row("mine=hf:org/x@vllm") == "mine"
    assert ways.row("whisper-tiny") == "whisper-tiny"


def test_a_way_that_is_not_there_says_which_are_and_what_they_need(here):
    pytest.importorskip("httpx")
    here(gpu=False, programs=False)
    with pytest.raises(UsageError) as told:
        found("tiny@faster-whisper")
    assert "model 'tiny' cannot be run by 'faster-whisper'; it can by its own way (all it needs is here), " in str(
        told.value
    )
    assert "vllm (needs the program 'vllm' and 1 GPU)" in str(told.value)


def test_a_class_of_ones_own_may_still_be_isolated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("class M:\n  def load(self, args): ...\n  def generate(self, batch): ...\n")
    assert found("./mine.py:M@isolated").adapter == "python-isolated"


@pytest.mark.skipif(importlib.util.find_spec("faster_whisper") is None, reason="needs the extra 'faster-whisper'")
def test_on_a_cpu_whisper_is_run_by_faster_whisper(here):
    pytest.importorskip("transformers")
    here(gpu=False, programs=True)
    assert found("whisper-tiny").way == "faster-whisper"
    assert found("whisper-tiny", attn="eager").way == "transformers"
    assert found("whisper-tiny@transformers").name == "whisper-tiny@transformers"


@pytest.mark.parametrize("spec", [spec for spec in KNOWN if spec.ways], ids=lambda spec: spec.name)
def test_every_way_of_the_catalogue_can_be_taken(spec):
    for name, one in ways.ways_of(spec).items():
        assert name in ways.WAYS, name
        kind = adapter_class(one.adapter)
        assert issubclass(kind, ModelAdapter)
        checked_args(kind, one, {})
        assert set(one.args) <= set(kind.options_for(one)), f"{name}: arguments that its adapter does not take"
        assert one.source == next((way.source for way in spec.ways if way.name == name and way.source), spec.source)


def test_who_hears_is_run_in_its_own_way_unless_one_is_named(here) -> None:
    here(gpu=True, programs=True)
    assert ways.find("tiny", lambda name: ENTRY, {}).adapter == "vllm"
    assert ways.find("tiny", lambda name: ENTRY, {}, chooses=False) == ENTRY
    named = model_of("whisper-tiny@faster-whisper")
    assert (named.name, named.adapter) == ("whisper-tiny@faster-whisper", "faster-whisper")
    assert model_of("whisper-tiny") == KNOWN.get("whisper-tiny")


_ELSEWHERE = {"openai", "openai-speech", "openai-realtime", "gemini"}
"""Adapters whose weights are on a machine of somebody else."""

WITH_WEIGHTS = [
    one for spec in KNOWN for one in ways.ways_of(spec).values() if one.source and one.adapter not in _ELSEWHERE
]


ELSEWHERE = ("adapters", "encoders", "speech_tokenizer", "vocoder")
"""Arguments that name a repository beside the source."""


@pytest.mark.parametrize("spec", WITH_WEIGHTS, ids=lambda spec: f"{spec.name}@{spec.way}")
def test_what_every_way_of_the_catalogue_fetches_can_be_fetched_ahead(spec):
    kind = adapter_class(spec.adapter)
    repositories = [one.repo for one in kind.fetched_weights(spec, checked_args(kind, spec, {}))]
    assert spec.source in repositories
    assert kind.made_ready or spec.runtime is None, "its environment has to be made"
    here = replace(spec, source="./here", args={k: v for k, v in spec.args.items() if k not in ELSEWHERE})
    assert kind.fetched_weights(here, checked_args(kind, here, {})) == []


def test_what_an_argument_names_is_fetched_too():
    spec = KNOWN.get("glm-4-voice")
    assert [one.repo for one in adapter_class(spec.adapter).fetched_weights(spec, {})] == [
        "THUDM/glm-4-voice-9b",
        "THUDM/glm-4-voice-tokenizer",
    ]


def test_what_a_package_fetches_by_itself_is_told():
    spec = KNOWN.get("utmos")
    (told,) = adapter_class(spec.adapter).fetched_weights(spec, {})
    assert told.elsewhere == "a hub of the package utmos"
    assert adapter_class("funasr").fetched_weights(ModelSpec("x", "funasr", source="iic/x"), {})[0].elsewhere


LARGEST_GPU_BYTES = 80e9 * 0.85
"""Of a GPU that many have, what is left for weights beside what answering takes."""


@pytest.mark.parametrize("spec", [one for one in KNOWN if one.parameters], ids=lambda spec: spec.name)
def test_no_way_is_taken_unasked_whose_weights_its_gpus_could_not_hold(spec):
    named = {way.name for way in spec.ways if way.named_only}
    for name, one in ways.ways_of(spec).items():
        if name not in named and one.adapter not in _ELSEWHERE:
            assert 2 * spec.parameters <= max(1, one.gpus) * LARGEST_GPU_BYTES, f"{name}: {one.gpus} GPUs"


def test_a_way_that_only_few_have_room_for_is_taken_where_it_is_named(here):
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    here(gpu=True, programs=False)
    assert found("qwen3-omni").way == "isolated"
    assert found("qwen3-omni@transformers").way == "transformers"
