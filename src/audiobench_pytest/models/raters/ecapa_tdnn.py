"""ECAPA-TDNN (Desplanques et al. 2020) over hidden states of another network, in the form that UniSpeech published.

A learned share of each hidden state is summed, brought to mean 0 and deviation 1 in each channel, and passed through a
convolution and three blocks of squeeze and excitation; attention then pools mean and deviation over time. Weights are
called as in the published file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

_BLOCKS = {"layer2": 2, "layer3": 3, "layer4": 4}
"""Dilation of each block."""

_SCALE = 8
"""Groups of channels inside a block, each of which hears what the one before made of it; the last is passed through."""

_LEAST_VARIANCE = 1e-9


def shapes(given: Mapping[str, torch.Tensor], layers: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return the weights of the network by name, with their shapes.

    Args:
        given: Weights of a file, whose few free sizes are taken over.
        layers: Number of hidden states.
        width: Channels of each.

    Raises:
        KeyError: A weight that says a size is not there.
    """
    channels, pooled = given["layer1.conv.weight"].shape[0], given["conv.weight"].shape[0]
    squeezed, attending = given["layer2.SE_Connect.linear1.weight"].shape[0], given["pooling.linear1.weight"].shape[0]
    size = given["linear.weight"].shape[0]
    found: dict[str, tuple[int, ...]] = {"feature_weight": (layers,)}
    found |= _convolved("layer1.conv", channels, width, 5) | _normed("layer1.bn", channels)
    part = channels // _SCALE
    for block in _BLOCKS:
        for name in ("Conv1dReluBn1", "Conv1dReluBn2"):
            found |= _convolved(f"{block}.{name}.conv", channels, channels, 1) | _normed(f"{block}.{name}.bn", channels)
        for index in range(_SCALE - 1):
            inner = f"{block}.Res2Conv1dReluBn"
            found |= _convolved(f"{inner}.convs.{index}", part, part, 3) | _normed(f"{inner}.bns.{index}", part)
        found |= _linear(f"{block}.SE_Connect.linear1", squeezed, channels)
        found |= _linear(f"{block}.SE_Connect.linear2", channels, squeezed)
    found |= _convolved("conv", pooled, len(_BLOCKS) * channels, 1)
    found |= _convolved("pooling.linear1", attending, pooled, 1) | _convolved("pooling.linear2", pooled, attending, 1)
    return found | _normed("bn", 2 * pooled) | _linear("linear", size, 2 * pooled)


def embedding(weights: Weights, hidden: torch.Tensor) -> torch.Tensor:
    """Return the embedding of one sound.

    Args:
        weights: By the names of `shapes`.
        hidden: `(hidden states, frames, channels)`.
    """
    import torch

    functional = torch.nn.functional
    shares = torch.softmax(weights["feature_weight"], dim=0)
    heard = torch.einsum("ltc,l->ct", hidden, shares)[None] + 1e-6
    heard = _layer(weights, "layer1", functional.instance_norm(heard), padding=2)
    found = []
    for block, dilation in _BLOCKS.items():
        heard = _block(weights, block, heard, dilation)
        found.append(heard)
    heard = functional.relu(_convolve(weights, "conv", torch.cat(found, dim=1)))
    attention = _convolve(weights, "pooling.linear2", torch.tanh(_convolve(weights, "pooling.linear1", heard)))
    share = torch.softmax(attention, dim=2)
    mean = (share * heard).sum(dim=2)
    variance = (share * heard**2).sum(dim=2) - mean**2
    pooled = torch.cat([mean, variance.clamp(min=_LEAST_VARIANCE).sqrt()], dim=1)
    return functional.linear(_norm(weights, "bn", pooled), weights["linear.weight"], weights["linear.bias"])[0]


def _block(weights: Weights, name: str, given: torch.Tensor, dilation: int) -> torch.Tensor:
    """Return what a block of squeeze and excitation adds to what it is given."""
    import torch

    heard = _layer(weights, f"{name}.Conv1dReluBn1", given)
    heard = torch.cat(list(_in_turn(weights, f"{name}.Res2Conv1dReluBn", heard, dilation)), dim=1)
    heard = _layer(weights, f"{name}.Conv1dReluBn2", heard)
    first, second = (f"{name}.SE_Connect.linear{number}" for number in (1, 2))
    functional = torch.nn.functional
    gate = functional.relu(functional.linear(heard.mean(dim=2), weights[f"{first}.weight"], weights[f"{first}.bias"]))
    gate = torch.sigmoid(functional.linear(gate, weights[f"{second}.weight"], weights[f"{second}.bias"]))
    return heard * gate[:, :, None] + given


def _in_turn(weights: Weights, name: str, given: torch.Tensor, dilation: int) -> Iterator[torch.Tensor]:
    """Yield groups of channels, each convolved with what came of the one before; the last as it is."""
    import torch

    *parts, last = torch.chunk(given, _SCALE, dim=1)
    before = torch.zeros_like(last)
    for index, part in enumerate(parts):
        heard = _convolve(weights, f"{name}.convs.{index}", part + before, padding=dilation, dilation=dilation)
        before = _norm(weights, f"{name}.bns.{index}", torch.nn.functional.relu(heard))
        yield before
    yield last


def _layer(weights: Weights, name: str, given: torch.Tensor, padding: int = 0) -> torch.Tensor:
    import torch

    heard = torch.nn.functional.relu(_convolve(weights, f"{name}.conv", given, padding))
    return _norm(weights, f"{name}.bn", heard)


def _convolve(weights: Weights, name: str, given: torch.Tensor, padding: int = 0, dilation: int = 1) -> torch.Tensor:
    import torch

    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return torch.nn.functional.conv1d(given, weight, bias, padding=padding, dilation=dilation)


def _norm(weights: Weights, name: str, given: torch.Tensor) -> torch.Tensor:
    import torch

    mean, variance, weight, bias = (
        weights[f"{name}.{one}"] for one in ("running_mean", "running_var", "weight", "bias")
    )
    return torch.nn.functional.batch_norm(given, mean, variance, weight, bias)


def _convolved(name: str, out: int, given: int, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, given, width), f"{name}.bias": (out,)}


def _linear(name: str, out: int, given: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, given), f"{name}.bias": (out,)}


def _normed(name: str, size: int) -> dict[str, tuple[int, ...]]:
    sizes = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (size,))
    return {f"{name}.{one}": shape for one, shape in sizes.items()} | {f"{name}.num_batches_tracked": ()}
