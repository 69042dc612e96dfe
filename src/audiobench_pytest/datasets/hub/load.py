"""Sets on the Hugging Face hub: parquet rows become samples whose audio lies in the audio store.

A load resolves the commit, looks whether earlier loads prepared all the selected rows, and extracts what is lacking
under a lock, so that processes that start together share the work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, HubSource
from audiobench_pytest.datasets.fields import Needs
from audiobench_pytest.datasets.file_check import Checked
from audiobench_pytest.datasets.hub.files import HubFiles, Listing
from audiobench_pytest.datasets.hub.layouts import parquet_files
from audiobench_pytest.datasets.hub.parquet import DamagedFileError, ParquetRows
from audiobench_pytest.datasets.hub.prepared import Prepared, note_commit, noted_commit
from audiobench_pytest.datasets.hub.rows import content_id, make_record, row_id
from audiobench_pytest.datasets.settings import LoadSettings
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.hub import COMMIT, lacking_bytes


@dataclass(frozen=True)
class HubRows:
    """The selected rows of a split.

    Attributes:
        checked: Samples with place and size of their audio.
        revision: The commit.
        source: Where they come from, for people.
        dropped: Columns that were not kept, with the reason.
    """

    checked: list[Checked]
    revision: str
    source: str
    dropped: tuple[str, ...] = ()


def load_hub(spec: DatasetSpec, settings: LoadSettings) -> HubRows:
    """Return the selected samples of a set on the hub; see `loading.load_dataset`.

    Raises:
        DatasetError: The hub, the repository, its files or its columns are not as needed.
        MissingExtraError: A package of the extra `hub` is not installed.
    """
    source = _source(spec)
    lookup = _Lookup(source, settings)
    for commit in lookup.known_commits():
        with Prepared(settings.cache, source, commit) as prepared:
            rows = prepared.wanted(settings)
            if rows is not None and not prepared.lacking(rows):
                return _finish(spec, settings, prepared, rows)
    listing = lookup.listing()
    with Prepared(settings.cache, source, listing.commit) as prepared:
        with _lock(prepared.lock_path):
            prepared.reload()
            rows = prepared.wanted(settings)
            if rows is None or prepared.lacking(rows):
                rows = _extract(spec, settings, lookup, listing, prepared)
        return _finish(spec, settings, prepared, rows)


def known_hub(spec: DatasetSpec, settings: LoadSettings) -> HubRows | None:
    """Return the selected samples as far as earlier loads prepared all of them; nothing is asked of the network."""
    source = _source(spec)
    revision = source.revision or "main"
    commit = revision if COMMIT.fullmatch(revision) else noted_commit(settings.cache, source.repo, revision)
    if commit is None:
        return None
    with Prepared(settings.cache, source, commit) as prepared:
        rows = prepared.wanted(settings)
        return None if not rows or prepared.lacking(rows) else _finish(spec, settings, prepared, rows)


def count_hub(spec: DatasetSpec, settings: LoadSettings) -> int | None:
    """Return the number of selected rows from what earlier loads noted, else from the footers of its files.

    None for a repository without parquet files, whose rows cannot be counted without fetching them.

    Raises:
        DatasetError: The footers cannot be read.
        MissingExtraError: A package of the extra `hub` is not installed.
    """
    source = _source(spec)
    lookup = _Lookup(source, settings)
    for commit in lookup.known_commits():
        with Prepared(settings.cache, source, commit) as prepared:
            if (count := _selected_count(settings, prepared)) is not None:
                return count
    listing = lookup.listing()
    if not _has_parquet(listing):
        return None
    with Prepared(settings.cache, source, listing.commit) as prepared:
        with closing(_Extraction(settings, lookup.files, listing, prepared, not lookup.files.offline)) as extraction:
            extraction.count(_enough(settings))
        return _selected_count(settings, prepared)


@dataclass(frozen=True, slots=True)
class HubOutlook:
    """What loading a whole set would fetch.

    Attributes:
        commit: The commit.
        files: Files that hold the set.
        fetch_bytes: Bytes of them that are not in the hub's cache.
        store_bytes: About how many bytes its sounds will take in the cache of answers and sounds.
        is_here: Whether an earlier load took all of it already.
    """

    commit: str
    files: int
    fetch_bytes: int
    store_bytes: int
    is_here: bool


def outlook_hub(spec: DatasetSpec, settings: LoadSettings) -> HubOutlook:
    """Return what loading the set would fetch; without network, what is here.

    Raises:
        DatasetError: The hub or the repository is not as needed.
        MissingExtraError: A package of the extra `hub` is not installed.
    """
    source = _source(spec)
    lookup = _Lookup(source, settings)
    for commit in lookup.known_commits():
        with Prepared(settings.cache, source, commit) as prepared:
            rows = prepared.wanted(settings)
            if rows and not prepared.lacking(rows):
                return HubOutlook(commit, 0, 0, 0, is_here=True)
    listing = lookup.listing()
    files = parquet_files(source, listing.files, listing.card) if _has_parquet(listing) else list(listing.files)
    sizes = {} if lookup.files.offline else lookup.files.sizes(listing.commit)
    of_set = {name: sizes.get(name, 0) for name in files}
    fetch = lacking_bytes(source.repo, "dataset", listing.commit, of_set)
    return HubOutlook(listing.commit, len(files), fetch, sum(of_set.values()), is_here=False)


class _Lookup:
    """Finds the commit; imports the hub's client only when it is needed."""

    def __init__(self, source: HubSource, settings: LoadSettings) -> None:
        self._source, self._settings = source, settings
        self._revision = source.revision or "main"
        self._files: HubFiles | None = None
        self._listing: Listing | None = None

    @property
    def files(self) -> HubFiles:
        """The client."""
        if self._files is None:
            self._files = HubFiles(self._source.repo)
        return self._files

    def known_commits(self) -> Iterator[str]:
        """Yield the commits that may be used: the pinned one; without network those noted; else the hub's answer."""
        if COMMIT.fullmatch(self._revision):
            yield self._revision
        elif self.files.offline:
            noted = noted_commit(self._settings.cache, self._source.repo, self._revision)
            cached = self.files.cached_commit(self._revision)
            yield from dict.fromkeys(c for c in (noted, cached) if c)
        else:
            yield self.listing().commit

    def listing(self) -> Listing:
        """Return the commit and its files.

        Raises:
            DatasetError: The hub cannot say, or, without network, nothing of the repository is in the cache.
        """
        if self._listing is None:
            self._listing = self._cached_listing() if self.files.offline else self._online_listing()
        return self._listing

    def _online_listing(self) -> Listing:
        listing = self.files.online_listing(self._source.revision)
        if listing.commit != self._revision:
            note_commit(self._settings.cache, self._source.repo, self._revision, listing.commit)
        return listing

    def _cached_listing(self) -> Listing:
        for commit in self.known_commits():
            listing = self.files.cached_listing(commit)
            if listing.files:
                return listing
        raise DatasetError(
            f"{self._source.repo}: HF_HUB_OFFLINE is set and revision '{self._revision}' is not in the cache as far as "
            "it is asked for; run once without HF_HUB_OFFLINE"
        )


@dataclass
class _Extraction:
    """Reads the parquet files of one split."""

    settings: LoadSettings
    files: HubFiles
    listing: Listing
    prepared: Prepared
    streaming: bool
    _opened: tuple[str, ParquetRows] | None = None

    def __post_init__(self) -> None:
        names = parquet_files(self.prepared.source, self.listing.files, self.listing.card)
        known = dict(self.prepared.layout)
        self.prepared.set_layout([(name, known.get(name)) for name in names])

    def rows(self) -> list[int]:
        """Return the selected rows, after as much reading as that takes."""
        settings, prepared = self.settings, self.prepared
        if settings.sample is not None:
            self.count()
            if prepared.ids is None and settings.sample < (prepared.total or 0):
                prepared.set_ids([i for at in range(len(prepared.layout)) for i in self._ids(at)])
        else:
            self.count(settings.limit)
        rows = prepared.wanted(settings)
        return rows if rows is not None else list(range(settings.limit or 0))

    def count(self, enough: int | None = None) -> None:
        """Note the row counts of the files, in order, of all of them or until `enough` rows are known to be there."""
        seen = 0
        for at, (_, count) in enumerate(self.prepared.layout):
            if enough is not None and seen >= enough:
                return
            if count is None:
                with self._open(at) as file:
                    count = file.rows
            seen += count

    def extract(self, rows: list[int]) -> None:
        """Store audio and record of the given rows."""
        start, kept = 0, 0
        for at, (_, count) in enumerate(self.prepared.layout):
            if count is None:
                break  # no wanted row lies behind the first uncounted file
            inside = [row - start for row in rows if start <= row < start + count]
            if inside:
                with self._open(at) as file:
                    for row, raw in file.read(inside):
                        self.prepared.add(
                            make_record(
                                start + row,
                                key=raw.key,
                                path=raw.path,
                                audio=raw.audio,
                                text=raw.text,
                                meta=raw.meta,
                                store=self.prepared.store,
                                sounds=raw.sounds,
                                reference=self.prepared.source.text_column is not None,
                            )
                        )
                        kept += 1
                        if self.settings.told is not None:
                            self.settings.told(kept, len(rows))
            start += count

    def _ids(self, at: int) -> list[str]:
        """Return the ids of all rows of a file; reads audio only of rows that have neither key nor path."""
        with self._open(at) as file:
            ids = [row_id(key, path) for key, path in file.id_columns()]
            nameless = [row for row, known in enumerate(ids) if known is None]
            if nameless:
                for row, raw in file.read(nameless):
                    ids[row] = content_id(raw.audio, raw.text)
        return [i for i in ids if i is not None]

    @contextmanager
    def _open(self, at: int) -> Iterator[ParquetRows]:
        """Open one file of the split, from the hub's cache where it is there; the last one opened is kept open."""
        name, commit = self.prepared.layout[at][0], self.listing.commit
        path = self.files.cached(name, commit)
        if path is None and not self.streaming:
            path = self.files.download(name, commit)
        try:
            if self._opened is None or self._opened[0] != name:
                self.close()
                label = f"{self.prepared.source.repo}@{commit[:8]}/{name}"
                file = str(path) if path else self.files.stream(name, commit)
                self._opened = name, ParquetRows(file, label, self.prepared.source)
                self._note_count(at, self._opened[1].rows)
                self.prepared.set_dropped(self._opened[1].dropped)
            yield self._opened[1]
        except DamagedFileError as exc:
            self.close()
            if path is None:
                advice = "run again to try again"
            elif self.files.discard_if_damaged(path):
                advice = "the copy in the hub's cache was damaged and is removed: run again to try again"
            else:
                advice = "the copy in the hub's cache is what the hub has, so the file there is damaged"
            raise DatasetError(f"{exc}; {advice}") from exc

    def close(self) -> None:
        """Close the file that is open, if any."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _note_count(self, at: int, count: int) -> None:
        layout = list(self.prepared.layout)
        layout[at] = (layout[at][0], count)
        self.prepared.set_layout(layout)


def _extract(
    spec: DatasetSpec, settings: LoadSettings, lookup: _Lookup, listing: Listing, prepared: Prepared
) -> list[int]:
    if not _has_parquet(listing):
        from audiobench_pytest.datasets.hub.library import extract_with_datasets

        return extract_with_datasets(settings, prepared, streaming=_streams(spec, settings, lookup.files))
    extraction = _Extraction(settings, lookup.files, listing, prepared, _streams(spec, settings, lookup.files))
    with closing(extraction):
        rows = extraction.rows()
        _check_count(spec, settings, prepared)
        extraction.extract(prepared.lacking(rows))
    return rows


def _streams(spec: DatasetSpec, settings: LoadSettings, files: HubFiles) -> bool:
    if files.offline or settings.hub_mode == "download":
        return False
    if settings.hub_mode == "stream":
        return True
    return settings.is_partial and (spec.samples is None or settings.selected(spec.samples) < spec.samples)


def _finish(spec: DatasetSpec, settings: LoadSettings, prepared: Prepared, rows: list[int]) -> HubRows:
    _check_count(spec, settings, prepared)
    source = prepared.source
    split = f"{source.config}/{source.split}" if source.config else source.split
    if not rows:
        raise DatasetError(f"{spec.name}: {source.repo}@{prepared.commit[:8]} {split} holds no samples")
    needs = Needs.of(load_catalog().tasks.get(spec.task) if spec.task else None)
    return HubRows(
        prepared.checked(rows, spec, needs),
        prepared.commit,
        f"hub {source.repo} {split} at {prepared.commit}",
        prepared.dropped,
    )


def _check_count(spec: DatasetSpec, settings: LoadSettings, prepared: Prepared) -> None:
    if spec.samples is not None and not settings.is_partial and prepared.total != spec.samples:
        raise DatasetError(
            f"{spec.name}: {prepared.source.repo}@{prepared.commit[:8]} holds {prepared.total} samples, the catalogue "
            f"says {spec.samples}; pin the revision that has them or correct the entry"
        )


def _enough(settings: LoadSettings) -> int | None:
    """Return the number of rows that no selection goes beyond, or None when all are selected."""
    return min((n for n in (settings.limit, settings.sample) if n is not None), default=None)


def _selected_count(settings: LoadSettings, prepared: Prepared) -> int | None:
    if prepared.total is not None:
        return settings.selected(prepared.total)
    enough = _enough(settings)
    counted = max(sum(count for _, count in prepared.layout if count is not None), len(prepared.records))
    return enough if enough is not None and counted >= enough else None


def _has_parquet(listing: Listing) -> bool:
    return any(name.endswith(".parquet") for name in listing.files)


def _source(spec: DatasetSpec) -> HubSource:
    if spec.hub is None:
        raise DatasetError(f"{spec.name}: the catalogue names no hub repository")
    return spec.hub


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the extraction of one split; the system lets go of it when the process dies."""
    import filelock

    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(os.fspath(path)):
        yield
