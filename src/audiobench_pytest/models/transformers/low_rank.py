"""Adapters of low rank (LoRA), as peft saves them, added to the weights they were trained for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.transformers.checkpoints import Checkpoint, folder_digest

INSIDE = "checkpoint:"
"""How a place begins that is a folder below the weights of the checkpoint itself, wherever that lies."""

_FILES = ("adapter_model.safetensors", "adapter_model.bin")
_PREFIX = "base_model.model."
_PART = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")
_OTHER_THAN_PLAIN = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "megatron_config",
    "layer_replication",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
"""Settings under which an adapter is more than a product of two matrices."""

_BEGINNINGS = ("gaussian", "eva", "orthogonal")
"""Values of `init_lora_weights` that leave the weights below the adapter as they are, beside true and false."""


def inner_folder(given: object) -> str:
    """Return which folder of the checkpoint itself an argument `adapter` names, or "" for one of this machine."""
    text = str(given or "")
    return text.removeprefix(INSIDE) if text.startswith(INSIDE) else ""


class LowRankAdapter:
    """One adapter in a folder, of this machine or of the checkpoint itself.

    Adding it once gives what peft's `merge_and_unload` gives, without peft, and costs nothing while the model answers.
    """

    def __init__(self, model: str, given: str, checkpoint: Checkpoint) -> None:
        """Read what it is; no weights.

        Args:
            model: The model's name, for messages.
            given: Where it is: a folder, or `checkpoint:` and one below the weights.
            checkpoint: The weights that it is added to.

        Raises:
            UsageError: There is none, or it is of a kind that cannot be added.
        """
        self._model, self._given = model, given
        # What a commit of the hub holds is known by the commit, without its weights.
        self._digest = given if inner_folder(given) and checkpoint.commit is not None else None
        self._find = self._finds(checkpoint)
        self._config = self._read()
        kind = self._config.get("peft_type")
        odd = [name for name in _OTHER_THAN_PLAIN if self._config.get(name)]
        if kind != "LORA" or odd or self._config.get("bias", "none") != "none":
            what = kind if kind != "LORA" else f"LORA with {', '.join(odd) or 'bias'}"
            raise UsageError(
                f"{self._where}: an adapter of type {what}, which cannot be added here: merge it into the weights "
                "(peft: merge_and_unload, save_pretrained) and give that folder"
            )
        began = self._config.get("init_lora_weights", True)
        if isinstance(began, str) and began not in _BEGINNINGS:
            # pissa, olora, corda, loftq, lora_ga: what was trained is a difference from weights that lie nowhere.
            raise UsageError(
                f"{self._where}: its training began with init_lora_weights={began}, which changes the weights that the "
                "adapter is added to, so that added to the original ones it makes another model: save it as a "
                "difference from those (peft: save_pretrained with path_initial_model_for_weight_conversion), or merge "
                "it where it was trained (merge_and_unload, save_pretrained) and give that folder"
            )
        if self._digest is None and not any(map(self._find, _FILES)):
            raise UsageError(f"{self._where}: neither {' nor '.join(_FILES)}")

    @property
    def _where(self) -> str:
        return f"--model-args: adapter={self._given} of model '{self._model}'"

    def _finds(self, checkpoint: Checkpoint) -> Callable[[str], Path | None]:
        if not self._given.startswith(INSIDE):
            folder = Path(self._given).expanduser()
            return lambda name: folder / name if (folder / name).is_file() else None
        inner = inner_folder(self._given)
        if {"", ".", ".."} & set(inner.split("/")):
            raise UsageError(f"{self._where}: write {INSIDE} and the name of a folder of the checkpoint")
        return lambda name: checkpoint.find(f"{inner}/{name}")

    def _read(self) -> Mapping[str, Any]:
        path = self._find("adapter_config.json")
        if path is None:
            raise UsageError(f"{self._where}: no adapter_config.json there: a folder is wanted as peft saves one")
        self._folder = path.parent
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as exc:
            raise UsageError(f"{self._where}: {path.name}: {exc}") from exc
        if not isinstance(content, dict):
            raise UsageError(f"{self._where}: {path.name}: not a JSON object")
        return content

    def digest(self) -> str:
        """Return a SHA-256 over its files; of one that a commit of the hub holds, its place there.

        Raises:
            ModelError: One cannot be read.
        """
        return self._digest or folder_digest(self._folder)

    def add_to(self, model: Any) -> int:
        """Add it to a loaded model, in float32 whatever the model's precision.

        Returns:
            How many weights it changed.

        Raises:
            ModelError: It was trained for another model.
        """
        import torch

        halves: dict[str, dict[str, Any]] = {}
        whole: dict[str, Any] = {}
        for name, weight in self._weights().items():
            inner = name.removeprefix(_PREFIX)
            part = _PART.fullmatch(inner)
            if part is not None:
                halves.setdefault(part["module"], {})[part["side"]] = weight
            elif ".lora_" in inner:
                raise self._unlike(f"'{inner}' is no half of a linear layer's")
            else:  # a layer that was trained as a whole
                whole[inner.replace(".modules_to_save.default", "")] = weight
        parameters = dict(model.named_parameters())
        with torch.no_grad():
            for module, sides in halves.items():
                target = parameters.get(f"{module}.weight")
                if target is None or set(sides) != {"A", "B"}:
                    raise self._unlike(f"the model has no layer '{module}'")
                device = target.device
                change = sides["B"].to(device, torch.float32) @ sides["A"].to(device, torch.float32)
                change = change.T if self._config.get("fan_in_fan_out") else change
                if change.shape != target.shape:
                    raise self._unlike(f"'{module}' is {tuple(target.shape)} there and {tuple(change.shape)} here")
                target.copy_((target.float() + self._scale(module, len(sides["A"])) * change).to(target.dtype))
            for name, weight in whole.items():
                if name not in parameters or parameters[name].shape != weight.shape:
                    raise self._unlike(f"the model has no '{name}' of shape {tuple(weight.shape)}")
                parameters[name].copy_(weight.to(parameters[name]))
        return len(halves) + len(whole)

    def _scale(self, module: str, rank: int) -> float:
        alphas = self._config.get("alpha_pattern") or {}
        own = [alpha for pattern, alpha in alphas.items() if re.fullmatch(rf"(.*\.)?({pattern})", module)]
        alpha = float(own[0] if own else self._config.get("lora_alpha", rank))
        return alpha / (rank**0.5 if self._config.get("use_rslora") else rank)

    def _weights(self) -> dict[str, Any]:
        path = next(filter(None, map(self._find, _FILES)), None)
        if path is None:
            raise ModelError(f"model '{self._model}': adapter={self._given}: neither {' nor '.join(_FILES)} there")
        try:
            if path.suffix == ".safetensors":
                from safetensors.torch import load_file

                return dict(load_file(path))
            import torch

            return dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as exc:  # whatever a library says of a torn file
            raise ModelError(f"model '{self._model}': {path}: {type(exc).__name__}: {exc}") from exc

    def _unlike(self, why: str) -> ModelError:
        made = self._config.get("base_model_name_or_path") or "another model"
        return ModelError(
            f"model '{self._model}': the adapter {self._given} does not fit (it was made for {made}): {why}"
        )
