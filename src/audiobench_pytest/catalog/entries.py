"""Entries found by name, kind by kind: what ships with the package, and what the user's own folders hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from audiobench_pytest import others
from audiobench_pytest.catalog.reading import Entry, read_entries
from audiobench_pytest.errors import CatalogError, UnknownNameError, UsageError, folded

if TYPE_CHECKING:
    from audiobench_pytest.catalog.ultraeval.checkout import Checkout, Left

T = TypeVar("T", bound=Entry)

_FOLDER = Path(__file__).parent

ULTRAEVAL = "ultraeval:"
"""How a folder is given that is a checkout of UltraEval-Audio."""


class Entries(Generic[T]):
    """The entries of one kind, found by name or alias; case, `_` and `-` do not matter."""

    def __init__(
        self,
        what: str,
        entries: Iterable[T],
        reload: Callable[[], Entries[T]] | None = None,
        derive: Callable[[str, Entries[T]], T | None] | None = None,
    ) -> None:
        """Index entries.

        Args:
            what: What one is called in messages.
            entries: All of them.
            reload: Reads them again, when somebody else may have added some since.
            derive: Makes one out of others by its name alone, such as a recipe of transcripts; it is in no listing.

        Raises:
            CatalogError: Two entries claim one name.
        """
        self._what: str = what
        self._reload, self._derive = reload, derive
        self._by_name: dict[str, T] = {}
        self._folded: dict[str, T] = {}
        self._lent: dict[str, T] = {}
        self._refused: dict[str, str] = {}
        entry: T
        for entry in entries:
            self._by_name[entry.name] = entry
            for name in (entry.name, *getattr(entry, "aliases", ())):
                other = self._folded.setdefault(folded(name), entry)
                if other is not entry:
                    raise CatalogError(f"the {what} name '{name}' belongs to both {other.name} and {entry.name}")

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._folded or (self._derive is not None and self._derive(name, self) is not None)

    def refuse(self, name: str, reason: str) -> None:
        """Let whoever asks for a name that no entry has be told why."""
        self._refused[folded(name)] = reason

    def lend(self, entry: T) -> None:
        """Let an entry be found by its name where there is no other of that name; it is in no listing.

        Args:
            entry: One that somebody else's catalogue had, as a run that is read here was planned with.
        """
        self._lent.setdefault(folded(entry.name), entry)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._by_name)

    def get(self, name: str) -> T:
        """Return the entry of a name or alias.

        Raises:
            UnknownNameError: There is none; the message lists close matches.
        """
        found = self._folded.get(folded(name))
        if found is None and others.asked() and self._reload is not None:
            fresh = self._reload()
            self._by_name, self._folded = fresh._by_name, fresh._folded
            found = self._folded.get(folded(name))
        if found is None:
            found = self._lent.get(folded(name))
        if found is None and self._derive is not None:
            found = self._derive(name, self)
        if found is None and (reason := self._refused.get(folded(name))):
            raise UsageError(reason)
        if found is None:
            raise UnknownNameError(self._what, name, self._by_name)
        return found


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of entries.

    Attributes:
        what: What one is called in messages (`data set`).
        folder: The folder that holds its YAML files, and the key of their lists (`datasets`).
        type: The type of its entries.
        check: Refuses an entry whose names stand for nothing; is given the entry and where it stands.
        key: The key of the lists, where it is not the folder's name.
        finish: Completes the entries once all are there, or None.
        beside: Keys of lists of other kinds in the same folder; see `reading.read_entries`.
        derive: Makes an entry out of others by its name alone, or None.
    """

    what: str
    folder: str
    type: type[T]
    check: Callable[[T, str], None] | None = None
    key: str = ""
    finish: Callable[[list[T]], Iterable[T]] | None = None
    beside: tuple[str, ...] = ()
    derive: Callable[[str, Entries[T]], T | None] | None = None

    def load(self) -> Entries[T]:
        """Return the entries of this kind, read once per process and set of folders.

        Raises:
            CatalogError: A file is wrong; the message names file and entry.
        """
        folders, kept = catalog_folders(), f"{self.folder}/{self.key}"
        known = _loaded.get((kept, folders))
        if known is None:
            entries: Iterable[T] = self._read(folders)
            if self.finish is not None:
                entries = self.finish(list(entries))
            known = _loaded[kept, folders] = Entries(self.what, entries, self.load, self.derive)
            for checkout in _checkouts.values():
                for left in checkout.left.get(self.key or self.folder, ()):
                    known.refuse(left.name, str(left))
        return known

    def _read(self, folders: Iterable[Path]) -> list[T]:
        found: list[T] = []
        for folder in folders:
            checkout = _checkouts.get(folder)
            if checkout is not None:
                found += checkout.entries(self.key or self.folder, found)
                continue
            for path in sorted((folder / self.folder).glob("*.yaml")):
                for entry in read_entries(path, self.key or self.folder, self.type, self.beside):
                    if self.check is not None:
                        self.check(entry, f"{path.name}: {self.what} '{entry.name}'")
                    found.append(entry)
        return found


_loaded: dict[tuple[str, tuple[Path, ...]], Entries[Any]] = {}
_own_folders: tuple[Path, ...] = ()
_added_folders: list[Path] = []
_checkouts: dict[Path, Checkout] = {}
"""Of the user's own folders, those that are registries of another project."""


def add_folder(folder: Path) -> None:
    """Let a folder be read beside the built-in one in this process, whatever the user names.

    Raises:
        CatalogError: It does not exist.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise CatalogError(f"catalog: there is no folder {folder}")
    if folder not in _added_folders:
        _added_folders.append(folder)


def use_folders(folders: Iterable[Path | str]) -> None:
    """Let the user's own catalogue folders be read beside the built-in one, in this process, until the next call.

    A folder holds `recipes/*.yaml`, `labels/*.yaml`, ... as the built-in one does; `ultraeval:DIR` is a checkout of
    UltraEval-Audio, whose registry is read as it is.

    Raises:
        CatalogError: A folder does not exist, or holds no registry.
    """
    global _own_folders
    given = list(map(str, folders))
    _checkouts.clear()
    _own_folders = tuple(Path(folder.removeprefix(ULTRAEVAL)) for folder in given)
    for key in [key for key in _loaded if key[1] == catalog_folders() and _own_folders]:
        del _loaded[key]  # the user's files may have been changed since
    for folder in _own_folders:
        if not folder.is_dir():
            raise CatalogError(f"catalog: there is no folder {folder}")
    for folder, text in zip(_own_folders, given, strict=True):
        if text.startswith(ULTRAEVAL):
            from audiobench_pytest.catalog.ultraeval.checkout import Checkout

            _checkouts[folder] = Checkout(folder)


def found_left() -> list[Left]:
    """Return what of other projects' registries has no counterpart here, of the kinds that were asked for so far."""
    return [left for checkout in _checkouts.values() for kind in checkout.left.values() for left in kind]


def placed(given: str, root: Path) -> str:
    """Return a catalogue folder as it is given, its path relative to a folder."""
    prefix = ULTRAEVAL if given.startswith(ULTRAEVAL) else ""
    return f"{prefix}{root / given.removeprefix(prefix)}"


def catalog_folders() -> tuple[Path, ...]:
    """Return the folders that entries are read from: the built-in one, what others added, then the user's own."""
    return (_FOLDER, *_added_folders, *_own_folders)
