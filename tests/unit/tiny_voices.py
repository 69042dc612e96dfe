"""Weights of WavLM-large with ECAPA-TDNN: names and shapes of the published file, random numbers of smaller sizes."""

import dataclasses
import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'local'")

FILE = "wavlm_large_finetune.pth"
KERNELS = (10, 3, 3, 3, 3, 2, 2)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of both networks; those of the published file where nothing else is said."""

    convolved: int = 512
    width: int = 1024
    inner: int = 4096
    layers: int = 24
    heads: int = 16
    buckets: int = 320
    position: int = 128
    groups: int = 16
    channels: int = 512
    squeezed: int = 128
    pooled: int = 1536
    attending: int = 128
    size: int = 256
    voices: int = 5994


TINY = Sizes(8, 16, 24, 3, 2, 32, 9, 2, 16, 4, 12, 6, 10, 3)


def layout(s):
    """Names and shapes of the published file, written down from it."""
    found = {"feature_weight": (s.layers + 1,), "loss_calculator.projection.weight": (s.voices, s.size)}
    x = "feature_extract.model"
    found[f"{x}.mask_emb"] = (s.width,)
    for i, kernel in enumerate(KERNELS):
        found[f"{x}.feature_extractor.conv_layers.{i}.0.weight"] = (s.convolved, s.convolved if i else 1, kernel)
        pair(found, f"{x}.feature_extractor.conv_layers.{i}.2.1", (s.convolved,))
    pair(found, f"{x}.layer_norm", (s.convolved,))
    pair(found, f"{x}.post_extract_proj", (s.width, s.convolved))
    found[f"{x}.encoder.pos_conv.0.bias"] = (s.width,)
    found[f"{x}.encoder.pos_conv.0.weight_g"] = (1, 1, s.position)
    found[f"{x}.encoder.pos_conv.0.weight_v"] = (s.width, s.width // s.groups, s.position)
    pair(found, f"{x}.encoder.layer_norm", (s.width,))
    for i in range(s.layers):
        one = f"{x}.encoder.layers.{i}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            pair(found, f"{one}.self_attn.{name}", (s.width, s.width))
        found[f"{one}.self_attn.grep_a"] = (1, s.heads, 1, 1)
        pair(found, f"{one}.self_attn.grep_linear", (8, s.width // s.heads))
        pair(found, f"{one}.self_attn_layer_norm", (s.width,))
        pair(found, f"{one}.fc1", (s.inner, s.width))
        pair(found, f"{one}.fc2", (s.width, s.inner))
        pair(found, f"{one}.final_layer_norm", (s.width,))
    found[f"{x}.encoder.layers.0.self_attn.relative_attention_bias.weight"] = (s.buckets, s.heads)
    pair(found, "layer1.conv", (s.channels, s.width, 5))
    batch_norm(found, "layer1.bn", s.channels)
    for block in ("layer2", "layer3", "layer4"):
        for name in ("Conv1dReluBn1", "Conv1dReluBn2"):
            pair(found, f"{block}.{name}.conv", (s.channels, s.channels, 1))
            batch_norm(found, f"{block}.{name}.bn", s.channels)
        for i in range(7):
            pair(found, f"{block}.Res2Conv1dReluBn.convs.{i}", (s.channels // 8, s.channels // 8, 3))
            batch_norm(found, f"{block}.Res2Conv1dReluBn.bns.{i}", s.channels // 8)
        pair(found, f"{block}.SE_Connect.linear1", (s.squeezed, s.channels))
        pair(found, f"{block}.SE_Connect.linear2", (s.channels, s.squeezed))
    pair(found, "conv", (s.pooled, 3 * s.channels, 1))
    pair(found, "pooling.linear1", (s.attending, s.pooled, 1))
    pair(found, "pooling.linear2", (s.pooled, s.attending, 1))
    batch_norm(found, "bn", 2 * s.pooled)
    pair(found, "linear", (s.size, 2 * s.pooled))
    return found


def pair(found, name, shape):
    found[f"{name}.weight"], found[f"{name}.bias"] = shape, shape[:1]


def batch_norm(found, name, size):
    pair(found, name, (size,))
    found |= {f"{name}.running_mean": (size,), f"{name}.running_var": (size,), f"{name}.num_batches_tracked": ()}


def drawn(sizes=TINY):
    """Random weights of about the size that trained ones have."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in layout(sizes).items():
        fan = max(1, math.prod(shape[1:]))
        one = torch.randn(shape, generator=generator) / math.sqrt(fan)
        if name.endswith("num_batches_tracked"):
            one = torch.tensor(7)
        elif name.endswith(("running_var", "weight_g", "grep_a")):
            one = 0.5 + torch.rand(shape, generator=generator)
        elif len(shape) == 1:
            one = 0.3 * torch.randn(shape, generator=generator) + (name.endswith(".weight"))
        found[name] = one
    return found


def save(weights, folder):
    torch.save({"model": weights, "best_valid_eer": 100.0}, folder / FILE)
