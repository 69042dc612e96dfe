"""The Hugging Face hub: how it spells a commit, and what to do where it does not give what it is asked for.

`HF_ENDPOINT`, `HF_HOME`, `HF_HUB_OFFLINE` and the stored token are `huggingface_hub`'s own affair; it reads the
environment once, when it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}")
"""A revision that is a full commit already."""

_LOG_IN = "log in with hf auth login (or set HF_TOKEN)"


_API_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """The files of one commit of a repository.

    Attributes:
        commit: The commit.
        sizes: Bytes of each file, by its path.
    """

    commit: str
    sizes: Mapping[str, int]


def files_of(repo: str, kind: str, revision: str) -> RepositoryFiles:
    """Ask the hub for the files of a repository, and how large they are; what its client raises is for `explain`.

    Args:
        repo: `owner/name`.
        kind: `dataset` or `model`.
        revision: Branch, tag or commit.
    """
    import huggingface_hub

    info = huggingface_hub.HfApi().repo_info(
        repo, repo_type=kind, revision=revision, timeout=_API_TIMEOUT_S, files_metadata=True
    )
    return RepositoryFiles(str(info.sha), {one.rfilename: one.size or 0 for one in info.siblings or ()})


def lacking_bytes(repo: str, kind: str, commit: str, sizes: Mapping[str, int]) -> int:
    """Return how many bytes of some files are not in the hub's cache yet; half a file counts as none."""
    import huggingface_hub

    def is_cached(name: str) -> bool:
        return isinstance(huggingface_hub.try_to_load_from_cache(repo, name, revision=commit, repo_type=kind), str)

    return sum(size for name, size in sizes.items() if not is_cached(name))


def cache_folder() -> Path:
    """Return the folder that the hub's client keeps files in."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def has_token() -> bool:
    """Whether there is a login, in the environment or stored."""
    import huggingface_hub

    return bool(huggingface_hub.get_token())


def content_names(folder: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return files of a snapshot, each with the name of its content in the cache: the hash that the hub states."""
    return [(name, (folder / name).resolve().name) for name in sorted(names)]


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids asking the hub."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def not_cached(about: str) -> str:
    """Return what to do about something that was not fetched before, where the hub must not be asked."""
    from huggingface_hub import constants

    return (
        f"{about} is not in the cache {constants.HF_HUB_CACHE} and HF_HUB_OFFLINE forbids asking the hub: run once "
        "without HF_HUB_OFFLINE, or let HF_HOME point to a cache that has it"
    )


def explain(exc: Exception, about: str, repo: str) -> str:
    """Return why the hub did not give something, and what to do.

    Args:
        exc: What its client raised. Its errors and those of the HTTP library below it share no base class.
        about: What was wanted: repository, file, revision.
        repo: `owner/name`.
    """
    from huggingface_hub import constants, errors

    status = getattr(getattr(exc, "response", None), "status_code", None)
    reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
    hub = f"{about}: the hub {constants.ENDPOINT}"
    if isinstance(exc, errors.GatedRepoError) or status == 403:
        return f"{hub} grants access on request: ask for it on the page of {repo} there, then {_LOG_IN}: {reason}"
    if isinstance(exc, errors.RepositoryNotFoundError):
        return f"{hub} has none that this account may read. Check the name '{repo}', or {_LOG_IN}: {reason}"
    if status == 401:
        return f"{hub} refuses the login; {_LOG_IN} again: {reason}"
    if isinstance(exc, errors.RevisionNotFoundError):
        return f"{hub} has no such revision: {reason}"
    if isinstance(exc, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        if offline():
            return not_cached(about)
        reason = f"cannot be reached ({exc.__cause__ or exc})"
    elif isinstance(exc, errors.EntryNotFoundError | FileNotFoundError):
        return f"{hub} has no such file: {reason}"
    elif isinstance(exc, errors.HFValidationError):
        return f"{about}: '{repo}' is no repository id: {reason}"
    elif "Consistency check failed" in str(exc):
        return f"{hub} broke off the download ({reason}). Nothing of it was kept; run again to try again"
    else:
        reason = f"could not be read: {type(exc).__name__}: {reason}"
    return (
        f"{hub} {reason}. Run again to try again; set HF_ENDPOINT for a mirror of the hub, HF_HOME for another cache, "
        "or HF_HUB_OFFLINE=1 to use what was fetched before"
    )
