"""A model for another process that misbehaves on demand: what it does is said by the prompts of its requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.models.isolated.adapter import IsolatedAdapter
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

RATE = 16_000

SOURCE = '''
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Model:
    def load(self, args):
        self.marks = Path(args["marks"])
        self.mark("load")
        how = args.get("load", "")
        if how == "raise":
            raise RuntimeError("no weights here")
        if how == "exit":
            print("cannot go on", file=sys.stderr)
            os._exit(7)
        if how == "second":  # loads once, and never again
            if self.marked("load") > 1:
                raise RuntimeError("no weights any more")
        time.sleep(float(args.get("sleep", 0)))
        return {"device": "cpu", "seen": args}

    def generate(self, batch):
        self.mark(f"batch {len(batch)} of process {os.getpid()}")
        asked = [request["prompt"] or "" for request in batch]
        for prompt in asked:
            what, _, count = prompt.partition(" ")
            if what and (not count or self.marked("did " + what) < int(count)):
                self.mark("did " + what)
                answers = getattr(self, what)(batch)
                if answers is not None:
                    return answers
        return [self.heard(request) for request in batch]

    def close(self):
        self.mark("close")

    def mark(self, text):
        with self.marks.open("a") as file:
            file.write(text + "\\n")

    def marked(self, text):
        return self.marks.read_text().splitlines().count(text)

    def heard(self, request):
        samples = request["samples"]
        return f"{len(samples)} samples of {samples[0] if len(samples) else 0:.2f}"

    def talk(self, batch):
        print("from print")
        os.write(1, b"from a descriptor\\n")
        ctypes.CDLL(None).puts(b"from C")
        ctypes.CDLL(None).fflush(None)
        subprocess.run(["echo", "from a program"])
        sys.__stdout__.write("from the first stdout\\n")
        print("from print to stderr", file=sys.stderr)

    def flood(self, batch):
        line = b"x" * 99 + b"\\n"
        for _ in range(100):
            os.write(2, line * 1000)
        print("end of the flood")

    def exit(self, batch):
        print("about to leave")
        sys.stdout.flush()
        os._exit(3)

    def sigkill(self, batch):
        os.kill(os.getpid(), signal.SIGKILL)

    def segfault(self, batch):
        ctypes.string_at(0)

    def hang(self, batch):
        time.sleep(600)

    def freeze(self, batch):
        os.kill(os.getpid(), signal.SIGSTOP)

    def hold(self, batch):
        """Hold the interpreter lock, with a child process that would outlive us."""
        child = subprocess.Popen(["sleep", "600"])
        self.mark(f"pids {os.getpid()} {child.pid}")
        ctypes.PyDLL(None).sleep(600)

    def fail(self, batch):
        raise ValueError("a bad clip")

    def leave(self, batch):
        sys.exit("enough")

    def reverse(self, batch):
        return [{"id": r["id"], "text": self.heard(r), "meta": {"n": 1}} for r in reversed(batch)]

    def few(self, batch):
        return [self.heard(r) for r in batch[1:]]

    def many(self, batch):
        return [self.heard(r) for r in batch] + ["one more"]

    def twice(self, batch):
        return [{"id": batch[0]["id"], "text": "same"} for r in batch]

    def strange(self, batch):
        return [{"id": r["id"] + 1000, "text": "whose?"} for r in batch]

    def refuse(self, batch):
        return [{"error": "not this one"} if r["prompt"] else self.heard(r) for r in batch]

    def overwrite(self, batch):
        self.kept = batch[0]["samples"]
        batch[0]["samples"][:] = batch[0]["samples"] * 0 + 1

    def recall(self, batch):
        return [f"{self.kept[0]:.2f}" for r in batch]

    def surrogate(self, batch):
        return ["half \\ud83d" for r in batch]

    def voice(self, batch):
        def told(request):
            sound = request["sounds"]["prompt"]
            words = request["voice_text"] + request.get("style", "")
            return f"{len(sound)} samples from {sound[0]:.2f} to {sound[-1]:.2f}: {words}"
        return [told(request) for request in batch]

    def number(self, batch):
        return [1.5 for r in batch]
'''


def write_model(folder: Path) -> Path:
    """Write the model into a folder and return its file."""
    file = folder / "model.py"
    file.write_text(SOURCE)
    return file


def isolated(folder: Path, given: dict[str, str] | None = None, **args: Any) -> IsolatedAdapter:
    """Return the adapter of the model in the running interpreter, not loaded.

    Args:
        folder: Where the model's file and its marks lie.
        given: Arguments as the command line gives them.
        args: Arguments of the catalogue entry.
    """
    runtime = RuntimeSpec("isolated", f"{write_model(folder)}:Model", python="running")
    entry = ModelSpec("fake", adapter="isolated", runtime=runtime, args={"marks": str(folder / "marks"), **args})
    adapter = create(entry, given or {})
    assert isinstance(adapter, IsolatedAdapter)
    return adapter


def ask(*prompts: str | None) -> list[Request]:
    """Return one request per prompt; each has sound of its own, so that its right answer is known."""
    return [
        Request(f"s{i}", Audio(np.full(100 + i, i / 100, np.float32), RATE), Prompt(prompt))
        for i, prompt in enumerate(prompts)
    ]


def right(*numbers: int) -> list[str]:
    """Return the right answers to the requests with these positions in `ask`."""
    return [f"{100 + i} samples of {i / 100:.2f}" for i in numbers]


def marks(folder: Path) -> list[str]:
    """Return what the model noted of itself."""
    file = folder / "marks"
    return file.read_text().splitlines() if file.exists() else []


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
