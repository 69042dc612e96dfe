"""Recognisers that write token by token, each clip put to them by their checkpoint's own processor."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.models.transformers.decoding import finite_tokens
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.models.transformers.families.rows import joined
from audiobench_pytest.models.transformers.families.spectrograms import without_silence
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_TOKENS = 448
_LEAST_S = 0.1
"""A shorter clip is followed by silence up to here: some encoders make nothing of it, or fail."""


class WritingRecognizer(Recognizer):
    """One family; a subclass says how a clip is put to it.

    Attributes:
        class_name: Class of transformers.
        one_language: All rows of a batch are written in the same language, so each language is a batch of its own.
        hears_float32: The part that hears stays in float32, whatever the precision of the rest.
        asks: What it does with the language: `""` nothing, `"may"` finds out where none is given, `"must"` needs one.
    """

    rows = 16
    seconds = 480.0
    class_name: ClassVar[str]
    one_language: ClassVar[bool] = False
    hears_float32: ClassVar[bool] = False
    asks: ClassVar[str] = ""

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        if not self.asks:
            self._refuse({"language": None, "task": "transcribe"}, "it is told neither language nor task")
        self.takes_language_hint = bool(self.asks) and self.args["language"] is None

    def load(self, placement: Placement) -> None:
        """Bring model and processor into memory."""
        self._load_processor()
        self.check_writes(self._tokenizer)
        self._model = self.checkpoint.load_model(self.class_name, placement, self.args["attn"])

    def _load_processor(self) -> None:
        self._processor = self.checkpoint.load("AutoProcessor")
        without_silence(self._processor.feature_extractor)
        self._tokenizer = self._processor.tokenizer

    def recognize(self, batch: Sequence[Request], placement: Placement) -> list[Answer]:
        """Answer a batch; a language that the model lacks is that request's error."""
        answers: dict[int, Answer] = {}
        groups: dict[tuple[str | None, int], list[tuple[int, NDArray[np.float32], str | None]]] = {}
        for row, request in enumerate(batch):
            sound, language = self._long_enough(self._waveform(request)), None
            if self.asks:
                hint = self.args["language"] or request.prompt.language
                language = None if hint in (None, "auto") else self._code(str(hint))
                if language is None and (self.asks == "must" or hint not in (None, "auto")):
                    answers[row] = Answer(error=self._no_language(hint))
                    continue
            alike = (language if self.one_language else None, len(sound) if self.equal_length else 0)
            groups.setdefault(alike, []).append((row, sound, language))
        for group in groups.values():
            rows, sounds, languages = (list(column) for column in zip(*group, strict=True))
            answers.update(zip(rows, self._answers(sounds, languages), strict=True))
        return [answers[row] for row in range(len(batch))]

    def _no_language(self, hint: str | None) -> str:
        name = self.checkpoint.model
        if hint in (None, "auto"):
            return f"model '{name}' has to be told the language: pass --model-args language=CODE"
        return f"model '{name}' does not know the language '{hint}': pass --model-args language= one to take it for"

    def _code(self, language: str) -> str | None:
        """Return the model's own name of an ISO 639 language, or None where it has none; who `asks` has a table."""
        return None

    @abc.abstractmethod
    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        """Return the tensors of one clip, a row each."""

    def _options(self, language: str | None) -> dict[str, Any]:
        """Return what a batch's `generate` is told beside; `language` is that of all its rows, where they share one."""
        return {}

    def _room(self, samples: int) -> int:
        """Return the most tokens of an answer to a clip of so many samples."""
        return int(self.args["max_new_tokens"] or _MOST_TOKENS)

    def _begun(self, inputs: Mapping[str, Any]) -> int:
        """Return how many tokens stand before the answer."""
        given = inputs.get("input_ids", inputs.get("decoder_input_ids"))
        return 1 if given is None else int(given.shape[1])

    def _written(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True)).strip()

    def _answers(self, sounds: Sequence[NDArray[np.float32]], languages: Sequence[str | None]) -> list[Answer]:
        made = [self._inputs(sound, language) for sound, language in zip(sounds, languages, strict=True)]
        import torch

        precision = torch.float32 if self.hears_float32 else None
        inputs = joined(made, self.model, pad=self._tokenizer.pad_token_id, dtype=precision)
        rooms = [self._room(len(sound)) for sound in sounds]
        options = {"num_beams": self.args["num_beams"], "do_sample": False, "max_new_tokens": max(rooms)}
        options |= self._options(languages[0])
        found = finite_tokens(self.model, self.checkpoint.model, **inputs, **options)
        ends = self.model.generation_config.eos_token_id
        ends = set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
        answers = []
        for tokens, room in zip(found[:, self._begun(inputs) :].tolist(), rooms, strict=True):
            # In a batch the model goes on until its last row has ended: what a row says behind its own end is not its.
            count = next((place + 1 for place, token in enumerate(tokens[:room]) if token in ends), None)
            said = tokens[: room if count is None else count]
            meta: dict[str, Any] = {"tokens": len(said)}
            if ends:
                meta["finish_reason"] = "length" if count is None else "stop"
            answers.append(Answer(self._written(said), meta=meta))
        return answers

    def _long_enough(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        return np.pad(sound, (0, max(0, round(_LEAST_S * self.sample_rate) - len(sound))))
