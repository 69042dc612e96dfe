"""Weights fetched before a run, the files that a run would read: once, and from then on without a network."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, ModelError
from audiobench_pytest.hub import COMMIT, content_names, explain, files_of, lacking_bytes, not_cached, offline
from audiobench_pytest.models.base import Weights

_OTHER_FORMATS = (".h5", ".msgpack", ".ot", ".onnx", ".onnx_data", ".tflite", ".gguf", ".mlmodel", ".pt", ".pth")
_VARIANT = re.compile(r"(?:^|/)(?:model|pytorch_model|diffusion_pytorch_model)\.(?!safetensors|bin)[A-Za-z]\w*[.-]")


@dataclass(frozen=True, slots=True)
class WeightsOutlook:
    """What fetching a repository of weights takes.

    Attributes:
        weights: Which.
        commit: The commit, which a run would read.
        names: The files.
        total_bytes: Bytes of them.
        fetch_bytes: Bytes of them that are not in the hub's cache.
    """

    weights: Weights
    commit: str
    names: tuple[str, ...]
    total_bytes: int
    fetch_bytes: int


def outlook(spec: ModelSpec, weights: Weights) -> WeightsOutlook:
    """Return what fetching takes; a commit that the cache has already is kept to, as runs keep to it.

    Raises:
        MissingExtraError: The hub's client is not installed.
        ModelError: The hub cannot be asked, or has no such repository.
    """
    try:
        import huggingface_hub
    except ImportError as exc:
        raise MissingExtraError(f"model '{spec.name}'", exc.name or "huggingface_hub", "hub") from exc
    revision = weights.revision or "main"
    cached = huggingface_hub.try_to_load_from_cache(weights.repo, weights.file or "config.json", revision=revision)
    commit = Path(cached).parent.name if isinstance(cached, str) else revision
    about = f"model '{spec.name}': {weights.repo} at {commit}"
    if offline():
        if not COMMIT.fullmatch(commit) or not isinstance(cached, str):
            raise ModelError(not_cached(about))
        names = _files_in(Path(cached).parent)
        return WeightsOutlook(weights, commit, tuple(names), sum(names.values()), 0)
    try:
        found = files_of(weights.repo, "model", commit)
    except Exception as exc:  # the client's errors and those of the library below it share no base class
        raise ModelError(explain(exc, about, weights.repo)) from exc
    read = {weights.file} if weights.file else set(found.sizes) if weights.whole else loaded(found.sizes, weights.below)
    names = {name: size for name, size in found.sizes.items() if name in read}
    lacking = lacking_bytes(weights.repo, "model", found.commit, names)
    return WeightsOutlook(weights, found.commit, tuple(names), sum(names.values()), lacking)


def loaded(names: Iterable[str], below: str = "") -> set[str]:
    """Return the files of a checkpoint that the transformers library reads: of the formats of its weights only one.

    Args:
        names: All of its files.
        below: A folder of it whose weights are read too.
    """
    found = {name for name in names if not name.endswith(_OTHER_FORMATS) and not _VARIANT.search(name)}
    both = {_folder_of(name) for name in found if name.endswith(".safetensors")}
    found = {name for name in found if _folder_of(name) not in both or not re.search(r"\.bin(?:\.index\.json)?$", name)}
    small = (".json", ".txt", ".jinja", ".model")
    return {name for name in found if _folder_of(name) in ("", below) or name.endswith(small)}


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def lying_here(source: str, repositories: Iterable[Weights]) -> list[Path]:
    """Return the files that loading a model reads, as far as they lie on this machine; no network is asked.

    Args:
        source: Its checkpoint, which may be a folder.
        repositories: What it is fetched from otherwise.
    """
    found = []
    if source and (folder := Path(source).expanduser()).is_dir():
        found += [folder / name for name in loaded(_files_in(folder))]
    for weights in repositories:
        with contextlib.suppress(ImportError):
            import huggingface_hub

            known, revision = weights.file or "config.json", weights.revision or "main"
            cached = huggingface_hub.try_to_load_from_cache(weights.repo, known, revision=revision)
            if isinstance(cached, str) and not weights.elsewhere:
                folder = Path(cached).parents[known.count("/")]
                names = _files_in(folder)
                read = names if weights.whole or weights.file else loaded(names, weights.below)
                found += [folder / name for name in read]
    return sorted(found)


def fetch(spec: ModelSpec, wanted: WeightsOutlook) -> Path:
    """Fetch the files, those that are not in the cache already; return the folder that holds them.

    What was begun is gone on with. The name of the branch is noted beside the commit, for runs without a network.

    Raises:
        ModelError: The hub does not give one of them.
    """
    import huggingface_hub

    weights, folder = wanted.weights, None
    revision = weights.revision or "main"
    try:
        for name in wanted.names:
            path = Path(huggingface_hub.hf_hub_download(weights.repo, name, revision=wanted.commit))
            folder = folder or path.parents[name.count("/")]
    except Exception as exc:  # as above
        about = f"model '{spec.name}': {weights.repo} at {wanted.commit}"
        raise ModelError(explain(exc, about, weights.repo)) from exc
    if folder is None:
        raise ModelError(f"model '{spec.name}': {weights.repo} at {wanted.commit} holds no files")
    if not COMMIT.fullmatch(revision):
        noted = folder.parents[1] / "refs" / revision
        noted.parent.mkdir(parents=True, exist_ok=True)
        noted.write_text(wanted.commit)
    return folder


def digest(folder: Path, names: Iterable[str]) -> str:
    """Return a SHA-256 over the names of files and the hashes of their content that the hub states."""
    total = hashlib.sha256()
    for name, content in content_names(folder, names):
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()


def _files_in(folder: Path) -> Mapping[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}
