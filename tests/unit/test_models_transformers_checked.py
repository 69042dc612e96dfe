"""A checkpoint is looked at before it answers: what it lacks would make every answer wrong, in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

import tiny_checkpoints as tiny

from audiobench_pytest.errors import ModelError, UsageError


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
