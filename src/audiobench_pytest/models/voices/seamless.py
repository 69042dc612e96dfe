"""SeamlessM4T v2 as a voice, through the transformers library: from a text to speech in the same language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers.adapter import options_with
from audiobench_pytest.models.transformers.families.recognizing import seamless_code
from audiobench_pytest.models.voices.seeded import RefusedError, SeededVoiceAdapter
from audiobench_pytest.types import Request

_KNOWN = ("text_decoder_lang_to_code_id", "t2u_lang_code_to_id", "vocoder_lang_code_to_id")
"""Tables of its generation settings that a language has to be in to be spoken."""


class SeamlessVoiceAdapter(SeededVoiceAdapter):
    """Says a text in the language that the data set names; what it writes on the way is not kept."""

    sample_rate = None
    draws_at_random = False
    options: ClassVar[Mapping[str, Option]] = options_with(
        {"speaker": Option(int, 0, "number of the voice"), "num_beams": Option(int, 1, "beams of the text it writes")}
    )
    counts = ("threads", "num_beams")

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Read which languages and voices it has; see the base class.

        Raises:
            ModelError: The checkpoint is no SeamlessM4T v2, or does not tell which languages it speaks.
            UsageError: It has no such voice.
        """
        super().__init__(spec, args)
        checkpoint = self._checkpoint
        if checkpoint.model_type != "seamless_m4t_v2":
            raise ModelError(
                f"model '{checkpoint.model}': {checkpoint.where} is of type '{checkpoint.model_type}', not "
                "'seamless_m4t_v2'"
            )
        tables = [checkpoint.generation.get(name) or {} for name in _KNOWN]
        self._languages = sorted(set(tables[0]).intersection(*tables[1:]))
        if not self._languages:
            raise ModelError(
                f"model '{checkpoint.model}': generation_config.json of {checkpoint.where} names no language that it "
                f"speaks ({', '.join(_KNOWN)}): take the file of the published checkpoint"
            )
        voices = int(checkpoint.config.get("vocoder_num_spkrs") or 200)
        if not 0 <= self.args["speaker"] < voices:
            raise UsageError(
                f"--model-args: speaker={self.args['speaker']} of '{spec.name}' must be from 0 to {voices - 1}"
            )
        self._rate = int(checkpoint.config.get("sampling_rate") or 16_000)
        self._model: Any = None
        self._tokenizer: Any = None

    def load(self) -> None:
        """Bring the model to its device.

        Raises:
            ModelError: It cannot be loaded, lacks weights, or its device is not there.
        """
        self._model = self._checkpoint.load_model(
            "SeamlessM4Tv2ForTextToSpeech", self._placement, self.args["attn"], "it says nothing"
        )
        self._tokenizer = self._checkpoint.load("AutoTokenizer")
        self.settle(self._model)

    def close(self) -> None:
        """Free the memory."""
        self._model = self._tokenizer = None
        super().close()

    def say(self, text: str, request: Request) -> tuple[Any, int]:
        """Say a text in the language of the request.

        Raises:
            RefusedError: It does not speak the language, or the row names none.
        """
        language = request.prompt.language
        code = seamless_code(language, self._languages) if language else None
        if code is None:
            raise RefusedError(
                f"this model does not speak '{language}'; it speaks {', '.join(self._languages)}"
                if language
                else "this model has to be told the language of a text: the data set names none"
            )
        given = self._tokenizer(text, src_lang=code, return_tensors="pt").to(self._model.device)
        said, _ = self._model.generate(
            **given, tgt_lang=code, speaker_id=self.args["speaker"], text_num_beams=self.args["num_beams"]
        )
        return said, self._rate
