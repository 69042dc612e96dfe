"""Who answers behind a server: told by what it answers to a few fixed clips, not by the name it goes by.

A name on a server is whatever its owner put behind it today. A handful of bundled recordings is asked at the start of
each run and compared with what was answered before: another answer is another model, whose answers are kept apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

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
UNPAID = "unpaid"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a server's answers to the fixed clips say of who answers.

    Attributes:
        state: `first` (nobody asked before), `same`, `changed`, `varies` (it does not repeat itself), `unreached`, or
            `unpaid` (asking would have cost more than the run may).
        digest: Of the answers, where another model answers now than at first; else "".
    """

    state: str
    digest: str = ""


class Payer(Protocol):
    """Pays for answers that are no sample's."""

    def admit(self, requests: Sequence[Request]) -> bool:
        """Whether all of some questions may be asked; then their cost is set aside."""

    def settle(self, number: int, request: Request, answer: Answer | None) -> None:
        """Pay for one of them that has come back, with an answer or without."""


class Free:
    """Pays nothing."""

    def admit(self, requests: Sequence[Request]) -> bool:
        """Let all be asked."""
        return True

    def settle(self, number: int, request: Request, answer: Answer | None) -> None:
        """Do nothing."""


def observe(adapter: ModelAdapter, known: ModelCache, payer: Payer | None = None) -> Observed:
    """Ask a loaded model about the fixed clips, twice, and compare.

    Args:
        adapter: The model.
        known: Its part of the cache as it is named, which keeps the first answers.
        payer: Says whether that may be paid for, and does so; nobody has to when left out.

    Raises:
        RecordError: The answers cannot be kept.
    """
    payer, requests = payer or Free(), _requests(adapter)
    if not payer.admit([*requests, *requests]):
        return Observed(UNPAID)
    answers = _answers(adapter, requests, payer, 0)
    again = _answers(adapter, requests, payer, len(requests))
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


def _requests(adapter: ModelAdapter) -> list[Request]:
    """Return what is asked: fixed clips, or of a voice fixed texts."""
    if adapter.reads_aloud:
        return [Request("", None, Prompt(text, answer="speech"), None) for text in _TEXTS]
    prompt = Prompt(_WORDS if adapter.takes_instruction else None, "en" if adapter.takes_language_hint else None)
    rate = adapter.sample_rate or 16_000
    folder = corpus_path("minispeech/manifest.jsonl").parent / "audio"
    return [Request("", read_audio(folder / f"{name}.flac", rate), prompt, None) for name in CLIPS]


def _answers(adapter: ModelAdapter, requests: Sequence[Request], payer: Payer, first: int) -> list[str] | None:
    """Return what the model says, or digests of the sounds it says it with; None where it does not answer.

    Args:
        adapter: The model.
        requests: What it is asked.
        payer: Is told what each answer was.
        first: Number of the first question.
    """
    try:
        found = list(adapter.generate(requests))
    except Exception:  # anybody's adapter: what is wrong with it, the first question says
        found = []
    given = [*found, *[None] * (len(requests) - len(found))]
    for number, (request, answer) in enumerate(zip(requests, given, strict=False), first):
        payer.settle(number, request, answer)
    if len(found) != len(requests) or any(answer.error is not None for answer in found):
        return None
    if not adapter.reads_aloud:
        return [answer.text for answer in found]
    sounds = [answer.speech for answer in found if answer.speech is not None]
    return [hashlib.sha256(one.samples.tobytes()).hexdigest() for one in sounds] if len(sounds) == len(found) else None
