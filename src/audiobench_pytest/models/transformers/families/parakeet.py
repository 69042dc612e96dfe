"""Parakeet: a FastConformer under CTC, or with a transducer that walks over its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.models.transformers.decoding import finite_tokens
from audiobench_pytest.models.transformers.devices import Placement
from audiobench_pytest.models.transformers.families.rows import joined
from audiobench_pytest.models.transformers.recognizer import Recognizer
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_S = 0.2
"""A shorter clip is followed by silence up to here: its spectrogram could not be normalised."""


class Parakeet(Recognizer):
    """Any of the three; a class of transformers by its model type."""

    rows = 16
    seconds = 480.0
    half = "bfloat16"
    CLASSES: ClassVar[dict[str, str]] = {
        "parakeet_ctc": "ParakeetForCTC",
        "parakeet_rnnt": "ParakeetForRNNT",
        "parakeet_tdt": "ParakeetForTDT",
    }

    def __init__(self, checkpoint: Any, args: Any) -> None:
        super().__init__(checkpoint, args)
        idle = {"language": None, "task": "transcribe", "num_beams": 1, "max_new_tokens": None}
        self._refuse(idle, "a CTC model or a transducer has no decoder to tell that to")
        self._is_ctc = checkpoint.model_type == "parakeet_ctc"

    def load(self, placement: Placement) -> None:
        """Bring model, feature extractor and tokenizer into memory."""
        self._processor = self.checkpoint.load("AutoProcessor")
        self._tokenizer = self._processor.tokenizer
        self.check_writes(self._tokenizer)
        name = self.CLASSES[self.checkpoint.model_type]
        self._model = self.checkpoint.load_model(name, placement, self.args["attn"])

    def recognize(self, batch: Sequence[Request], placement: Placement) -> list[Answer]:
        """Answer a batch."""
        made = [self._inputs(self._waveform(request)) for request in batch]
        frames = [self._frames(int(one["attention_mask"].sum())) for one in made]
        inputs = joined(made, self.model, pad=None)
        return (self._labelled if self._is_ctc else self._walked)(inputs, frames)

    def _inputs(self, sound: NDArray[np.float32]) -> dict[str, Any]:
        import numpy as np

        sound = np.pad(sound, (0, max(0, round(_LEAST_S * self.sample_rate) - len(sound))))
        return dict(self._processor(sound, sampling_rate=self.sample_rate))

    def _frames(self, features: int) -> int:
        import torch

        return int(self.model.encoder._get_subsampling_output_length(torch.tensor([features])).item())

    def _labelled(self, inputs: dict[str, Any], frames: Sequence[int]) -> list[Answer]:
        import torch

        logits = self.model(**inputs).logits
        answers = []
        for own, count in zip(logits, frames, strict=True):
            if not bool(torch.isfinite(own[:count]).all()):
                dtype = self.model.dtype
                answers.append(Answer(error=f"the model's output is not finite in {dtype}: pass dtype=float32"))
                continue
            labels = own[:count].argmax(-1).tolist()
            text = self._tokenizer.decode(labels, skip_special_tokens=True)
            answers.append(Answer(text.strip(), meta={"frames": count}))
        return answers

    def _walked(self, inputs: dict[str, Any], frames: Sequence[int]) -> list[Answer]:
        config = self.model.config
        # Its own bound counts the token before the first: where it is reached, the last frame ends too early.
        options: dict[str, Any] = {"max_new_tokens": config.max_symbols_per_step * max(frames) + 1}
        if self.checkpoint.model_type == "parakeet_tdt":  # scores of durations stand behind those of tokens
            options["suppress_tokens"] = list(range(config.vocab_size, config.vocab_size + len(config.durations)))
        found = finite_tokens(self.model, self.checkpoint.model, **inputs, **options)
        durations = found.durations
        heard_at = (durations.cumsum(-1) - durations).tolist()
        answers = []
        for tokens, places, count in zip(found.sequences[:, 1:].tolist(), heard_at, frames, strict=True):
            # A batch goes on until its longest clip has ended: what the others say there, they say of padding.
            said = [token for token, place in zip(tokens, places[1:], strict=True) if place < count]
            text = self._tokenizer.decode(said, skip_special_tokens=True, group_tokens=False)
            answers.append(Answer(text.strip(), meta={"tokens": len(said)}))
        return answers
