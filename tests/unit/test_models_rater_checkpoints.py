"""Raters whose weights come from a hub: a tiny random checkpoint, a stand-in of the package that fetches its own."""

import dataclasses
import importlib.util
import sys
import types

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Audio, Prompt, Request

torch = pytest.importorskip("torch", reason="needs the extra 'local'")
torchaudio_compat.preseed()
transformers = pytest.importorskip("transformers", reason="needs the extra 'local'")

RATE = 16_000


def sound(seed, seconds=1.0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def request(one, other=None):
    sounds = {} if other is None else {"reference": Audio(other, RATE)}
    return Request("", Audio(one, RATE), Prompt(), None, sounds)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A WavLM with an x-vector head, of random weights."""
    folder = tmp_path_factory.mktemp("wavlm")
    torch.manual_seed(0)
    config = transformers.WavLMConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16),
        conv_stride=(10, 8),
        conv_kernel=(10, 8),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(16, 16, 16, 16, 32),
        xvector_output_dim=16,
    )
    transformers.WavLMForXVector(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return folder


def wavlm(folder):
    return create(dataclasses.replace(load_catalog().models.get("wavlm-sv"), source=str(folder)), {})


def test_likeness_is_the_cosine_of_the_models_own_embeddings(checkpoint):
    rater = wavlm(checkpoint)
    rater.load()
    one, other = sound(0), sound(1, 2.5)  # an answer is as long as it is, and none is cut or filled up
    same, different = (a.meta["rating"]["sim"] for a in rater.generate([request(one, one), request(one, other)]))
    assert same == pytest.approx(1.0, abs=1e-6)
    model = transformers.WavLMForXVector.from_pretrained(checkpoint).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(checkpoint)
    with torch.inference_mode():
        voices = [model(**extractor(x, sampling_rate=RATE, return_tensors="pt")).embeddings[0] for x in (one, other)]
    assert different == pytest.approx(float(torch.nn.functional.cosine_similarity(*voices, dim=0)), abs=1e-5)
    rater.close()


def test_a_batch_of_several_lengths_says_what_single_sounds_are_told(checkpoint):
    rater = wavlm(checkpoint)
    rater.load()
    asked = [request(sound(k, 0.6 + 0.3 * k), sound(9 + k, 0.6 + 0.3 * k)) for k in range(3)]
    together = [answer.meta["rating"]["sim"] for answer in rater.generate(asked)]
    alone = [rater.generate([one])[0].meta["rating"]["sim"] for one in asked]
    assert together == pytest.approx(alone, abs=1e-6)


def test_ratings_of_sounds_that_were_cut_before_are_others(checkpoint):
    assert wavlm(checkpoint).identity()["aligned"] is False


def test_its_weights_are_part_of_what_it_is(checkpoint, tmp_path):
    assert wavlm(checkpoint).identity()["weights"]
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no weights"):
        wavlm(tmp_path).identity()


def test_it_computes_in_single_precision_whatever_its_weights_were_saved_in(checkpoint, tmp_path):
    transformers.WavLMForXVector.from_pretrained(checkpoint).half().save_pretrained(tmp_path)
    transformers.AutoFeatureExtractor.from_pretrained(checkpoint).save_pretrained(tmp_path)
    rater = wavlm(tmp_path)
    rater.load()
    assert {weight.dtype for weight in rater._parts[1].parameters()} == {torch.float32}


def test_a_checkpoint_without_the_head_is_refused(checkpoint, tmp_path):
    transformers.WavLMForXVector.from_pretrained(checkpoint).wavlm.save_pretrained(tmp_path)
    transformers.AutoFeatureExtractor.from_pretrained(checkpoint).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="tells no voices apart"):
        wavlm(tmp_path).load()


def test_utmos_is_what_its_package_says(monkeypatch):
    class Score:
        def calculate_wav(self, wav, rate):
            assert tuple(wav.shape) == (1, RATE)
            assert rate == RATE
            return np.float32(wav.abs().max()) + 3

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in ("utmos", "fairseq") else found(name))
    monkeypatch.setitem(sys.modules, "utmos", types.SimpleNamespace(Score=Score))
    rater = create(load_catalog().models.get("utmos"), {})
    rater.load()
    (answer,) = rater.generate([request(sound(0))])
    assert answer.meta["rating"]["utmos"] == pytest.approx(3 + np.abs(sound(0)).max(), abs=1e-5)


def test_utmos_knows_english_alone():
    assert load_catalog().models.get("utmos").languages == ("en",)


def test_a_device_is_no_part_of_who_rated(checkpoint):
    spec = dataclasses.replace(load_catalog().models.get("wavlm-sv"), source=str(checkpoint))
    assert create(spec, {"device": "cuda"}).identity() == create(spec, {}).identity()


class AutoModel:
    """What funasr's of that name takes and gives, of a network that hears one thing."""

    def __init__(self, model, device, disable_update, disable_pbar):
        assert (device, disable_update, disable_pbar) == ("cpu", True, True)
        self.folder = model

    def generate(self, input, fs, granularity, extract_embedding):
        assert (input.shape, fs, granularity, extract_embedding) == ((RATE,), RATE, "utterance", False)
        return [
            {"key": "a", "labels": ["\u5f00\u5fc3/happy", "\u96be\u8fc7/sad", "<unk>"], "scores": [0.5, 0.375, 0.125]}
        ]


@pytest.fixture
def funasr(monkeypatch):
    module = types.ModuleType("funasr")
    module.__spec__ = types.SimpleNamespace(submodule_search_locations=[])
    module.AutoModel = AutoModel
    monkeypatch.setitem(sys.modules, "funasr", module)


def emotions(folder):
    return create(dataclasses.replace(load_catalog().models.get("emotion2vec"), source=str(folder)), {"device": "cpu"})


def test_emotions_go_by_their_english_names(funasr, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"weights")
    rater = emotions(tmp_path)
    rater.load()
    (answer,) = rater.generate([request(sound(0))])
    assert answer.meta["rating"] == {"happy": 0.5, "sad": 0.375, "unknown": 0.125}
    before = rater.identity()
    (tmp_path / "model.pt").write_bytes(b"other weights")
    assert emotions(tmp_path).identity() != before
    rater.close()


def test_a_checkpoint_of_emotions_that_is_not_there_is_told(funasr, tmp_path):
    with pytest.raises(ModelError, match=r"there is no folder .*gone"):
        emotions(tmp_path / "gone").load()
