"""A Whisper that CTranslate2 decodes: the languages, tasks and long clips of the other Whisper, another engine."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.ctranslate2.conversion import converted, is_converted, told_by_tokenizer
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.models.transformers.whisper import PROMPT_TOKENS, WhisperRecognizer
from audiobench_pytest.types import Answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CTranslateWhisper(WhisperRecognizer):
    """Greedy, or by beams, without timestamps for clips of at most 30 s; longer ones as faster-whisper does them.

    A long clip is heard window by window, without the text before, without voice detection and never again at a higher
    temperature.
    """

    def __init__(self, checkpoint: Checkpoint, args: Any) -> None:
        if is_converted(checkpoint.source):
            told = told_by_tokenizer(Path(checkpoint.source))
            checkpoint = dataclasses.replace(checkpoint, generation={**told, **checkpoint.generation})
        elif checkpoint.model_type != "whisper":
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} is of type '{checkpoint.model_type}'; faster-whisper "
                "runs Whisper checkpoints (try the way transformers)"
            )
        super().__init__(checkpoint, args)
        if self._is_untold:
            raise ModelError(f"model '{checkpoint.model}': {self._untold()}")

    def load(self, placement: Placement) -> None:
        """Convert the checkpoint where that was not done yet, and bring it into memory."""
        folder = converted(self.checkpoint)
        import ctranslate2
        from faster_whisper import WhisperModel

        if placement.on_cuda and not ctranslate2.get_cuda_device_count():
            where = "asked for" if placement.chosen else "found by looking around"
            raise ModelError(
                f"model '{self.checkpoint.model}': device {placement.device} ({where}): CTranslate2 finds no CUDA "
                "device; pass --model-args device=cpu"
            )
        device, _, index = placement.device.partition(":")
        try:
            self._model = WhisperModel(
                str(folder),
                device=device,
                device_index=int(index or 0),
                compute_type=placement.dtype,
                cpu_threads=self.args["threads"] or os.cpu_count() or 1,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"model '{self.checkpoint.model}': {folder} cannot be loaded: {exc}") from exc
        self._model.max_length = self._room + PROMPT_TOKENS  # of a window; 448 in all that were published
        self._features = self._model.feature_extractor
        self._tokenizer = self._model.hf_tokenizer

    def _decode(
        self, sounds: Sequence[NDArray[np.float32]], languages: list[str | None], placement: Placement, *, long: bool
    ) -> list[Answer]:
        if long:
            return [self._window_by_window(sound, code) for sound, code in zip(sounds, languages, strict=True)]
        import ctranslate2

        features = ctranslate2.StorageView.from_array(self._extracted(sounds))
        if placement.on_cuda:
            features = features.to_device(ctranslate2.Device.cuda, self.model.model.device_index[0])
        detected = self._heard_languages(features, languages)
        prompts = [self._prompt(detected.get(row, code)) for row, code in enumerate(languages)]
        most = self.args["max_new_tokens"] or min(self._room, int(self.checkpoint.generation.get("max_length", 448)))
        found = self.model.model.generate(
            features,
            prompts,
            beam_size=self.args["num_beams"],
            # The engine takes half of it, or what is left of it behind the prompt, whatever is less.
            max_length=max(2 * most, most + len(prompts[0])),
        )
        return [self._answer(one.sequences_ids[0], most, detected.get(row)) for row, one in enumerate(found)]

    def _answer(self, tokens: list[int], most: int, detected: str | None) -> Answer:
        return Answer(
            text=self._tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            meta={
                "tokens": len(tokens),
                **({"finish_reason": "length"} if len(tokens) >= most else {}),
                **({"detected_language": detected} if detected else {}),
            },
        )

    def _extracted(self, sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return log mel features of clips that are padded to 30 s, `(clips, bands, frames)`."""
        import numpy as np

        length = self._features.n_samples
        padded = (np.pad(sound, (0, length - len(sound))) for sound in sounds)
        frames = length // self._features.hop_length
        return np.stack([self._features(sound, padding=0)[:, :frames] for sound in padded]).astype(np.float32)

    def _heard_languages(self, features: Any, languages: list[str | None]) -> dict[int, str]:
        rows = [row for row, language in enumerate(languages) if language is None]
        if not rows or not self._languages:
            return {}
        model = self.model.model
        if not model.is_multilingual:  # which it tells by the size of the vocabulary
            raise ModelError(f"model '{self.checkpoint.model}': CTranslate2 cannot tell its languages: name one")
        found = model.detect_language(features)
        return {row: found[row][0][0].strip("<|>") for row in rows}

    def _prompt(self, language: str | None) -> list[int]:
        told = self.checkpoint.generation
        start = int(told.get("decoder_start_token_id") or self.checkpoint.config.get("decoder_start_token_id", 0))
        middle = [self._languages[language], int(told["task_to_id"][self.args["task"]])] if language else []
        return [start, *middle, int(told["no_timestamps_token_id"])]

    def _window_by_window(self, sound: NDArray[np.float32], language: str | None) -> Answer:
        segments, info = self.model.transcribe(
            sound,
            language=language or (None if self._languages else "en"),
            task=self.args["task"],
            beam_size=self.args["num_beams"],
            best_of=1,
            temperature=0.0,
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
            condition_on_previous_text=False,
            suppress_tokens=list(self.checkpoint.generation.get("suppress_tokens") or [-1]),
            max_new_tokens=self.args["max_new_tokens"],
        )
        pieces = list(segments)
        detected = {"detected_language": info.language} if language is None and self._languages else {}
        return Answer(
            text="".join(piece.text for piece in pieces).strip(),
            meta={"tokens": sum(len(piece.tokens) for piece in pieces), **detected},
        )
