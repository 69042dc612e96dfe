"""What runs in the environment of an isolated model. It needs the standard library only, Python 3.8 or newer.

The parent sends the source of this file to a bare interpreter (execnet brings itself along in the same way), so nothing
of this package is installed there. All that is needed to add a model is a class in a file, or in a package that the
requirements install; it inherits from nothing:

    class Recognizer:
        def load(self, args):
            '''Called once. `args` are the texts of the catalogue entry's `args`, without the options of our adapter
            (`sample_rate`, `batch_timeout`, ...), plus `source` and `revision` where the entry has them. May return a
            mapping of plain values worth showing with the result: device, dtype, ...'''

        def generate(self, batch):
            '''`batch` is a list of mappings:
                 id           int, of no meaning, never used twice
                 samples      (samples,) float32 in [-1, 1]: a numpy array, or array('f') where numpy is not installed;
                              the model's own to keep or to change
                 sample_rate  Hz
                 prompt       the instruction, or None for a plain recogniser
                 language     ISO 639 code, or None where the model has to find out
                 messages     only where the prompt says what stands where: [{"role", "content": [{"type": "text",
                              "text"} or {"type": "audio", "name"}, ...]}, ...]
                 answer       only where it is wanted in sound: `speech`
                 draw         only of a further answer to the same question: which one, from 1
                 sounds       only where the question has further sounds: samples by name (`prompt`: the voice to take)
                 voice_text   only of a model that reads aloud, where the row tells what is said in the sound `prompt`
                 style        only of a model that reads aloud, where the row tells how its text is to be said
            Returns a list with one answer per request, in the order given: the text, or a mapping with `text`, `error`
            (why this one request has no answer), `meta` (plain values to keep) and, of a model that speaks, `speech`
            (samples in [-1, 1]) with their `sample_rate` and `timing` (seconds by name, `ttfa_s` to the first sound).
            Where answers come in another order, each is a mapping that repeats the `id` of its request. Raising fails
            the batch, which is then asked in halves, so that one bad clip fails alone.'''

        def close(self):
            '''Called once before the process ends; may be missing.'''

Catalogue entry:

    - name: my-model
      adapter: isolated
      source: owner/checkpoint
      args: {beam: 5, sample_rate: 16000}
      runtime:
        kind: isolated
        entry: models/my_model.py:Recognizer
        python: "3.10"
        requirements: [torch==2.1.2, "my-model-package==1.4"]

All methods run in the main thread. What the model prints, by whatever means, goes to the log of the process, which is
shown when it dies. Its own child processes end with it unless they start a session of their own.
"""

from __future__ import annotations

import faulthandler
import fcntl
import importlib
import importlib.util
import json
import mmap
import os
import signal
import sys
import threading
import traceback
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROTOCOL = 1
"""Raised when the messages change; part of an environment's fingerprint."""


def serve(channel: Any) -> None:
    """Answer the parent's messages until it says `close` or goes away.

    Args:
        channel: execnet's; every message is a mapping of plain values with the key `op`.
    """
    setup = channel.receive()
    # execnet has moved its own ends of stdin and stdout away and put the null device in their place. What the model
    # prints is worth more than that: it joins stderr, which is a pipe of its own.
    os.dup2(2, 1)
    faulthandler.enable(file=2, all_threads=False)
    if "" in sys.path:
        sys.path.remove("")  # the working folder holds benchmarks and tests, not what the model imports
    if setup["lifeline"] is not None:
        _die_with_parent(setup["lifeline"])
    if setup["audio"] is not None:
        os.set_inheritable(setup["audio"], False)
    sending = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with sending:
            channel.send(message)

    threading.Thread(target=_beat, args=(send, setup["heartbeat"], setup["parent"]), daemon=True).start()
    send({"op": "ready", "number": 0, "protocol": PROTOCOL, "python": sys.version.split()[0]})
    model: Any = None
    while True:
        message = channel.receive()
        reply: dict[str, Any] = {"op": "closed"}
        try:
            if message["op"] == "load":
                model = find_class(message["entry"])()
                reply = {"op": "loaded", "shown": _as_json(model.load(message["args"]) or {})}
            elif message["op"] == "generate":
                batch = _batch(message, setup["audio"])
                reply = {"op": "answers", "answers": plain_answers(model.generate(batch))}
            elif hasattr(model, "close"):
                model.close()
        except (Exception, SystemExit) as exc:
            traceback.print_exc()
            reply = {"op": "raised", "error": described(exc)}
        # What is left in Python's buffers would be lost if the next thing the model does kills the process.
        sys.stdout.flush()
        sys.stderr.flush()
        send({**reply, "number": message["number"]})
        if message["op"] == "close":
            return


def _die_with_parent(lifeline: int) -> None:
    """End this process and those it starts as soon as the parent is gone, whatever the model is doing.

    The lifeline is the reading end of a pipe that only the parent can write to; nothing is ever written. The kernel
    closes it when the parent ends, also by SIGKILL. Linux then signals the process group by itself, even where the
    model holds the interpreter lock; elsewhere a thread that waits for the end of the pipe does it.
    """
    os.set_inheritable(lifeline, False)
    if hasattr(fcntl, "F_SETSIG") and os.getpgrp() == os.getpid():
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)

    def wait() -> None:
        os.read(lifeline, 1)
        _end()

    threading.Thread(target=wait, daemon=True).start()


def _end() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _beat(send: Callable[[dict[str, Any]], None], seconds: float, parent: int | None) -> None:
    pause = threading.Event()
    while not pause.wait(seconds):
        # A process forked off the parent keeps the lifeline open; the parent's number tells in spite of it.
        if parent is not None and os.getppid() != parent:
            _end()
        try:
            send({"op": "alive"})
        except OSError:
            return  # the parent has closed the channel: serve() ends by itself


def find_class(entry: str) -> Any:
    """Return the class named by `file.py:Class` (an absolute path) or `module:Class`."""
    where, _, name = entry.rpartition(":")
    if not where.endswith(".py"):
        return getattr(importlib.import_module(where), name)
    # Loaded under a name of its own and with its folder at the end of the path: a file called whisper.py can then
    # import the package whisper.
    sys.path.append(str(Path(where).parent))
    unique = "audiobench_entry_" + "".join(c if c.isalnum() else "_" for c in Path(where).stem)
    spec = importlib.util.spec_from_file_location(unique, where)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {where}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def _batch(message: Mapping[str, Any], audio: int) -> list[dict[str, Any]]:
    """Return the requests with their samples, each a copy of its own: the next batch overwrites the file."""
    requests = message["requests"]
    total = sum(4 * request["count"] for request in requests)
    if message["samples"] is not None:
        return _with_samples(requests, memoryview(message["samples"]))
    if total == 0:  # nothing to map
        return _with_samples(requests, memoryview(b""))
    with mmap.mmap(audio, total, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
        return _with_samples(requests, view)


def _with_samples(requests: list[dict[str, Any]], view: memoryview) -> list[dict[str, Any]]:
    batch = []
    start = 0
    for request in requests:
        end = start + 4 * request["count"]
        with view[start:end] as piece:
            samples = _samples(piece)
        batch.append(
            {
                "id": request["id"],
                "samples": samples,
                "sample_rate": request["sample_rate"],
                "prompt": request["prompt"],
                "language": request["language"],
                **({"answer": request["answer"]} if "answer" in request else {}),
                **({"draw": request["draw"]} if "draw" in request else {}),
                **({"voice_text": request["voice_text"]} if "voice_text" in request else {}),
                **({"style": request["style"]} if "style" in request else {}),
                **({"messages": request["messages"]} if "messages" in request else {}),
                **({"sounds": _sounds(request["sounds"])} if "sounds" in request else {}),
            }
        )
        start = end
    return batch


def _sounds(sounds: Mapping[str, bytes]) -> dict[str, Any]:
    return {name: _samples(memoryview(sound)) for name, sound in sounds.items()}


def _samples(piece: memoryview) -> Any:
    try:
        import numpy
    except ImportError:
        samples = array("f")
        samples.frombytes(piece)
        return samples
    return numpy.frombuffer(piece, dtype=numpy.float32).copy() if len(piece) else numpy.zeros(0, numpy.float32)


def plain_answers(answers: Any) -> list[dict[str, Any]]:
    """Return the model's answers as plain values; whether they fit the requests is for the parent to see."""
    if isinstance(answers, (str, bytes, dict)):
        raise TypeError(f"generate() returned one {type(answers).__name__}, not a list of answers")
    return [_answer({"text": answer} if isinstance(answer, str) else answer) for answer in answers]


def _answer(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TypeError(f"generate() answered with a {type(answer).__name__}, not a text or a mapping")
    unknown = sorted(set(answer) - {"id", "text", "error", "meta", "speech", "sample_rate", "timing"})
    if unknown:
        raise TypeError(f"generate() answered with the unknown key {unknown[0]!r}")
    speech = _speech(answer)
    text, error = answer.get("text", None if speech is None else ""), answer.get("error")
    if error is None and not isinstance(text, str):
        raise TypeError(f"generate() answered with a mapping without a text: {answer!r}"[:300])
    return {
        "id": None if answer.get("id") is None else int(answer["id"]),
        "text": "" if error is not None else _clean(text),
        "error": None if error is None else _clean(error),
        "meta": _as_json(answer.get("meta") or {}),
        **({"speech": speech, "timing": _as_json(answer.get("timing") or {})} if speech is not None else {}),
    }


def _speech(answer: Mapping[str, Any]) -> list[Any] | None:
    """Return the sound of an answer as `[rate, float32 bytes]`, or None where it has none."""
    samples, rate = answer.get("speech"), answer.get("sample_rate")
    if samples is None:
        return None
    if not isinstance(rate, int) or rate <= 0:
        raise TypeError("generate() answered with speech without its sample_rate, a whole number of Hz")
    if isinstance(samples, (bytes, bytearray)):
        raise TypeError("generate() answered with speech as bytes; give its samples as floats in [-1, 1]")
    if hasattr(samples, "detach"):  # a tensor
        samples = samples.detach().cpu().numpy()
    if hasattr(samples, "astype"):
        return [rate, samples.astype("float32").reshape(-1).tobytes()]
    return [rate, array("f", samples).tobytes()]


def _clean(text: Any) -> str:
    """Return a text that can be sent: half a surrogate pair, as some tokenizers leave it, cannot."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), allow_nan=False)


def described(exc: BaseException) -> str:
    """Return the exception and the place it was raised at, on one line."""
    text = " ".join(str(exc).split())
    described = f"{type(exc).__name__}: {text}" if text else type(exc).__name__
    frames = [f for f in traceback.extract_tb(exc.__traceback__) if f.filename != serve.__code__.co_filename]
    if frames:
        described += f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    return _clean(described)


if __name__ == "__channelexec__":
    serve(channel)  # type: ignore[name-defined]  # noqa: F821
