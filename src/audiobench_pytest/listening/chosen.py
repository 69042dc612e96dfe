"""Which answers are listened to: of which runs and models, on which samples that all of them answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.datasets import read_audio
from audiobench_pytest.datasets.selection import chosen, ranked
from audiobench_pytest.errors import SampleError, UsageError
from audiobench_pytest.records.answers.spoken import sound_at
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.listening import AB, MUSHRA
from audiobench_pytest.types import SCORED_STATES, Outcome

_MOST_AT_ONCE = 10
"""Systems beside reference and anchor that MUSHRA can have: BS.1534 allows twelve sounds."""


@dataclass(frozen=True)
class Heard:
    """One of those that are listened to, with its answers.

    Attributes:
        run: Its run directory.
        model: The model.
        prompt: In which of several prompts it was asked, or "".
        answers: Its spoken answers by sample.
        caches: Folders of the caches that hold their sounds.
    """

    run: Path
    model: str
    prompt: str
    answers: Mapping[str, Outcome]
    caches: Sequence[Path]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        asked = f" ({self.prompt})" if self.prompt else ""
        return f"{self.model}{asked} of {self.run.resolve().name}"

    def sound(self, sample: str) -> Path:
        """Return the file of an answer."""
        return sound_at(self.caches, str(self.answers[sample].speech["file"]))


@dataclass(frozen=True)
class Choice:
    """What is listened to.

    Attributes:
        dataset: The data set.
        systems: Who.
        samples: On which samples, in order of id.
        references: File of the recording itself, by sample; empty where none is wanted.
    """

    dataset: str
    systems: Sequence[Heard]
    samples: Sequence[str]
    references: Mapping[str, Path]


def choose(
    runs: Sequence[Path],
    kind: str,
    caches: Sequence[Path],
    *,
    dataset: str | None = None,
    models: Sequence[str] = (),
    clips: int,
    seed: int,
) -> Choice:
    """Return what is listened to.

    Args:
        runs: One run directory or two.
        kind: One of `records.runs.listening.KINDS`.
        caches: Folders of the caches that hold the answers' sounds.
        dataset: The data set; may be left out where there is one only.
        models: The models; all where none is named.
        clips: Most samples.
        seed: Which ones.

    Raises:
        UsageError: There is nothing spoken, it is not clear what is meant, or too much or too little for this kind.
        RecordError: A run cannot be read.
    """
    found: dict[str, list[Heard]] = {}
    for run in runs:
        for name, heard in _heard(run, caches):
            found.setdefault(name, []).append(heard)
    if not found:
        raise UsageError(f"{' and '.join(map(str, runs))}: no answer of speech whose sound is there: is --cache right?")
    if dataset is None and len(found) > 1:
        raise UsageError(f"--dataset: name one of {', '.join(sorted(found))}")
    name = dataset if dataset is not None else next(iter(found))
    if name not in found:
        raise UsageError(f"--dataset: no speech of '{name}' in these runs; there is of {', '.join(sorted(found))}")
    known = {heard.model for heard in found[name]}
    if unknown := sorted(set(models) - known):
        raise UsageError(
            f"--model: no speech of {', '.join(unknown)} on {name}; there is of {', '.join(sorted(known))}"
        )
    systems = [heard for heard in found[name] if not models or heard.model in models]
    _refuse_number(kind, systems)
    samples = sorted(set.intersection(*(set(heard.answers) for heard in systems)))
    references = _references(systems[0], samples, clips, seed) if kind == MUSHRA else {}
    if kind == MUSHRA:
        samples = [sample for sample in samples if sample in references]
    if not samples:
        why = ", beside a recording to compare them with" if kind == MUSHRA else ""
        raise UsageError(f"{name}: no sample was answered by all of {', '.join(one.name for one in systems)}{why}")
    rows = chosen(samples, limit=None, sample=clips, seed=seed)
    return Choice(name, systems, [samples[row] for row in rows], references)


def _heard(run: Path, caches: Sequence[Path]) -> list[tuple[str, Heard]]:
    directory = RunDirectory(run)
    if directory.manifest() is None:
        raise UsageError(f"{run} is not a run directory: it holds no run.json")
    found: dict[tuple[str, str], Heard] = {}
    for data in directory.cells():
        cell = data.plan.cell
        if (cell.dataset, cell.row) in found:  # recipes share their answers
            continue
        answers = {
            outcome.sample_id: outcome
            for outcome in data.outcomes.values()
            if not outcome.draw and outcome.state in SCORED_STATES and _is_there(outcome, caches)
        }
        if answers:
            found[cell.dataset, cell.row] = Heard(run, cell.model, cell.prompt, answers, caches)
    return [(dataset, heard) for (dataset, _), heard in found.items()]


def _is_there(outcome: Outcome, caches: Sequence[Path]) -> bool:
    file = outcome.speech.get("file")
    return bool(file) and sound_at(caches, str(file)).is_file()


def _references(heard: Heard, samples: Sequence[str], clips: int, seed: int) -> dict[str, Path]:
    """Return the recordings of the chosen samples, of those whose recording can be read; no other is decoded."""
    found: dict[str, Path] = {}
    for sample in (samples[place] for place in ranked(samples, seed)):
        if len(found) == clips:
            break
        if (own := _reference(heard, sample)) is not None:
            found[sample] = own
    return found


def _reference(heard: Heard, sample: str) -> Path | None:
    """Return the recording that an answer is made of: the sample's own sound, where it can be read."""
    own = heard.answers[sample].speech.get("sounds", {}).get("audio")
    if not own or not Path(own).is_file():
        return None
    try:
        read_audio(Path(own), 16_000)
    except SampleError:
        return None
    return Path(own)


def _refuse_number(kind: str, systems: Sequence[Heard]) -> None:
    names = ", ".join(one.name for one in systems)
    if kind == AB and len(systems) != 2:
        raise UsageError(f"--kind ab sets two against each other, not {len(systems)} ({names}): name two with --model")
    if kind == MUSHRA and len(systems) > _MOST_AT_ONCE:
        raise UsageError(
            f"--kind mushra takes {_MOST_AT_ONCE} models at most, not {len(systems)}: name some with --model"
        )
