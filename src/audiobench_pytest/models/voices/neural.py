"""Voices of the transformers library: VITS (and MMS), SpeechT5, Bark, FastSpeech2Conformer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers.adapter import options_with
from audiobench_pytest.models.voices.seeded import SeededVoiceAdapter
from audiobench_pytest.types import Request

_LONGEST_RATIO = 20.0

_FASTSPEECH2_RATE = 22_050
"""Hz of its sound, as its card says: its configuration does not."""


class NeuralVoiceAdapter(SeededVoiceAdapter):
    """Runs a checkpoint whose `config.json` names one of these voices."""

    sample_rate = None
    options: ClassVar[Mapping[str, Option]] = options_with(
        {
            "speaker": Option(int, None, "number of the voice, for a checkpoint of several; default: the first"),
            "speaker_embedding": Option(str, None, "SpeechT5: .npy file of the voice's x-vector; default: zeros"),
            "vocoder": Option(str, None, "SpeechT5: hub id or folder of its vocoder"),
            "voice_preset": Option(str, None, "Bark: name of a voice preset"),
        }
    )

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Pick the family of the checkpoint; see the base class.

        Raises:
            ModelError: It is none of these voices.
            UsageError: An argument that it cannot honour.
        """
        super().__init__(spec, args)
        checkpoint = self._checkpoint
        family = checkpoint.among(_FAMILIES, "voice")
        for name in ("speaker", "speaker_embedding", "vocoder", "voice_preset"):
            if self.args[name] is not None and name not in family.takes:
                raise UsageError(f"--model-args: model '{spec.name}' takes no {name}: leave it out")
        if family.needs_vocoder and self.args["vocoder"] is None:
            raise UsageError(f"--model-args: model '{spec.name}' needs vocoder=, a hub id or a folder")
        self._family = family
        self._parts: dict[str, Any] = {}

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repositories of the checkpoint and of its vocoder."""
        return [*super().fetched_weights(spec, args), *weights_of(args.get("vocoder"))]

    def load(self) -> None:
        """Bring model, tokenizer and vocoder to their device.

        Raises:
            ModelError: One cannot be loaded, lacks weights, or the device is not there.
        """
        self._parts = {"model": self._checkpoint.load_model(self._family.model, self._placement, self.args["attn"])}
        self._parts["texts"] = self._checkpoint.load(self._family.texts)
        if self._family.needs_vocoder:
            self._parts["vocoder"] = self._vocoder()
        self.settle(self._parts["model"])

    def close(self) -> None:
        """Free the memory."""
        self._parts = {}
        super().close()

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on, the vocoder's weights and the voice's embedding among it.

        Raises:
            ModelError: A file cannot be read.
        """
        from audiobench_pytest.models.paths import by_content

        named = {name: self.args[name] for name in ("speaker_embedding", "vocoder") if self.args[name] is not None}
        return {**super().identity(), **{f"{k}_content": v for k, v in by_content(self.spec.name, named).items()}}

    def say(self, text: str, request: Request) -> tuple[Any, int]:
        """Say a text as its family does."""
        return self._family.say(self, text)

    def _vocoder(self) -> Any:
        import torch
        import transformers

        where = self.args["vocoder"]
        try:
            loaded = transformers.SpeechT5HifiGan.from_pretrained(where, dtype=getattr(torch, self._placement.dtype))
        except Exception as exc:  # some library's own error, of no common class
            raise ModelError(
                f"model '{self.spec.name}': its vocoder cannot be loaded from {where}: {type(exc).__name__}: {exc}"
            ) from exc
        return loaded.to(self._placement.device).eval()

    def speaker(self, count: int) -> dict[str, Any]:
        """Return which of a checkpoint's voices is to speak, as its model wants to be told; nothing where it has one.

        Raises:
            ModelError: It has no such voice.
        """
        wanted = self.args["speaker"]
        if count <= 1:
            return {}
        if wanted is not None and not 0 <= wanted < count:
            raise ModelError(f"model '{self.spec.name}' has voices 0 to {count - 1}, not {wanted}")
        return {"speaker_id": wanted or 0}

    def tokens(self, text: str) -> dict[str, Any]:
        """Return a text as the model is given it, on its device."""
        found = self._parts["texts"](text=text, return_tensors="pt")
        return {name: value.to(self._placement.device) for name, value in found.items()}

    @property
    def model(self) -> Any:
        """The loaded model."""
        return self._parts["model"]

    @property
    def vocoder(self) -> Any:
        """The loaded vocoder."""
        return self._parts["vocoder"]

    def embedding(self, size: int) -> Any:
        """Return SpeechT5's speaker embedding, `(1, size)`.

        Raises:
            ModelError: The file cannot be read, or holds another number of values.
        """
        import numpy as np
        import torch

        path = self.args["speaker_embedding"]
        try:
            values = np.zeros(size, np.float32) if path is None else np.load(path).astype(np.float32).reshape(-1)
        except (OSError, ValueError) as exc:
            raise ModelError(f"model '{self.spec.name}': speaker_embedding={path}: {exc}") from exc
        if len(values) != size:
            raise ModelError(f"model '{self.spec.name}': {path} holds {len(values)} values; {size} are wanted")
        return torch.from_numpy(values)[None].to(self._placement.device)


class FastSpeech2Adapter(NeuralVoiceAdapter):
    """Runs FastSpeech2Conformer with its vocoder, whose tokenizer needs a package for the sounds of English words.

    That package fetches two lists of words from NLTK when it is first used.
    """

    packages = ("torch", "transformers", "g2p_en")
    installed_by = "pip install 'audiobench-pytest[local]' g2p-en"
    draws_at_random = False


def _fastspeech2(voice: NeuralVoiceAdapter, text: str) -> tuple[Any, int]:
    import torch

    told = voice.speaker(int(voice.model.config.model_config.num_speakers or 1))
    if told:
        told = {"speaker_ids": torch.tensor([[told["speaker_id"]]], device=voice.model.device)}
    return voice.model(**voice.tokens(text), **told).waveform, _FASTSPEECH2_RATE


def _vits(voice: NeuralVoiceAdapter, text: str) -> tuple[Any, int]:
    config = voice.model.config
    said = voice.model(**voice.tokens(text), **voice.speaker(int(getattr(config, "num_speakers", 1) or 1)))
    return said.waveform[0], int(config.sampling_rate)


def _speecht5(voice: NeuralVoiceAdapter, text: str) -> tuple[Any, int]:
    given = voice.tokens(text)
    said = voice.model.generate_speech(
        given["input_ids"],
        speaker_embeddings=voice.embedding(int(voice.model.config.speaker_embedding_dim)),
        vocoder=voice.vocoder,
        maxlenratio=_LONGEST_RATIO,
    )
    return said, int(voice.vocoder.config.sampling_rate)


def _bark(voice: NeuralVoiceAdapter, text: str) -> tuple[Any, int]:
    processor, preset = voice._parts["texts"], voice.args["voice_preset"]
    given = processor(text, voice_preset=preset, return_tensors="pt")
    said = voice.model.generate(**{name: value.to(voice.model.device) for name, value in given.items()})
    return said[0], int(voice.model.generation_config.sample_rate)


@dataclass(frozen=True, slots=True)
class _Family:
    """How one kind of voice is asked.

    Attributes:
        model: Its class in transformers.
        texts: The class that prepares its texts.
        say: Says a text; returns its samples and their rate in Hz.
        takes: Options that it heeds.
        needs_vocoder: Whether it gives spectra that another model makes sound of.
    """

    model: str
    texts: str
    say: Callable[[NeuralVoiceAdapter, str], tuple[Any, int]]
    takes: frozenset[str] = frozenset()
    needs_vocoder: bool = False


_FAMILIES = {
    "vits": _Family("VitsModel", "AutoTokenizer", _vits, frozenset({"speaker"})),
    "speecht5": _Family(
        "SpeechT5ForTextToSpeech",
        "AutoProcessor",
        _speecht5,
        frozenset({"speaker_embedding", "vocoder"}),
        needs_vocoder=True,
    ),
    "fastspeech2_conformer_with_hifigan": _Family(
        "FastSpeech2ConformerWithHifiGan", "FastSpeech2ConformerTokenizer", _fastspeech2, frozenset({"speaker"})
    ),
    "bark": _Family("BarkModel", "AutoProcessor", _bark, frozenset({"voice_preset"})),
}
"""By `model_type` of the checkpoint."""
