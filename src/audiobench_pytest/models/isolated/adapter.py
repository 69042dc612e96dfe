"""The face of a model that runs in an environment and a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.models.base import ModelAdapter, Weights
from audiobench_pytest.models.isolated.audio_file import AudioFile, as_bytes
from audiobench_pytest.models.isolated.entry import checked_runtime, find_entry, repositories
from audiobench_pytest.models.isolated.environment import RUNNING, Environment, ensure, is_made, requirements_digest
from audiobench_pytest.models.isolated.interpreters import find_interpreter, running, without_our_python
from audiobench_pytest.models.isolated.messages import heard, match_answers, messages_of
from audiobench_pytest.models.isolated.process import ChildDiedError, ChildProcess
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.paths import by_content
from audiobench_pytest.records.keys import digest
from audiobench_pytest.types import Answer, Request

_DEADLINE_S, _DEADLINE_PER_AUDIO_S = 120.0, 20.0
_HOPELESS = 5


class IsolatedAdapter(ModelAdapter):
    """Asks a class in another process, whose environment may clash with ours; `child.py` says what it looks like.

    A process that crashes, hangs or falls silent is started again, and the requests of the batch it died of are asked
    once more, one by one: the one that it dies of again is answered with the error, the others with their answers.
    After 5 deaths in a row without an answer it is given up: every request is then answered with the reason.

    Arguments of the catalogue entry that are no options of this adapter are passed to the class's `load`.
    """

    version: ClassVar[str] = "1"
    takes_style = True  # what is made of it is the class's matter
    options: ClassVar[Mapping[str, Option]] = {
        "sample_rate": Option(int, 16_000, "Hz at which the model wants its audio"),
        "language_hint": Option(bool, False, "tell the model the language of the data set"),
        "equal_length": Option(bool, False, "put only clips of equal length into one batch"),
        # What is asked is part of the key of each answer.
        "dialogues": Option(bool, False, "give it whole conversations, with all of their sounds", (), False),
        "load_timeout": Option(float, 3600.0, "seconds that loading may take", (), False),
        "batch_timeout": Option(
            float, None, "seconds that a batch may take; 120 plus 20 per second of audio by default", (), False
        ),
        "heartbeat_timeout": Option(float, 180.0, "seconds without a sign of life until it is stopped", (), False),
        "close_timeout": Option(float, 10.0, "seconds that closing may take", (), False),
        "transport": Option(
            str, "auto", "how audio gets there: in shared memory, or in messages", ("auto", "shared", "bytes"), False
        ),
    }
    batch_rows = 8
    overlaps = True
    made_ready = True

    @classmethod
    def options_for(cls, spec: ModelSpec) -> Mapping[str, Option]:
        """Return the adapter's options and the arguments of the entry, which go to the model's own `load`."""
        own = {
            name: Option(str, value, f"an argument of {spec.name} itself")
            for name, value in spec.args.items()
            if name not in cls.options and isinstance(value, str)
        }
        return {**cls.options, **own}

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages that are not there, the interpreter of its environment, and what its entry asks for.

        Those are paths that the user has to name, and the commit at which the checkpoint's own code was looked at.
        """
        found = super().lacks(spec, args)
        runtime = checked_runtime(spec)
        if runtime.python != RUNNING:
            try:
                find_interpreter(spec.name, runtime.python)
            except ModelError as exc:
                found.append((f"Python {runtime.python}", str(exc).partition("installed here: ")[2] or str(exc)))
        for name, what in runtime.needs.items():
            given = str(args.get(name) or "")
            if not given or not Path(given).expanduser().exists():
                there = f" ({given} is not there)" if given else ""
                found.append((f"{what}{there}", f"--model-args {name}=PATH"))
        if runtime.pinned and not COMMIT.fullmatch(spec.revision or ""):
            what = f"a commit of {spec.source}, whose checkpoint brings code that somebody has to have looked at"
            found.append((what, "copy the entry into a catalogue of your own, with that commit as its revision"))
        return found

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repositories that the model's own code loads."""
        return repositories(spec)

    @classmethod
    def make_ready(cls, spec: ModelSpec) -> str:
        """Make its environment, or find it made."""
        return str(ensure(spec.name, checked_runtime(spec)))

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check the entry; make no environment and start no process.

        Raises:
            CatalogError: The entry has no runtime, or a wrong one.
            UsageError: An argument is out of range.
            ModelError: The file that holds the class does not exist.
        """
        super().__init__(spec, args)
        for name, option in self.options.items():
            value = self.args[name]
            if option.type in (int, float) and value is not None and not value > 0:
                raise UsageError(f"--model-args: {name}={value} of model '{spec.name}' must be above 0")
        self._runtime = checked_runtime(spec)
        self._entry = find_entry(spec.name, self._runtime)
        self.sample_rate: int = self.args["sample_rate"]
        self.takes_language_hint: bool = self.args["language_hint"]
        self.equal_length: bool = self.args["equal_length"]
        self.takes_messages = bool(self.args["dialogues"])
        self.most_sounds = None if self.takes_messages else self.most_sounds
        self._model_args = {
            k: v for k, v in sorted({**spec.args, **self.args}.items()) if k not in IsolatedAdapter.options
        }
        self._environment: Environment | None = None
        self._child: ChildProcess | None = None
        self._audio: AudioFile | None = None
        self._transport: str | None = None
        self._shown: dict[str, Any] = {}
        self._asked = 0
        self._deaths = 0
        self._starts = 0
        self._given_up: str | None = None

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the code of the class, its arguments and the environment it runs in.

        A path among the arguments, and a source on this disk, count by what they hold. Requirements count as they are
        written, a file among them by its content: what is not pinned may be resolved differently on another day and
        still count as the same.
        """
        version = self._runtime.python
        if version in (None, RUNNING):
            version = ".".join(running().version.split(".")[:2])
        return {
            **self.base_identity(),
            "model_args": by_content(self.spec.name, self._model_args),
            **by_content(self.spec.name, self._local_source()),
            "entry": self._entry.identity(),
            "python": version,
            "requirements": requirements_digest(self.spec.name, self._runtime),
            "env": digest(self._runtime.env),
        }

    def _local_source(self) -> dict[str, str]:
        source = self.spec.source
        return {"source": source} if source and Path(source).expanduser().exists() else {}

    def loads_beside(self) -> bool:
        """Whether its environment is there: a process of its own disturbs nobody, but pip is not stopped at once."""
        return self._runtime.python == RUNNING or is_made(self.spec.name, self._runtime)

    def load(self) -> None:
        """Make the environment if it is not there yet, start the process and load the model.

        Raises:
            ModelError: One of the three failed; the message shows what was written last.
        """
        self._environment = ensure(self.spec.name, self._runtime)
        self._given_up, self._deaths = None, 0
        self._start()

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer each request; see the class for what happens when the process dies.

        Raises:
            ModelError: The model was not loaded, it raised, or its answers do not fit the requests. The process lives.
        """
        if self._environment is None:
            raise ModelError(f"model '{self.spec.name}' was asked before it was loaded")
        try:
            return self._ask(batch)
        except ChildDiedError:
            # Asked again behind the `except`: the exception holds the frames it passed through, and their memory.
            pass
        return [self._second_try(request) for request in batch]

    def close(self) -> None:
        """End the process, gently if it lets us, and free the memory it shares with us."""
        child, self._child = self._child, None
        try:
            if child is not None:
                child.close(self.args["close_timeout"])
        finally:
            self._free_audio()

    def describe(self) -> dict[str, Any]:
        """Return what the model said of itself when it was loaded, its Python, and how often it was restarted."""
        return {
            **self._shown,
            "runtime": "isolated",
            "python": self._environment.version if self._environment else None,
            "environment": self._environment.fingerprint if self._environment else None,
            "transport": self._transport,
            "restarts": max(0, self._starts - 1),
        }

    def _start(self) -> None:
        """Start a process and load the model in it.

        Raises:
            ChildDiedError: It did not come that far; there is no process then.
        """
        assert self._environment is not None
        self._free_audio()
        self._audio = self._new_audio()
        self._transport = "bytes" if self._audio is None else "shared"
        self._starts += 1
        child = ChildProcess(
            self.spec.name,
            self._environment.python,
            self._variables(self._environment),
            audio=self._audio.descriptor if self._audio else None,
            beat_seconds=min(1.0, self.args["heartbeat_timeout"] / 10),
            silence_seconds=self.args["heartbeat_timeout"],
        )
        where = {"source": self.spec.source, "revision": self.spec.revision}
        args = {**{k: v for k, v in where.items() if v is not None}, **self._model_args}
        message = {"op": "load", "entry": str(self._entry), "args": args}
        reply = child.ask(message, self.args["load_timeout"], "loading")
        if reply["op"] == "raised":
            child.kill()
            raise ChildDiedError(f"model '{self.spec.name}' cannot be loaded: {reply['error']}", child.log.last_lines())
        self._shown = json.loads(reply["shown"])
        self._child = child

    def _variables(self, environment: Environment) -> dict[str, str]:
        if self._runtime.python == RUNNING:
            return {**os.environ, **self._runtime.env}
        programs = environment.python.parent
        return {
            **without_our_python(),
            "VIRTUAL_ENV": str(programs.parent),
            "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
            **self._runtime.env,
        }

    def _new_audio(self) -> AudioFile | None:
        if self.args["transport"] == "bytes":
            return None
        try:
            return AudioFile()
        except OSError as exc:
            if self.args["transport"] == "auto":
                return None  # slower, and shown: see `describe`
            raise ModelError(f"model '{self.spec.name}': no memory can be shared with its process: {exc}") from exc

    def _free_audio(self) -> None:
        if self._audio is not None:
            self._audio.close()
            self._audio = None

    def _ask(self, batch: Sequence[Request]) -> list[Answer]:
        """Ask once, starting the process where there is none.

        Raises:
            ChildDiedError: The process died of it.
            ModelError: The process lives, but has no answers; or it was given up.
        """
        if self._given_up is not None:
            raise ModelError(self._given_up)
        try:
            if self._child is None:
                self._start()
            assert self._child is not None
            first, self._asked = self._asked, self._asked + len(batch)
            ids = range(first, self._asked)
            doing = f"answering {len(batch)} request{'' if len(batch) == 1 else 's'}"
            reply = self._child.ask(self._message(ids, batch), self._deadline(batch), doing)
        except ChildDiedError as exc:
            self._child = None
            self._deaths += 1
            if self._deaths >= _HOPELESS:
                self._given_up = f"given up after {self._deaths} deaths in a row; the last: {exc.brief}"
            raise
        except BaseException as exc:
            if not isinstance(exc, Exception):  # an interrupt: the process was ended in the middle of its batch
                self._child = None
            raise
        if reply["op"] == "raised":
            raise ModelError(reply["error"])
        answers = match_answers(ids, reply["answers"])
        self._deaths = 0
        return answers

    def _second_try(self, request: Request) -> Answer:
        try:
            return self._ask([request])[0]
        except ChildDiedError as exc:
            return Answer(error=exc.brief)
        except ModelError as exc:
            return Answer(error=str(exc))

    def _deadline(self, batch: Sequence[Request]) -> float:
        given: float | None = self.args["batch_timeout"]
        if given is not None:
            return given
        return _DEADLINE_S + _DEADLINE_PER_AUDIO_S * sum(r.audio.duration_s for r in batch if r.audio)

    def _message(self, ids: Sequence[int], batch: Sequence[Request]) -> dict[str, Any]:
        clips = []
        requests = []
        for number, request in zip(ids, batch, strict=True):
            clips.append(heard(request, self.sample_rate, self.spec.name, reads_aloud=self.reads_aloud))
            requests.append(
                {
                    "id": number,
                    "count": len(clips[-1]),
                    "sample_rate": self.sample_rate,
                    "prompt": request.prompt.text,
                    "language": request.prompt.language,
                    **messages_of(request.prompt),
                    **({"answer": "speech"} if request.prompt.answer == "speech" else {}),
                    **({"draw": request.draw} if request.draw else {}),
                    **({"voice_text": request.prompt.voice_text} if request.prompt.voice_text else {}),
                    **({"style": request.prompt.style} if request.prompt.style else {}),
                    **(
                        {"sounds": {n: bytes(as_bytes(s.samples)) for n, s in request.sounds.items()}}
                        if request.sounds
                        else {}
                    ),
                }
            )
        samples: bytes | None = None
        if self._audio is None:
            samples = b"".join(as_bytes(clip) for clip in clips)
        else:
            try:
                self._audio.write(clips)
            except OSError as exc:
                raise ModelError(f"model '{self.spec.name}': no memory left to hand over audio: {exc}") from exc
        return {"op": "generate", "requests": requests, "samples": samples}
