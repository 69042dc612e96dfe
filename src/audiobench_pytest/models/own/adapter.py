"""Models that are a class of the user's own: `pytest ... --model ./my_model.py:Recognizer`.

The class inherits from nothing and imports nothing of this package. This is a whole model:

    class Recognizer:
        def load(self, args):
            self.model = load_it(args.get("weights", "default.pt"))

        def generate(self, batch):
            return [self.model(request["samples"]) for request in batch]

`load(args)` is called once; `args` are the texts of `--model-args`. It may return a mapping of plain values that are
worth showing with the result (device, precision).

`generate(batch)` is given a list of mappings:

    samples      (n,) float32 in [-1, 1], the model's own to keep or to change
    sample_rate  Hz
    prompt       the instruction, or None for a plain recogniser
    language     code of the language, or None where the model has to find out
    messages     only where the prompt says what stands where: [{"role", "content": [{"type": "text", "text"} or
                 {"type": "audio", "name"}, ...]}, ...]
    sounds       only where the question has further sounds: samples by name (`prompt`: whose voice to take)
    voice_text   only of a model that reads aloud, where the row tells what is said in the sound `prompt`
    style        only of a model that reads aloud, where the row tells how its text is to be said
    answer       only where it is wanted in sound: `speech`
    draw         only of a second or further answer to the same question (`varies`, --repeats): which one, from 1;
                 draw at random from a seed of its own
    id           int, of no meaning, never used twice in a batch

and returns one answer per request, in the order given: the text, or a mapping with `text`, `error` (why this one
request has no answer), `meta` (plain values to keep) and, of a model that speaks, `speech` (samples in [-1, 1]) with
their `sample_rate` and `timing` (seconds by name; `ttfa_s` to the first sound). Raising fails the batch, which is then
asked in halves, so that one bad clip fails alone. `close()` is called once, at the end; it may be missing.

Attributes that the class may have, with a plain value in its body: `sample_rate` (Hz, 16000 unless told), `batch_rows`
(most clips at once, 8), `batch_seconds`, `languages` and `tasks` (others are skipped with the reason), `language_hint`
(True: be told the language of the data set), `equal_length` (True: only clips of one length share a batch), `dialogues`
(True: it is given whole conversations, with all of their sounds), `follows` (True: it does what the prompt says),
`gives` (`("speech",)`: it answers in sound), `reads_aloud` (True: the prompt is a text that it says as it stands),
`varies` (True: it draws at random, so that it may be asked several times), `gpus`, `memory_gb` (GiB that it takes once
loaded) and `loads_beside` (True: `load` may run in another thread while another model answers, since it sets no seeds
and no defaults of libraries; with `@isolated` that is so anyway). Of both known, it is loaded before its turn where
memory allows.

With `@isolated` behind it (`./my_model.py:Recognizer@isolated`) the class runs in a process and an environment of its
own: with the packages of its attribute `requirements` (lines as in a requirements file), else of the `requirements.txt`
beside its file, else none, and with the Python of its attribute `python` (`"3.10"`). See `models.isolated.child`.

Answers are kept under the digest of the class's file, its name and its arguments, a path among them by what it holds.
What the file imports from beside itself, or weights that it finds by itself, are not seen: a method `identity()` that
returns plain values, called before `load`, may tell of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.isolated import child
from audiobench_pytest.models.isolated.adapter import IsolatedAdapter
from audiobench_pytest.models.isolated.entry import checked_runtime, find_entry
from audiobench_pytest.models.isolated.messages import heard, match_answers, messages_of
from audiobench_pytest.models.options import OpenOptions, Option
from audiobench_pytest.models.own.reading import read_class
from audiobench_pytest.models.paths import by_content
from audiobench_pytest.types import Answer, Request

_SHARED = ("sample_rate", "language_hint", "equal_length", "dialogues")


class OwnAdapter(ModelAdapter):
    """Runs a class of the user's own in this process."""

    options: ClassVar[Mapping[str, Option]] = OpenOptions({name: IsolatedAdapter.options[name] for name in _SHARED})
    batch_rows = 8
    takes_style = True  # what is made of it is the class's matter

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Find the file of the class; import nothing.

        Raises:
            CatalogError: The entry has no runtime, or a wrong one.
            ModelError: The file or the module does not exist.
        """
        super().__init__(spec, args)
        self._entry = find_entry(spec.name, checked_runtime(spec, "in-process"), here=True)
        self.sample_rate: int = self.args["sample_rate"]
        self.takes_language_hint: bool = self.args["language_hint"]
        self.equal_length: bool = self.args["equal_length"]
        self.takes_messages = bool(self.args["dialogues"])
        self.most_sounds = None if self.takes_messages else self.most_sounds
        self._given = {k: v for k, v in sorted({**spec.args, **self.args}.items()) if k not in _SHARED}
        self._model: Any = None
        self._shown: Mapping[str, Any] = {}

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the code of the class, its arguments, and what it tells of itself.

        Raises:
            ModelError: A file cannot be read, or the class cannot tell.
        """
        own = {name: value for name, value in self.args.items() if self.options[name].affects_answers}
        identity = {
            **self.base_identity(),
            "model": "class",
            "args": {**own, **by_content(self.spec.name, self._given)},
            "entry": self._entry.identity(),
        }
        file = self._entry.file
        source = read_class(self.spec.name, file, self._entry.name) if file else None
        if source is None or source.inherits or "identity" in source.methods:
            model = self._made()
            if hasattr(model, "identity"):
                identity["own"] = self._call("asked what it is", lambda: _plain(model.identity()))
        return identity

    def load(self) -> None:
        """Import the module, make an object of the class and let it load.

        Raises:
            ModelError: One of these failed.
        """
        model = self._made()
        self._shown = self._call("loaded", lambda: _plain(model.load(dict(self._given)) or {}))
        self._model = model

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer each request.

        Raises:
            ModelError: It was not loaded, or its answers do not fit the requests.
        """
        if self._model is None:
            raise ModelError(f"model '{self.spec.name}' was asked before it was loaded")
        asked = [
            {
                "id": number,
                "samples": heard(request, self.sample_rate, self.spec.name, reads_aloud=self.reads_aloud).copy(),
                "sample_rate": self.sample_rate,
                "prompt": request.prompt.text,
                "language": request.prompt.language,
                **messages_of(request.prompt),
                **({"answer": "speech"} if request.prompt.answer == "speech" else {}),
                **({"draw": request.draw} if request.draw else {}),
                **({"voice_text": request.prompt.voice_text} if request.prompt.voice_text else {}),
                **({"style": request.prompt.style} if request.prompt.style else {}),
                **({"sounds": {n: s.samples.copy() for n, s in request.sounds.items()}} if request.sounds else {}),
            }
            for number, request in enumerate(batch)
        ]
        return match_answers(range(len(batch)), child.plain_answers(self._model.generate(asked)))

    def close(self) -> None:
        """Let the class close, and forget it."""
        model, self._model = self._model, None
        if hasattr(model, "close"):
            model.close()

    def describe(self) -> dict[str, Any]:
        """Return what the class said of itself when it was loaded."""
        return {**self._shown, "runtime": "in-process"}

    def _made(self) -> Any:
        made = self._call("imported", lambda: child.find_class(str(self._entry))())
        for method in ("load", "generate"):
            if not callable(getattr(made, method, None)):
                raise ModelError(f"model '{self.spec.name}': {self._entry} has no method '{method}'")
        return made

    def _call(self, what: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Exception as exc:  # whatever the user's code raises
            raise ModelError(f"model '{self.spec.name}' cannot be {what}: {child.described(exc)}") from exc


class OwnIsolatedAdapter(IsolatedAdapter):
    """Runs a class of the user's own in an environment and a process of its own."""

    options: ClassVar[Mapping[str, Option]] = OpenOptions(IsolatedAdapter.options)

    @classmethod
    def options_for(cls, spec: ModelSpec) -> Mapping[str, Option]:
        """Return options of any name: what is none of the adapter's goes to the class."""
        return cls.options

    def identity(self) -> dict[str, Any]:
        """Return the identity of an isolated model, files among its arguments by their content.

        Raises:
            ModelError: A file cannot be read.
        """
        identity = super().identity()
        given = by_content(self.spec.name, identity.pop("model_args"))
        return {**identity, "model": "class", "args": {**identity["args"], **given}}


def _plain(values: Any) -> dict[str, Any]:
    """Return values as they will be read back from JSON; refuse any that cannot be written."""
    return dict(json.loads(json.dumps(dict(values), allow_nan=False)))
