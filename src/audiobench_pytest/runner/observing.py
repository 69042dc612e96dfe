"""Who answers behind a server: told by what it answers to a few fixed clips, not by the name it goes by.

A name on a server is whatever its owner put behind it today. A handful of bundled recordings is asked at the start of
each run and compared with what was answered before: another answer is another model, whose answers are kept apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.datasets import read_audio
from audiobench_pytest.errors import RecordError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.answers.cache import ModelCache
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.records.keys import digest
from audiobench_pytest.types import Answer, Prediction, Prompt, Request

CLIPS = ("slt-short-01", "rms-short-01", "awb-short-01")
"""Short recordings of the bundled corpus."""

_WORDS = "Write down what is said in this recording. Reply with these words alone."

_TEXTS = ("Seven ships lay in the harbour.", "She asked for a glass of water.", "It rained until noon.")
"""What a voice is given to say."""

FIRST, SAME, CHANGED, VARIES, UNREACHED = "first", "same", "changed", "varies", "unreached"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a server's answers to the fixed clips say of who answers.

    Attributes:
        state: `first` (nobody asked before), `same`, `changed`, `varies` (it does not repeat itself) or `unreached`.
        digest: Of the answers, where another model answers now than at first; else "".
    """

    state: str
    digest: str = ""


def observe(
    adapter: ModelAdapter, known: ModelCache, paid: Callable[[float, Answer], None] = lambda seconds, answer: None
) -> Observed:
    """Ask a loaded model about the fixed clips, twice, and compare.

    Args:
        adapter: The model.
        known: Its part of the cache as it is named, which keeps the first answers.
        paid: Is told each answer, and how many seconds of sound it is about.

    Raises:
        RecordError: The answers cannot be kept.
    """
    answers, again = _answers(adapter, paid), _answers(adapter, paid)
    if answers is None or again is None:
        return Observed(UNREACHED)
    if answers != again:
        return Observed(VARIES)
    keys = [digest(["fixed clip", name]) for name in CLIPS]
    before = [known.get(key) for key in keys]
    if any(one is None for one in before):
        for key, text in zip(keys, answers, strict=True):
            known.put(Prediction(key, text, None, 0.0, 0.0))
        known.sync()
        return Observed(FIRST)
    if [one.text for one in before if one is not None] == answers:
        return Observed(SAME)
    return Observed(CHANGED, digest(answers)[:16])


def shared(path: Path, name: str, ask: Any) -> Observed:
    """Return what was observed of a model in this attempt of a run: the first process asks, the others read.

    Args:
        path: File of the attempt.
        name: The model.
        ask: Returns what is observed.

    Raises:
        RecordError: It cannot be written.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        told: dict[str, Mapping[str, str]] = {}
        with contextlib.suppress(FileNotFoundError):
            try:
                told = json.loads(path.read_bytes())
            except ValueError as exc:
                raise RecordError(f"cannot read {path}: {exc}") from exc
        if name not in told:
            told[name] = asdict(ask())
            write_atomically(path, json.dumps(told, indent=1, sort_keys=True).encode())
    return Observed(**told[name])


def _answers(adapter: ModelAdapter, paid: Callable[[float, Answer], None]) -> list[str] | None:
    """Return what the model says of each clip, or None where it does not answer."""
    if adapter.reads_aloud:
        return _sounds(adapter)
    prompt = Prompt(_WORDS if adapter.takes_instruction else None, "en" if adapter.takes_language_hint else None)
    rate = adapter.sample_rate or 16_000
    clips = (read_audio(corpus_path("minispeech/manifest.jsonl").parent / "audio" / f"{n}.flac", rate) for n in CLIPS)
    asked: Sequence[Request] = [Request("", clip, prompt, None) for clip in clips]
    try:
        found = adapter.generate(asked)
    except Exception:  # anybody's adapter: what is wrong with it, the first question says
        return None
    if any(answer.error is not None for answer in found):
        return None
    for request, answer in zip(asked, found, strict=False):
        paid(request.audio.duration_s if request.audio is not None else 0.0, answer)
    return [answer.text for answer in found]


def _sounds(adapter: ModelAdapter) -> list[str] | None:
    """Return digests of what a voice makes of fixed texts, or None where it does not speak."""
    try:
        found = adapter.generate([Request("", None, Prompt(text, answer="speech"), None) for text in _TEXTS])
    except Exception:  # as above
        return None
    if any(answer.error is not None or answer.speech is None for answer in found):
        return None
    return [hashlib.sha256(one.speech.samples.tobytes()).hexdigest() for one in found if one.speech is not None]
