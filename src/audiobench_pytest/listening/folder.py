"""Writes the folder that is listened in: page, script, sounds whose names tell nothing; the key stays in the runs."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.errors import RecordError, SampleError, UsageError
from audiobench_pytest.listening.chosen import Choice, Heard
from audiobench_pytest.listening.sounds import anchor, as_wav, decoded, matched, rate_of
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.records.runs.listening import (
    ANCHOR,
    MOS,
    MUSHRA,
    REFERENCE,
    Session,
    System,
    Trial,
    keep_session,
)
from audiobench_pytest.report.html.parts import page, refuse_others, write_script

if TYPE_CHECKING:
    from audiobench_pytest.listening.sounds import Samples

ASSETS = ("listen.css", "listen.js")
MARKER = ".audiobench-listening"
"""File in a folder that a listening test may replace what is in: it wrote all of it."""

TITLES = {"ab": "Which of two is better?", MOS: "How good is the speech?", MUSHRA: "How close to the reference?"}


@dataclasses.dataclass(frozen=True)
class Made:
    """A folder that was written.

    Attributes:
        page: Its page.
        session: The key, which lies in the runs.
        lufs: Loudness of its sounds.
        left_out: Samples whose sound could not be read, with the reason.
    """

    page: Path
    session: Session
    lufs: float
    left_out: dict[str, str]


def write_folder(choice: Choice, kind: str, seed: int, target: Path) -> Made:
    """Write the folder, and the key into the run of each system.

    Raises:
        UsageError: The folder holds something else, a sound cannot be played, or a package is missing.
        RecordError: It cannot be written.
    """
    refuse_others(target, MARKER, "listening test")
    rng = random.Random(f"{kind}:{seed}:{choice.dataset}:{[one.name for one in choice.systems]}")
    trials: list[tuple[str, dict[str, str]]] = []
    left_out: dict[str, str] = {}
    sounds: dict[str, tuple[Samples, int]] = {}
    for sample in choice.samples:
        try:
            behind = dict(_behind(choice, sample, kind))
        except SampleError as exc:
            left_out[sample] = str(exc)
            continue
        for group in [[name] for name in behind] if kind == MOS else [list(behind)]:
            rng.shuffle(group)
            names = {f"s{rng.getrandbits(48):012x}": name for name in group}
            sounds |= {stimulus: behind[name] for stimulus, name in names.items()}
            trials.append((sample, names))
    if not trials:
        raise UsageError(
            f"no sound of {choice.dataset} can be played: {next(iter(left_out.values()), 'nothing chosen')}"
        )
    rng.shuffle(trials)
    played, lufs = matched(sounds)
    session = _session(choice, kind, seed, trials, played)
    shown = []
    for trial in session.trials:
        told = {"id": trial.id, "stimuli": list(trial.stimuli), "reference": ""}
        if (hidden := _reference(trial)) is not None:
            # Under a name of its own: among the others the reference is hidden.
            told["reference"] = name = f"r{rng.getrandbits(48):012x}"
            played[name], sounds[name] = played[hidden], sounds[hidden]
        shown.append(told)
    try:
        (target / "sounds").mkdir(parents=True, exist_ok=True)
        (target / MARKER).touch()
        for old in (target / "sounds").glob("*.wav"):
            old.unlink()
        for name, sound in played.items():
            write_atomically(target / "sounds" / f"{name}.wav", as_wav(sound, sounds[name][1]))
        for name in ASSETS:
            source = resources.files("audiobench_pytest.listening") / "assets" / name
            write_atomically(target / name, source.read_bytes())
        data = {"format": session.format, "kind": kind, "session": session.session, "seed": seed, "trials": shown}
        write_script(target / "trials.js", "trials", data)
        write_atomically(
            target / "index.html", page(TITLES[kind], _BODY, "listen.css", ["listen.js", "trials.js"]).encode()
        )
    except OSError as exc:
        raise RecordError(f"cannot write the listening test into {target}: {exc.strerror or exc}") from exc
    for run in dict.fromkeys(one.run for one in choice.systems):
        systems = tuple(System(_named(one), one.model, one.run == run, one.prompt) for one in choice.systems)
        keep_session(run, dataclasses.replace(session, systems=systems))
    return Made(target / "index.html", session, lufs, left_out)


def _named(heard: Heard) -> str:
    return heard.run.resolve().name


def _behind(choice: Choice, sample: str, kind: str) -> Iterator[tuple[str, tuple[Samples, int]]]:
    """Yield what is played of a sample: the place of each system, reference and anchor, with samples and rate."""
    files = {str(place): heard.sound(sample) for place, heard in enumerate(choice.systems)}
    rate = max(rate_of(path) for path in files.values())
    for place, path in files.items():
        yield place, (decoded(path, rate), rate)
    if kind == MUSHRA:
        own = decoded(choice.references[sample], rate)
        yield REFERENCE, (own, rate)
        yield ANCHOR, (anchor(own, rate), rate)


def _reference(trial: Trial) -> str | None:
    """Return the hidden reference among the sounds of a trial."""
    return next((stimulus for stimulus, behind in trial.stimuli.items() if behind == REFERENCE), None)


def _session(
    choice: Choice, kind: str, seed: int, trials: Sequence[tuple[str, dict[str, str]]], played: dict[str, Samples]
) -> Session:
    content = hashlib.sha256()
    for name in sorted(played):
        content.update(name.encode())
        content.update(played[name].tobytes())
    return Session(
        session=content.hexdigest()[:16],
        kind=kind,
        dataset=choice.dataset,
        seed=seed,
        systems=tuple(System(_named(one), one.model, prompt=one.prompt) for one in choice.systems),
        trials=tuple(Trial(f"t{number:03d}", sample, names) for number, (sample, names) in enumerate(trials, 1)),
    )


_BODY = """<header><h1 id="title"></h1><p id="how"></p></header>
<main id="main">
<form id="begin"><label>Your name, or any name that is yours alone
<input id="rater" autocomplete="off" required></label> <button id="start" type="submit">Begin</button>
<label>or go on with ratings of yours <input id="earlier" type="file" accept=".json,application/json"></label></form>
<section id="trial" hidden aria-live="polite"><h2 id="where"></h2><div id="sounds"></div><div id="judge"></div>
<p><button id="back" type="button">Back</button> <button id="next" type="button">Next</button></p></section>
<section id="end" hidden><h2>Thank you</h2>
<p>Send the file of your ratings to whoever asked you to listen.</p></section>
<p><button id="save" type="button" hidden>Save ratings</button> <span id="said" role="status"></span></p>
</main>
<noscript>A listening test needs scripts: it reads its data from the folder it lies in.</noscript>"""
