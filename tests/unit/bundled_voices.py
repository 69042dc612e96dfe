"""Asking the catalogue's voices in environments of their own, where stand-ins are what their requirements would be.

A stand-in has the entry points of the real package. It notes what it was loaded with and asked, and how long the voice
was that it heard, and hands out a sound with one number drawn at random; so a wrong call shows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Answer, Audio, Prompt, Request

ASKED = """
import json, os, wave
import numpy as np
def voice(path):
    with wave.open(path) as file:
        return f"{file.getnframes()} at {file.getframerate()}"
def tell(*told):
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps(told) + chr(10))
def sound(*told):
    tell(*told)
    return np.array([0.5, -0.5, np.random.rand() / 2], np.float32)
class Tensor:
    def __init__(self, array): self.array, self.shape = array, array.shape
    def detach(self): return self
    float = cpu = detach
    def numpy(self): return self.array
    def to(self, device): return self
"""


def written(stand_ins: Mapping[str, str], folder: Path) -> Path:
    """Write stand-ins, and what they tell by; return the folder."""
    for name, source in {"asked.py": ASKED, **stand_ins}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)
    return folder


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def said(
    name: str,
    stand_ins: Path,
    told: Path,
    *requests: Request,
    given: dict[str, str] | None = None,
    revision: str | None = None,
    source: Path | None = None,
) -> list[Answer]:
    """Return what an entry answers, in this very interpreter, where the stand-ins are what its requirements would be.

    The sounds of a request are brought to the rate that the adapter asks for, as the runner does.
    """
    spec: ModelSpec = load_catalog().models.get(name)
    assert spec.runtime is not None
    env = {"PYTHONPATH": str(stand_ins), "TOLD": str(told)}
    runtime = RuntimeSpec("isolated", spec.runtime.entry, python="running", env=env)
    if "code" in spec.args:
        given = {"code": str(stand_ins / "copy"), **(given or {})}
    if spec.name.startswith("moss-"):
        revision = revision or COMMIT
    spec = dataclasses.replace(spec, runtime=runtime, revision=revision, source=str(source or spec.source))
    adapter = create(spec, given or {})
    adapter.load()
    try:
        return adapter.generate([at_rate(request, adapter.sample_rate or 0) for request in requests])
    finally:
        adapter.close()


def at_rate(request: Request, rate: int) -> Request:
    sounds = {n: Audio(s.samples[: len(s.samples) * rate // s.sample_rate], rate) for n, s in request.sounds.items()}
    return dataclasses.replace(request, sounds=sounds)


def ask(text: str, words: str = "", voice: float | None = 0.5, draw: int = 0, language: str = "en") -> Request:
    """Return a question for one text: in the voice of a recording of some seconds at 24 kHz, unless that is None."""
    sounds = {} if voice is None else {"prompt": Audio(np.full(int(voice * 24_000), 0.1, np.float32), 24_000)}
    prompt = Prompt(text, language, answer="speech", voice_text=words)
    return Request("", None, prompt, sounds=sounds, draw=draw)


def asked_of(told: Path) -> list[list[object]]:
    return [json.loads(line) for line in told.read_text().splitlines()]
