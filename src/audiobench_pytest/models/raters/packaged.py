"""Raters of voices whose networks are classes of a package; their weights are loaded into them strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.raters.verification import VerificationRater, held_to, weights_in

if TYPE_CHECKING:
    import torch


class EcapaRater(VerificationRater):
    """Cosine of two embeddings by SpeechBrain's ECAPA-TDNN (`spkrec-ecapa-voxceleb`), one sound at a time.

    The network is built here, of the package's classes and of the sizes that the weights tell: the repository's own
    description of it is a program, which is not run. What it hears is as that program says: 80 mel bands, less the mean
    of each over the sound; and the embedding is taken as it is, as `verify_batch` does.
    """

    packages = ("torch", "speechbrain")
    distributions: ClassVar = ("torch", "speechbrain")
    installed_by = "pip install speechbrain"

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._steps: tuple[Any, Any, Any] | None = None

    def load_from(self, path: Path) -> None:
        """Bring the network to its device; see the base class."""
        model = self.spec.name
        weights = weights_in(model, path)
        try:
            sizes = _sizes(weights)
        except (KeyError, TypeError) as exc:
            raise ModelError(f"model '{model}': {path} lacks the weight {exc}, so it is no ECAPA-TDNN") from exc
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        from speechbrain.processing.features import InputNormalization

        network = ECAPA_TDNN(**sizes)
        held_to(model, path, weights, {name: tuple(one.shape) for name, one in network.state_dict().items()})
        network.load_state_dict(weights)
        features = Fbank(n_mels=sizes["input_size"], left_frames=0, right_frames=0, deltas=False)
        centred = InputNormalization(norm_type="sentence", std_norm=False)
        device = self._placement.device
        self._steps = (features.to(device).eval(), centred.to(device).eval(), network.to(device).float().eval())

    def close(self) -> None:
        """Free the network."""
        self._steps = None
        super().close()

    def embedding(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the embedding of one sound; see the base class."""
        import torch

        assert self._steps is not None
        features, centred, network = self._steps
        whole = torch.ones(1, device=sound.device)
        found: torch.Tensor = network(centred(features(sound[None]), whole), whole)
        return found.reshape(-1)


def _sizes(weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return the arguments of the network, read off its weights; what they do not tell is as it was published.

    Raises:
        KeyError: A weight that tells a size is not there.
    """
    channels, bands, _ = weights["blocks.0.conv.conv.weight"].shape
    pooled = weights["mfa.conv.conv.weight"].shape[0]
    return {
        "input_size": bands,
        "channels": [channels] * 4 + [pooled],
        "kernel_sizes": [5, 3, 3, 3, 1],
        "dilations": [1, 2, 3, 4, 1],
        "attention_channels": weights["asp.tdnn.conv.conv.weight"].shape[0],
        "se_channels": weights["blocks.1.se_block.conv1.conv.weight"].shape[0],
        "lin_neurons": weights["fc.conv.weight"].shape[0],
    }
