"""Models that say a text, most of them in a voice that they are handed: a class for each package."""

from __future__ import annotations

import abc
import random
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "th": "Thai",
    "tr": "Turkish",
    "vi": "Vietnamese",
    "yue": "Cantonese",
    "zh": "Chinese",
}
"""Names under which packages know a language."""

_QWEN_KNOWS = ("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it")
_QWEN_SPEAKERS = {"zh": "Vivian", "en": "Ryan", "ja": "Ono_Anna", "ko": "Sohee"}

_MOSS_NUMBERS = {
    "max_new_tokens": int,
    "audio_temperature": float,
    "audio_top_p": float,
    "audio_top_k": int,
    "audio_repetition_penalty": float,
}


class _RefusedError(Exception):
    """Why one text cannot be said."""


class _Text:
    """One text to say.

    Attributes:
        text: The text.
        language: ISO 639 code, or "".
        style: How it is to be said, in words, or "".
        draw: From which seed.
    """

    def __init__(self, request: Mapping[str, Any], folder: str) -> None:
        """Read a request; the voice it brings is written to the folder."""
        self.text = str(request["prompt"] or "")
        self.language = str(request.get("language") or "").split("-")[0]
        self.style = str(request.get("style") or "")
        self.draw = int(request.get("draw", 0))
        self._words = str(request.get("voice_text") or "")
        sound = (request.get("sounds") or {}).get("prompt")
        self._voice = "" if sound is None else str(Path(folder) / "voice.wav")
        if sound is not None:
            _write(self._voice, sound, int(request["sample_rate"]))

    @property
    def brings_voice(self) -> bool:
        """Whether there is a recording whose voice is to be taken."""
        return bool(self._voice)

    @property
    def voice(self) -> str:
        """Path of the recording whose voice is to be taken."""
        if not self._voice:
            raise _RefusedError(
                "this model takes the voice of a recording and was handed none: ask it a data set of voice-clone, "
                "whose rows have the sound `prompt`"
            )
        return self._voice

    @property
    def words(self) -> str:
        """What is said in that recording."""
        if not self._words:
            raise _RefusedError(
                "this model needs to know what is said in the voice it takes: give the row the field `prompt_text`, or "
                "rename its column with `columns: {prompt_text: ...}`"
            )
        return self._words


class _Speaker(abc.ABC):
    """Says one text at a time, as these packages do; at random, from a seed that the request names."""

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Say each text."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        # A fresh folder for each, since IndexTTS knows a voice that it has heard by the path of its file.
        with tempfile.TemporaryDirectory() as folder:
            asked = _Text(request, folder)
            _seed(asked.draw)
            try:
                samples, rate = self._say(asked)
            except _RefusedError as exc:
                return {"error": str(exc)}
        return {"speech": samples, "sample_rate": int(rate)}

    @abc.abstractmethod
    def _say(self, asked: _Text) -> tuple[Any, int]:
        """Return the samples of a text that is said, and their rate in Hz."""


class VoxCPM(_Speaker):
    """VoxCPM.

    Arguments, `yes` or `no`: `denoise` (the voice), `normalize` (the text), `retry` (what comes out too long),
    `reference` (take the voice alone, without what it says, as VoxCPM 2 can); `voice` (`own` makes a voice up where a
    request brings none).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights, and what takes noise away where that is wanted."""
        from voxcpm import VoxCPM as Model  # type: ignore[import-not-found]

        self._denoises = args.get("denoise") == "yes"
        self._model = Model.from_pretrained(_fetched(args), load_denoiser=self._denoises)
        self._how = {"normalize": args.get("normalize") == "yes", "retry_badcase": args.get("retry") == "yes"}
        self._reference = args.get("reference") == "yes"
        self._makes_up = args.get("voice") == "own"
        return {"package": "voxcpm", "decoding": "as its generate has it"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        more: dict[str, Any] = {}
        if asked.brings_voice or not self._makes_up:
            more = {"reference_wav_path": asked.voice} if self._reference else {"prompt_wav_path": asked.voice}
            more |= {} if self._reference else {"prompt_text": asked.words}
            more["denoise"] = self._denoises
        return self._model.generate(text=asked.text, **self._how, **more), self._model.tts_model.sample_rate


class QwenTTS(_Speaker):
    """Qwen3-TTS.

    Arguments: `mode` (`custom` has voices of its own, `design` makes one from `instruct`, `clone` takes one), `speaker`
    (one of its own voices; `auto` takes one whose language it is, else Ryan), `instruct`, `xvector` (`yes` takes the
    voice without what it says).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16; how it draws is what the checkpoint says."""
        import torch
        from qwen_tts import Qwen3TTSModel  # type: ignore[import-not-found]

        self._mode = args["mode"]
        if self._mode not in ("custom", "design", "clone"):
            raise ValueError(f"mode is {self._mode!r}; it is custom, design or clone")
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self._model = Qwen3TTSModel.from_pretrained(_fetched(args), device_map=device, dtype=torch.bfloat16)
        self._speaker, self._instruct = args.get("speaker", "auto"), args.get("instruct", "")
        self._alone = args.get("xvector") == "yes"
        return {"package": "qwen-tts", "dtype": "bfloat16", "device": device, "decoding": "as its checkpoint has it"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        language = _LANGUAGES[asked.language] if asked.language in _QWEN_KNOWS else "Auto"
        told: dict[str, Any] = {"text": asked.text, "language": language}
        if self._mode == "clone":
            words = None if self._alone else asked.words
            found = self._model.generate_voice_clone(
                **told, ref_audio=asked.voice, ref_text=words, x_vector_only_mode=self._alone
            )
        elif asked.brings_voice:
            raise _RefusedError("this model takes no voice: its Base checkpoints do")
        elif self._mode == "design":
            found = self._model.generate_voice_design(**told, instruct=asked.style or self._instruct)
        else:
            own = _QWEN_SPEAKERS.get(asked.language, "Ryan") if self._speaker == "auto" else self._speaker
            found = self._model.generate_custom_voice(
                **told, speaker=own, instruct=asked.style or self._instruct or None
            )
        sounds, rate = found
        return sounds[0], rate


class SparkTTS(_Speaker):
    """Spark-TTS, which takes a voice and what it says."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights."""
        import torch
        from spark_tts_lib import SparkTTS as Model  # type: ignore[import-not-found]

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self._model = Model(_fetched(args), device=torch.device(device))
        return {"package": "spark-tts-lib", "device": device, "decoding": "temperature 0.8, top_k 50, top_p 0.95"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        found = self._model.inference(
            asked.text, asked.voice, prompt_text=asked.words, temperature=0.8, top_k=50, top_p=0.95
        )
        return _samples(found), self._model.sample_rate


class IndexTTS(_Speaker):
    """IndexTTS, which takes a voice without what it says. Arguments: `generation` (`1` or `2`)."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights; the package itself fetches what else it needs."""
        folder = _fetched(args)
        where = {"cfg_path": str(Path(folder) / "config.yaml"), "model_dir": folder}
        if args["generation"] == "2":
            from indextts.infer_v2 import IndexTTS2  # type: ignore[import-not-found]

            self._model: Any = IndexTTS2(**where)
            self._takes = "spk_audio_prompt"
        else:
            from indextts.infer import IndexTTS as Model  # type: ignore[import-not-found]

            self._model = Model(**where)
            self._takes = "audio_prompt"
        return {"package": "indextts", "decoding": "as its infer has it"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        found = self._model.infer(text=asked.text, output_path=None, **{self._takes: asked.voice})
        if found is None:
            raise _RefusedError("IndexTTS made no sound of this text")
        rate, samples = found
        return _samples(samples) / 32768.0, rate  # it hands out 16-bit numbers


class F5TTS(_Speaker):
    """F5-TTS, which takes a voice and what it says.

    Arguments: `model` (name of its configuration), `file` (of the weights in their repository).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights; the package itself fetches its vocoder."""
        import f5_tts.api  # type: ignore[import-not-found]

        source, file = args["source"], args["file"]
        weights = Path(source).expanduser() / file
        if not weights.is_file():
            from huggingface_hub import hf_hub_download

            weights = Path(hf_hub_download(source, file, revision=args.get("revision")))
        self._model = f5_tts.api.F5TTS(model=args["model"], ckpt_file=str(weights))
        return {"package": "f5-tts", "decoding": "as its infer has it"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        samples, rate, _ = self._model.infer(asked.voice, asked.words, asked.text, seed=asked.draw)
        return samples, rate


class MossTTS(_Speaker):
    """MOSS-TTS, whose checkpoints bring their code: they run only at a pinned commit.

    Arguments: `voice` (`own` makes a voice up where a request brings none), `instruct` (how a made-up voice sounds),
    `normalize` and `do_sample` (`yes` tells processor and model so), `max_new_tokens`, `audio_temperature`,
    `audio_top_p`, `audio_top_k`, `audio_repetition_penalty`.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load code and weights, in bfloat16 on a GPU."""
        source, revision = args["source"], args.get("revision") or ""
        if len(revision) != 40 or not set(revision) <= set("0123456789abcdef"):
            raise ValueError(
                f"{source} brings code of its own, which runs only at a commit that somebody has looked at: copy the "
                "catalogue entry and give it that revision"
            )
        import torch
        from transformers import AutoModel, AutoProcessor

        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        there: dict[str, Any] = {"trust_remote_code": True, "revision": revision}
        normalizes = {"normalize_inputs": True} if args.get("normalize") == "yes" else {}
        self._processor = AutoProcessor.from_pretrained(source, **there, **normalizes)
        self._processor.audio_tokenizer = self._processor.audio_tokenizer.to(device)
        model = AutoModel.from_pretrained(source, **there, attn_implementation="sdpa", dtype=dtype)
        self._model, self._device = model.to(device), device
        self._instruct, self._makes_up = args.get("instruct", ""), args.get("voice") == "own"
        self._how = {name: kind(args[name]) for name, kind in _MOSS_NUMBERS.items() if args.get(name)}
        self._how |= {"do_sample": True} if args.get("do_sample") == "yes" else {}
        return {"device": device, "dtype": str(dtype), "decoding": str(self._how)}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        import torch

        told: dict[str, Any] = {"text": asked.text}
        if asked.brings_voice or not self._makes_up:
            told["reference"] = [asked.voice]
        if asked.style or self._instruct:
            told["instruction"] = asked.style or self._instruct
        if asked.language in _LANGUAGES:
            told["language"] = _LANGUAGES[asked.language]
        batch = self._processor([[self._processor.build_user_message(**told)]], mode="generation")
        fed = {name: batch[name].to(self._device) for name in ("input_ids", "attention_mask")}
        with torch.no_grad():
            (message,) = self._processor.decode(self._model.generate(**fed, **self._how))
        sound = message.audio_codes_list[0].detach().float().cpu().numpy()
        # Of two channels one is made, as of every recording here.
        return sound.mean(axis=0) if sound.ndim == 2 else sound, self._processor.model_config.sampling_rate


def _fetched(args: Mapping[str, str]) -> str:
    """Return the folder of the weights, fetched where the source is no folder."""
    source, revision = args["source"], args.get("revision")
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser())
    from huggingface_hub import snapshot_download

    return str(snapshot_download(source, revision=revision))


def _seed(draw: int) -> None:
    """Have everything that is drawn at random begin at one place."""
    import numpy as np
    import torch

    random.seed(draw)
    np.random.seed(draw)
    torch.manual_seed(draw)


def _samples(sound: Any) -> Any:
    """Return the numbers of an array or a tensor in one row."""
    import numpy as np

    found = sound.detach().float().cpu().numpy() if hasattr(sound, "detach") else sound
    return np.asarray(found, dtype=np.float32).reshape(-1)


def _write(path: str, sound: Any, rate: int) -> None:
    import numpy as np

    samples = np.clip(np.asarray(sound, dtype=np.float32), -1.0, 1.0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
