"""Small files of a checkpoint's repository on the hub, and the commit they come from."""

from __future__ import annotations

from pathlib import Path

from audiobench_pytest.errors import ModelError
from audiobench_pytest.hub import COMMIT, explain, offline


class HubFiles:
    """The files of one repository at one commit.

    Attributes:
        commit: The commit, 40 hexadecimal digits.
    """

    def __init__(self, model: str, repo: str, revision: str | None) -> None:
        """Resolve the revision: a commit as it is, else what the cache has, else what the hub says.

        Args:
            model: The model's name, for messages.
            repo: `owner/name`.
            revision: Branch, tag or commit; None means `main`.

        Raises:
            ModelError: Not in the cache, and the hub cannot be reached or does not have it.
        """
        self._model, self._repo = model, repo
        if revision is not None and COMMIT.fullmatch(revision):
            self.commit = revision
        else:
            config = self._fetch("config.json", revision or "main")
            if config is None:
                raise ModelError(
                    f"model '{model}': {repo} at {revision or 'main'} has no config.json, "
                    "so it is no checkpoint of transformers"
                )
            # `.../snapshots/<commit>/config.json`. Asking with the name of the branch, not with the commit behind it,
            # makes the cache remember which commit that was, for the next run without a network.
            self.commit = config.parent.name

    def find(self, name: str) -> Path | None:
        """Return a file of the repository from the cache, downloading it if need be, or None if there is none.

        Raises:
            ModelError: The hub cannot be reached.
        """
        path = self._fetch(name, self.commit)
        if path is None and name == "config.json":
            raise ModelError(f"model '{self._model}': {self._repo}@{self.commit} has no config.json")
        return path

    def _fetch(self, name: str, revision: str) -> Path | None:
        import huggingface_hub
        from huggingface_hub import errors

        cached = huggingface_hub.try_to_load_from_cache(self._repo, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
        if cached is not None:
            return None  # the cache remembers that the repository has no such file
        try:
            return Path(huggingface_hub.hf_hub_download(self._repo, name, revision=revision))
        except Exception as exc:
            is_local = isinstance(exc, errors.LocalEntryNotFoundError)
            if isinstance(exc, errors.EntryNotFoundError) and not is_local:
                return None
            if is_local and offline() and self._snapshot_exists(revision):
                return None  # a snapshot that was brought here by hand: what it lacks, it lacks
            why = explain(exc, f"model '{self._model}': {self._repo} at {revision}", self._repo)
            raise ModelError(f"{why} (there is no folder of that name; one would do too: --model hf:PATH)") from exc

    def _snapshot_exists(self, revision: str) -> bool:
        import huggingface_hub

        return isinstance(huggingface_hub.try_to_load_from_cache(self._repo, "config.json", revision=revision), str)
