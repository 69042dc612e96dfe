"""The pocketsphinx adapter: answers depend on the clip alone, options reach the decoder, bad input is named."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.errors import MissingExtraError, ModelError, UsageError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.pocketsphinx import PocketsphinxAdapter, _pcm16
from audiobench_pytest.types import Audio, Prompt, Request

SPEC = ModelSpec(name="pocketsphinx", adapter="pocketsphinx", languages=("en",))
CLIPS = 12


def adapter(**args: object) -> PocketsphinxAdapter:
    given = {name: str(value) for name, value in args.items()}
    return PocketsphinxAdapter(SPEC, checked_args(PocketsphinxAdapter, SPEC, given))


def answer(model: PocketsphinxAdapter, audio: Audio, sample_id: str = "x") -> str:
    (only,) = model.generate([Request(sample_id, audio, Prompt())])
    assert only.error is None
    return only.text


def answer_and_score(model: PocketsphinxAdapter, audio: Audio) -> tuple[str, float]:
    """The score tells more than the words: state that leaks changes nearly every score and only some words."""
    text = answer(model, audio)
    assert model._decoder is not None
    return text, model._decoder.hyp().score


def sound(samples: np.ndarray) -> Audio:
    return Audio(samples.astype(np.float32), 16_000)


def read(path: Path) -> Audio:
    return Audio(soundfile.read(path, dtype="float32")[0], 16_000)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """The shortest clips of the bundled corpus."""
    manifest = corpus_path("minispeech/manifest.jsonl")
    every = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return sorted(every, key=lambda row: (row["duration_s"], row["id"]))[:CLIPS]


@pytest.fixture(scope="module")
def clips(rows: list[dict]) -> dict[str, Audio]:
    return {row["id"]: read(corpus_path("minispeech") / row["audio"]) for row in rows}


@pytest.fixture(scope="module")
def model() -> PocketsphinxAdapter:
    loaded = adapter()
    loaded.load()
    return loaded


@pytest.fixture(scope="module")
def scored(model: PocketsphinxAdapter, clips: dict[str, Audio]) -> dict[str, tuple[str, float]]:
    return {name: answer_and_score(model, audio) for name, audio in clips.items()}


@pytest.fixture(scope="module")
def predictions(scored: dict[str, tuple[str, float]]) -> dict[str, str]:
    return {name: text for name, (text, _) in scored.items()}


def test_clear_speech_is_recognised(predictions: dict[str, str]):
    assert predictions["slt-short-01"] == "yes please"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_prediction_depends_on_the_order_of_the_clips(model, clips, scored, seed):
    order = list(clips)
    random.Random(seed).shuffle(order)
    assert {name: answer_and_score(model, clips[name]) for name in order} == scored


def test_predictions_are_those_of_a_fresh_decoder(clips, scored):
    for name in list(clips)[-3:]:
        fresh = adapter()
        fresh.load()
        assert answer_and_score(fresh, clips[name]) == scored[name]


def test_odd_sounds_are_answered_and_leave_no_trace(model, clips, predictions):
    name = "slt-short-01"
    noise = np.random.default_rng(0)
    odd = {
        "empty": np.zeros(0),
        "one sample": np.zeros(1),
        "20 ms": noise.normal(0, 0.02, 320),
        "silence": np.zeros(32_000),
        "one click in silence": np.eye(1, 32_000, 16_000)[0] / 32_768,
    }
    for what, samples in odd.items():
        assert answer(model, sound(samples)) == "", what
        assert answer(model, clips[name]) == predictions[name], f"after {what}"


def test_noise_leaves_no_trace(model, clips, predictions):
    answer(model, sound(np.random.default_rng(0).normal(0, 0.3, 32_000)))
    assert answer(model, clips["slt-short-01"]) == predictions["slt-short-01"]


def test_two_swapped_files_swap_their_predictions(tmp_path, rows, model, predictions):
    first, second = (next(row for row in rows if row["id"] == name) for name in ("slt-short-01", "kal16-short-01"))
    assert predictions[first["id"]] != predictions[second["id"]]
    for here, there in ((first, second), (second, first)):
        shutil.copy(corpus_path("minispeech") / there["audio"], tmp_path / Path(here["audio"]).name)
    for here, there in ((first, second), (second, first)):
        assert answer(model, read(tmp_path / Path(here["audio"]).name), here["id"]) == predictions[there["id"]]


def test_16_bit_sound_survives_the_way_through_float():
    pcm = np.arange(-32_768, 32_768, dtype="<i2")
    as_decoded = sound(pcm.astype(np.float32) / 32_768)
    assert _pcm16(as_decoded) == pcm.tobytes()


def test_sound_beyond_full_scale_is_clipped_not_wrapped():
    got = np.frombuffer(_pcm16(sound(np.array([1.0, -1.0, 1.5, -1.5, 0.6 / 32_768]))), "<i2")
    assert got.tolist() == [32_767, -32_768, 32_767, -32_768, 1]


def test_options_are_converted_and_reach_the_decoder():
    narrow = adapter(beam="1e-12", lw="3")
    assert narrow.args == {"beam": 1e-12, "lw": 3.0, "hmm": None, "lm": None, "dict": None}
    narrow.load()
    assert narrow._decoder is not None
    assert narrow._decoder.config["beam"] == 1e-12
    assert narrow._decoder.config["lw"] == 3.0
    assert narrow._decoder.config["cmn"] == "batch"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beam", "wide"),
        ("beam", "0"),
        ("beam", "1e-10"),  # would kill the process with SIGFPE while decoding
        ("beam", "nan"),
        ("lw", "0"),
        ("lw", "inf"),
        ("lw", "nan"),
        ("beams", "1e-20"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_loading(name, value):
    with pytest.raises(UsageError, match=name):
        adapter(**{name: value})


@pytest.mark.parametrize("name", ["hmm", "lm", "dict"])
def test_a_model_file_that_does_not_exist_is_named(name, tmp_path):
    with pytest.raises(ModelError, match=f"{name}=.*nowhere"):
        adapter(**{name: tmp_path / "nowhere"})


def test_a_language_model_that_cannot_be_read_is_named_at_load(tmp_path):
    (tmp_path / "broken.lm").write_text("not a language model")
    broken = adapter(lm=tmp_path / "broken.lm")
    with pytest.raises(ModelError, match=r"lm=.*broken\.lm"):
        broken.load()


def test_a_dictionary_of_ones_own_is_used(tmp_path, clips):
    (tmp_path / "two.dict").write_text("thank TH AE NG K\nyou Y UW\nvery V EH R IY\nmuch M AH CH\n")
    own = adapter(dict=tmp_path / "two.dict")
    own.load()
    assert set(answer(own, clips["slt-short-01"]).split()) <= {"thank", "you", "very", "much"}


def test_identity_follows_what_files_hold_not_where_they_lie(tmp_path):
    for folder, word in (("a", "yes"), ("b", "yes"), ("c", "no")):
        (tmp_path / folder / "hmm").mkdir(parents=True)
        (tmp_path / folder / "own.dict").write_text(f"{word} Y EH S\n")
        (tmp_path / folder / "hmm" / "means").write_text(word)

    def identity(folder: str) -> dict:
        return adapter(dict=tmp_path / folder / "own.dict", hmm=tmp_path / folder / "hmm").identity()

    assert identity("a") == identity("b") != identity("c")
    (tmp_path / "b" / "hmm" / "means").rename(tmp_path / "b" / "hmm" / "variances")
    assert identity("a") != identity("b")
    assert str(tmp_path) not in json.dumps(identity("a"))


def test_identity_of_the_packaged_model_tells_options_and_package_version(monkeypatch):
    identity = adapter(lw="7").identity()
    assert identity["args"] == {"beam": 1e-48, "lw": 7.0, "hmm": None, "lm": None, "dict": None}
    assert identity != adapter().identity()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0.1")
    assert adapter(lw="7").identity() != identity


def test_the_packaged_model_is_used_whatever_the_environment_says(tmp_path, monkeypatch, clips, predictions):
    monkeypatch.setenv("POCKETSPHINX_PATH", str(tmp_path))
    loaded = adapter()
    loaded.load()
    assert answer(loaded, clips["slt-short-01"]) == predictions["slt-short-01"]


def test_a_missing_package_names_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pocketsphinx.*audiobench-pytest\[demo\]"):
        adapter()


def test_decoding_prints_nothing(model, clips, capfd):
    answer(model, clips["slt-short-01"])
    answer(model, sound(np.zeros(16_000)))
    adapter().load()
    assert capfd.readouterr() == ("", "")


def test_device_and_version_are_described(model):
    described = model.describe()
    assert described["device"] == "cpu"
    assert described["version"].split(".")[0] == "5"
