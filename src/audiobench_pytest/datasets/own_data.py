"""A user's own data, given as a path where a catalogue name could stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource
from audiobench_pytest.datasets.manifests.formats import formats
from audiobench_pytest.datasets.manifests.lines import SUFFIXES
from audiobench_pytest.datasets.manifests.read import first_line
from audiobench_pytest.errors import DatasetError, UsageError, did_you_mean
from audiobench_pytest.languages import stated_language
from audiobench_pytest.records.texts import storable

TASK = "asr"
"""What is asked about data that says nothing of its task, and of which nothing is said."""

DEFAULT_LANGUAGE = "en"
"""What data is taken to be in that states no language, and of which nothing is said; the run says so."""


def is_path_like(text: str) -> bool:
    """Whether a `--dataset` value is a path, `NAME=PATH`, `TASK:PATH` or `FORMAT:PATH`, not a name of the catalogue."""
    return "/" in text or "=" in text or text.casefold().endswith(SUFFIXES) or text.partition(":")[0] in formats()


def spec_for_path(text: str, *, cwd: Path, default_language: str = "", in_suite: bool = False) -> DatasetSpec:
    """Return the entry of a manifest that no catalogue knows.

    It is named by `NAME=PATH`, else by its folder if the file is called `manifest`, else by its stem. Its task is that
    of `TASK:PATH`, else the `task` of its first line where that is one, else `asr`; its language the one that the first
    line states, else the default, else English. Where the name is that of a set of the catalogue that is gated or
    private, or where a suite is asked, it is a copy of that set.

    Args:
        text: `PATH`, or `NAME=TASK:FORMAT:PATH` with any of the three in front of it; a relative path is relative to
            `cwd`. A format is a layout of manifests (`formats`), for a file that does not say which it is of.
        cwd: The working folder.
        default_language: ISO 639 code for data that states none, or "" for English.
        in_suite: Whether it is to stand for a set of a suite, of which the catalogue says what is asked.

    Raises:
        UsageError: There is no such file (names close matches beside it), task or format, `NAME` or `PATH` is empty, or
            a copy for a suite is to be asked another task than its set.
    """
    name, path_text = _split(text)
    task, layout, path_text = _prefixes(path_text, cwd)
    path = cwd / Path(path_text).expanduser()
    if not path.is_file():
        raise UsageError(_missing(path_text, path))
    if name is None:
        stem = path.with_suffix("").stem if path.suffix == ".gz" else path.stem
        name = path.absolute().parent.name if stem == "manifest" else stem
    try:
        first = first_line(path, layout)
    except DatasetError:
        first = {}  # loading the set says what is wrong with it
    catalog = load_catalog()
    source = ManifestSource(str(path), trusted_paths=True, layout=layout)
    known = catalog.datasets.get(name) if name in catalog.datasets else None
    if known is not None and in_suite and task and catalog.tasks.get(task).name != known.task:
        raise UsageError(
            f"--dataset {text}: the numbers of the suite are of the task {known.task}, as {known.name} is asked: leave "
            f"out '{task}:', or the suite"
        )
    if known is not None and (in_suite or (known.access and not task)):
        # A copy of a set that is compared with it, or that not everybody may have: what the catalogue says of it holds.
        return replace(known, hub=None, folder=None, manifest=source)
    try:
        language = stated_language(first.get("language", first.get("lang")))
    except ValueError as exc:
        raise UsageError(f"{path}: its first line: {exc}; write a code such as en, or leave it out") from None
    tasks = catalog.tasks
    stated = str(first.get("task", ""))  # other projects keep other things under this name
    return DatasetSpec(
        name=storable(name or path.stem),
        task=tasks.get(task or (stated if stated in tasks else TASK)).name,
        family="",
        language=language or default_language or DEFAULT_LANGUAGE,
        manifest=source,
    )


def _split(text: str) -> tuple[str | None, str]:
    """Return name and path; an equals sign behind a slash belongs to the path."""
    name, equals, path = text.partition("=")
    if not equals or "/" in name:
        name, path = "", text
        if not path.strip():
            raise UsageError("--dataset: an empty value; give a name of the catalogue, a path, or NAME=PATH")
        return None, path
    if not name.strip() or not path.strip():
        raise UsageError(f"--dataset {text}: give NAME=PATH with both a name and a path")
    return name.strip(), path.strip()


def _prefixes(text: str, cwd: Path) -> tuple[str, str, str]:
    """Return task, format and path of `TASK:FORMAT:PATH`; a colon belongs to the path where a file is called so."""
    known, tasks = formats(), load_catalog().tasks
    task = layout = ""
    while ":" in text:
        first, _, rest = text.partition(":")
        if "/" in first or (cwd / Path(text).expanduser()).is_file():
            break
        if first in known and not layout:
            layout = first
        elif first in tasks and not task:
            task = first
        else:
            close = did_you_mean(first, sorted({*known, *(one.name for one in tasks)}), show_all_below=0)
            raise UsageError(
                f"--dataset {text}: unknown task or layout '{first}'{close}; `audiobench list tasks` lists the tasks, "
                f"layouts are {', '.join(sorted(known))}"
            )
        text = rest
    return task, layout, text


def _missing(text: str, path: Path) -> str:
    if path.is_dir():
        inside = sorted((p.stem != "manifest", p.name) for p in path.iterdir() if p.name.endswith(SUFFIXES))
        hint = f"; did you mean {text.rstrip('/')}/{inside[0][1]}?" if inside else "; it holds no manifest (*.jsonl)"
        return f"--dataset {text}: is a folder{hint}"
    folder = path.parent
    if not folder.is_dir():
        return f"--dataset {text}: no such file (the folder {folder} does not exist)"
    siblings = [p.name for p in folder.iterdir() if p.is_file()]
    return f"--dataset {text}: no such file{did_you_mean(path.name, siblings, show_all_below=0)}"


def sounds_of_manifest(source: str) -> dict[str, Path]:
    """Return where the sound of each sample of a manifest is, by id; none where it is no manifest that is still there.

    Args:
        source: Where a run says that its data came from: `PATH` or `FORMAT:PATH`.
    """
    from audiobench_pytest.datasets.manifests.read import read_manifest

    layout, _, rest = source.partition(":")
    layout, path = (layout, Path(rest)) if layout in formats() else ("", Path(source))
    if not (layout or source.casefold().endswith(SUFFIXES)) or not path.is_file():
        return {}
    try:
        samples = read_manifest(path, "en", layout=layout)
    except DatasetError:
        return {}  # a set with columns of its own: its samples are shown without sound
    return {one.id: one.audio for one in samples if one.problem is None and one.audio is not None}
