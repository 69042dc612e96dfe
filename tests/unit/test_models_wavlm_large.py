"""The likeness of published tables: random weights in the layout of the published file, computed here once more."""

import dataclasses
import hashlib
import math
import re

import numpy as np
import pytest
from tiny_voices import FILE, KERNELS, TINY, Sizes, drawn, layout, save

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.raters import ecapa_tdnn, wavlm_large
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Audio, Prompt, Request

torch = pytest.importorskip("torch", reason="needs the extra 'local'")
torchaudio_compat.preseed()
transformers = pytest.importorskip("transformers", reason="needs the extra 'local'")

RATE = 16_000


# --- the same once more, in the plainest words: numpy where it is short, one sample and one channel group at a time


def embedded(weights, sound):
    """The embedding of a sound."""
    w = {name: one.double().numpy() for name, one in weights.items()}
    share = np.exp(w["feature_weight"]) / np.exp(w["feature_weight"]).sum()
    states = hidden_states(w, sound)
    x = sum(s * state for s, state in zip(share, states, strict=True)).T
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    x = normed(w, "layer1.bn", np.maximum(convolved(x, w["layer1.conv.weight"], w["layer1.conv.bias"], 2), 0))
    outs = []
    for block, dilation in (("layer2", 2), ("layer3", 3), ("layer4", 4)):
        y = unit(w, f"{block}.Conv1dReluBn1", x)
        size = len(y) // 8
        rows, before = [], 0
        for i in range(7):
            name = f"{block}.Res2Conv1dReluBn"
            kernel, bias = w[f"{name}.convs.{i}.weight"], w[f"{name}.convs.{i}.bias"]
            heard = convolved(y[i * size : (i + 1) * size] + before, kernel, bias, dilation, dilation)
            before = normed(w, f"{name}.bns.{i}", np.maximum(heard, 0))
            rows.append(before)
        y = unit(w, f"{block}.Conv1dReluBn2", np.concatenate([*rows, y[7 * size :]]))
        gate = np.maximum(linear(w, f"{block}.SE_Connect.linear1", y.mean(1)), 0)
        gate = 1 / (1 + np.exp(-linear(w, f"{block}.SE_Connect.linear2", gate)))
        x = y * gate[:, None] + x
        outs.append(x)
    x = np.maximum(w["conv.weight"][:, :, 0] @ np.concatenate(outs) + w["conv.bias"][:, None], 0)
    attended = np.tanh(w["pooling.linear1.weight"][:, :, 0] @ x + w["pooling.linear1.bias"][:, None])
    share = softmax(w["pooling.linear2.weight"][:, :, 0] @ attended + w["pooling.linear2.bias"][:, None])
    mean = (share * x).sum(1)
    deviation = np.sqrt(np.maximum((share * (x - mean[:, None]) ** 2).sum(1), 1e-9))
    pooled = normed(w, "bn", np.concatenate([mean, deviation])[:, None])[:, 0]
    return linear(w, "linear", pooled)


def hidden_states(w, sound):
    """What goes into each layer, and what comes of the last, normalised: each `(frames, width)`."""
    x, sound = "feature_extract.model", sound.astype(np.float64)
    h = ((sound - sound.mean()) / np.sqrt(sound.var() + 1e-5))[None]
    for i, kernel in enumerate(KERNELS):
        name = f"{x}.feature_extractor.conv_layers.{i}"
        h = convolved(h, w[f"{name}.0.weight"], 0, stride=2 if i else 5)
        h = gelu(layer_norm(w, f"{name}.2.1", h.T).T)
        assert w[f"{name}.0.weight"].shape[2] == kernel
    h = linear(w, f"{x}.post_extract_proj", layer_norm(w, f"{x}.layer_norm", h.T))
    v, g = w[f"{x}.encoder.pos_conv.0.weight_v"], w[f"{x}.encoder.pos_conv.0.weight_g"]
    kernel = g * v / np.sqrt((v**2).sum((0, 1), keepdims=True))
    groups = h.shape[1] // kernel.shape[1]
    each = len(kernel) // groups
    position = np.concatenate(
        [
            convolved(h.T[i * each : (i + 1) * each], kernel[i * each : (i + 1) * each], 0, kernel.shape[2] // 2)
            for i in range(groups)
        ]
    )
    position = (position + w[f"{x}.encoder.pos_conv.0.bias"][:, None])[:, : len(h)]
    h = h + gelu(position.T)
    found, bias = [], None
    layers = len({name.split(".")[4] for name in w if name.startswith(f"{x}.encoder.layers.")})
    for i in range(layers):
        found.append(h)
        one = f"{x}.encoder.layers.{i}"
        if bias is None:
            bias = w[f"{one}.self_attn.relative_attention_bias.weight"][buckets(len(h), TINY.buckets)]
        h = h + attended(w, f"{one}.self_attn", layer_norm(w, f"{one}.self_attn_layer_norm", h), bias)
        inner = gelu(linear(w, f"{one}.fc1", layer_norm(w, f"{one}.final_layer_norm", h)))
        h = h + linear(w, f"{one}.fc2", inner)
    return [*found, layer_norm(w, f"{x}.encoder.layer_norm", h)]


def attended(w, name, h, bias):
    heads = bias.shape[2]
    size = h.shape[1] // heads
    q, k, v = (linear(w, f"{name}.{one}_proj", h) for one in "qkv")
    parts = []
    for head in range(heads):
        here = slice(head * size, (head + 1) * size)
        told = linear(w, f"{name}.grep_linear", h[:, here]).reshape(-1, 2, 4).sum(2)
        first, second = (1 / (1 + np.exp(-told))).T
        gate = first * (second * w[f"{name}.grep_a"][0, head, 0, 0] - 1) + 2
        scores = q[:, here] @ k[:, here].T / math.sqrt(size) + gate[:, None] * bias[:, :, head]
        parts.append(softmax(scores) @ v[:, here])
    return linear(w, f"{name}.out_proj", np.concatenate(parts, axis=1))


def buckets(frames, count, farthest=800):
    """Half of the buckets for each side; half of those for single frames, the rest in steps of a logarithm."""
    half = count // 2
    exact = half // 2
    found = np.zeros((frames, frames), dtype=int)
    for i in range(frames):
        for j in range(frames):
            far = abs(j - i)
            if far >= exact:
                step = math.log(far / exact) / math.log(farthest / exact) * (half - exact)
                far = min(exact + int(step), half - 1)
            found[i, j] = far + half * (j > i)
    return found


def convolved(x, kernel, bias, padding=0, dilation=1, stride=1):
    x = np.pad(x, ((0, 0), (padding, padding)))
    reach = (kernel.shape[2] - 1) * dilation
    starts = range(0, x.shape[1] - reach, stride)
    out = [np.einsum("oik,ik->o", kernel, x[:, s : s + reach + 1 : dilation]) for s in starts]
    return np.stack(out, axis=1) + np.reshape(bias, (-1, 1))


def unit(w, name, x):
    return normed(w, f"{name}.bn", np.maximum(convolved(x, w[f"{name}.conv.weight"], w[f"{name}.conv.bias"]), 0))


def normed(w, name, x):
    mean, variance = w[f"{name}.running_mean"][:, None], w[f"{name}.running_var"][:, None]
    return (x - mean) / np.sqrt(variance + 1e-5) * w[f"{name}.weight"][:, None] + w[f"{name}.bias"][:, None]


def layer_norm(w, name, x):
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def softmax(x):
    x = np.exp(x - x.max(1, keepdims=True))
    return x / x.sum(1, keepdims=True)


# --- what is asked of the rater


def sound(seed, seconds=0.6):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def request(one, other):
    return Request("", Audio(one, RATE), Prompt(), None, {"reference": Audio(other, RATE)})


@pytest.fixture(scope="module")
def weights():
    return drawn()


@pytest.fixture(scope="module")
def folder(weights, tmp_path_factory):
    found = tmp_path_factory.mktemp("wavlm-large")
    save(weights, found)
    return found


def rater(folder, sha256=None):
    spec = load_catalog().models.get("wavlm-large-sv")
    args = {"file": FILE} if sha256 is None else {"file": FILE, "sha256": sha256}
    return create(dataclasses.replace(spec, source=str(folder), args=args), {"device": "cpu"})


@pytest.fixture
def loaded(folder):
    model = rater(folder)
    model.load()
    yield model
    model.close()


def likeness(model, *requests):
    answers = model.generate(requests)
    assert [answer.error for answer in answers] == [None] * len(requests)
    return [answer.meta["rating"]["sim"] for answer in answers]


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_likeness_is_the_cosine_of_embeddings_computed_in_the_plainest_way(loaded, weights):
    one, other = sound(0), sound(1, 0.75)  # of two lengths: each is taken whole
    (found,) = likeness(loaded, request(one, other))
    assert found == pytest.approx(cosine(embedded(weights, one), embedded(weights, other)), abs=1e-4)
    assert abs(found) < 0.999  # random networks must tell noises apart, or nothing is compared here


def test_a_sound_is_like_itself_however_loud(loaded):
    one = sound(2)
    same, quiet = likeness(loaded, request(one, one), request(0.2 * one, one))
    assert same == pytest.approx(1.0, abs=1e-6)
    assert quiet == pytest.approx(1.0, abs=1e-4)


def test_nothing_is_cut_or_shifted(loaded):
    one = sound(3, 0.8)
    longer, late = np.concatenate([one, sound(4, 0.8)]), np.pad(one, (160, 0))[: len(one)]
    for other in (longer, late):
        (answer,) = loaded.generate([request(other, one)])
        assert answer.meta["rating"]["sim"] < 0.99999
        assert "lag" not in answer.meta


def test_a_batch_of_several_lengths_says_what_single_sounds_are_told(folder):
    asked = [request(sound(k, 0.5 + 0.2 * k), sound(9 + k, 0.6)) for k in range(3)]
    together, alone = rater(folder), rater(folder)
    together.load()
    alone.load()
    found = likeness(together, *asked)
    assert found == pytest.approx([likeness(alone, one)[0] for one in reversed(asked)][::-1], abs=1e-4)
    assert len(set(found)) == 3


def test_the_published_file_has_a_place_for_each_of_its_weights():
    """The sizes of the published file, on no device: what it holds is what both networks are made of, and no more."""
    shapes = layout(Sizes())
    assert len(shapes) == 711  # as those say who mirror the file
    empty = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    prefix = "feature_extract.model."
    own = {wavlm_large.renamed(n.removeprefix(prefix)): one for n, one in empty.items() if n.startswith(prefix)}
    figures = wavlm_large._figures(own)
    asked = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "num_buckets")
    assert [figures[name] for name in asked] == [1024, 24, 16, 4096, 320]
    assert (figures["num_conv_pos_embeddings"], figures["num_conv_pos_embedding_groups"]) == (128, 16)
    assert (figures["conv_kernel"], figures["conv_stride"]) == (KERNELS, (5, 2, 2, 2, 2, 2, 2))
    with torch.device("meta"):
        network = transformers.WavLMModel(transformers.WavLMConfig(**figures))
    assert {n: tuple(one.shape) for n, one in own.items()} == {
        n: tuple(one.shape) for n, one in network.state_dict().items()
    }
    head = {n: shape for n, shape in shapes.items() if not n.startswith((prefix, "loss_calculator."))}
    assert ecapa_tdnn.shapes(empty, 25, 1024) == head


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("layer3.Res2Conv1dReluBn.bns.4.running_var"), r"lacks 1 weight.*bns\.4\.running_var"),
        (lambda w: w.pop("feature_extract.model.encoder.layers.2.fc1.bias"), r"lacks 1 weight.*intermediate_dense"),
        (lambda w: w.update({"layer5.conv.weight": torch.zeros(3)}), r"has besides 1 weight.*layer5"),
        (lambda w: w.update({"feature_extract.model.odd": torch.zeros(3)}), r"has besides 1 weight.*odd"),
        (lambda w: w.update({"feature_weight": torch.zeros(13)}), r"another shape.*feature_weight \(13,\) in place of"),
        (lambda w: w.pop("linear.weight"), r"no weight 'linear.weight', so it is no WavLM-large"),
        (
            lambda w: w.pop("feature_extract.model.encoder.layers.0.self_attn.grep_a"),
            r"no weight '.*gru_rel_pos_const', so it is no WavLM-large",
        ),
    ],
)
def test_a_file_that_fits_no_such_network_is_refused(weights, change, told, tmp_path):
    changed = dict(weights)
    change(changed)
    save(changed, tmp_path)
    with pytest.raises(ModelError, match=told):
        rater(tmp_path).load()


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=re.escape(f"no file {tmp_path / FILE}: put the weights there")):
        rater(tmp_path).load()
    (tmp_path / FILE).write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(ModelError, match="no file of weights as UniSpeech publishes them"):
        rater(tmp_path).load()


def test_weights_are_held_to_the_digest_of_the_entry(folder):
    found = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    rater(folder, found).load()
    with pytest.raises(ModelError, match=f"SHA-256 {found}, its entry wants {'0' * 64}"):
        rater(folder, "0" * 64).load()


def test_what_decides_is_the_digest_wherever_the_weights_lie(folder, weights, tmp_path):
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    (tmp_path / FILE).write_bytes((folder / FILE).read_bytes())
    assert rater(folder).identity() == rater(tmp_path).identity() == rater(tmp_path / "nowhere", digest).identity()
    save({**weights, "feature_weight": weights["feature_weight"] + 1}, tmp_path)
    assert rater(folder).identity() != rater(tmp_path).identity()


def test_the_catalogues_entry_is_told_without_its_weights():
    spec = load_catalog().models.get("wavlm-large-sv")
    assert spec.verified is False
    model = create(spec, {})
    assert model.identity()["weights"] == spec.args["sha256"]
    (fetched,) = type(model).fetched_weights(spec, model.args)
    assert (fetched.repo, fetched.file) == (spec.source, FILE)
