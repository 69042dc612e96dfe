"""`audiobench prepare NAME... [--model M]`: fetch data sets and weights once; afterwards runs need no network."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.cli import add_cache, add_catalog
from audiobench_pytest.cli.machine.named import models_named
from audiobench_pytest.errors import (
    AudiobenchError,
    DatasetError,
    ModelError,
    UnknownNameError,
    UsageError,
    did_you_mean,
)

if TYPE_CHECKING:
    from audiobench_pytest.catalog.loader import Catalog
    from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec
    from audiobench_pytest.datasets import LoadSettings

_SHOWN_EVERY_S = 5.0
_SPARE = 1 << 28
"""Bytes that are left alone on a disk."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to be fetched, or found here.

    Attributes:
        what: `data set`, `weights`, or what is made of them here: `environment`, `conversion`.
        name: The set's name, or the model's.
        source: Repository and commit, or where it lies.
        files: Number of files, where it is known.
        fetch_bytes: Bytes that are to be fetched, into the cache of the hub's client.
        store_bytes: About how many bytes more it takes in the cache of answers and sounds.
        note: What there is to say of it where nothing is to be fetched.
        get: Fetches it and returns what is there then, as plain values; None where nothing is to be done.
        lacks: Why it is not ready and nothing here can make it so, or "".
    """

    what: str
    name: str
    source: str
    files: int = 0
    fetch_bytes: int = 0
    store_bytes: int = 0
    note: str = ""
    get: Callable[[], dict[str, Any]] | None = None
    lacks: str = ""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "prepare", help="fetch data sets and weights ahead of runs, which then need no network", description=__doc__
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a data set, a family of them, or a suite")
    parser.add_argument("--model", action="append", default=[], metavar="NAME", help="as for pytest; repeatable")
    parser.add_argument(
        "--audiobench-set",
        action="append",
        default=[],
        metavar="CORPUS_dir=DIR",
        help="the folder of a corpus in its publisher's layout, as for pytest; repeatable",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched, and how much disk it takes")
    parser.add_argument("--json", action="store_true", help="as JSON; progress goes to standard error")
    add_cache(parser, "where sounds are kept, as for pytest")
    add_catalog(parser)
    parser.set_defaults(run=_prepare)


def _prepare(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.loader import load_catalog

    if not given.names and not given.model:
        raise UsageError("prepare: name a data set, a family, a suite, or a model with --model")
    catalog = load_catalog()
    datasets = _datasets(given.names, catalog)
    models = models_named(given.model)
    _check_access(datasets)
    folders = _folders(given.audiobench_set, catalog)
    parts = [*_of_datasets(datasets, given.cache, folders), *_of_models(models)]
    for part in parts:
        _say(_outlook_line(part))
    _check_disk(parts, given.cache)
    if given.dry_run:
        results = [{**_plain(part), "state": _state(part)} for part in parts]
        if given.json:
            print(json.dumps(results, indent=2, ensure_ascii=False))
        return _ended(parts)
    results = [_done(part) for part in parts]
    if given.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    failed = [one["name"] for one in results if one["state"] == "failed"]
    if failed:
        _say(f"not ready: {', '.join(dict.fromkeys(failed))}; give the same command again to go on")
        return 1
    _say("all of it is here: runs need no network (HF_HUB_OFFLINE=1 keeps them to it)")
    return 0


def _ended(parts: Iterable[Part]) -> int:
    """Return the status of a command that fetched nothing: 1 where something cannot be had, which is said."""
    lacking = dict.fromkeys(part.name for part in parts if part.lacks)
    if lacking:
        _say(f"cannot be had as it is: {', '.join(lacking)}")
    return int(bool(lacking))


def _datasets(names: Iterable[str], catalog: Catalog) -> list[DatasetSpec]:
    """Return the data sets of some names, each once.

    Raises:
        UsageError: A name is none of a data set, a family or a suite.
    """
    from audiobench_pytest.catalog.suites import load_suites, plan

    families, found = catalog.families(), {}
    for name in names:
        members = [name]
        if name not in catalog.datasets and name in families:
            members = families[name]
        elif name not in catalog.datasets and name in load_suites():
            ran = (one for one in plan(load_suites().get(name), catalog) if one.runnable_by_another)
            members = [one.protocol.dataset for one in ran]
        for member in members:
            try:
                spec = catalog.datasets.get(member)
            except UnknownNameError:
                known = [*(one.name for one in catalog.datasets), *families, *(one.name for one in load_suites())]
                raise UnknownNameError("data set, family or suite", name, known) from None
            if members == [name] or not spec.is_nowhere:
                found[spec.name] = spec
            else:
                _say(f"{spec.name}: left out: {spec.how_to_get}")
    return list(found.values())


def _check_access(datasets: Iterable[DatasetSpec]) -> None:
    """Refuse sets that cannot be had, before anything is fetched.

    Raises:
        UsageError: With all of them.
    """
    from audiobench_pytest.hub import has_token

    wrong = []
    for spec in datasets:
        if spec.is_nowhere:
            wrong.append(f"{spec.name} cannot be fetched: {spec.how_to_get}")
        elif spec.hub is not None and spec.access and not has_token():
            wrong.append(f"{spec.name} cannot be fetched without a login: {spec.how_to_get}")
    if wrong:
        raise UsageError("; ".join(wrong))


def _folders(pairs: Iterable[str], catalog: Catalog) -> dict[str, str]:
    """Return the folders of corpora that are named, by the setting that each belongs to.

    Raises:
        UsageError: A pair names no such setting.
    """
    known = list(dict.fromkeys(spec.folder.setting for spec in catalog.datasets if spec.folder is not None))
    found = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise UsageError(f"--audiobench-set: {pair!r} is no KEY=DIR of a corpus{did_you_mean(name, known)}")
        found[name] = folder.strip()
    return found


def _of_datasets(datasets: Iterable[DatasetSpec], cache: Path, folders: Mapping[str, str]) -> Iterator[Part]:
    from audiobench_pytest.datasets import LoadSettings, load_dataset
    from audiobench_pytest.datasets.hub.load import outlook_hub

    for spec in datasets:
        settings = LoadSettings(cache, folders=folders, told=_Progress(spec.name))
        if spec.hub is None or spec.manifest is not None or (spec.folder and spec.folder.setting in folders):
            yield _here(spec, settings)
            continue
        try:
            there = outlook_hub(spec, settings)
        except DatasetError as exc:  # the others are told all the same
            yield Part("data set", spec.name, spec.hub.repo, lacks=str(exc))
            continue

        def get(spec: DatasetSpec = spec, settings: LoadSettings = settings) -> dict[str, Any]:
            data = load_dataset(spec, settings)
            troubled = sum(sample.problem is not None for sample in data.samples)
            found = {"samples": len(data.samples), "commit": data.revision, "digest": data.digest}
            return found | ({"data_errors": troubled} if troubled else {})

        yield Part(
            "data set",
            spec.name,
            f"{spec.hub.repo} at {there.commit}",
            there.files,
            there.fetch_bytes,
            there.store_bytes,
            "is here" if there.is_here else "",
            get,
        )


def _here(spec: DatasetSpec, settings: LoadSettings) -> Part:
    """Return a set that is read from this machine, once it was read."""
    from audiobench_pytest.datasets import load_dataset

    try:
        data = load_dataset(spec, settings)
    except AudiobenchError as exc:
        return Part("data set", spec.name, "this machine", lacks=str(exc))
    note = f"nothing is to be fetched; {len(data.samples)} samples"
    troubled = sum(sample.problem is not None for sample in data.samples)
    return Part(
        "data set", spec.name, data.source, note=f"{note}, {troubled} of them cannot be asked" if troubled else note
    )


def _of_models(models: Iterable[ModelSpec]) -> Iterator[Part]:
    from audiobench_pytest.models.base import ModelAdapter
    from audiobench_pytest.models.fetching import WeightsOutlook, digest, fetch, outlook
    from audiobench_pytest.models.options import checked_args
    from audiobench_pytest.models.registry import adapter_class

    for spec in models:
        adapter = adapter_class(spec.adapter)
        wanted = adapter.fetched_weights(spec, checked_args(adapter, spec, {}))
        for weights in wanted:
            if weights.elsewhere:
                yield _elsewhere(spec, weights.repo, weights.elsewhere)
                continue
            try:
                there = outlook(spec, weights)
            except ModelError as exc:  # the others are told all the same
                yield Part("weights", spec.name, weights.repo, lacks=str(exc))
                continue

            def get(spec: ModelSpec = spec, there: WeightsOutlook = there) -> dict[str, Any]:
                folder = fetch(spec, there)
                return {"commit": there.commit, "digest": digest(folder, there.names)}

            source = f"{weights.repo} at {there.commit}"
            note = "" if there.fetch_bytes else "is here"
            yield Part("weights", spec.name, source, len(there.names), there.fetch_bytes, 0, note, get)
        if adapter.made_ready:

            def make(spec: ModelSpec = spec, adapter: type[ModelAdapter] = adapter) -> dict[str, Any]:
                return {"made": adapter.make_ready(spec)}

            yield Part(adapter.made_what, spec.name, "this machine", get=make)
        elif not wanted:
            yield Part("weights", spec.name, "this machine", note="nothing is to be fetched")


def _elsewhere(spec: ModelSpec, repo: str, keeper: str) -> Part:
    def get() -> dict[str, Any]:
        raise UsageError(
            f"its weights {repo} are kept by {keeper}, from where its own package fetches them: load the model once "
            "while there is a network (pytest ... --limit 1)"
        )

    return Part("weights", spec.name, f"{repo} at {keeper}", get=get)


def _check_disk(parts: list[Part], cache: Path) -> None:
    """Refuse what does not fit on the disks.

    Raises:
        UsageError: A disk has too little room; the message says how much is needed, and where.
    """
    from audiobench_pytest.hub import cache_folder

    fetch, store = sum(part.fetch_bytes for part in parts), sum(part.store_bytes for part in parts)
    if not fetch + store:
        return
    needed: dict[int, tuple[int, list[str]]] = {}
    for folder, size in ((cache_folder(), fetch), (cache.absolute(), store)):
        at = _there(folder)
        already, folders = needed.get(at.stat().st_dev, (0, []))
        needed[at.stat().st_dev] = already + size, [*folders, str(folder)]
    for size, folders in needed.values():
        free = shutil.disk_usage(_there(Path(folders[0]))).free
        where = " and ".join(folders)
        if size and size + _SPARE > free:
            raise UsageError(
                f"not enough disk: about {_bytes(size)} are needed below {where}, {_bytes(free)} are free: make room, "
                "or let HF_HOME (files of the hub) and --cache (sounds) point to another disk"
            )
        _say(f"about {_bytes(size)} are needed below {where}, {_bytes(free)} are free")


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return folder if folder.exists() else _there(folder.parent)


def _state(part: Part) -> str:
    return "missing" if part.lacks else "ready" if part.get is None else "to fetch"


def _done(part: Part) -> dict[str, Any]:
    if part.lacks:
        return {**_plain(part), "state": "failed", "error": part.lacks}
    if part.get is None:
        return {**_plain(part), "state": "ready"}
    try:
        found = part.get()
    except AudiobenchError as exc:  # the rest is fetched all the same
        _say(f"{part.name}: {part.what} not ready: {exc}")
        return {**_plain(part), "state": "failed", "error": str(exc)}
    told = [f"{found['samples']} samples"] if "samples" in found else []
    told += [f"{found['data_errors']} of them cannot be asked"] if found.get("data_errors") else []
    told += [f"digest {found['digest'][:16]}"] if "digest" in found else []
    told += [found["made"]] if "made" in found else []
    _say(f"{part.name}: {part.what} ready: {part.source}; {', '.join(told)}")
    return {**_plain(part), "state": "ready", **found}


def _plain(part: Part) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part) if field.name != "get"}


def _outlook_line(part: Part) -> str:
    if part.lacks or part.note:
        return f"{part.name}: {part.what}: {part.source}: {part.lacks or part.note}"
    files = f"{part.files} file{'s' * (part.files != 1)}, " if part.files else ""
    more = f", about {_bytes(part.store_bytes)} more for its sounds" if part.store_bytes else ""
    size = f"{files}{_bytes(part.fetch_bytes)} to fetch{more}"
    if part.what not in ("data set", "weights"):
        size = "made here" + (", with pip" if part.what == "environment" else "")
    return f"{part.name}: {part.what}: {part.source}: {size}"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Progress:
    """Says now and then how many rows of a set are kept."""

    def __init__(self, name: str) -> None:
        self._name, self._said = name, time.monotonic()

    def __call__(self, kept: int, of: int) -> None:
        if kept < of and time.monotonic() - self._said < _SHOWN_EVERY_S:
            return
        self._said = time.monotonic()
        _say(f"{self._name}: {kept} of {of} samples kept")
