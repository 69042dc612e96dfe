"""Voices of the transformers library that write the codes of a codec, in a voice that they are handed or their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import Weights, waveform_of, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers.adapter import options_with
from audiobench_pytest.models.transformers.checkpoints import folder_digest
from audiobench_pytest.models.voices.seeded import RefusedError, SeededVoiceAdapter
from audiobench_pytest.types import Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNGUIDED = frozenset({"guidance_scale"})

_DRAWS = ("temperature", "top_k", "top_p")

_DIA_SPEAKER = "[S1]"
"""What each text for Dia begins with; a second speaker would be `[S2]`."""

_HIGGS_SCENE = (
    ("system", "Generate audio following instruction."),
    ("scene", "Audio is recorded from a quiet room."),
)
"""What stands before each text for HiggsAudio, as its documentation has it."""

_VOICE = "prompt"
"""Name of the sound whose voice is to be taken."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What is to be said.

    Attributes:
        text: The text.
        voice: Sound whose voice is to be taken; None for a voice of the model's own.
        words: What is said in it, "" where the row does not tell.
    """

    text: str
    voice: NDArray[np.float32] | None
    words: str

    def known_words(self) -> str:
        """Return what is said in the sound whose voice is taken.

        Raises:
            RefusedError: The row does not tell.
        """
        if not self.words:
            raise RefusedError(
                "this model needs to know what is said in the voice it takes: give the row the field `prompt_text`, or "
                "rename its column with `columns: {prompt_text: ...}`"
            )
        return self.words


class CodedVoiceAdapter(SeededVoiceAdapter):
    """Runs a checkpoint whose `config.json` names one of these voices.

    Where a row brings a voice it is spoken in that; else in a voice that the model makes up, where it can. It draws as
    the checkpoint's generation settings have it, and as the options say otherwise.
    """

    counts = ("threads", "max_new_tokens")
    half = "bfloat16"
    options: ClassVar[Mapping[str, Option]] = options_with(
        {
            "max_new_tokens": Option(int, None, "frames of sound at most; default: as the checkpoint has it"),
            "temperature": Option(float, None, "of its draws; default: as the checkpoint has it"),
            "top_k": Option(int, None, "of its draws; default: as the checkpoint has it"),
            "top_p": Option(float, None, "of its draws; default: as the checkpoint has it"),
            "guidance_scale": Option(float, None, "Dia: weight of the text; default: as the checkpoint has it"),
        },
        half="bfloat16",
    )

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Pick the family of the checkpoint; see the base class.

        Raises:
            ModelError: It is none of these voices, or does not tell the rate of its sound.
            UsageError: An argument out of its range.
        """
        super().__init__(spec, args)
        checkpoint = self._checkpoint
        family = checkpoint.among(_FAMILIES, "voice")
        for name in sorted(family.lacks):
            if self.args[name] is not None:
                raise UsageError(f"--model-args: model '{spec.name}' takes no {name}: leave it out")
        late, most = family.late(checkpoint.config), self.args["max_new_tokens"]
        if most is not None and most <= late:
            raise UsageError(
                f"--model-args: max_new_tokens={most} of '{spec.name}' must be above {late}: by so many frames its "
                "last codebook comes later than its first"
            )
        rate = checkpoint.features.get("sampling_rate")
        if not isinstance(rate, int) or rate < 1:
            raise ModelError(
                f"model '{checkpoint.model}': the feature extractor of {checkpoint.where} has no sampling_rate: it is "
                "in preprocessor_config.json or processor_config.json of a whole checkpoint"
            )
        self._family = family
        self._rate = rate
        self.sample_rate = rate
        self._model: Any = None
        self._processor: Any = None

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repositories of the checkpoint and, for those of the catalogue, of the codec beside it."""
        return [*super().fetched_weights(spec, args), *weights_of(_CODECS.get(spec.source or ""))]

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on, the codec that stands beside the checkpoint among it.

        Raises:
            ModelError: A file of it cannot be read.
        """
        codec = self._codec()
        if codec is None:
            return super().identity()
        folder = Path(codec)
        return {**super().identity(), "codec": folder_digest(folder) if folder.is_dir() else codec}

    def load(self) -> None:
        """Bring model, processor and codec to their device.

        Raises:
            ModelError: One cannot be loaded, lacks weights, or the device is not there.
        """
        self._model = self._checkpoint.load_model(
            self._family.model, self._placement, self.args["attn"], "it says nothing"
        )
        self._processor = self._checkpoint.load("AutoProcessor")
        codec = getattr(self._processor, "audio_tokenizer", None)
        if codec is not None:
            self._processor.audio_tokenizer = codec.to(self._placement.device).eval()
        self.settle(self._model)

    def close(self) -> None:
        """Free the memory."""
        self._model = self._processor = None
        super().close()

    def say(self, text: str, request: Request) -> tuple[Any, int]:
        """Say a text in the voice of the request, where it brings one.

        Raises:
            RefusedError: The voice cannot be taken, or no sound came of it.
        """
        sound = request.sound(_VOICE)
        voice = None if sound is None else waveform_of(request, self._rate, self.spec.name, _VOICE)
        if voice is not None and not len(voice):
            raise RefusedError("the sound `prompt`, whose voice is to be taken, is empty")
        said = self._family.say(self, _Text(text, voice, request.prompt.voice_text))
        if not said.numel():
            raise RefusedError("the model ended before it made a sound of this text")
        return said, self._rate

    def generated(self, given: Any) -> Any:
        """Return what the model makes of what a processor prepared."""
        names = [name for name in (*_DRAWS, "max_new_tokens", "guidance_scale") if self.args[name] is not None]
        told = {name: self.args[name] for name in names}
        draws = {name: self.args[name] for name in names if name in _DRAWS}
        if draws:
            draws["do_sample"] = True
        told |= {part + name: value for part in ("", *self._family.parts) for name, value in draws.items()}
        return self._model.generate(
            **given.to(self._model.device, dtype=self._model.dtype), **told, **self._family.always
        )

    @property
    def processor(self) -> Any:
        """The loaded processor."""
        return self._processor

    def _codec(self) -> str | None:
        named = self._checkpoint.find("processor_config.json")
        return None if named is None else _codec_named(named, self.spec.name)


def _codec_named(path: Path, model: str) -> str | None:
    import json

    try:
        found = json.loads(path.read_bytes()).get("audio_tokenizer") or {}
    except (OSError, ValueError) as exc:
        raise ModelError(f"model '{model}': {path}: {exc}") from exc
    name = found.get("audio_tokenizer_name_or_path")
    return None if name is None else str(name)


def _csm(voice: CodedVoiceAdapter, asked: _Text) -> Any:
    turns = [_turn("0", asked.text)]
    if asked.voice is not None:
        heard = _turn("0", asked.known_words())
        heard["content"].append({"type": "audio", "path": asked.voice})
        turns.insert(0, heard)
    given = voice.processor.apply_chat_template(turns, tokenize=True, return_dict=True)
    return voice.generated(given)[0]


def _dia(voice: CodedVoiceAdapter, asked: _Text) -> Any:
    speaks = _DIA_SPEAKER
    if asked.voice is None:
        text = asked.text if asked.text.lstrip().startswith(speaks) else f"{speaks} {asked.text}"
        return voice.processor.decode(voice.generated(voice.processor(text=[text])))
    given = voice.processor(text=[f"{speaks} {asked.known_words()} {asked.text}"], audio=asked.voice)
    heard = voice.processor.get_audio_prompt_len(given["decoder_attention_mask"])
    return voice.processor.decode(voice.generated(given), audio_prompt_len=heard)


def _higgs(voice: CodedVoiceAdapter, asked: _Text) -> Any:
    turns = [_turn(role, text) for role, text in (*_HIGGS_SCENE, ("user", asked.text))]
    if asked.voice is not None:
        heard = {"role": "assistant", "content": [{"type": "audio", "path": asked.voice}]}
        turns[-1:-1] = [_turn("user", asked.known_words()), heard]
    given = voice.processor.apply_chat_template(
        turns,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        processor_kwargs={"return_tensors": "pt", "sampling_rate": voice.sample_rate},
    )
    return voice.processor.decode(voice.generated(given))


def _pocket(voice: CodedVoiceAdapter, asked: _Text) -> Any:
    import torch

    if asked.voice is None:
        raise RefusedError(
            "this model takes the voice of a recording and was handed none: ask it a data set of voice-clone, whose "
            "rows have the sound `prompt`"
        )
    said = []
    for piece in voice.processor.split_text(asked.text):
        turn = _turn("user", piece)
        turn["content"].insert(0, {"type": "audio", "path": asked.voice})
        given = voice.processor.apply_chat_template(
            [turn], tokenize=True, return_dict=True, processor_kwargs={"return_tensors": "pt"}
        )
        (latents,) = voice.generated(given)
        said.append(voice.processor.decode(latents))
    return torch.cat(said)


def _turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


@dataclass(frozen=True, slots=True)
class _Family:
    """How one kind of voice is asked.

    Attributes:
        model: Its class in transformers.
        say: Says a text; returns its samples.
        always: What its `generate` is always told.
        parts: What the names of settings begin with for the further parts of it that draw.
        lacks: Options that it would not heed.
        late: By how many frames the last of its codebooks comes later than the first, from its configuration.
    """

    model: str
    say: Callable[[CodedVoiceAdapter, _Text], Any]
    always: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    lacks: frozenset[str] = _UNGUIDED
    late: Callable[[Mapping[str, Any]], int] = lambda _config: 0


_FAMILIES = {
    "csm": _Family("CsmForConditionalGeneration", _csm, {"output_audio": True}, ("depth_decoder_",)),
    "dia": _Family(
        "DiaForConditionalGeneration",
        _dia,
        lacks=frozenset(),
        late=lambda found: max(found.get("delay_pattern") or [15]),
    ),
    "higgs_audio_v2": _Family(
        "HiggsAudioV2ForConditionalGeneration", _higgs, late=lambda found: int(found.get("num_codebooks") or 8)
    ),
    "pocket_tts": _Family(
        "PocketTTSForConditionalGeneration",
        _pocket,
        {"return_dict_in_generate": False},
        lacks=_UNGUIDED | {"top_k", "top_p"},
    ),
}
"""By `model_type` of the checkpoint."""

_CODECS = {
    "nari-labs/Dia-1.6B-0626": "descript/dac_44khz",
    "bosonai/higgs-audio-v2-generation-3B-base": "bosonai/higgs-audio-v2-tokenizer",
    "eustlb/pocket-tts": "eustlb/pocket-tts-audio-tokenizer",
}
"""Codecs that checkpoints of the catalogue load beside themselves, as their `processor_config.json` names them."""
