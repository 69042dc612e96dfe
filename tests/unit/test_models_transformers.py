"""Whisper and CTC checkpoints through the adapter: tiny, random, built here, loaded as the real ones are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_checkpoints import build_ctc, build_whisper, loaded, request, requests, rewrite, speechlike, unloaded

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Answer, Audio, Prompt, Request


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torchaudio_compat.preseed()
    folder = tmp_path_factory.mktemp("checkpoints")
    build_whisper(folder / "whisper")
    build_whisper(folder / "whisper-english", multilingual=False)
    build_ctc(folder / "ctc")
    build_ctc(folder / "ctc-without-mask", mask=False, norm="group")
    return folder


@pytest.fixture(scope="module")
def whisper(checkpoints: Path) -> ModelAdapter:
    return loaded(checkpoints / "whisper")


@pytest.fixture(scope="module")
def ctc(checkpoints: Path) -> ModelAdapter:
    return loaded(checkpoints / "ctc")


def alone(adapter: ModelAdapter, batch: Sequence[Request]) -> list[Answer]:
    return [adapter.generate([one])[0] for one in batch]


def texts(answers: Sequence[Answer]) -> list[str]:
    return [answer.text for answer in answers]


# --- answers do not depend on the batch ---------------------------------------------------------


@pytest.mark.parametrize("args", [{}, {"num_beams": "2"}], ids=["greedy", "beams"])
def test_whisper_answers_a_clip_the_same_alone_and_in_a_batch_of_short_and_long(
    checkpoints: Path, args: dict[str, str]
) -> None:
    # 480,001 samples and 31.23456 s are no whole number of frames; 3 clips go on after the others have ended.
    adapter, batch = (
        loaded(checkpoints / "whisper", **args),
        requests(1, 31.23456, 2.34567, 480_001 / 16_000, 70.0001, 3.3),
    )
    together = adapter.generate(batch)
    assert together == alone(adapter, batch)
    assert together == adapter.generate(batch[::-1])[::-1]
    assert all(texts(together))
    assert len(set(texts(together))) == len(batch)


def test_whisper_hears_all_of_a_long_clip(whisper: ModelAdapter) -> None:
    start, rest = speechlike(31, 1), speechlike(31, 2)
    heard = [
        Request("a", Audio(np.concatenate(parts), 16_000), Prompt(language="en"))
        for parts in ([start], [start, rest], [start, start])
    ]
    one, two, same = whisper.generate(heard)
    assert two.meta["tokens"] > one.meta["tokens"]
    assert two.text != same.text


def test_ctc_with_a_mask_answers_a_clip_the_same_alone_and_in_a_padded_batch(ctc: ModelAdapter) -> None:
    assert not ctc.equal_length
    batch = requests(1, 2.34567, 7, 0.5, 3.3)
    together = ctc.generate(batch)
    assert together == alone(ctc, batch)
    assert all(texts(together))
    assert len(set(texts(together))) == len(batch)


def test_ctc_without_a_mask_says_so_and_is_right_even_when_it_is_not_heeded(checkpoints: Path) -> None:
    adapter = loaded(checkpoints / "ctc-without-mask")
    assert adapter.equal_length
    batch = requests(1, 2.34567, 1, 0.5, 1)
    assert adapter.generate(batch) == alone(adapter, batch)


def test_padding_would_change_the_answers_of_the_model_without_a_mask(checkpoints: Path) -> None:
    # What the test before this one guards against must be there, or it would prove nothing.
    adapter = loaded(checkpoints / "ctc-without-mask")
    one, padded = speechlike(1, 0), np.pad(speechlike(1, 0), (0, 16_000))
    short, long = (adapter.generate([Request("a", Audio(s, 16_000), Prompt())])[0].text for s in (one, padded))
    assert not long.startswith(short)


@pytest.mark.parametrize(
    ("model_type", "mask", "config", "equal"),
    [
        ("wav2vec2", True, {"feat_extract_norm": "layer"}, False),
        ("hubert", True, {"feat_extract_norm": "layer"}, False),
        ("wavlm", True, {"feat_extract_norm": "layer"}, False),
        ("wav2vec2", False, {"feat_extract_norm": "layer"}, True),
        ("wav2vec2", True, {"feat_extract_norm": "group"}, True),
        ("wav2vec2", True, {}, True),  # `group` is the default
        ("wav2vec2", True, {"feat_extract_norm": "layer", "add_adapter": True}, True),
        ("wav2vec2-conformer", True, {"feat_extract_norm": "layer"}, True),
        ("data2vec-audio", True, {"feat_extract_norm": "layer"}, True),
    ],
)
@pytest.mark.parametrize("where", ["preprocessor_config.json", "processor_config.json"])
def test_the_need_for_equal_lengths_is_told_from_the_small_files(
    tmp_path: Path, where: str, model_type: str, mask: bool, config: dict[str, Any], equal: bool
) -> None:
    rewrite(tmp_path, "config.json", model_type=model_type, architectures=["XForCTC"], **config)
    features = {"return_attention_mask": mask, "sampling_rate": 8000}
    rewrite(tmp_path, where, **(features if where.startswith("pre") else {"feature_extractor": features}))
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    adapter = unloaded(tmp_path)
    assert (adapter.equal_length, adapter.sample_rate) == (equal, 8000)


@pytest.mark.parametrize("name", ["whisper", "ctc", "ctc-without-mask"])
def test_clips_of_no_length_to_speak_of_are_answered(checkpoints: Path, name: str) -> None:
    adapter = loaded(checkpoints / name)
    batch = requests(0, 1 / 16_000, 0.01, 1)
    answers = adapter.generate(batch)
    assert [answer.error for answer in answers] == [None] * 4
    assert answers == alone(adapter, batch)


def test_an_empty_batch_is_no_work(ctc: ModelAdapter) -> None:
    assert ctc.generate([]) == []


# --- languages ----------------------------------------------------------------------------------


def test_a_hint_is_used_a_forced_language_wins_and_auto_detects(checkpoints: Path, whisper: ModelAdapter) -> None:
    def asked(adapter: ModelAdapter, language: str | None) -> list[Answer]:
        return adapter.generate([request(2 + seed / 7, seed, language) for seed in range(6)])

    english, german = asked(whisper, "en"), asked(whisper, "de")
    assert whisper.takes_language_hint
    assert texts(english) != texts(german)
    forced = loaded(checkpoints / "whisper", language="DE")
    assert not forced.takes_language_hint
    assert asked(forced, "en") == german
    detected = asked(whisper, None)
    assert {answer.meta["detected_language"] for answer in detected} <= {"en", "de", "zh", "jw"}
    assert all("detected_language" not in answer.meta for answer in english)
    auto = loaded(checkpoints / "whisper", language="auto")
    assert not auto.takes_language_hint
    assert asked(auto, "en") == detected
    known = {str(a.identity()) for a in (whisper, forced, auto)}
    assert len(known) == 3


def test_rows_of_one_batch_may_have_different_languages_or_none(whisper: ModelAdapter) -> None:
    hints = ("en", "de", None, "zh-CN", "zh_TW", "jv", None)
    batch = [request(2.5, seed, hint) for seed, hint in enumerate(hints)]
    answers = whisper.generate(batch)
    assert answers == alone(whisper, batch)
    assert answers[3].text == whisper.generate([request(2.5, 3, "zh")])[0].text
    assert answers[5].text == whisper.generate([request(2.5, 5, "jw")])[0].text


def test_a_language_the_model_lacks_fails_that_row_only(whisper: ModelAdapter) -> None:
    good, bad, long = whisper.generate([request(1), request(1, 1, "yue"), request(31, 2)])
    assert "does not know the language 'yue'" in (bad.error or "")
    assert bad.text == ""
    assert good.error is None
    assert good.text
    assert long.text


def test_translation_is_another_question(checkpoints: Path, whisper: ModelAdapter) -> None:
    translating, batch = loaded(checkpoints / "whisper", task="translate"), requests(1, 2, 3)
    assert texts(translating.generate(batch)) != texts(whisper.generate(batch))
    assert translating.identity() != whisper.identity()


def test_a_whisper_of_one_language_takes_no_language(checkpoints: Path) -> None:
    adapter = loaded(checkpoints / "whisper-english")
    assert not adapter.takes_language_hint
    assert all(texts(adapter.generate([request(1), request(2, 1, "de"), request(31, 2, None)])))
    for args in ({"language": "en"}, {"task": "translate"}):
        with pytest.raises(UsageError, match="transcribes the one language it knows"):
            unloaded(checkpoints / "whisper-english", **args)


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("whisper", {"language": "dee"}, "language=dee .*unknown to it.*did you mean de.*known: auto, de, en, jw, zh"),
        ("whisper", {"num_beams": "0"}, "num_beams=0 .*at least 1"),
        ("whisper", {"max_new_tokens": "69"}, "max_new_tokens=69 .*room for 68"),
        ("whisper", {"device": "gpu"}, "auto, cpu, mps, cuda or cuda:N"),
        ("whisper", {"dtype": "fp16"}, "one of auto, float32, float16, bfloat16"),
        ("whisper", {"beam": "2"}, "takes no argument 'beam'.*num_beams"),
        ("ctc", {"language": "en"}, "language=en of model 'ctc': a CTC model has no decoder"),
        ("ctc", {"num_beams": "4"}, "num_beams=4 of model 'ctc'"),
        ("ctc", {"task": "translate"}, "task=translate of model 'ctc'"),
        ("ctc", {"max_new_tokens": "9"}, "max_new_tokens=9 of model 'ctc'"),
    ],
)
def test_arguments_that_cannot_be_honoured_are_refused(
    checkpoints: Path, name: str, args: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        unloaded(checkpoints / name, **args)


def test_beams_are_searched(checkpoints: Path, whisper: ModelAdapter) -> None:
    searching, batch = loaded(checkpoints / "whisper", num_beams="4"), requests(1, 2, 3, 4)
    assert texts(searching.generate(batch)) != texts(whisper.generate(batch))
    assert searching.identity() != whisper.identity()


def test_max_new_tokens_and_seed_reach_the_model(checkpoints: Path) -> None:
    import torch

    adapter = loaded(checkpoints / "whisper", max_new_tokens="4", seed="123")
    assert [answer.meta["tokens"] <= 4 for answer in adapter.generate(requests(2, 3))] == [True, True]
    assert torch.initial_seed() == 123


def test_half_precision_is_another_identity_and_how_it_was_asked_for_is_none(checkpoints: Path) -> None:
    full = unloaded(checkpoints / "ctc")
    assert full.identity()["dtype"] == "float32"
    assert unloaded(checkpoints / "ctc", dtype="float32", device="auto").identity() == full.identity()
    half = loaded(checkpoints / "ctc", dtype="bfloat16")
    assert half.identity() != full.identity()
    assert all(texts(half.generate(requests(1, 2))))
    assert half.describe()["dtype"] == "bfloat16"


def test_what_ran_is_described(whisper: ModelAdapter, checkpoints: Path) -> None:
    told = whisper.describe()
    assert (told["device"], told["dtype"], told["attn"]) == ("cpu", "float32", "sdpa")
    assert {"torch", "transformers", "device_name", "commit", "source"} <= set(told)
    eager = loaded(checkpoints / "whisper", attn="eager")
    assert eager.describe()["attn"] == "eager"
    json.dumps(told)


# --- while running ------------------------------------------------------------------------------


def test_a_model_that_overflows_is_an_error_and_no_empty_text(checkpoints: Path) -> None:
    import torch

    adapter: Any = loaded(checkpoints / "ctc")
    with torch.no_grad():
        adapter._recognizer.model.lm_head.bias[7] = float("nan")
    (answer,) = adapter.generate(requests(1))
    assert "not finite in torch.float32: pass dtype=float32" in answer.error


def test_running_out_of_memory_stays_torchs_own_error(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    adapter: Any = loaded(checkpoints / "whisper")

    def burst(*_args: Any, **_options: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(adapter._recognizer.model, "generate", burst)
    with pytest.raises(torch.OutOfMemoryError):
        adapter.generate(requests(1))


def test_audio_of_another_rate_is_not_taken_for_speech(ctc: ModelAdapter) -> None:
    with pytest.raises(ModelError, match="sample 'x': model 'ctc' wants 16000 Hz, got 8000 Hz"):
        ctc.generate([Request("x", Audio(speechlike(1), 8000), Prompt())])


def test_a_closed_model_is_gone_until_it_is_loaded_again(checkpoints: Path) -> None:
    adapter = loaded(checkpoints / "ctc")
    before = adapter.generate(requests(1))
    adapter.close()
    with pytest.raises(ModelError, match="asked before it was loaded"):
        adapter.generate(requests(1))
    adapter.load()
    assert adapter.generate(requests(1)) == before


@pytest.mark.parametrize("name", ["whisper", "ctc"])
def test_a_warm_up_is_short_and_changes_nothing(checkpoints: Path, name: str) -> None:
    adapter: Any = loaded(checkpoints / name)
    assert adapter.warm_up
    assert adapter.overlaps
    before, identity = adapter.generate(requests(1, 2)), adapter.identity()
    asked = []
    recognize = adapter._recognizer.recognize
    adapter._recognizer.recognize = lambda *args: (
        asked.append(adapter._recognizer.args["max_new_tokens"]),
        recognize(*args),
    )[1]
    adapter.warm(request(1))
    assert asked == [4]
    assert (adapter.generate(requests(1, 2)), adapter.identity()) == (before, identity)
