"""The likeness of voices of published tables: WavLM-large, tuned for verification, with ECAPA-TDNN over its states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.raters import ecapa_tdnn
from audiobench_pytest.models.raters.verification import VerificationRater, held_to
from audiobench_pytest.models.transformers import torchaudio_compat

if TYPE_CHECKING:
    import torch

_PREFIX = "feature_extract.model."
_TRAINING_ONLY = "loss_calculator."

_NAMES = (
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.", r"feature_extractor.conv_layers.\1.conv."),
    (r"feature_extractor\.conv_layers\.(\d+)\.2\.1\.", r"feature_extractor.conv_layers.\1.layer_norm."),
    (r"layer_norm\.", "feature_projection.layer_norm."),
    (r"post_extract_proj\.", "feature_projection.projection."),
    (r"mask_emb$", "masked_spec_embed"),
    (r"encoder\.pos_conv\.0\.weight_g$", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
    (r"encoder\.pos_conv\.0\.weight_v$", "encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
    (r"encoder\.pos_conv\.0\.bias$", "encoder.pos_conv_embed.conv.bias"),
    (r"encoder\.layer_norm\.", "encoder.layer_norm."),
    (r"encoder\.layers\.(\d+)\.self_attn\.([qkv]|out)_proj\.", r"encoder.layers.\1.attention.\2_proj."),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_linear\.", r"encoder.layers.\1.attention.gru_rel_pos_linear."),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_a$", r"encoder.layers.\1.attention.gru_rel_pos_const"),
    (r"encoder\.layers\.(\d+)\.self_attn\.relative_attention_bias\.", r"encoder.layers.\1.attention.rel_attn_embed."),
    (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.", r"encoder.layers.\1.layer_norm."),
    (r"encoder\.layers\.(\d+)\.fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
    (r"encoder\.layers\.(\d+)\.fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.", r"encoder.layers.\1.final_layer_norm."),
)
"""What WavLM's own code calls its weights, and what transformers does."""


class WavlmLargeRater(VerificationRater):
    """Cosine of two embeddings by the checkpoint that Seed-TTS-eval names (UniSpeech, `wavlm_large_finetune.pth`).

    Features are a learned mean of all hidden states, the last one normalised, as upstream takes them. One sound at a
    time: a padded batch would change an embedding.
    """

    packages = ("torch", "transformers")
    distributions: ClassVar = ("torch", "transformers")

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._wavlm: Any = None
        self._head: Mapping[str, torch.Tensor] = {}

    def load_from(self, path: Path) -> None:
        """Bring both networks of a file to their device; see the base class."""
        model = self.spec.name
        weights, head = _parts(model, path)
        try:
            config = _figures(weights)
            wanted = ecapa_tdnn.shapes(head, int(config["num_hidden_layers"]) + 1, int(config["hidden_size"]))
        except KeyError as exc:
            raise ModelError(
                f"model '{model}': {path} has no weight {exc}, so it is no WavLM-large with ECAPA-TDNN"
            ) from exc
        held_to(model, path, head, wanted)
        torchaudio_compat.preseed()
        from transformers import WavLMConfig, WavLMModel

        network = WavLMModel(WavLMConfig(**config))
        held_to(model, path, weights, {name: tuple(one.shape) for name, one in network.state_dict().items()})
        network.load_state_dict(weights)
        device = self._placement.device
        self._wavlm = network.to(device).float().eval()
        self._head = {name: one.to(device).float() for name, one in head.items()}

    def close(self) -> None:
        """Free the networks."""
        self._wavlm, self._head = None, {}
        super().close()

    def embedding(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the embedding of one sound; see the base class."""
        import torch

        given = torch.nn.functional.layer_norm(sound, sound.shape)
        found = self._wavlm(given[None], output_hidden_states=True)
        # Versions of transformers differ in whether the last of the hidden states is normalised; upstream's is.
        hidden = torch.cat([*found.hidden_states[:-1], found.last_hidden_state])
        return ecapa_tdnn.embedding(self._head, hidden)


def _parts(model: str, path: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the weights of WavLM as transformers calls them, and those of the head.

    Raises:
        ModelError: The file is none of weights, or holds one that has no place.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model"]
    except Exception as exc:  # of pickle, zip, torch; or no such key
        raise ModelError(
            f"model '{model}': {path} is no file of weights as UniSpeech publishes them: {type(exc).__name__}: {exc}"
        ) from exc
    weights, head = {}, {}
    for name, one in state.items():
        if name.startswith(_PREFIX):
            weights[renamed(name.removeprefix(_PREFIX))] = one
        elif not name.startswith(_TRAINING_ONLY):
            head[name] = one
    return weights, head


def renamed(name: str) -> str:
    """Return what transformers calls a weight that WavLM's own code calls `name`; one that is unknown as it is."""
    for pattern, instead in _NAMES:
        found, count = re.subn(f"^{pattern}", instead, name)
        if count:
            return found
    return name


def _figures(weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return the configuration, read off the weights; what they do not tell is as WavLM-large has it.

    Raises:
        KeyError: A weight that tells a figure is not there.
    """
    layers = {int(match[1]) for name in weights if (match := re.match(r"encoder\.layers\.(\d+)\.", name))}
    hidden = weights["feature_projection.projection.weight"].shape[0]
    kernels: list[torch.Size] = []
    while (name := f"feature_extractor.conv_layers.{len(kernels)}.conv.weight") in weights:
        kernels.append(weights[name].shape)
    position = weights["encoder.pos_conv_embed.conv.parametrizations.weight.original1"].shape
    return {
        "hidden_size": hidden,
        "num_hidden_layers": len(layers),
        "num_attention_heads": weights["encoder.layers.0.attention.gru_rel_pos_const"].shape[1],
        "intermediate_size": weights["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[0],
        "num_buckets": weights["encoder.layers.0.attention.rel_attn_embed.weight"].shape[0],
        "conv_dim": tuple(one[0] for one in kernels),
        "conv_kernel": tuple(one[2] for one in kernels),
        "conv_stride": (5, *(2,) * (len(kernels) - 1)),
        "num_conv_pos_embeddings": position[2],
        "num_conv_pos_embedding_groups": hidden // position[1],
        "max_bucket_distance": 800,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
    }
