"""What a command line names: files, data sets, references; and the sets of answers that come of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, RecipeSpec
from audiobench_pytest.datasets import LoadSettings, is_path_like, load_dataset, spec_for_path
from audiobench_pytest.datasets.own_data import DEFAULT_LANGUAGE
from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.layouts import NAMES, Layout, layout_of, named, read_rows
from audiobench_pytest.exchange.imports.making import ImportedSet, language_note
from audiobench_pytest.exchange.imports.matching import digest_of, in_language, matched, own_samples
from audiobench_pytest.exchange.imports.references import Segment, cut, read_references
from audiobench_pytest.exchange.imports.rows import Row
from audiobench_pytest.exchange.imports.transcripts import ctm_words
from audiobench_pytest.types import AUTO, Sample


@dataclass(frozen=True, slots=True)
class Source:
    """One file that is named on the command line.

    Attributes:
        name: What its data set is called; "" where nobody says.
        layout: Its layout.
        file: The file.
    """

    name: str
    layout: Layout
    file: ResultFile

    @classmethod
    def of(cls, text: str) -> Source:
        """Return what `[NAME=][FORMAT:]PATH` names.

        Raises:
            UsageError: There is no such format or file, or the file is in no layout that is known.
        """
        name, equals, rest = text.partition("=")
        if not equals or "/" in name or ":" in name:
            name, rest = "", text
        form, colon, path = rest.partition(":")
        if not colon or "/" in form or Path(rest).is_file():
            form, path = "", rest
        if not path.strip() or (equals and not name.strip() and rest != text):
            raise UsageError(f"{text}: give [NAME=][FORMAT:]PATH; formats: {', '.join(NAMES)}")
        layout = named(form) if form else None
        file = ResultFile.read(Path(path).expanduser())
        return cls(name.strip(), layout or layout_of(file), file)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the import beside its files.

    Attributes:
        datasets: Names of the catalogue or paths; none takes what the files say.
        references: A file of references, or None.
        recipes: What scores the answers; none takes each data set's own.
        language: Tag of rows that name none, or "".
        task: Task of answers without a data set, or "".
        answer: Field that holds the answer, or "".
        subset: Which rows of a file of several sets, or "".
        clusters: As in `PlannedCell`, or "" for the data set's own.
        slices: Meta keys that results are also given by.
        settings: How data sets are loaded.
    """

    datasets: Sequence[str]
    references: Path | None
    recipes: Sequence[RecipeSpec]
    language: str
    task: str
    answer: str
    subset: str
    clusters: str
    slices: tuple[str, ...]
    settings: LoadSettings


def imported_sets(sources: Sequence[Source], wanted: Wanted) -> list[ImportedSet]:
    """Return the answers of each data set, read and matched; nothing is scored.

    Raises:
        UsageError: A file, an id or an option is not as it should be; the message says where and what to do.
        DatasetError: A data set cannot be read.
    """
    if wanted.datasets and wanted.references:
        raise UsageError("--dataset and --references both say what was expected: give one of them")
    if wanted.datasets:
        return [_of_dataset(spec, own, wanted) for spec, own in _by_dataset(sources, wanted)]
    if wanted.settings.limit is not None:
        raise UsageError("--limit is the part of a data set that was asked: it needs --dataset")
    if not wanted.recipes:
        raise UsageError("name a recipe with --recipe (`audiobench list recipes`), or the data set with --dataset")
    by_name: dict[str, list[Source]] = {}
    for source in sources:
        by_name.setdefault(source.name or _stem(source.file.path), []).append(source)
    if wanted.references is not None and len(by_name) > 1:
        raise UsageError(
            f"--references are of one data set, the files are {len(by_name)} ({', '.join(by_name)}): import each by "
            "itself, or name parts of one set alike (NAME=PATH NAME=PATH)"
        )
    return [_of_files(name, own, wanted) for name, own in by_name.items()]


def _stem(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).stem


def _by_dataset(sources: Sequence[Source], wanted: Wanted) -> list[tuple[DatasetSpec, Sequence[Source]]]:
    if named := [source for source in sources if source.name]:
        raise UsageError(f"{named[0].name}={named[0].file.path}: --dataset says what the data is called: drop the name")
    if wanted.task:
        raise UsageError("--task is for answers without --dataset: a data set has its own")
    if wanted.language and not any(is_path_like(text) for text in wanted.datasets):
        raise UsageError("--language is for rows that name none: a data set of the catalogue has its own")
    specs = [
        spec_for_path(text, cwd=Path.cwd(), default_language=wanted.language)
        if is_path_like(text)
        else load_catalog().datasets.get(text)
        for text in wanted.datasets
    ]
    if len(specs) == 1:
        return [(specs[0], sources)]
    if len(specs) != len(sources):
        raise UsageError(
            f"{len(sources)} files and {len(specs)} data sets: give --dataset once for all files, as parts of one set, "
            "or once for each, in order"
        )
    if len({spec.name for spec in specs}) < len(specs):
        raise UsageError("--dataset: a data set comes twice: give it once, with its files alone")
    return [(spec, [source]) for spec, source in zip(specs, sources, strict=True)]


def _of_dataset(spec: DatasetSpec, sources: Sequence[Source], wanted: Wanted) -> ImportedSet:
    rows = _rows(sources, wanted)
    data = load_dataset(spec, wanted.settings)
    found = matched(rows, data.samples, spec.name, picked=bool(wanted.subset))
    own = load_catalog().recipe_for(spec)
    facts = {
        "revision": data.revision,
        "digest": data.digest,
        "source": data.source,
        "size": data.size,
        "selection": data.selection or None,
        "matched": found.how,
    }
    return ImportedSet(
        name=spec.name,
        pairs=found.pairs,
        recipes=wanted.recipes or (own,),
        data=facts,
        task=spec.task,
        family=spec.family,
        own_recipe=own.name,
        clusters=wanted.clusters or spec.resampled,
        slices=wanted.slices,
        **_origin(sources, wanted),
    )


def _of_files(name: str, sources: Sequence[Source], wanted: Wanted) -> ImportedSet:
    if name in load_catalog().datasets:
        raise UsageError(
            f"{sources[0].file.path}: '{name}' is a data set of the catalogue: give --dataset {name} to score by its "
            "references, or another name as in NAME=PATH"
        )
    language = wanted.language or DEFAULT_LANGUAGE
    pairs: Sequence[tuple[Sample, Row | None]]
    cut_at: Path | None = None
    if wanted.references is None:
        rows = _rows(sources, wanted)
        samples = own_samples(rows, "")
        pairs, how = list(zip(samples, rows, strict=True)), "references of the files"
    else:
        rows, samples, cut_at = _with_references(sources, wanted)
        found = matched(rows, samples, str(wanted.references), picked=bool(wanted.subset))
        pairs, how = found.pairs, f"references of {wanted.references.name}, {found.how}"
    spoken = in_language(pairs, language)
    note = language_note(pairs, spoken, wanted.language)
    facts = {"digest": digest_of(samples), "size": len(samples), "matched": how, "language": note or None}
    return ImportedSet(
        name=name,
        pairs=spoken,
        recipes=wanted.recipes,
        data=facts,
        task=wanted.task,
        clusters=wanted.clusters or AUTO,
        slices=wanted.slices,
        **_origin(sources, wanted, cut_at),
    )


def _with_references(sources: Sequence[Source], wanted: Wanted) -> tuple[list[Row], list[Sample], Path | None]:
    """Return answers, samples, and the file of references where the answers were cut at its segments."""
    assert wanted.references is not None
    expected = read_references(wanted.references)
    segments = [one for one in expected if isinstance(one, Segment)]
    if not segments:
        plain = [one for one in expected if isinstance(one, Row)]
        return _rows(sources, wanted), own_samples(plain, ""), None
    if others := [source for source in sources if source.layout.name != "ctm"]:
        raise UsageError(
            f"{wanted.references} is an stm, whose segments cut the words of a ctm; {others[0].file.path} is a result "
            f"of {others[0].layout.title}: give references by id"
        )
    for option, value in (("--answer", wanted.answer), ("--subset", wanted.subset)):
        if value:
            raise UsageError(f"{option} {value}: the words of a ctm have no fields; leave it out")
    words = [word for source in sources for word in ctm_words(source.file)]
    samples = own_samples([one.row for one in segments if not one.ignored], "")
    return cut(words, segments), samples, wanted.references


def _rows(sources: Sequence[Source], wanted: Wanted) -> list[Row]:
    return read_rows([(source.file, source.layout) for source in sources], wanted.answer, wanted.subset)


def _origin(sources: Sequence[Source], wanted: Wanted, cut_at: Path | None = None) -> dict[str, Any]:
    """Return whose answers these are and how they were taken; what was not asked for is left out, as it always was."""
    formats = list(dict.fromkeys(source.layout.title for source in sources))
    taken: dict[str, Any] = {"answer": wanted.answer, "subset": wanted.subset}
    if cut_at is not None:
        taken["references"] = _named(ResultFile.read(cut_at))
    return {
        "formats": ", ".join(formats),
        "files": [
            _named(source.file) | ({"format": source.layout.title} if len(formats) > 1 else {}) for source in sources
        ],
        "taken": {name: value for name, value in taken.items() if value},
    }


def _named(file: ResultFile) -> dict[str, str]:
    return {"name": file.path.name, "sha256": file.sha256}
