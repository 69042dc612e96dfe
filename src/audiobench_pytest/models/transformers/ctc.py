"""CTC recognisers over waveforms (wav2vec 2.0, HuBERT, WavLM, ...): a label per frame, less repeats and blanks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import ModelError, did_you_mean
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_TYPES = frozenset(
    {
        "data2vec-audio",
        "hubert",
        "sew",
        "sew-d",
        "unispeech",
        "unispeech-sat",
        "wav2vec2",
        "wav2vec2-conformer",
        "wavlm",
    }
)
"""Model types whose input is the waveform itself."""

# Of these the attention mask hides padding wholly, if their first layers do not mix over time. The others have
# convolutions further up that let padding through (the stacked position embedding of data2vec, the conformer's
# convolution module) or pool over frames (SEW).
_MASK_HOLDS = frozenset({"hubert", "unispeech", "unispeech-sat", "wav2vec2", "wavlm"})


class CtcRecognizer(Recognizer):
    """A CTC checkpoint over waveforms, decoded greedily; clips of any length go through in one piece.

    `equal_length` is True where padding would change the answers: the feature extractor gives no attention mask
    (wav2vec2-base-960h), or the first layer normalises over time (`feat_extract_norm: group`, as in the base models),
    which sees the padding before any mask applies, or the encoder itself lets padding through.
    """

    rows = 8
    seconds = 160.0

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        idle = {"language": None, "task": "transcribe", "num_beams": 1, "max_new_tokens": None}
        if checkpoint.config.get("adapter_attn_dim"):
            del idle["language"]  # of many languages, with a vocabulary and an adapter for each
        self._refuse(idle, "a CTC model has no decoder to tell that to")
        config = checkpoint.config
        self.equal_length = not (
            checkpoint.features.get("return_attention_mask", False)
            and config.get("feat_extract_norm", "group") == "layer"
            and checkpoint.model_type in _MASK_HOLDS
            and not config.get("add_adapter", False)
        )

    def load(self, placement: Placement) -> None:
        """Bring model, feature extractor and tokenizer into memory.

        Feature extractor and tokenizer are loaded apart: a processor may bring a language model, whose decoding would
        not be the model's own.
        """
        self._features = self.checkpoint.load("AutoFeatureExtractor")
        self._tokenizer = self.checkpoint.load("AutoTokenizer")
        languages = self._vocabularies()
        if languages:
            self._refuse_language(languages)
            self._tokenizer.set_target_lang(self.args["language"])
        self.check_writes(self._tokenizer)
        self._model = self.checkpoint.load_model("AutoModelForCTC", placement, self.args["attn"])
        if languages:
            self._model.load_adapter(self.args["language"])
        config = self._model.config
        self._layers = list(zip(config.conv_kernel, config.conv_stride, strict=True))

    def _vocabularies(self) -> list[str]:
        """Return the languages of a tokenizer that has a vocabulary for each; none for any other."""
        known = getattr(self._tokenizer, "vocab", None)
        nested = isinstance(known, dict) and known and all(isinstance(one, dict) for one in known.values())
        return sorted(known) if nested and isinstance(known, dict) else []

    def _refuse_language(self, languages: list[str]) -> None:
        wanted = self.args["language"]
        if wanted not in languages:
            what = "answers in one language at a time" if wanted is None else f"has no vocabulary '{wanted}'"
            raise ModelError(
                f"model '{self.checkpoint.model}': {self.checkpoint.where} {what} (target_lang): say which with "
                f"--model-args language=CODE{did_you_mean(wanted or '', languages)}"
            )

    def recognize(self, batch: Sequence[Request], placement: Placement) -> list[Answer]:
        """Answer the batch in one go, or, where padding would show, one go per length."""
        sounds = [self._long_enough(self._waveform(request)) for request in batch]
        groups: dict[int, list[int]] = {}
        for row, sound in enumerate(sounds):
            groups.setdefault(len(sound) if self.equal_length else 0, []).append(row)
        answers: dict[int, Answer] = {}
        for rows in groups.values():
            answers.update(zip(rows, self._decode([sounds[row] for row in rows]), strict=True))
        return [answers[row] for row in range(len(batch))]

    def _decode(self, sounds: list[NDArray[np.float32]]) -> list[Answer]:
        import torch

        inputs = self._features(sounds, sampling_rate=self.sample_rate, return_tensors="pt", padding=True)
        device, dtype = self.model.device, self.model.dtype
        mask = inputs.get("attention_mask")
        logits = self.model(
            inputs["input_values"].to(device, dtype), attention_mask=None if mask is None else mask.to(device)
        ).logits
        answers = []
        for row, sound in enumerate(sounds):
            # What lies behind the clip's own frames is the labelling of padding.
            own = logits[row] if self.equal_length else logits[row, : self._frames(len(sound))]
            if bool(torch.isfinite(own).all()):
                labels = own.argmax(-1).tolist()
                answers.append(Answer(text=self._tokenizer.decode(labels).strip(), meta={"frames": len(labels)}))
            else:
                answers.append(Answer(error=f"the model's output is not finite in {dtype}: pass dtype=float32"))
        return answers

    def _frames(self, samples: int) -> int:
        for kernel, stride in self._layers:
            samples = (samples - kernel) // stride + 1
        return samples

    def _long_enough(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Append silence to a clip that is too short for one frame: the model would raise on it."""
        import numpy as np

        least = 1
        for kernel, stride in reversed(self._layers):
            least = (least - 1) * stride + kernel
        return np.pad(sound, (0, max(0, least - len(sound))))
