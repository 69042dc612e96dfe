"""A checkout as a source of entries: each kind on demand, and what of it has no counterpart here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ColumnMap, DatasetSpec, HubSource, ManifestSource, ModelSpec, PromptSpec
from audiobench_pytest.catalog.ultraeval import classes
from audiobench_pytest.catalog.ultraeval.files import Registered, RegistryFiles
from audiobench_pytest.catalog.ultraeval.tasks import Asked, NoCounterpartError, asked, prompt_of
from audiobench_pytest.errors import folded

FAMILY = "ultraeval"
_PAIR = re.compile(r"(?<![a-z])([a-z]{2})(?:-[A-Z]{2})?[_-](?:to[_-])?([a-z]{2})(?![a-z])")


@dataclass(frozen=True, slots=True)
class Left:
    """An entry that has no counterpart here.

    Attributes:
        kind: `dataset`, `prompt`, `model`.
        name: Its name.
        file: Its file in the registry.
        reason: Why.
    """

    kind: str
    name: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}' of UltraEval-Audio ({self.file}) cannot be had: {self.reason}"


class Checkout:
    """Entries of a checkout, in our terms.

    A name that an entry of ours has already is followed by `@ultraeval`.

    Attributes:
        folder: What the user named.
        left: What has no counterpart, of the kinds that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        """Find the registry.

        Raises:
            CatalogError: There is none.
        """
        self.folder = folder
        self._files = RegistryFiles(folder)
        self.left: dict[str, list[Left]] = {}

    def entries(self, kind: str, known: Sequence[Any]) -> list[Any]:
        """Return the entries of a kind.

        Args:
            kind: As our folders are called: `datasets`, `prompts`, `models`.
            known: The entries that there are already.

        Raises:
            CatalogError: A file of the registry is wrong.
        """
        makers: dict[str, Callable[[Registered], Iterable[Any]]] = {
            "datasets": lambda entry: (self._dataset(entry, known),),
            "models": lambda entry: (self._model(entry, known),),
            "prompts": self._prompts,
        }
        make = makers.get(kind)
        if make is None:
            return []
        taken = {folded(name) for one in known for name in (one.name, *one.aliases)}
        found, theirs = [], kind.removesuffix("s")
        left = self.left.setdefault(kind, [])
        left.clear()
        for entry in self._files.of(theirs).values():
            try:
                made = list(make(entry))
            except NoCounterpartError as exc:
                left.append(Left(theirs, entry.name, entry.file, str(exc)))
                continue
            found += [
                dataclasses.replace(one, name=f"{one.name}@ultraeval") if folded(one.name) in taken else one
                for one in made
            ]
        return found

    @cached_property
    def _tasks(self) -> dict[str, Asked | NoCounterpartError]:
        """What each of its tasks asks, or why there is nothing for it."""
        found: dict[str, Asked | NoCounterpartError] = {}
        for name in self._files.of("eval_task"):
            try:
                found[name] = asked(self._files, name)
            except NoCounterpartError as exc:
                found[name] = exc
        return found

    def _asked(self, name: str) -> Asked:
        one = self._tasks.get(name) or NoCounterpartError(f"its registry has no task '{name}'")
        if isinstance(one, NoCounterpartError):
            raise one
        return one

    def _prompts(self, entry: Registered) -> Iterator[PromptSpec]:
        """Yield a prompt once per task of ours that is asked in its words: one asks one task."""
        asking = [one.name for one in self._files.of("eval_task").values() if one.args.get("prompt") == entry.name]
        whys = [self._tasks[name] for name in asking]
        tasks = dict.fromkeys(one.task for one in whys if isinstance(one, Asked))
        for why in whys if not tasks else ():
            if isinstance(why, NoCounterpartError):
                raise why
        for task in tasks or {_task_of(entry.name): None}:
            yield prompt_of(entry, _prompt_name(entry.name, task), task)

    def _dataset(self, entry: Registered, known: Sequence[DatasetSpec]) -> DatasetSpec:
        args = entry.args
        if entry.cls not in (*classes.DATASETS, *classes.FILES):
            raise NoCounterpartError(f"it is of class {entry.cls}, which has no counterpart here")
        if args.get("local_path"):
            raise NoCounterpartError("it is read from a folder that the datasets library saved (local_path)")
        task = self._asked(str(args.get("default_task", "")))
        prompt = self._files.of("prompt").get(task.prompt)
        if prompt is None:
            raise NoCounterpartError(f"its registry has no prompt '{task.prompt}'")
        prompt_of(prompt, prompt.name, task.task)  # the words are a part of what is asked
        recipe = task.recipe
        if entry.cls == classes.DATASETS[1]:  # its references are cleaned of tags and fillers
            recipe = {"wer/ultraeval@1.1": "wer/ultraeval-gigaspeech@1.1"}.get(recipe, recipe)
        made = DatasetSpec(
            entry.name,
            task.task,
            FAMILY,
            recipe=recipe,
            prompt=_prompt_name(prompt.name, task.task),
            origin=f"UltraEval-Audio, {entry.file}",
            licence="see its card",
        )
        columns = _columns(entry, task.task)
        if entry.cls in classes.FILES:
            made = dataclasses.replace(made, manifest=self._manifest(entry, columns))
            return _in_language(made, entry, task, None)
        source = HubSource(
            str(args.get("name", "")),
            str(args.get("split") or "test"),
            config=str(args["subset"]) if args.get("subset") else None,
            columns=columns,
        )
        if task.task in classes.WITHOUT_REFERENCE and "text" not in dict(columns):
            source = dataclasses.replace(source, text_column=None)
        ours = next((one for one in known if one.hub is not None and _same(one.hub, source)), None)
        return _in_language(dataclasses.replace(made, hub=source), entry, task, ours)

    def _manifest(self, entry: Registered, columns: ColumnMap) -> ManifestSource:
        path = self._files.checkout / str(entry.args.get("f_name", ""))
        prefix = entry.args.get("file_path_prefix")
        if prefix is not None and (self._files.checkout / str(prefix)).resolve() != path.parent.resolve():
            raise NoCounterpartError(
                f"its paths are relative to {prefix}, those of a manifest here to its own folder: move it there"
            )
        return ManifestSource(str(path), trusted_paths=True, columns=(("audio", ("WavPath",)), *columns))

    def _model(self, entry: Registered, known: Sequence[ModelSpec]) -> ModelSpec:
        args = entry.args
        if entry.cls not in classes.MODELS:
            raise NoCounterpartError(f"it is of class {entry.cls}, which has no counterpart here")
        if str(args.get("speech", "")).casefold() == "true":
            raise NoCounterpartError("it answers in speech")
        key, adapter = classes.MODELS[entry.cls]
        source = str(args.get(key, ""))
        found = [one for one in known if one.source and one.source.casefold() == source.casefold()]
        if entry.cls == classes.REALTIME:
            found = [one for one in found if _realtime_of(one.args) == _realtime_of_theirs(args)]
        ours = next((one for one in found if not one.name.endswith("-served")), next(iter(found), None))
        sampling = {k: str(v) for k, v in (args.get("sample_params") or {}).items()}
        if ours is None and not adapter:
            raise NoCounterpartError(f"no model here has the weights '{source}'")
        taken = {name: value for name, value in sampling.items() if ours is not None and name in ours.args}
        self.left["models"] += [
            Left("setting", f"{name}={value} of {entry.name}", entry.file, "the model has no such argument here")
            for name, value in sampling.items()
            if name not in taken
        ]
        if ours is None:
            return ModelSpec(entry.name, adapter, source)
        own = {**ours.args, **taken}
        # A way of ours has arguments of its own, which would take the place of theirs.
        return dataclasses.replace(ours, name=entry.name, args=own, aliases=(), ways=(), verified=False)


def _realtime_of(args: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether a realtime model of ours always speaks, and whether it is asked at a dated version of Azure's."""
    return args.get("modality") == "speech", "api_version" in args


def _realtime_of_theirs(args: Mapping[str, Any]) -> tuple[bool, bool]:
    return "audio" in (args.get("modalities") or ()), str(args.get("is_azure", "")).casefold() == "true"


def _columns(entry: Registered, task: str) -> ColumnMap:
    """Return columns under our names: the reference, and those that a prompt names by another name."""
    aliases = {str(new): str(old) for old, new in (entry.args.get("col_aliases") or {}).items()}
    reference = str(entry.args.get("ref_col", ""))
    reference = aliases.get(reference, reference)
    names = tuple((new, (old,)) for new, old in aliases.items() if old != reference)
    if task in classes.WITHOUT_REFERENCE and (reference in aliases.values() or reference in ("prompt", "question")):
        return tuple((new, (old,)) for new, old in aliases.items())
    return (("text", (reference,)), *names)


def _in_language(made: DatasetSpec, entry: Registered, task: Asked, ours: DatasetSpec | None) -> DatasetSpec:
    """Return a data set in the language of ours that has the same rows, else in the one that its names say."""
    if ours is not None:
        spoken, answered = ours.language, ours.target_language
        made = dataclasses.replace(made, samples=ours.samples, labels=ours.labels, cluster=ours.cluster)
    else:
        spoken, answered = task.language or "en", ""
    if task.task != "translation":
        return dataclasses.replace(made, language=spoken)
    if not answered:
        texts = (str(entry.args.get("split", "")), str(entry.args.get("subset", "")), entry.name)
        pair = next((found for text in texts if (found := _PAIR.search(text))), None)
        if pair is None:
            raise NoCounterpartError("neither split nor name says which language is translated into which, as in en_zh")
        spoken, answered = pair[1], pair[2]
    return dataclasses.replace(made, language=spoken, target_language=answered)


def _same(ours: HubSource, theirs: HubSource) -> bool:
    return ours.repo == theirs.repo and {ours.config, ours.split} - {None, "test"} == (
        {theirs.config, theirs.split} - {None, "test"}
    )


def _prompt_name(name: str, task: str) -> str:
    return f"ultraeval/{task}/{name}"


def _task_of(name: str) -> str:
    """Return the task of ours that a prompt which no task of theirs names is for, by its name."""
    words = (
        *classes.TASK_WORDS,
        ("asr", "asr"),
        ("ast", "translation"),
        ("sst", "translation"),
        ("s2tt", "translation"),
    )
    words = (*words, ("2en", "translation"), ("2zh", "translation"), ("caption", "caption"), ("tts", "tts"))
    return next((task for word, task in words if word in name.casefold()), "audio-qa")
