"""The likeness of voices by ERes2Net (Chen et al. 2023), in the form that 3D-Speaker publishes.

A residual network over mel bands and time in four stages. Inside a block groups of channels are heard one after the
other, each with what came of the one before; in the last two stages, and between the outcomes of all four, a gate
decides how much of either of two is taken. Mean and deviation over time then tell the voice. Weights are called as in
the published files, and tell every size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.raters.verification import VerificationRater, held_to, weights_in

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Weights = Mapping[str, torch.Tensor]

_STAGES = (1, 2, 3, 4)
_GATED_FROM = 3
_GATE = 4
"""Channels that a gate hears of, to one that it thinks in."""

_MOST = 20.0
"""Where the blocks' rectifier ends."""

_LEAST_VARIANCE = 1e-8
_HALVINGS = 8
"""Mel bands to one that is left after the last stage."""

_FRAME, _HOP, _FFT, _LOWEST_HZ = 400, 160, 512, 20.0
_FLOOR = 1.1920928955078125e-07


class Eres2NetRater(VerificationRater):
    """Cosine of two embeddings by an ERes2Net of 3D-Speaker, which CV3-Eval compares voices by, one sound at a time.

    It hears log energies of mel bands as Kaldi takes them, of frames that lie whole within the sound, less the mean of
    each band over the sound.
    """

    packages = ("torch", "transformers")
    distributions: ClassVar = ("torch", "transformers")

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._weights: Weights = {}
        self._filters: NDArray[np.float64] | None = None

    def load_from(self, path: Path) -> None:
        """Bring the network to its device; see the base class."""
        model = self.spec.name
        weights = weights_in(model, path)
        try:
            wanted = shapes(weights)
        except (KeyError, TypeError) as exc:
            raise ModelError(f"model '{model}': {path} lacks the weight {exc}, so it is no ERes2Net") from exc
        held_to(model, path, weights, wanted)
        from transformers.audio_utils import mel_filter_bank

        self._weights = {name: one.to(self._placement.device).float() for name, one in weights.items()}
        self._filters = mel_filter_bank(
            _FFT // 2 + 1,
            bands(weights),
            _LOWEST_HZ,
            (self.sample_rate or 16_000) / 2,
            self.sample_rate or 16_000,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )

    def close(self) -> None:
        """Free the network."""
        self._weights, self._filters = {}, None
        super().close()

    def embedding(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the embedding of one sound; see the base class."""
        import torch
        from transformers.audio_utils import spectrogram, window_function

        heard = spectrogram(
            sound.cpu().double().numpy(),
            window_function(_FRAME, "povey", periodic=False),
            _FRAME,
            _HOP,
            _FFT,
            power=2.0,
            center=False,
            preemphasis=0.97,
            mel_filters=self._filters,
            mel_floor=_FLOOR,
            log_mel="log",
            remove_dc_offset=True,
        )
        features = torch.from_numpy(heard - heard.mean(axis=1, keepdims=True)).float()
        return embedding(self._weights, features.to(sound.device))


def bands(weights: Weights) -> int:
    """Return how many mel bands a network hears."""
    last = weights["layer3_downsample.weight"].shape[0]
    return int(weights["seg_1.weight"].shape[1] // (2 * last) * _HALVINGS)


def shapes(given: Weights) -> dict[str, tuple[int, ...]]:
    """Return the weights of the network by name, with their shapes.

    Args:
        given: Weights of a file, whose few free sizes are taken over.

    Raises:
        KeyError: A weight that says a size is not there.
    """
    channels = given["conv1.weight"].shape[0]
    width, scale = given["layer1.0.convs.0.weight"].shape[0], _count(given, "layer1.0.convs")
    out = given["layer1.0.conv3.weight"].shape[0]
    found: dict[str, tuple[int, ...]] = {"conv1.weight": (channels, 1, 3, 3)} | _normed("bn1", channels)
    before = channels
    for stage in _STAGES:
        times = 2 ** (stage - 1)
        for block in range(_count(given, f"layer{stage}")):
            name = f"layer{stage}.{block}"
            found |= _block_shapes(name, before, width * times, scale, out * times, stage >= _GATED_FROM)
            if block == 0:  # it alone halves the bands or changes how many channels there are
                found |= {f"{name}.shortcut.0.weight": (out * times, before, 1, 1)}
                found |= _normed(f"{name}.shortcut.1", out * times)
            before = out * times
    for stage in _STAGES[:-1]:
        size = out * 2 ** (stage - 1)
        found[f"layer{stage}_downsample.weight"] = (2 * size, size, 3, 3)
        found |= _gate_shapes(_between(stage), 2 * size)
    size = given["seg_1.weight"].shape[0]
    return found | {"seg_1.weight": (size, bands(given) // _HALVINGS * 2 * before), "seg_1.bias": (size,)}


def embedding(weights: Weights, features: torch.Tensor) -> torch.Tensor:
    """Return the embedding of one sound.

    Args:
        weights: By the names of `shapes`.
        features: `(bands, frames)`.
    """
    import torch

    functional = torch.nn.functional
    heard = functional.relu(_norm(weights, "bn1", _convolve(weights, "conv1", features[None, None], padding=1)))
    fused: torch.Tensor | None = None
    for stage in _STAGES:
        for block in range(_count(weights, f"layer{stage}")):
            heard = _block(weights, f"layer{stage}.{block}", heard, 2 if stage > 1 and block == 0 else 1)
        if fused is None:
            fused = heard
        else:
            earlier = _convolve(weights, f"layer{stage - 1}_downsample", fused, stride=2, padding=1)
            fused = _gated(weights, _between(stage - 1), heard, earlier)
    assert fused is not None
    deviation = (fused.var(dim=-1) + _LEAST_VARIANCE).sqrt()
    told = torch.cat([fused.mean(dim=-1).flatten(), deviation.flatten()])
    return functional.linear(told, weights["seg_1.weight"], weights["seg_1.bias"])


def _block(weights: Weights, name: str, given: torch.Tensor, stride: int) -> torch.Tensor:
    import torch

    heard = _rectified(_norm(weights, f"{name}.bn1", _convolve(weights, f"{name}.conv1", given, stride=stride)))
    found: list[torch.Tensor] = []
    for index, part in enumerate(heard.chunk(_count(weights, f"{name}.convs"), dim=1)):
        taken = part
        if found and f"{name}.fuse_models.{index - 1}.local_att.0.weight" in weights:
            taken = _gated(weights, f"{name}.fuse_models.{index - 1}", found[-1], part)
        elif found:
            taken = found[-1] + part
        taken = _convolve(weights, f"{name}.convs.{index}", taken, padding=1)
        found.append(_rectified(_norm(weights, f"{name}.bns.{index}", taken)))
    heard = _norm(weights, f"{name}.bn3", _convolve(weights, f"{name}.conv3", torch.cat(found, dim=1)))
    if f"{name}.shortcut.0.weight" in weights:
        short = _convolve(weights, f"{name}.shortcut.0", given, stride=stride)
        given = _norm(weights, f"{name}.shortcut.1", short)
    return _rectified(heard + given)


def _gated(weights: Weights, name: str, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return two of equal shape, weighed at each place: where more is taken of one, as much less is of the other."""
    import torch

    inner = _convolve(weights, f"{name}.local_att.0", torch.cat([one, other], dim=1))
    inner = torch.nn.functional.silu(_norm(weights, f"{name}.local_att.1", inner))
    share = torch.tanh(_norm(weights, f"{name}.local_att.4", _convolve(weights, f"{name}.local_att.3", inner)))
    return one * (1 + share) + other * (1 - share)


def _between(stage: int) -> str:
    """Return the name of the gate between what the stages up to one have told, and the next."""
    return "fuse_mode" + "".join(str(one) for one in range(1, stage + 2))


def _count(weights: Weights, name: str) -> int:
    pattern = re.compile(rf"{re.escape(name)}\.(\d+)\.")
    return len({match[1] for one in weights if (match := pattern.match(one))})


def _rectified(given: torch.Tensor) -> torch.Tensor:
    return given.clamp(0.0, _MOST)


def _convolve(weights: Weights, name: str, given: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
    import torch

    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    return torch.nn.functional.conv2d(given, weight, bias, stride=stride, padding=padding)


def _norm(weights: Weights, name: str, given: torch.Tensor) -> torch.Tensor:
    import torch

    mean, variance, weight, bias = (
        weights[f"{name}.{one}"] for one in ("running_mean", "running_var", "weight", "bias")
    )
    return torch.nn.functional.batch_norm(given, mean, variance, weight, bias)


def _block_shapes(name: str, given: int, width: int, scale: int, out: int, gated: bool) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {f"{name}.conv1.weight": (width * scale, given, 1, 1)}
    found[f"{name}.conv3.weight"] = (out, width * scale, 1, 1)
    found |= _normed(f"{name}.bn1", width * scale) | _normed(f"{name}.bn3", out)
    for index in range(scale):
        found |= {f"{name}.convs.{index}.weight": (width, width, 3, 3)} | _normed(f"{name}.bns.{index}", width)
        if gated and index:
            found |= _gate_shapes(f"{name}.fuse_models.{index - 1}", width)
    return found


def _gate_shapes(name: str, size: int) -> dict[str, tuple[int, ...]]:
    inner = size // _GATE
    return {
        f"{name}.local_att.0.weight": (inner, 2 * size, 1, 1),
        f"{name}.local_att.0.bias": (inner,),
        **_normed(f"{name}.local_att.1", inner),
        f"{name}.local_att.3.weight": (size, inner, 1, 1),
        f"{name}.local_att.3.bias": (size,),
        **_normed(f"{name}.local_att.4", size),
    }


def _normed(name: str, size: int) -> dict[str, tuple[int, ...]]:
    sizes = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (size,))
    return {f"{name}.{one}": shape for one, shape in sizes.items()} | {f"{name}.num_batches_tracked": ()}
