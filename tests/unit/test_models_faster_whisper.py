"""Whisper through CTranslate2, beside transformers on the same tiny checkpoint."""

from __future__ import annotations

import dataclasses
import random
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("faster_whisper", reason="needs the extra 'faster-whisper'")

from tiny_checkpoints import build_ctc, build_whisper, loaded, request, requests, rewrite

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import create


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("checkpoints")
    build_whisper(folder / "whisper")
    build_whisper(folder / "english", multilingual=False, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOBENCH_ENVIRONMENTS", str(folder / "environments"))
        yield folder


def unloaded(folder: Path, **args: str) -> ModelAdapter:
    spec = ModelSpec(folder.name, "faster-whisper", source=str(folder))
    return create(spec, {"device": "cpu", "threads": "1", **args})


def fast(folder: Path, **args: str) -> ModelAdapter:
    adapter = unloaded(folder, **args)
    adapter.load()
    return adapter


def texts(answers) -> list[str]:
    return [answer.text for answer in answers]


@pytest.mark.parametrize("name", ["whisper", "english"])
@pytest.mark.parametrize("args", [{}, {"max_new_tokens": "3"}], ids=["whole", "cut"])
def test_it_answers_as_transformers_does_in_float32(checkpoints, name, args):
    batch = requests(1, 2.3, 5, 8, 3.3, 29.9)
    one, other = loaded(checkpoints / name, **args), fast(checkpoints / name, **args)
    expected, found = one.generate(batch), other.generate(batch)
    assert texts(found) == texts(expected)
    assert len(set(texts(found))) > len(batch) / 2
    if args:
        assert [a.meta.get("finish_reason") for a in found] == [a.meta.get("finish_reason") for a in expected]
    assert one.identity() != other.identity()
    assert one.identity()["weights"] == other.identity()["weights"]


def test_an_answer_does_not_depend_on_its_batch(checkpoints):
    adapter, batch = fast(checkpoints / "whisper"), requests(1, 5, 2.2, 7.7)
    together = adapter.generate(batch)
    assert together == [adapter.generate([one])[0] for one in batch]
    assert together == adapter.generate(batch[::-1])[::-1]
    assert adapter.generate([]) == []


def test_language_and_task_reach_the_decoder(checkpoints):
    batch = [request(5, seed, "en") for seed in range(4)]
    english = texts(fast(checkpoints / "whisper").generate(batch))
    others = [request(5, seed, "de") for seed in range(4)]
    assert texts(fast(checkpoints / "whisper").generate(others)) != english
    assert texts(fast(checkpoints / "whisper", task="translate").generate(batch)) != english
    (unknown,) = fast(checkpoints / "whisper").generate([request(5, 1, "xx")])
    assert "does not know the language 'xx'" in unknown.error
    # Of the tiny vocabulary the engine believes that it has one language; that is told, and no language made up.
    with pytest.raises(ModelError, match="cannot tell its languages: name one"):
        fast(checkpoints / "whisper", language="auto").generate(batch[:1])


def test_a_long_clip_is_heard_to_its_end(checkpoints):
    short, long = fast(checkpoints / "english").generate(requests(5, 61))
    assert short.text
    assert long.meta["tokens"] > 0


def test_it_is_converted_once(checkpoints, monkeypatch):
    batch = requests(2, 4)
    expected = texts(fast(checkpoints / "whisper").generate(batch))
    monkeypatch.setattr("audiobench_pytest.models.ctranslate2.conversion._convert", None)  # it cannot be called
    assert texts(fast(checkpoints / "whisper").generate(batch)) == expected


def test_a_checkpoint_that_was_converted_elsewhere_needs_no_torch(checkpoints, tmp_path, monkeypatch):
    from audiobench_pytest.models.ctranslate2.conversion import converted

    adapter = fast(checkpoints / "whisper", max_new_tokens="9")
    folder = tmp_path / "converted"
    shutil.copytree(converted(adapter._recognizer.checkpoint), folder)
    monkeypatch.setattr("audiobench_pytest.models.ctranslate2.adapter._TO_CONVERT", ("no_such_package",))
    batch = [dataclasses.replace(one) for one in requests(2, 4)]
    assert texts(fast(folder, max_new_tokens="9").generate(batch)) == texts(adapter.generate(batch))
    assert [what for what, _ in type(adapter).lacks(adapter.spec, adapter.args)] == [
        "the package 'no_such_package' to convert its checkpoint"
    ]


def test_it_can_be_converted_ahead_of_runs(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    adapter = unloaded(checkpoints / "whisper")
    assert type(adapter).made_ready
    told = type(adapter).make_ready(adapter.spec)
    (made,) = (tmp_path / "ctranslate2").glob("*/model.bin")
    assert told == f"converted: {made.parent}"
    monkeypatch.setattr("audiobench_pytest.models.ctranslate2.conversion._convert", None)
    adapter.load()
    # What is converted already is used where it lies.
    assert type(adapter).make_ready(ModelSpec("x", "faster-whisper", source=str(made.parent))) == told


def test_it_may_be_loaded_beside_another_model_once_it_is_converted(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    adapter = unloaded(checkpoints / "whisper")
    assert not adapter.loads_beside(), "torch converts it, whose default precision is that of the whole process"
    adapter.load()
    assert adapter.loads_beside()
    (made,) = (tmp_path / "ctranslate2").glob("*/model.bin")
    assert unloaded(made.parent).loads_beside()


def test_nothing_that_another_model_draws_or_makes_changes_while_it_is_loaded(checkpoints):
    import torch

    fast(checkpoints / "whisper")  # converted by now
    done = threading.Event()

    def load_again():
        for _ in range(10):
            fast(checkpoints / "whisper").close()
        done.set()

    def answer():
        torch.manual_seed(7)
        random.seed(7)
        np.random.seed(7)
        drawn = [int(torch.multinomial(torch.ones(1000), 1)) for _ in range(20)]
        return drawn, random.random(), np.random.random(), torch.zeros(1).dtype, torch.get_num_threads()

    expected = answer()
    thread = threading.Thread(target=load_again)
    thread.start()
    found = []
    while not done.is_set():
        found.append(answer())
    thread.join()
    assert len(found) > 10
    assert all(one == expected for one in found)


def test_what_it_cannot_run_is_told(checkpoints, tmp_path):
    with pytest.raises(ModelError, match="is of type 'wav2vec2'; faster-whisper runs Whisper"):
        unloaded(build_ctc(tmp_path / "ctc"))
    untold = shutil.copytree(checkpoints / "whisper", tmp_path / "untold")
    (untold / "generation_config.json").unlink()
    with pytest.raises(ModelError, match=r"has no generation_config\.json"):
        unloaded(untold)
    broken = shutil.copytree(checkpoints / "whisper", tmp_path / "broken")
    rewrite(broken, "config.json", encoder_layers=7)
    with pytest.raises(ModelError, match=r"lacks 90 weight\(s\)"):  # else they would be random numbers
        fast(broken)
    assert not list((checkpoints / "ctranslate2").glob("*-*"))
    with pytest.raises(UsageError, match="device='mps' must be auto, cpu, cuda or cuda:N"):
        unloaded(checkpoints / "whisper", device="mps")
    with pytest.raises(UsageError, match="num_beams=0"):
        unloaded(checkpoints / "whisper", num_beams="0")
    with pytest.raises(ModelError, match=r"device cuda \(asked for\): CTranslate2 finds no CUDA device"):
        fast(checkpoints / "whisper", device="cuda")
