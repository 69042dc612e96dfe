"""Likeness by speechbrain's ECAPA-TDNN: the package where it is installed, a stand-in of its names everywhere."""

import dataclasses
import importlib.util

import numpy as np
import pytest
from speaker_packages import EcapaTdnn, Fbank, InputNormalization, stand_in_for_speechbrain

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.raters.packaged import EcapaRater
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Audio, Prompt, Request

torch = pytest.importorskip("torch", reason="needs the extra 'local'")
torchaudio_compat.preseed()

RATE = 16_000
FILE = "embedding_model.ckpt"
SIZES = {"channels": [16, 16, 16, 16, 48], "attention_channels": 8, "se_channels": 6, "lin_neurons": 12}
FIXED = {"kernel_sizes": [5, 3, 3, 3, 1], "dilations": [1, 2, 3, 4, 1]}


def sound(seed, seconds=0.6):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def request(one, other):
    return Request("", Audio(one, RATE), Prompt(), None, {"reference": Audio(other, RATE)})


def rater(folder):
    spec = load_catalog().models.get("ecapa")
    return create(dataclasses.replace(spec, source=str(folder), args={"file": FILE}), {"device": "cpu"})


def likeness(model, *requests):
    answers = model.generate(requests)
    assert [answer.error for answer in answers] == [None] * len(requests)
    return [answer.meta["rating"]["sim"] for answer in answers]


def shaken(network):
    """The network with every number moved, statistics of its batches too."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, one in (*network.named_parameters(), *network.named_buffers()):
            if one.dtype.is_floating_point:
                one.add_(0.2 * torch.rand(one.shape, generator=generator) * (1 if "var" in name else -1))
    return network.eval()


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Weights of the stand-in, which is in place."""
    stand_in_for_speechbrain(monkeypatch)
    torch.manual_seed(0)
    network = shaken(EcapaTdnn(20, **SIZES, **FIXED))
    torch.save(network.state_dict(), tmp_path / FILE)
    return network, tmp_path


def test_likeness_is_the_cosine_of_what_the_package_makes_of_each_sound(tiny):
    network, folder = tiny
    model = rater(folder)
    model.load()
    one, other = sound(0), sound(1, 0.9)
    found = likeness(model, request(one, other), request(one, one))
    whole = torch.ones(1)
    with torch.inference_mode():
        voices = [
            network(InputNormalization("sentence", False)(Fbank(20, 0, 0)(torch.from_numpy(x)[None]), whole), whole)
            for x in (one, other)
        ]
    assert found[0] == pytest.approx(float(torch.cosine_similarity(*(x.flatten() for x in voices), dim=0)), abs=1e-5)
    assert found[1] == pytest.approx(1.0, abs=1e-6)
    assert found[0] < 0.99999
    model.close()


def test_weights_fit_or_are_refused(tiny):
    network, folder = tiny
    weights = network.state_dict()
    for changed, told in (
        ({k: v for k, v in weights.items() if k != "fc.conv.bias"}, r"lacks 1 weight.*fc\.conv\.bias"),
        ({**weights, "odd": torch.zeros(1)}, r"has besides 1 weight.*odd"),
        (
            {k: v for k, v in weights.items() if k != "fc.conv.weight"},
            r"lacks the weight 'fc.conv.weight', so",
        ),
        ([1], "so it is no ECAPA-TDNN"),
    ):
        torch.save(changed, folder / FILE)
        with pytest.raises(ModelError, match=told):
            rater(folder).load()
    (folder / FILE).write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is no file of weights"):
        rater(folder).load()


def test_where_the_package_is_missing_the_command_that_brings_it_is_told(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "speechbrain" else found(name))
    spec = load_catalog().models.get("ecapa")
    assert EcapaRater.lacks(spec, spec.args) == [("the package 'speechbrain'", "pip install speechbrain")]
    with pytest.raises(UsageError, match=r"'ecapa' needs the package 'speechbrain'.*: pip install speechbrain$"):
        EcapaRater.require(spec)


PROGRAM = """
input_size: 80
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <input_size>
    left_frames: 0
    right_frames: 0
    deltas: False
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <input_size>
    channels: [16, 16, 16, 16, 48]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    se_channels: 6
    lin_neurons: 12
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
    paths:
        embedding_model: FOLDER/embedding_model.ckpt
"""


def test_it_says_what_speechbrain_says_of_two_sounds(tmp_path):
    """As its users ask it: the network by its own program, and its verification."""
    pytest.importorskip("speechbrain")
    from speechbrain.inference.speaker import SpeakerRecognition
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    torch.manual_seed(0)
    torch.save(shaken(ECAPA_TDNN(80, **SIZES, **FIXED)).state_dict(), tmp_path / FILE)
    (tmp_path / "hyperparams.yaml").write_text(PROGRAM.replace("FOLDER", str(tmp_path)))
    theirs = SpeakerRecognition.from_hparams(source=str(tmp_path), savedir=str(tmp_path / "saved"))
    model = rater(tmp_path)
    model.load()
    for seconds in (0.6, 1.3):
        one, other = sound(3), sound(4, seconds)
        score, _ = theirs.verify_batch(torch.from_numpy(one)[None], torch.from_numpy(other)[None])
        (found,) = likeness(model, request(one, other))
        assert found == pytest.approx(float(score), abs=1e-5)
        assert found < 0.99999
    model.close()


def test_the_published_file_is_of_as_many_weights_as_its_network():
    pytest.importorskip("speechbrain")
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    published = ECAPA_TDNN(80, channels=[1024] * 4 + [3072], attention_channels=128, lin_neurons=192, **FIXED)
    assert len(published.state_dict()) == 231  # as those say who have looked into it
