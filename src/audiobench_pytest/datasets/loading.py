"""A catalogue entry becomes samples: picks the source, checks the count, selects, and checks the selected files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ColumnMap, DatasetSpec, FolderSource, ManifestSource
from audiobench_pytest.datasets.fields import Needs
from audiobench_pytest.datasets.file_check import Checked, check_files
from audiobench_pytest.datasets.selection import select
from audiobench_pytest.datasets.settings import LoadSettings
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.types import Sample


@dataclass(frozen=True)
class Dataset:
    """A loaded set.

    Attributes:
        spec: The catalogue entry.
        samples: The selected samples, in the set's order, not decoded.
        revision: The hub commit they come from, or None for files on disk.
        source: Where they come from, for people.
        digest: SHA-256 over id, reference, and place and size of the audio of the selected samples. Places are relative
            to the set's folder (for the hub: the audio's own digest), so two machines with the same data agree.
        size: Samples of the whole set, selected or not; None where nobody knows.
        dropped: Columns that were not kept, with the reason.
        assumed: Language that own data is taken to be in because neither its lines nor the user name one; else "".
        selection: Which of them are selected, in words (`first 2 of 60`); "" for all.
    """

    spec: DatasetSpec
    samples: tuple[Sample, ...]
    revision: str | None
    source: str
    digest: str
    size: int | None = None
    selection: str = ""
    dropped: tuple[str, ...] = ()
    assumed: str = ""


def load_dataset(spec: DatasetSpec, settings: LoadSettings) -> Dataset:
    """Load the selected samples of a set.

    The set is read from its folder when the settings name one, else from its manifest, else from the hub. A sample that
    cannot be asked (missing audio, empty reference, ...) is kept and says so in `Sample.problem`.

    Raises:
        DatasetError: The set as a whole cannot be read, or its size is not the catalogue's.
        MissingExtraError: It lives on the hub and the packages of the extra `hub` are not installed.
    """
    place = _place(spec, settings)
    if place is None:
        from audiobench_pytest.datasets.hub.load import load_hub

        rows = load_hub(spec, settings)
        checked = [
            dataclasses.replace(one, sample=sample)
            for one, sample in zip(rows.checked, _with_choices([c.sample for c in rows.checked], spec), strict=True)
        ]
        found = _dataset(spec, settings, checked, rows.revision, rows.source, spec.samples)
        return dataclasses.replace(found, dropped=rows.dropped)
    path, source = place
    samples, root, trusted = _read_all(path, source, spec)
    if spec.samples is not None and not settings.is_partial and len(samples) != spec.samples:
        raise DatasetError(
            f"{spec.name}: {path} holds {len(samples)} samples, the catalogue says {spec.samples}; "
            "the data is incomplete or another version of the set"
        )
    checked = check_files(
        select(samples, limit=settings.limit, sample=settings.sample, seed=settings.seed), root, inside=not trusted
    )
    # What it was read as belongs to where it is: a report reads it again.
    layout = source.layout if isinstance(source, ManifestSource) else ""
    found = _dataset(spec, settings, checked, None, f"{layout}:{path}" if layout else str(path), len(samples))
    return dataclasses.replace(found, assumed=_assumed(path, source, spec, settings))


def _assumed(path: Path, source: ManifestSource | FolderSource, spec: DatasetSpec, settings: LoadSettings) -> str:
    """Return the language that a user's own manifest is taken to be in where nobody names one, or ""."""
    if not isinstance(source, ManifestSource) or not source.trusted_paths or spec.family or settings.language:
        return ""
    from audiobench_pytest.datasets.manifests.read import first_line

    first = first_line(path, source.layout)
    return "" if first.get("language") or first.get("lang") else spec.language


def load_known(spec: DatasetSpec, settings: LoadSettings) -> Dataset | None:
    """Return the selected samples of a set that is on this machine, or None where the network would have to be asked.

    Raises:
        DatasetError: It is here, and cannot be read.
    """
    if _place(spec, settings) is None:
        from audiobench_pytest.datasets.hub.load import known_hub

        if known_hub(spec, settings) is None:
            return None
    return load_dataset(spec, settings)


def known_revision(spec: DatasetSpec, settings: LoadSettings) -> str | None:
    """Return the commit that a set is read at, as far as this machine knows: the pinned one, else the one noted last.

    None where no load has resolved it yet, and for a set that is not read from the hub.
    """
    try:
        source = spec.hub if _place(spec, settings) is None else None
    except DatasetError:
        return None
    if source is None:
        return None
    from audiobench_pytest.datasets.hub.prepared import noted_commit

    revision = source.revision or "main"
    return revision if COMMIT.fullmatch(revision) else noted_commit(settings.cache, source.repo, revision)


def _dataset(
    spec: DatasetSpec,
    settings: LoadSettings,
    checked: Sequence[Checked],
    revision: str | None,
    source: str,
    size: int | None,
) -> Dataset:
    found = tuple(one.sample for one in checked)
    if size is None and not settings.is_partial:
        size = len(found)
    return Dataset(spec, found, revision, source, _digest(checked), size, settings.selection(size))


def count_samples(spec: DatasetSpec, settings: LoadSettings) -> int | None:
    """Return how many samples `load_dataset` would select, as cheaply as that can be known, or None.

    Lines are counted, not parsed; for the hub the catalogue's number is taken, else what an earlier load noted, else
    the row counts in the footers of the parquet files.

    Raises:
        DatasetError: The set is not where it should be.
        MissingExtraError: As in `load_dataset`.
    """
    place = _place(spec, settings)
    if place is None:
        if spec.samples is not None:
            return settings.selected(spec.samples)
        from audiobench_pytest.datasets.hub.load import count_hub

        return count_hub(spec, settings)
    path, source = place
    if isinstance(source, ManifestSource):
        from audiobench_pytest.datasets.manifests.read import count_lines

        return settings.selected(count_lines(path, source.layout))
    if source.layout == "manifests":
        from audiobench_pytest.datasets.manifests.folder import count_folder

        return settings.selected(count_folder(path, source))
    if source.layout == "minimax":
        from audiobench_pytest.datasets.minimax import count_minimax

        return settings.selected(count_minimax(path, source.files[0]))
    from audiobench_pytest.datasets.openslr import count_utterances

    return settings.selected(count_utterances(path, source.subfolder))


def _place(spec: DatasetSpec, settings: LoadSettings) -> tuple[Path, ManifestSource | FolderSource] | None:
    """Return where on this machine the set is read from, or None for the hub."""
    if spec.folder is not None and (root := settings.folders.get(spec.folder.setting)):
        return Path(root).expanduser(), spec.folder
    if spec.manifest is not None:
        if spec.manifest.bundled:
            from audiobench_pytest.corpora import corpus_path

            try:
                return corpus_path(spec.manifest.path), spec.manifest
            except FileNotFoundError as exc:
                raise DatasetError(f"{spec.name}: {exc}") from exc
        return Path(spec.manifest.path).expanduser(), spec.manifest
    if spec.hub is not None:
        return None
    if spec.folder is not None:
        holds = spec.folder.subfolder or spec.folder.files[0]
        raise DatasetError(
            f"{spec.name} is read from a folder of its publisher's layout ({spec.folder.layout}): set "
            f"{spec.folder.setting} to the folder that holds '{holds}' (--audiobench-set {spec.folder.setting}=DIR)"
        )
    if spec.access:
        raise DatasetError(f"{spec.name}: {spec.how_to_get}")
    raise DatasetError(f"{spec.name}: the catalogue names no source (hub, folder or manifest)")


def _read_all(path: Path, source: ManifestSource | FolderSource, spec: DatasetSpec) -> tuple[list[Sample], Path, bool]:
    """Return all samples, the folder their places are relative to, and whether audio may lie outside of it."""
    needs = Needs.of(load_catalog().tasks.get(spec.task) if spec.task else None)
    if isinstance(source, ManifestSource):
        from audiobench_pytest.datasets.manifests.read import read_manifest

        columns = _columns(path, source, spec)
        samples = read_manifest(
            path, spec.language, columns, needs=needs, target=spec.target_language, layout=source.layout
        )
        return _with_choices(samples, spec), path.parent, source.trusted_paths
    if source.layout == "manifests":
        from audiobench_pytest.datasets.manifests.folder import read_folder, set_folder

        samples = read_folder(path, source, spec.language, needs=needs, target=spec.target_language)
        return _with_choices(samples, spec), set_folder(path, source), True
    if source.layout == "minimax":
        from audiobench_pytest.datasets.minimax import read_minimax

        return read_minimax(path, source.files[0], spec.language), path, True
    if source.layout != "openslr":
        known = "openslr, manifests, minimax"
        raise DatasetError(f"{spec.name}: folder layout '{source.layout}' does not exist; known: {known}")
    from audiobench_pytest.datasets.openslr import corpus_folder, read_openslr

    return read_openslr(path, source.subfolder, spec.language), corpus_folder(path, source.subfolder), True


def _columns(path: Path, source: ManifestSource, spec: DatasetSpec) -> ColumnMap:
    """Return which columns stand for ours: those that the entry names, and that of its task's answer."""
    from audiobench_pytest.datasets.manifests.read import first_line

    names = load_catalog().tasks.get(spec.task).reference if spec.task else ("text",)
    if names == ("text",) or "text" in dict(source.columns):
        return source.columns
    answer = next((name for name in names if name in first_line(path, source.layout)), "text")
    return source.columns if answer == "text" else (*source.columns, ("text", (answer,)))


def _with_choices(samples: list[Sample], spec: DatasetSpec) -> list[Sample]:
    """Return samples with the closed set that their answer is one of, where they list none themselves."""
    catalog = load_catalog()
    if spec.labels:
        labels = tuple(catalog.labels.get(spec.labels).labels)
    elif spec.task and catalog.tasks.get(spec.task).closed:
        labels = tuple(sorted({sample.reference for sample in samples if sample.problem is None}))
    else:
        return samples
    return [sample if sample.choices else dataclasses.replace(sample, choices=labels) for sample in samples]


def _digest(rows: Sequence[Checked]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        line = [row.sample.id, row.sample.reference, row.locator, row.size]
        digest.update((json.dumps(line) + "\n").encode())
    return digest.hexdigest()
