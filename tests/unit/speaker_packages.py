"""A stand-in of speechbrain's classes, of its names and arguments, small enough to be computed by hand."""

import sys
import types

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'local'")


class Fbank(torch.nn.Module):
    """Energies of frames of 10 ms, one band for each divisor of time."""

    def __init__(self, n_mels, left_frames=5, right_frames=5, deltas=False):
        super().__init__()
        assert (left_frames, right_frames, deltas) == (0, 0, False)
        self.n_mels = n_mels

    def forward(self, sounds):
        frames = sounds[:, : sounds.shape[1] // 160 * 160].reshape(len(sounds), -1, 160)
        return frames[:, :, : self.n_mels].abs()


class InputNormalization(torch.nn.Module):
    """Takes out each band's mean."""

    def __init__(self, norm_type="global", std_norm=True):
        super().__init__()
        assert (norm_type, std_norm) == ("sentence", False)

    def forward(self, features, lengths):
        assert lengths.tolist() == [1.0]
        return features - features.mean(dim=1, keepdim=True)


class _Named(torch.nn.Module):
    """Modules by the dotted names that weights have."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def _conv(given, out, width=1):
    return _Named(conv=_Named(conv=torch.nn.Conv1d(given, out, width, padding=width // 2)))


class EcapaTdnn(torch.nn.Module):
    """The first and the last of its layers."""

    def __init__(
        self, input_size, lin_neurons, channels, kernel_sizes, dilations, attention_channels, se_channels, device="cpu"
    ):
        super().__init__()
        assert (kernel_sizes, dilations) == ([5, 3, 3, 3, 1], [1, 2, 3, 4, 1])
        size, pooled = channels[0], channels[-1]
        self.blocks = torch.nn.ModuleList(
            [
                _conv(input_size, size, 5),
                _Named(se_block=_Named(conv1=_Named(conv=torch.nn.Conv1d(size, se_channels, 1)))),
            ]
        )
        self.mfa = _conv(size, pooled)
        self.asp = _Named(tdnn=_conv(3 * pooled, attention_channels))
        self.fc = _Named(conv=torch.nn.Conv1d(pooled, lin_neurons, 1))

    def forward(self, features, lengths):
        assert lengths.tolist() == [1.0]
        heard = torch.relu(self.blocks[0].conv.conv(features.transpose(1, 2)))
        heard = torch.relu(self.mfa.conv.conv(heard)).mean(dim=2, keepdim=True)
        return self.fc.conv(heard).transpose(1, 2)


def stand_in_for_speechbrain(monkeypatch):
    """Put the stand-in in place of speechbrain, whether that is installed or not."""
    classes = {
        "speechbrain.lobes.features": {"Fbank": Fbank},
        "speechbrain.processing.features": {"InputNormalization": InputNormalization},
        "speechbrain.lobes.models.ECAPA_TDNN": {"ECAPA_TDNN": EcapaTdnn},
    }
    for name in ("speechbrain", "speechbrain.lobes", "speechbrain.lobes.models", "speechbrain.processing", *classes):
        module = types.ModuleType(name)
        module.__spec__ = types.SimpleNamespace(submodule_search_locations=[])
        module.__path__ = []
        for attribute, value in classes.get(name, {}).items():
            setattr(module, attribute, value)
        monkeypatch.setitem(sys.modules, name, module)
