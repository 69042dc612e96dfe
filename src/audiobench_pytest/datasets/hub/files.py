"""The hub's files through `huggingface_hub`: which commit, which files, and how to read one of them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiobench_pytest import hub
from audiobench_pytest.errors import DatasetError, MissingExtraError

_API_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Listing:
    """One commit of a repository.

    Attributes:
        commit: Its hash.
        files: Paths of its files. Without network: of those that are in the cache.
        card: Metadata of the dataset card.
    """

    commit: str
    files: tuple[str, ...]
    card: Mapping[str, Any] = field(default_factory=dict)


class HubFiles:
    """Reads files of one dataset repository."""

    def __init__(self, repo: str) -> None:
        """Import the hub's client.

        Raises:
            MissingExtraError: A package of the extra `hub` is not installed.
        """
        try:
            import huggingface_hub
            import huggingface_hub.constants
            import huggingface_hub.errors
            import pyarrow  # noqa: F401
        except ImportError as exc:
            raise MissingExtraError(f"the dataset {repo} on the hub", exc.name or "huggingface_hub", "hub") from exc
        self._hub = huggingface_hub
        self.repo = repo
        self.endpoint: str = huggingface_hub.constants.ENDPOINT
        self.offline = hub.offline()
        self._cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
        self._file_system: Any = None

    def online_listing(self, revision: str | None) -> Listing:
        """Ask the hub for the commit of a branch, tag or commit, and its files.

        Raises:
            DatasetError: The hub cannot be reached, or does not know repository or revision.
        """
        with self._explaining("its list of files", revision):
            info = self._hub.HfApi().dataset_info(self.repo, revision=revision, timeout=_API_TIMEOUT_S)
        if not hub.COMMIT.fullmatch(info.sha or ""):
            raise DatasetError(
                f"{self.repo}: {self.endpoint} names no commit for revision '{revision or 'main'}', but {info.sha!r}"
            )
        configs = getattr(info.card_data, "configs", None) if info.card_data is not None else None
        return Listing(
            commit=info.sha,
            files=tuple(s.rfilename for s in info.siblings or ()),
            card={"configs": configs} if isinstance(configs, list) else {},
        )

    def sizes(self, commit: str) -> Mapping[str, int]:
        """Ask the hub how large the files of a commit are, in bytes.

        Raises:
            DatasetError: The hub cannot be reached.
        """
        with self._explaining("the sizes of its files", commit):
            return hub.files_of(self.repo, "dataset", commit).sizes

    def cached_listing(self, commit: str) -> Listing:
        """Return those files of a commit that are in the hub's cache."""
        snapshot = self._repository() / "snapshots" / commit
        files = sorted(p.relative_to(snapshot).as_posix() for p in snapshot.rglob("*") if p.is_file())
        return Listing(commit, tuple(files))

    def cached_commit(self, revision: str) -> str | None:
        """Return the commit that the hub's cache notes for a branch or tag, or None."""
        path = self._repository() / "refs" / revision
        return path.read_text().strip() if path.is_file() else None

    def cached(self, name: str, commit: str) -> Path | None:
        """Return where a file lies in the hub's cache, or None."""
        found = self._hub.try_to_load_from_cache(self.repo, name, revision=commit, repo_type="dataset")
        return Path(found) if isinstance(found, str) else None

    def download(self, name: str, commit: str) -> Path:
        """Fetch a whole file into the hub's cache, or find it there.

        Raises:
            DatasetError: It cannot be had, or arrived incomplete.
        """
        if (path := self.cached(name, commit)) is not None:
            return path
        if self.offline:
            raise DatasetError(hub.not_cached(self._named(name, commit)))
        with self._explaining(name, commit):
            return Path(self._hub.hf_hub_download(self.repo, name, repo_type="dataset", revision=commit))

    def stream(self, name: str, commit: str) -> RangeFile:
        """Open a file on the hub for reading by byte range.

        Raises:
            DatasetError: It cannot be had.
        """
        with self._explaining(name, commit):
            if self._file_system is None:
                self._file_system = self._hub.HfFileSystem(skip_instance_cache=True)
            file = self._file_system.open(
                f"datasets/{self.repo}@{commit}/{name}", "rb", block_size=1 << 20, cache_type="none"
            )
        return RangeFile(file, lambda: self._explaining(name, commit))

    def discard_if_damaged(self, path: Path) -> bool:
        """Remove a file from the hub's cache if its content is not what its name there says.

        The cache names content by the hub's ETag: SHA-256 for large files, git's blob hash for small ones.

        Returns:
            Whether it was damaged, and thus removed.
        """
        blob = path.resolve()
        if len(blob.name) == 64:
            digest = hashlib.sha256()
        elif len(blob.name) == 40:
            digest = hashlib.sha1(b"blob %d\0" % blob.stat().st_size, usedforsecurity=False)
        else:
            return False
        with blob.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() == blob.name:
            return False
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)
        return True

    def _repository(self) -> Path:
        return self._cache / f"datasets--{self.repo.replace('/', '--')}"

    @contextmanager
    def _explaining(self, what: str, revision: str | None) -> Iterator[None]:
        """Turn whatever the client raises into a `DatasetError` that says what to do."""
        try:
            yield
        except DatasetError:
            raise
        except Exception as exc:
            raise DatasetError(hub.explain(exc, self._named(what, revision), self.repo)) from exc

    def _named(self, what: str, revision: str | None) -> str:
        short = revision[:8] if revision and hub.COMMIT.fullmatch(revision) else revision
        return f"{self.repo}: {what}" + (f" at revision '{short}'" if short else "")


class RangeFile(io.RawIOBase):
    """A file on the hub that is read by byte range, and checks that each answer is as long as what was asked for.

    Attributes:
        requested: Bytes asked for so far.
    """

    def __init__(self, file: Any, explaining: Any) -> None:
        """Wrap a file of `HfFileSystem`; `explaining()` gives the context that errors are reported in."""
        self._file, self._explaining = file, explaining
        self._size = int(file.size)
        self._at = 0
        self.requested = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def close(self) -> None:
        """Close the file on the hub, too."""
        if not self.closed:
            self._file.close()
        super().close()

    def read(self, size: int | None = -1) -> bytes:
        """Read up to `size` bytes, fewer only at the end of the file.

        Raises:
            DatasetError: The hub fails, or answers with more or fewer bytes than asked for.
        """
        rest = max(0, self._size - self._at)
        length = rest if size is None or size < 0 else min(size, rest)
        if length == 0:
            return b""
        with self._explaining():
            self._file.seek(self._at)
            data: bytes = self._file.read(length)
            if len(data) != length:
                raise OSError(f"the hub answered a request for {length} bytes with {len(data)}")
        self.requested += length
        self._at += length
        return data
