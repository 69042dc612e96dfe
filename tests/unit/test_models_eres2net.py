"""Likeness by 3D-Speaker's ERes2Net: random weights in the layout of its files, computed here once more."""

import dataclasses
import hashlib
import importlib.util
import math
import sys
import types

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.raters import eres2net
from audiobench_pytest.models.raters.eres2net import Eres2NetRater
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Audio, Prompt, Request

torch = pytest.importorskip("torch", reason="needs the extra 'local'")
torchaudio_compat.preseed()
pytest.importorskip("transformers", reason="needs the extra 'local'")

RATE = 16_000
SPEC = load_catalog().models.get("eres2net")
FILE = SPEC.args["file"]
TINY = {"channels": 8, "bands": 16, "blocks": (1, 2, 2, 1), "size": 12}


# --- the layout of the published files, written down from 3D-Speaker's classes


def layout(channels=32, bands=80, blocks=(3, 4, 6, 3), size=192, expansion=2, scale=2, of_64=32):
    found = {"conv1.weight": (channels, 1, 3, 3)} | norm("bn1", channels)
    given = channels
    for i, count in enumerate(blocks):
        planes = channels * 2**i
        width, out = planes * of_64 // 64, planes * expansion
        for k in range(count):
            one = f"layer{i + 1}.{k}"
            found[f"{one}.conv1.weight"] = (width * scale, given, 1, 1)
            found |= norm(f"{one}.bn1", width * scale)
            for j in range(scale):
                found[f"{one}.convs.{j}.weight"] = (width, width, 3, 3)
                found |= norm(f"{one}.bns.{j}", width)
            if i >= 2:
                for j in range(scale - 1):
                    found |= gate(f"{one}.fuse_models.{j}", width)
            found[f"{one}.conv3.weight"] = (out, width * scale, 1, 1)
            found |= norm(f"{one}.bn3", out)
            if k == 0:
                found[f"{one}.shortcut.0.weight"] = (out, given, 1, 1)
                found |= norm(f"{one}.shortcut.1", out)
            given = out
    for i, name in enumerate(("12", "123", "1234")):
        out = channels * 2**i * expansion
        found[f"layer{i + 1}_downsample.weight"] = (2 * out, out, 3, 3)
        found |= gate(f"fuse_mode{name}", 2 * out)
    return found | {"seg_1.weight": (size, bands // 8 * given * 2), "seg_1.bias": (size,)}


def norm(name, size):
    found = {f"{name}.{one}": (size,) for one in ("weight", "bias", "running_mean", "running_var")}
    return found | {f"{name}.num_batches_tracked": ()}


def gate(name, size):
    inner = size // 4
    found = {f"{name}.local_att.0.weight": (inner, 2 * size, 1, 1), f"{name}.local_att.0.bias": (inner,)}
    found |= norm(f"{name}.local_att.1", inner)
    found |= {f"{name}.local_att.3.weight": (size, inner, 1, 1), f"{name}.local_att.3.bias": (size,)}
    return found | norm(f"{name}.local_att.4", size)


def drawn(**sizes):
    """Weights of about the size that trained ones have, from numpy alone: the same on every machine."""
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in layout(**{**TINY, **sizes}).items():
        if name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(7)
            continue
        one = rng.standard_normal(shape) / math.sqrt(max(1, math.prod(shape[1:])))
        if name.endswith("running_var"):
            one = 0.5 + rng.random(shape)
        elif len(shape) == 1:
            one = 0.3 * rng.standard_normal(shape) + name.endswith(".weight")
        found[name] = torch.from_numpy(one.astype(np.float32))
    return found


# --- the same once more, in numpy


def embedded(weights, sound, blocks=TINY["blocks"], scale=2):
    w = {name: one.double().numpy() for name, one in weights.items()}
    x = fbank(sound, len(w["seg_1.weight"][0]) // len(w["layer3_downsample.weight"]) // 2 * 8)
    x = np.maximum(normed(w, "bn1", conv(x[None], w["conv1.weight"], 1, 1)), 0)
    outs = []
    for i, count in enumerate(blocks):
        for k in range(count):
            x = block(w, f"layer{i + 1}.{k}", x, 2 if i and not k else 1, scale)
        outs.append(x)
    y = outs[0]
    for i, name in enumerate(("12", "123", "1234")):
        y = fused(w, f"fuse_mode{name}", outs[i + 1], conv(y, w[f"layer{i + 1}_downsample.weight"], 2, 1))
    told = np.concatenate([y.mean(2).ravel(), np.sqrt(y.var(2, ddof=1) + 1e-8).ravel()])
    return w["seg_1.weight"] @ told + w["seg_1.bias"]


def block(w, name, x, stride, scale):
    y = upto20(normed(w, f"{name}.bn1", conv(x, w[f"{name}.conv1.weight"], stride)))
    parts, before = [], None
    for j, part in enumerate(np.split(y, scale)):
        if before is not None and f"{name}.fuse_models.{j - 1}.local_att.0.bias" in w:
            part = fused(w, f"{name}.fuse_models.{j - 1}", before, part)
        elif before is not None:
            part = before + part
        before = upto20(normed(w, f"{name}.bns.{j}", conv(part, w[f"{name}.convs.{j}.weight"], 1, 1)))
        parts.append(before)
    y = normed(w, f"{name}.bn3", conv(np.concatenate(parts), w[f"{name}.conv3.weight"]))
    if f"{name}.shortcut.0.weight" in w:
        x = normed(w, f"{name}.shortcut.1", conv(x, w[f"{name}.shortcut.0.weight"], stride))
    return upto20(y + x)


def fused(w, name, one, other):
    h = np.concatenate([one, other])
    h = conv(h, w[f"{name}.local_att.0.weight"]) + w[f"{name}.local_att.0.bias"][:, None, None]
    h = normed(w, f"{name}.local_att.1", h)
    h = conv(h / (1 + np.exp(-h)), w[f"{name}.local_att.3.weight"]) + w[f"{name}.local_att.3.bias"][:, None, None]
    share = 1 + np.tanh(normed(w, f"{name}.local_att.4", h))
    return share * one + (2 - share) * other


def conv(x, kernel, stride=1, padding=0):
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    size = kernel.shape[2]
    seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("iyxab,oiab->oyx", seen, kernel)


def normed(w, name, x):
    mean, variance, scale, shift = (
        w[f"{name}.{one}"][:, None, None] for one in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift


def upto20(x):
    return np.clip(x, 0, 20)


def fbank(sound, count):
    """Log energies of mel bands as Kaldi has them, one frame after the other, less each band's mean."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    edges = np.linspace(mel(20.0), mel(8000.0), count + 2)
    bins = mel(np.arange(257) * RATE / 512)
    rows = []
    for start in range(0, len(sound) - 399, 160):
        frame = sound[start : start + 400].astype(np.float64)
        frame = frame - frame.mean()
        frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.rfft(frame * window, 512)) ** 2
        row = []
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
            share = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
            row.append(max(1.1920928955078125e-07, float(np.maximum(share, 0) @ power)))
        rows.append(row)
    found = np.log(np.array(rows)).T
    return found - found.mean(axis=1, keepdims=True)


def mel(hz):
    return 1127.0 * np.log(1.0 + hz / 700.0)


# --- what is asked of the rater


def sound(seed, seconds=0.6):
    rng = np.random.default_rng(seed)
    one = 0.1 * rng.standard_normal(int(seconds * RATE))
    one[: len(one) // 8] *= 1e-4  # quiet enough that the floor of energies shows
    return one.astype(np.float32)


def request(one, other):
    return Request("", Audio(one, RATE), Prompt(), None, {"reference": Audio(other, RATE)})


def rater(folder, **args):
    args = {"file": FILE, **args}
    return create(dataclasses.replace(SPEC, source=str(folder), args=args), {"device": "cpu"})


def likeness(model, *requests):
    answers = model.generate(requests)
    assert [answer.error for answer in answers] == [None] * len(requests)
    return [answer.meta["rating"]["sim"] for answer in answers]


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("sizes", [{}, {"expansion": 4, "scale": 3, "of_64": 24}], ids=["base", "huge"])
def test_likeness_is_the_cosine_of_embeddings_computed_in_the_plainest_way(sizes, tmp_path):
    weights = drawn(**sizes)
    torch.save(weights, tmp_path / FILE)
    model = rater(tmp_path)
    model.load()
    one, other = sound(0), sound(1, 0.75)  # of two lengths: each is taken whole
    found, same = likeness(model, request(one, other), request(one, one))
    model.close()
    scale = sizes.get("scale", 2)
    wanted = cosine(embedded(weights, one, scale=scale), embedded(weights, other, scale=scale))
    assert found == pytest.approx(wanted, abs=1e-4)
    assert found < 0.9999  # random networks must tell noises apart, or nothing is compared here
    assert same == pytest.approx(1.0, abs=1e-6)


def test_it_says_what_3d_speaker_says_of_two_sounds(tmp_path):
    """Of the same weights and sounds its own classes and its own features (at 09e78067) said this."""
    torch.save(drawn(bands=80), tmp_path / FILE)
    model = rater(tmp_path)
    model.load()
    found = likeness(model, request(sound(0), sound(1, 0.75)), request(sound(2, 1.1), sound(3)))
    assert found == pytest.approx([0.980949, 0.968654], abs=2e-4)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [({}, 6_610_688), ({"channels": 64}, 22_462_784)],
    ids=["base", "large"],
)
def test_the_published_networks_have_as_many_numbers_as_is_told_of_them(sizes, count):
    """6.61 and 22.46 million, as 3D-Speaker's pages print; on no device."""
    wanted = layout(**sizes)
    empty = {name: torch.empty(shape, device="meta") for name, shape in wanted.items()}
    assert eres2net.shapes(empty) == wanted
    assert eres2net.bands(empty) == 80
    told = ("num_batches_tracked", "running_mean", "running_var")
    assert sum(math.prod(shape) for name, shape in wanted.items() if not name.endswith(told)) == count


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("layer3.1.fuse_models.0.local_att.4.bias"), r"lacks 1 weight.*local_att\.4\.bias"),
        (lambda w: w.update({"seg_2.weight": torch.zeros(3)}), r"has besides 1 weight.*seg_2"),
        (lambda w: w.update({"bn1.bias": torch.zeros(3)}), r"another shape.*bn1\.bias \(3,\) in place of \(8,\)"),
        (lambda w: w.pop("seg_1.weight"), r"lacks the weight 'seg_1.weight', so it is no ERes2Net"),
    ],
)
def test_a_file_that_fits_no_such_network_is_refused(change, told, tmp_path):
    weights = drawn()
    change(weights)
    torch.save(weights, tmp_path / FILE)
    with pytest.raises(ModelError, match=told):
        rater(tmp_path).load()


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is no file of weights"):
        rater(tmp_path).load()
    torch.save([1], tmp_path / FILE)
    with pytest.raises(ModelError, match="so it is no ERes2Net"):
        rater(tmp_path).load()


# --- from where its weights come


def test_the_catalogues_entry_is_told_without_its_weights():
    assert SPEC.verified is False
    model = create(SPEC, {})
    assert model.identity()["weights"] == SPEC.args["sha256"]
    (fetched,) = type(model).fetched_weights(SPEC, model.args)
    assert (fetched.repo, fetched.file, fetched.elsewhere) == (SPEC.source, FILE, "ModelScope")


def modelscope(monkeypatch, fetched):
    """A stand-in of ModelScope's client, with the name and the arguments of its function."""
    module = types.ModuleType("modelscope")
    module.__spec__ = types.SimpleNamespace(submodule_search_locations=[])

    def model_file_download(model_id, file_path, revision=None):
        return fetched(model_id, file_path, revision)

    module.model_file_download = model_file_download
    monkeypatch.setitem(sys.modules, "modelscope", module)


def test_it_is_fetched_from_modelscope_at_its_revision_and_held_to_its_digest(monkeypatch, tmp_path):
    torch.save(drawn(), tmp_path / FILE)
    asked = []

    def fetched(*told):
        asked.append(told)
        return str(tmp_path / FILE)

    modelscope(monkeypatch, fetched)
    assert Eres2NetRater.lacks(SPEC, create(SPEC, {}).args) == []
    with pytest.raises(ModelError, match=f"its entry wants {SPEC.args['sha256']}"):
        create(SPEC, {"device": "cpu"}).load()
    digest = hashlib.sha256((tmp_path / FILE).read_bytes()).hexdigest()
    model = create(dataclasses.replace(SPEC, args={**SPEC.args, "sha256": digest}), {"device": "cpu"})
    model.load()
    assert likeness(model, request(sound(0), sound(0))) == pytest.approx([1.0], abs=1e-6)
    assert asked == [(SPEC.source, FILE, SPEC.revision)] * 2


def test_what_modelscope_does_not_give_is_told(monkeypatch):
    def fetched(*told):
        raise OSError("no route")

    modelscope(monkeypatch, fetched)
    with pytest.raises(ModelError, match=rf"{FILE} of {SPEC.source} at v1.0.2 on ModelScope cannot be.*no route"):
        create(SPEC, {"device": "cpu"}).load()


def test_where_its_client_is_missing_the_command_that_brings_it_is_told(monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "modelscope" else found(name))
    monkeypatch.setitem(sys.modules, "modelscope", None)
    model = create(SPEC, {"device": "cpu"})
    assert Eres2NetRater.lacks(SPEC, model.args) == [("the package 'modelscope'", "pip install modelscope")]
    with pytest.raises(ModelError, match="its client is not installed: pip install modelscope, or put the file"):
        model.load()
    here = dataclasses.replace(SPEC, source=str(tmp_path))
    assert Eres2NetRater.lacks(here, model.args) == []
