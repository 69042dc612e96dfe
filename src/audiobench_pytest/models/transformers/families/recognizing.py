"""How a clip is put to each family of `writing.WritingRecognizer`."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.transformers.families.writing import WritingRecognizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Moonshine(WritingRecognizer):
    """An encoder over the waveform itself and a decoder."""

    class_name = "MoonshineForConditionalGeneration"
    equal_length = True  # its first layer normalises over time, padding and all

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        return dict(
            self._processor(sound, sampling_rate=self.sample_rate, return_tensors="pt", return_attention_mask=True)
        )

    def _room(self, samples: int) -> int:
        # As its authors advise: it is prone to repeat itself on sound that holds little speech.
        own = max(1, math.ceil(6.5 * samples / self.sample_rate))
        return min(own, self.args["max_new_tokens"] or own)


class Canary(WritingRecognizer):
    """An encoder and a decoder that is told which language it hears and which one to write."""

    class_name = "CanaryForConditionalGeneration"
    asks = "must"

    def _code(self, language: str) -> str | None:
        code = language.casefold().replace("_", "-").split("-")[0]
        return code if f"<|{code}|>" in self._tokenizer.get_vocab() else None

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        target = "en" if self.args["task"] == "translate" else language
        return dict(
            self._processor.apply_transcription_request(sound, source_language=language, target_language=target)
        )


_SEAMLESS_NAMES = {"zho": "cmn", "ara": "arb", "fas": "pes", "msa": "zsm", "aze": "azj"}


def seamless_code(language: str, known: Collection[str]) -> str | None:
    """Return what SeamlessM4T calls a language, out of those that it knows; None where it knows it not."""
    import langcodes

    code = langcodes.Language.get(language).to_alpha3()
    code = code if code in known else _SEAMLESS_NAMES.get(code, code)
    return code if code in known else None


class Seamless(WritingRecognizer):
    """SeamlessM4T v2, from speech to text: told which language to write."""

    class_name = "SeamlessM4Tv2ForSpeechToText"
    asks = "must"
    one_language = True
    equal_length = True  # its adapter pools over time, and the last frame of a clip takes padding in

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        self._languages = dict(checkpoint.generation.get("text_decoder_lang_to_code_id") or {})

    def _load_processor(self) -> None:
        self._features = self.checkpoint.load("AutoFeatureExtractor")
        self._tokenizer = self.checkpoint.load("AutoTokenizer")

    def _code(self, language: str) -> str | None:
        return seamless_code(language, self._languages)

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        return dict(
            self._features(sound, sampling_rate=self.sample_rate, return_tensors="pt", return_attention_mask=True)
        )

    def _options(self, language: str | None) -> dict[str, Any]:
        return {"tgt_lang": "eng" if self.args["task"] == "translate" else language}

    def _begun(self, inputs: Mapping[str, Any]) -> int:
        return 2


class KyutaiSpeechToText(WritingRecognizer):
    """A stream of text beside a stream of sound, a token per frame; what is said comes a little after it is heard."""

    class_name = "KyutaiSpeechToTextForConditionalGeneration"
    half = "bfloat16"
    hears_float32 = True

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        return dict(self._processor(audio=sound, sampling_rate=self.sample_rate, return_tensors="pt"))

    def _room(self, samples: int) -> int:
        features = self._processor.feature_extractor
        around = features.audio_silence_prefix_seconds + features.audio_delay_seconds + 1.0
        frames = (samples + int(around * self.sample_rate)) // int(self.model.config.codec_config.frame_size)
        return min(frames, self.args["max_new_tokens"] or frames)


class Qwen3Asr(WritingRecognizer):
    """A language model that hears: it writes the language and then the text, unless it is told the language."""

    class_name = "Qwen3ASRForConditionalGeneration"
    asks = "may"
    half = "bfloat16"
    _FOUND = re.compile(r"^language (?P<language>.*?)<asr_text>", re.DOTALL)

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        self._refuse({"task": "transcribe"}, "it transcribes")

    def _code(self, language: str) -> str | None:
        from transformers.models.qwen3_asr.processing_qwen3_asr import LANGUAGE_CODE_TO_NAME

        code = language.casefold().replace("_", "-").split("-")[0]
        code = {"cmn": "zh", "zho": "zh", "tl": "fil"}.get(code, code)
        return code if code in LANGUAGE_CODE_TO_NAME else None

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        return dict(
            self._processor.apply_transcription_request(
                sound, language=language, processor_kwargs={"return_tensors": "pt"}
            )
        )

    def _written(self, tokens: list[int]) -> str:
        return self._FOUND.sub("", super()._written(tokens)).strip()


class GlmAsr(WritingRecognizer):
    """A language model that hears and is asked to transcribe in its own words."""

    class_name = "GlmAsrForConditionalGeneration"
    half = "bfloat16"

    def _inputs(self, sound: NDArray[np.float32], language: str | None) -> Mapping[str, Any]:
        return dict(self._processor.apply_transcription_request(sound))


FAMILIES: Mapping[str, type[WritingRecognizer]] = {
    "canary": Canary,
    "glmasr": GlmAsr,
    "kyutai_speech_to_text": KyutaiSpeechToText,
    "moonshine": Moonshine,
    "qwen3_asr": Qwen3Asr,
    "seamless_m4t_v2": Seamless,
}
"""By model type."""
