"""A checkpoint is looked at before it answers: what it lacks would make every answer wrong, in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

import tiny_checkpoints as tiny

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.transformers.decoding import departures
from audiobench_pytest.types import Audio, Prompt, Request


@pytest.fixture
def whisper(tmp_path: Path) -> Path:
    return tiny.build_whisper(tmp_path / "ck")


def without(folder: Path, name: str, *keys: str) -> Path:
    """Take entries out of a JSON file of a checkpoint."""
    path = folder / name
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k not in keys}))
    return folder


def test_a_folder_without_a_tokenizer_is_refused(whisper: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (whisper / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"has no tokenizer that writes anything|AutoTokenizer cannot be loaded"):
        tiny.loaded(whisper)


def test_an_adapter_beside_the_weights_is_refused(whisper: Path) -> None:
    (whisper / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"holds an adapter .* merge it"):
        tiny.unloaded(whisper)


UNTOLD = ("lang_to_id", "task_to_id", "is_multilingual", "no_timestamps_token_id")


def test_whisper_that_cannot_be_told_a_language_answers_in_english_only(whisper: Path) -> None:
    model = tiny.loaded(without(whisper, "generation_config.json", *UNTOLD), max_new_tokens="4")
    assert model.takes_language_hint
    english, german, long = model.generate([tiny.request(1.0), tiny.request(1.0, language="de"), tiny.request(31.0)])
    assert english.error is None
    assert "the language 'de' cannot be told to it" in str(german.error)
    assert "clips of more than 30 s need timestamps" in str(long.error)
    assert "generation_config.json" in str(long.error)
    model.close()


def test_a_language_that_cannot_be_told_is_refused_with_the_true_reason(whisper: Path) -> None:
    with pytest.raises(UsageError, match=r"no generation_config.json that says how language and task are told"):
        tiny.unloaded(without(whisper, "generation_config.json", *UNTOLD), language="de")


def test_an_answer_at_the_limit_of_tokens_says_so(whisper: Path) -> None:
    model = tiny.loaded(whisper, max_new_tokens="2")
    (answer,) = model.generate([tiny.request(1.0)])
    ended = model._recognizer._model.generation_config.eos_token_id
    assert ended is not None
    assert (answer.meta.get("finish_reason") == "length") is (answer.meta["tokens"] >= 2)
    model.close()


def test_a_vocabulary_per_language_asks_for_the_language(tmp_path: Path) -> None:
    folder = tiny.build_ctc(tmp_path / "mms")
    vocabulary = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({"eng": vocabulary, "deu": vocabulary}))
    tiny.rewrite(folder, "tokenizer_config.json", target_lang="eng")
    with pytest.raises(ModelError, match=r"answers in one language at a time \(target_lang\).*language=CODE"):
        tiny.loaded(folder)


def broken(model: Any) -> None:
    """Put a number that is none into a model's weights."""
    import torch

    name = next(name for name, _ in model.named_parameters() if "norm.weight" in name and "encoder" not in name)
    with torch.no_grad():
        model.get_parameter(name).fill_(torch.nan)


@pytest.mark.parametrize("long", [False, True])
def test_output_that_is_not_finite_is_no_text(whisper: Path, long: bool) -> None:
    model = tiny.loaded(whisper, max_new_tokens="3")
    broken(model._recognizer.model)
    with pytest.raises(ModelError, match=r"not finite in torch.float32: pass dtype=float32"):
        model.generate([tiny.request(31.0 if long else 1.0)])
    model.close()


def test_of_a_chat_model_neither(tmp_path: Path) -> None:
    model = tiny.talker(tiny.build_audio_chat(tmp_path / "chat"), max_new_tokens="3")
    broken(model._model)
    with pytest.raises(ModelError, match="not finite"):
        model.generate([Request("s", Audio(tiny.speechlike(1.0), 16_000), Prompt("What is said?"))])
    model.close()


@pytest.mark.parametrize(
    ("generation", "args", "told"),
    [
        ({}, {}, ""),
        ({"do_sample": True, "num_beams": 5, "temperature": 0.7, "length_penalty": 2.0}, {"num_beams": 1}, ""),
        ({"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "suppress_tokens": [1]}, {}, ""),
        ({"repetition_penalty": 1.1}, {"repetition_penalty": None}, "repetition_penalty=1.1"),
        ({"repetition_penalty": 1.1}, {"repetition_penalty": 1.0}, ""),
        ({"no_repeat_ngram_size": 3}, {"num_beams": 2}, "no_repeat_ngram_size=3, num_beams=2"),
        ({"length_penalty": 0.6}, {"num_beams": 2}, "length_penalty=0.6, num_beams=2"),
        ({}, {"do_sample": True}, "do_sample=True"),
    ],
)
def test_settings_that_are_not_greedy_are_named(
    generation: dict[str, object], args: dict[str, object], told: str
) -> None:
    assert departures(generation, args) == told


def test_what_is_not_greedy_is_told_of_a_checkpoint(whisper: Path) -> None:
    tiny.rewrite(whisper, "generation_config.json", no_repeat_ngram_size=3, do_sample=True)
    assert tiny.unloaded(whisper).describe()["not_greedy"] == "no_repeat_ngram_size=3"
    assert "not_greedy" not in tiny.unloaded(tiny.build_whisper(whisper.parent / "plain")).describe()
