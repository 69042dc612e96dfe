"""Checkpoints of the transformers library: where they are, what they are, and how they come into memory.

What a checkpoint is can be told from a few small JSON files. They are read without importing torch or transformers, so
that a model's identity costs next to nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, SampleError
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.models.transformers import devices, torchaudio_compat
from audiobench_pytest.models.transformers.hub_files import HubFiles
from audiobench_pytest.records.digests import file_digest

T = TypeVar("T")

WEIGHT_SUFFIXES = (".safetensors", ".bin")
ANY_WEIGHTS = (*WEIGHT_SUFFIXES, ".gguf", ".pt", ".pth")
"""Files of weights, also of those that other programs load."""

DIGESTED_SUFFIXES = (*WEIGHT_SUFFIXES, ".json", ".txt", ".model", ".jinja")
"""Files of a folder that can change an answer: weights, configurations, vocabularies, chat templates."""

_TOOLS = re.compile(r"\btools\b")
"""How a chat template that can offer tools names them: transformers hands them over under no other name."""

# Only used while training; checkpoints that were saved without it are whole.
_NEVER_MISSED = re.compile(r"(^|\.)masked_spec_embed$")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose small files have been read.

    Attributes:
        model: The model's name, for messages.
        source: Hub id, or the folder's absolute path.
        commit: Commit of a hub checkpoint, 40 hexadecimal digits; None for a folder.
        config: `config.json`.
        generation: `generation_config.json`, empty where there is none.
        features: Settings of the feature extractor, empty where there are none.
        offers_tools: Whether its chat template has a place for tools.
        find: Returns a further small file by its name, or None where there is none.
    """

    model: str
    source: str
    commit: str | None
    config: Mapping[str, Any]
    generation: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    offers_tools: bool = False
    find: Callable[[str], Path | None] = field(default=lambda _name: None, compare=False)

    @property
    def model_type(self) -> str:
        """The model type, as transformers spells it."""
        return str(self.config.get("model_type", ""))

    def among(self, families: Mapping[str, T], what: str) -> T:
        """Return what is known of its type.

        Args:
            families: By model type.
            what: What all of them are, for the message (`voice`).

        Raises:
            ModelError: It is of another type.
        """
        family = families.get(self.model_type)
        if family is None:
            raise ModelError(
                f"model '{self.model}': {self.where} is of type '{self.model_type}', no {what} of {', '.join(families)}"
            )
        return family

    @property
    def architectures(self) -> tuple[str, ...]:
        """The classes the weights were saved from."""
        return tuple(self.config.get("architectures") or ())

    def identity(self) -> dict[str, Any]:
        """Return what pins the weights: repository and commit, or the digest of a folder wherever it lies.

        Raises:
            ModelError: A file of the folder cannot be read.
        """
        if self.commit is not None:
            return {"model": self.source, "revision": self.commit}
        return {"model": "folder", "revision": None, "weights": folder_digest(Path(self.source))}

    def load(self, auto_class: str, **options: Any) -> Any:
        """Call `from_pretrained` of a class of transformers, named as text, on this checkpoint.

        Raises:
            ModelError: It cannot be loaded.
        """
        torchaudio_compat.preseed()
        import transformers

        transformers.utils.logging.disable_progress_bar()
        options = {"trust_remote_code": False, **options}
        if self.commit is not None:
            options["revision"] = self.commit
        try:
            return getattr(transformers, auto_class).from_pretrained(self.source, **options)
        except Exception as exc:
            # What goes wrong below here is some library's own error, of no common class: a torn download, weights of
            # another shape, an architecture that this version lacks, no memory left.
            raise ModelError(
                f"model '{self.model}': {auto_class} cannot be loaded from {self.where}: {type(exc).__name__}: {exc}"
            ) from exc

    @property
    def where(self) -> str:
        """Source and commit, for messages."""
        return self.source if self.commit is None else f"{self.source}@{self.commit}"

    def load_model(
        self,
        auto_class: str,
        placement: devices.Placement,
        attention: str,
        otherwise: str = "it is no checkpoint for recognition",
        config: Any = None,
    ) -> Any:
        """Bring the weights to their device, ready for inference.

        Args:
            auto_class: Class of transformers.
            placement: Device and precision.
            attention: `auto`, or the implementation to use.
            otherwise: What it is worth where it lacks weights, for the message.
            config: Configuration of the model; None for the checkpoint's own.

        Raises:
            ModelError: It cannot be loaded, or lacks weights (which would then be random numbers).
        """
        devices.check(placement, self.model)
        import torch

        options: dict[str, Any] = {"dtype": getattr(torch, placement.dtype), "output_loading_info": True}
        if attention != "auto":
            options["attn_implementation"] = attention
        if config is not None:
            options["config"] = config
        model, info = self.load(auto_class, **options)
        missing = sorted(key for key in info["missing_keys"] if not _NEVER_MISSED.search(key))
        if missing:
            raise ModelError(
                f"model '{self.model}': {self.where} lacks {len(missing)} weight(s) that {type(model).__name__} needs "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}); {otherwise}"
            )
        return model.to(placement.device).eval()


def open_checkpoint(spec: ModelSpec) -> Checkpoint:
    """Find a checkpoint and read its small files.

    A folder is read where it lies. A hub id is resolved to a commit: a revision that is one already is taken as it is;
    otherwise what the local cache has under that revision (`main` when none is given), so that runs agree with each
    other and need no network; otherwise what the hub says, which also fills the cache. To move on to a newer commit
    give its revision, or refresh the cache with `hf download`.

    Args:
        spec: The model; `source` is a folder or a hub id.

    Raises:
        ModelError: There is no such checkpoint, it cannot be reached, or its files are broken.
    """
    if not spec.source:
        raise ModelError(f"model '{spec.name}': its catalogue entry has no source (a hub id or a folder)")
    folder = Path(spec.source).expanduser()
    if folder.is_dir():  # the rule of transformers too: it must not load another thing than we looked at
        if spec.revision is not None:
            raise ModelError(f"model '{spec.name}': {folder} is a folder, which has no revision '{spec.revision}'")
        return _open_folder(spec.name, folder.resolve())
    if spec.source.startswith((".", "/", "~")):
        raise ModelError(f"model '{spec.name}': there is no folder {spec.source}")
    files = HubFiles(spec.name, spec.source, spec.revision)
    return _read(spec.name, spec.source, files.commit, files.find)


def _open_folder(model: str, folder: Path) -> Checkpoint:
    if not (folder / "config.json").is_file():
        raise ModelError(f"model '{model}': {folder} has no config.json, so it is no checkpoint of transformers")
    if not holds_weights(folder):
        raise ModelError(f"model '{model}': {folder} holds no weights (*.safetensors or *.bin)")

    def find(name: str) -> Path | None:
        return folder / name if (folder / name).is_file() else None

    checkpoint = _read(model, str(folder), None, find)
    if find("adapter_config.json") is not None and not checkpoint.config.get("has_lora_adapter"):
        raise ModelError(
            f"model '{model}': {folder} holds an adapter (adapter_config.json) beside its weights, which would be left "
            "out: move it into a folder of its own and pass --model-args adapter=FOLDER, or merge it into them (peft: "
            "merge_and_unload, save_pretrained)"
        )
    return checkpoint


def _read(model: str, source: str, commit: str | None, find: Callable[[str], Path | None]) -> Checkpoint:
    def read(name: str) -> dict[str, Any]:
        path = find(name)
        if path is None:
            return {}
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as exc:
            raise ModelError(f"model '{model}': {path}: {exc}") from exc
        if not isinstance(content, dict):
            raise ModelError(f"model '{model}': {path}: not a JSON object")
        return content

    # transformers 5 keeps the feature extractor's settings inside the processor's; before they had their own file.
    processor = read("processor_config.json")
    features = processor.get("feature_extractor") or read("preprocessor_config.json")
    told = (processor, read("chat_template.json"), read("tokenizer_config.json"))
    template = find("chat_template.jinja")
    texts = [str(one["chat_template"]) for one in told if one.get("chat_template")]
    texts += [template.read_text("utf-8", "replace")] if template is not None else []
    return Checkpoint(
        model,
        source,
        commit,
        read("config.json"),
        read("generation_config.json"),
        features,
        any(_TOOLS.search(text) for text in texts),
        find,
    )


def holds_weights(folder: Path, endings: tuple[str, ...] = WEIGHT_SUFFIXES) -> bool:
    """Whether there are weights in a folder, not below it."""
    return any(path.suffix in endings for path in folder.iterdir())


def is_fetched(repo: str, commit: str) -> bool:
    """Whether the hub's cache holds weights of a repository at a commit, and not its small files alone."""
    try:
        import huggingface_hub
    except ImportError:
        return False
    if not COMMIT.fullmatch(commit):
        return False
    config = huggingface_hub.try_to_load_from_cache(repo, "config.json", revision=commit)
    return isinstance(config, str) and holds_weights(Path(config).parent)


def folder_digest(folder: Path, *, also: tuple[str, ...] = (), below: bool = False) -> str:
    """Return a SHA-256 over names and contents of a checkpoint's files, in order of name.

    Each file goes through the memo of `records.digests`: unchanged weights are read once.

    Args:
        folder: The folder.
        also: Endings of further files that can change an answer, for what reads more of it than transformers does.
        below: Whether subfolders are read too, but for hidden ones.

    Raises:
        ModelError: A file cannot be read.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*") if below else folder.iterdir()):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts[:-1]):
            continue
        if (path.suffix in DIGESTED_SUFFIXES or path.name.endswith(also)) and path.is_file():
            try:
                total.update(f"{name.as_posix()}\0{file_digest(path)}\n".encode())
            except SampleError as exc:
                raise ModelError(f"checkpoint folder {folder}: {exc}") from exc
    return total.hexdigest()
