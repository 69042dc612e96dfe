"""Small files of a model repository on the Hugging Face hub, and the commit they come from.

`HF_ENDPOINT`, `HF_HOME`, `HF_HUB_OFFLINE` and the stored token are honoured by `huggingface_hub` itself.
"""

from __future__ import annotations

import re
from pathlib import Path

from audiobench_pytest.errors import ModelError

COMMIT = re.compile(r"[0-9a-f]{40}")
"""A revision that is a full commit already."""


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
        from huggingface_hub import constants, errors

        cached = huggingface_hub.try_to_load_from_cache(self._repo, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
        if cached is not None:
            return None  # the cache remembers that the repository has no such file
        what = f"model '{self._model}': {self._repo} at {revision}"
        try:
            return Path(huggingface_hub.hf_hub_download(self._repo, name, revision=revision))
        except errors.LocalEntryNotFoundError as exc:
            if constants.HF_HUB_OFFLINE and self._snapshot_exists(revision):
                return None  # a snapshot that was brought here by hand: what it lacks, it lacks
            raise ModelError(
                f"{what}: {name} is not in the cache {constants.HF_HUB_CACHE} and {_why_not_fetched(exc)}. Unset "
                "HF_HUB_OFFLINE, let HF_ENDPOINT name a hub that can be reached, let HF_HOME point to a cache that has "
                f"it (hf download {self._repo}), or give a folder: --model hf:PATH"
            ) from exc
        except errors.RevisionNotFoundError as exc:
            raise ModelError(f"{what}: the hub {constants.ENDPOINT} has no such revision") from exc
        except errors.GatedRepoError as exc:
            raise ModelError(
                f"{what}: its owner grants access on request: ask for it on {constants.ENDPOINT}/{self._repo}, "
                "then log in with hf auth login (or set HF_TOKEN)"
            ) from exc
        except errors.RepositoryNotFoundError as exc:
            raise ModelError(
                f"{what}: there is no folder of that name, and the hub {constants.ENDPOINT} has no such model that "
                "this account may read: check the spelling, or log in with hf auth login (or set HF_TOKEN)"
            ) from exc
        except errors.EntryNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise ModelError(f"{what}: {name} cannot be fetched from {constants.ENDPOINT}: {exc}") from exc

    def _snapshot_exists(self, revision: str) -> bool:
        import huggingface_hub

        return isinstance(huggingface_hub.try_to_load_from_cache(self._repo, "config.json", revision=revision), str)


def _why_not_fetched(exc: Exception) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids asking the hub"
    return f"the hub {constants.ENDPOINT} cannot be reached ({exc.__cause__ or exc})"
