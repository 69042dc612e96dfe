"""Whisper: an encoder over 30 s of sound and a decoder that is told language and task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.models.transformers.decoding import finite_tokens
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.models.transformers.families.spectrograms import without_silence
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Start of transcript, language, task, no timestamps.
PROMPT_TOKENS = 4
"""The tokens that stand before an answer."""
_WINDOW_S = 30.0
# Whisper's names for languages that ISO 639 calls otherwise.
_RENAMED = {"cmn": "zh", "zho": "zh", "jv": "jw", "nb": "no", "fil": "tl", "iw": "he"}


class WhisperRecognizer(Recognizer):
    """A Whisper checkpoint, multilingual or of one language.

    A clip of at most 30 s is padded to 30 s and decoded without timestamps, in batches. A longer one is decoded in the
    model's own way: window by window, each starting where the timestamps of the one before ended. Windows do not see
    the text before them and are not decoded again at higher temperatures, so that decoding stays greedy.
    """

    rows = 16
    seconds = 480.0

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        self.least_seconds = float(checkpoint.features.get("chunk_length") or _WINDOW_S)
        generation = checkpoint.generation
        self._languages: dict[str, int] = {}
        if generation.get("is_multilingual", True):
            self._languages = {k.strip("<|>"): int(v) for k, v in (generation.get("lang_to_id") or {}).items()}
        # A checkpoint of one language says so; where nothing is said, nobody knows how to tell it language and task.
        self._is_untold = not self._languages and "is_multilingual" not in generation
        self._check_arguments()
        # Forced or detected, the language is no matter of the dataset's.
        knows = bool(self._languages) or self._is_untold
        self.takes_language_hint = knows and self.args["language"] is None

    def _check_arguments(self) -> None:
        if self._is_untold:
            self._refuse({"language": None, "task": "transcribe"}, self._untold())
        elif not self._languages:
            why = "its checkpoint has no language and task tokens, so it transcribes the one language it knows"
            self._refuse({"language": None, "task": "transcribe"}, why)
        elif self.args["language"] is not None:
            code = self.args["language"].strip().casefold()
            self.args["language"] = code if code == "auto" else self._code(code)
            if self.args["language"] is None:
                raise UsageError(
                    f"--model-args: language={code} of model '{self.checkpoint.model}' is unknown to it"
                    f"{did_you_mean(code, [*self._languages, 'auto'], show_all_below=200)}"
                )
        if (asked := self.args["max_new_tokens"]) is not None and asked > self._room:
            raise UsageError(
                f"--model-args: max_new_tokens={asked} of model '{self.checkpoint.model}': "
                f"its decoder has room for {self._room}"
            )

    @property
    def _room(self) -> int:
        """Most tokens of an answer that the decoder has room for."""
        return int(self.checkpoint.config.get("max_target_positions", 448)) - PROMPT_TOKENS

    def _untold(self) -> str:
        return (
            f"{self.checkpoint.where} has no generation_config.json that says how language and task are told "
            "(is_multilingual, lang_to_id, task_to_id, no_timestamps_token_id): copy that file from the checkpoint it "
            "was made of"
        )

    def _code(self, language: str) -> str | None:
        """Return the model's own code of an ISO 639 language, or None if it has none."""
        code = language.casefold().replace("_", "-").split("-")[0]
        if code not in self._languages:
            code = _RENAMED.get(code, code)
        return code if code in self._languages else None

    def load(self, placement: Placement) -> None:
        """Bring model, feature extractor and tokenizer into memory."""
        self._features = without_silence(self.checkpoint.load("AutoFeatureExtractor"))
        self._tokenizer = self.checkpoint.load("AutoTokenizer")
        self.check_writes(self._tokenizer)
        self._model = self.checkpoint.load_model("AutoModelForSpeechSeq2Seq", placement, self.args["attn"])

    def recognize(self, batch: Sequence[Request], placement: Placement) -> list[Answer]:
        """Answer short clips in one go and long ones in another; a language the model lacks is that request's error."""
        answers: dict[int, Answer] = {}
        languages: dict[int, str | None] = {}
        long: list[int] = []
        short: list[int] = []
        for row, request in enumerate(batch):
            if self._is_untold and (problem := self._cannot(request)):
                answers[row] = Answer(error=problem)
                continue
            hint = self.args["language"] or (request.prompt.language if self._languages else None)
            language = None if hint in (None, "auto") else self._code(str(hint))
            if language is None and hint not in (None, "auto"):
                answers[row] = Answer(
                    error=f"model '{self.checkpoint.model}' does not know the language '{hint}': "
                    "pass --model-args language=auto, or the language to take it for"
                )
                continue
            languages[row] = language
            is_long = len(self._waveform(request)) > self._features.n_samples
            (long if is_long else short).append(row)
        for rows in (short, long):
            if rows:
                sounds = [self._waveform(batch[row]) for row in rows]
                found = self._decode(sounds, [languages[row] for row in rows], placement, long=rows is long)
                answers.update(zip(rows, found, strict=True))
        return [answers[row] for row in range(len(batch))]

    def _cannot(self, request: Request) -> str | None:
        """Return why a checkpoint that cannot be told language and task cannot answer a request, or None."""
        language = (request.prompt.language or "en").split("-")[0]
        if language != "en":
            return f"the language '{language}' cannot be told to it: {self._untold()}"
        if len(self._waveform(request)) > self._features.n_samples:
            return f"clips of more than 30 s need timestamps: {self._untold()}"
        return None

    def _decode(
        self, sounds: Sequence[NDArray[np.float32]], languages: list[str | None], placement: Placement, *, long: bool
    ) -> list[Answer]:
        features, mask = (self._long if long else self._short)(sounds, placement)
        features = features.to(self.model.device, self.model.dtype)
        detected = self._detect(features, languages)
        options: dict[str, Any] = {"num_beams": self.args["num_beams"], "do_sample": False, "return_timestamps": long}
        if self.args["max_new_tokens"] is not None:
            options["max_new_tokens"] = self.args["max_new_tokens"]
        if self._languages:
            known = [detected.get(row, language) for row, language in enumerate(languages)]
            options |= {"language": [f"<|{code}|>" for code in known], "task": self.args["task"]}
        options |= {"input_features": features, "attention_mask": mask.to(self.model.device)}
        tokens = finite_tokens(self.model, self.checkpoint.model, **options)
        texts = self._tokenizer.batch_decode(tokens, skip_special_tokens=True)
        pad = self.model.generation_config.pad_token_id
        most = self.args["max_new_tokens"] or self._room
        return [
            Answer(
                text=text.strip(),
                meta={
                    "tokens": int((tokens[row] != pad).sum()),
                    **({"finish_reason": "length"} if not long and self._is_cut(tokens[row], pad, most) else {}),
                    **({"detected_language": detected[row]} if row in detected else {}),
                },
            )
            for row, text in enumerate(texts)
        ]

    def _is_cut(self, tokens: Any, pad: int, most: int) -> bool:
        """Whether an answer ended at the limit of tokens and not of itself."""
        ends = self.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        return not ends & set(tokens.tolist()) and int((tokens != pad).sum()) >= most

    def _detect(self, features: Any, languages: list[str | None]) -> dict[int, str]:
        """Return the model's guess, from the first 30 s, of each language that is not given."""
        rows = [row for row, language in enumerate(languages) if language is None]
        if not rows or not self._languages:
            return {}
        codes = {token: code for code, token in self._languages.items()}
        found = self.model.detect_language(input_features=features[rows]).tolist()
        return {row: codes[token] for row, token in zip(rows, found, strict=True)}

    def _extract(self, sounds: Sequence[NDArray[np.float32]], placement: Placement, **options: Any) -> Any:
        return self._features(
            list(sounds),
            sampling_rate=self.sample_rate,
            return_tensors="pt",
            return_attention_mask=True,
            device=placement.device if placement.on_cuda else "cpu",
            **options,
        )

    def _short(self, sounds: Sequence[NDArray[np.float32]], placement: Placement) -> tuple[Any, Any]:
        extracted = self._extract(sounds, placement, padding="max_length")
        return extracted.input_features, extracted.attention_mask

    def _long(self, sounds: Sequence[NDArray[np.float32]], placement: Placement) -> tuple[Any, Any]:
        """Extract each clip by itself and pad the features, not the sound.

        Padding the sound to the longest clip changes the last frames of the others and, for lengths that are no whole
        number of frames, how many they have; with it where the last window ends, and what is heard in it.
        """
        import torch

        each = [
            self._extract([sound], placement, padding="longest", truncation=False).input_features[0] for sound in sounds
        ]
        frames = max(one.shape[-1] for one in each)
        features = torch.stack([torch.nn.functional.pad(one, (0, frames - one.shape[-1])) for one in each])
        mask = torch.stack([(torch.arange(frames) < one.shape[-1]).long() for one in each])
        return features, mask
