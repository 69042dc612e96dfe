"""Codecs in environments of their own: what a recording sounds like after coding, and the bits that it took."""

from __future__ import annotations

import abc
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class _RefusedError(Exception):
    """Why one recording cannot be coded."""


@dataclass(frozen=True)
class _Coded:
    """A recording as codes.

    Attributes:
        codes: What is decoded.
        frames: How many frames.
        codebooks: How many codes a frame has.
        size: How many values a code may have.
        aside: Bits that a recording spends once, however long it is.
    """

    codes: Any
    frames: int
    codebooks: int
    size: int
    aside: float = 0.0


class _Codec(abc.ABC):
    """Codes one recording at a time. What it adds at the end is cut off, what is missing there is silence."""

    rate: int
    """Hz at which it hears."""
    speaks_at: int
    """Hz at which it speaks."""
    frame_rate: float
    """Frames per second."""

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Code and decode each recording."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np

        samples, rate = np.asarray(request["samples"], dtype=np.float32), int(request["sample_rate"])
        if rate != self.rate:
            return {"error": f"this codec hears at {self.rate} Hz: --model-args sample_rate={self.rate}, not {rate}"}
        if not len(samples):
            return {"error": "there is nothing in the recording to be coded"}
        began = time.perf_counter()
        try:
            coded = self._encode(samples)
        except _RefusedError as exc:
            return {"error": str(exc)}
        _wait()
        encoded = time.perf_counter()
        sound = _row(self._decode(coded))
        ended = time.perf_counter()
        length, bits = round(len(samples) * self.speaks_at / rate), math.log2(coded.size)
        facts = {
            "bits": round(coded.frames * coded.codebooks * bits + coded.aside),
            "frames": coded.frames,
            "codebooks": coded.codebooks,
            "codebook_size": coded.size,
            "nominal_bps": self.frame_rate * coded.codebooks * bits,
            "length_difference": len(sound) - length,
        }
        return {
            "speech": np.pad(sound, (0, max(0, length - len(sound))))[:length],
            "sample_rate": self.speaks_at,
            "meta": {"codec": facts},
            "timing": {"codec_encode_s": round(encoded - began, 6), "codec_decode_s": round(ended - encoded, 6)},
        }

    @abc.abstractmethod
    def _encode(self, samples: Any) -> _Coded:
        """Return a recording as codes."""

    @abc.abstractmethod
    def _decode(self, coded: _Coded) -> Any:
        """Return the sound of codes."""


class BiCodec(_Codec):
    """BiCodec of Spark-TTS: a code for each frame, and some for the voice that a recording spends once."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights of the codec, none of the language model beside them."""
        import torch
        from spark_tts_lib.models.audio_tokenizer import BiCodecTokenizer  # type: ignore[import-not-found]

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self._codec = BiCodecTokenizer(Path(_fetched(args)), device=torch.device(device))
        self.rate = self.speaks_at = int(self._codec.config["sample_rate"])
        self.frame_rate = self.rate / int(self._codec.config["latent_hop_length"])
        return {"package": "spark-tts-lib", "device": device}

    def _encode(self, samples: Any) -> _Coded:
        import torch

        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            voice, codes = self._codec.tokenize(_written(folder, samples, self.rate))
        model = self._codec.model
        aside = voice.numel() * math.log2(model.speaker_encoder.quantizer.codebook_size)
        return _Coded((voice, codes), codes.numel(), 1, model.quantizer.codebook_size, aside)

    def _decode(self, coded: _Coded) -> Any:
        import torch

        voice, codes = coded.codes
        with torch.no_grad():
            return self._codec.detokenize(voice.squeeze(0), codes)


class ChatTTSDVAE(_Codec):
    """What ChatTTS makes codes of sound with: its DVAE, and Vocos to hear them."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights of both, none of the language model beside them."""
        import torch
        from ChatTTS.config import Config  # type: ignore[import-not-found]
        from ChatTTS.model import DVAE  # type: ignore[import-not-found]
        from safetensors.torch import load_file
        from vocos import Vocos  # type: ignore[import-not-found]
        from vocos.pretrained import instantiate_class  # type: ignore[import-not-found]

        folder, config = Path(_fetched(args)), Config()
        self._device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
        parts = ("feature_extractor", "backbone", "head")
        made = {one: instantiate_class((), asdict(getattr(config.vocos, one))) for one in parts}
        self._vocos = Vocos(**made).to(self._device).eval()
        self._vocos.load_state_dict(load_file(folder / config.path.vocos_ckpt_path))
        self._dvae = DVAE(
            decoder_config=asdict(config.dvae.decoder),
            encoder_config=asdict(config.dvae.encoder),
            vq_config=asdict(config.dvae.vq),
            dim=config.dvae.decoder.idim,
            device=self._device,
        )
        self._dvae.load_pretrained(str(folder / config.path.dvae_ckpt_path), self._device)
        self._dvae.eval()
        heard = config.vocos.feature_extractor.init_args
        self.rate = self.speaks_at = int(heard.sample_rate)
        self.frame_rate = self.rate / (2 * heard.hop_length)  # its encoder makes one step of two
        return {"package": "ChatTTS", "device": str(self._device)}

    def _encode(self, samples: Any) -> _Coded:
        import torch

        codes = self._dvae(torch.from_numpy(samples).to(self._device), "encode")
        return _Coded(codes, codes.shape[-1], codes.shape[-2], self._dvae.vq_layer.n_ind)

    def _decode(self, coded: _Coded) -> Any:
        import torch

        with torch.inference_mode():
            return self._vocos.decode(self._dvae(coded.codes, "decode"))


class CosyVoice2(_Codec):
    """The speech tokenizer of CosyVoice 2, and its flow and vocoder to hear the tokens.

    A voice is no part of the tokens: numbers that tell it are sent once, 32 bits each. The recording's own tokens and
    spectrum, which the model would take for a voice as well, are not handed over: they would be the recording again.

    Arguments: `code` (the working copy of its repository).
    """

    _LONGEST_S = 30

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Put the copy where Python finds it and load the weights."""
        code, matcha = Path(args.get("code") or "/nowhere").expanduser().resolve(), "third_party/Matcha-TTS"
        if any(not (code / one).exists() for one in ("cosyvoice", matcha)):
            raise ValueError(
                "CosyVoice is no package that pip could install: run `git clone --recursive "
                "https://github.com/FunAudioLLM/CosyVoice`, check out the commit ace7c47f, and name the folder with "
                f"--model-args code=FOLDER ({args.get('code') or 'none'} holds no cosyvoice and Matcha-TTS)"
            )
        sys.dont_write_bytecode = True
        sys.path[:0] = [str(code), str(code / matcha)]
        from cosyvoice.cli.cosyvoice import AutoModel  # type: ignore[import-not-found]

        self._model = AutoModel(model_dir=_fetched(args))
        self.rate, self.speaks_at = 16_000, int(self._model.sample_rate)
        self.frame_rate = float(self._model.model.flow.input_frame_rate)
        return {"package": "CosyVoice", "decoding": "drawn from seed 0 for each recording"}

    def _encode(self, samples: Any) -> _Coded:
        if len(samples) > self._LONGEST_S * self.rate:
            raise _RefusedError(f"this codec hears at most {self._LONGEST_S} seconds")
        with tempfile.TemporaryDirectory() as folder:
            path = _written(folder, samples, self.rate)
            codes, _ = self._model.frontend._extract_speech_token(path)
            voice = self._model.frontend._extract_spk_embedding(path)
        if not codes.numel():  # it would let its language model make some up
            raise _RefusedError("this recording is too short for a single code")
        return _Coded((codes, voice), codes.numel(), 1, self._model.model.flow.vocab_size, 32 * voice.numel())

    def _decode(self, coded: _Coded) -> Any:
        import torch

        codes, voice = coded.codes
        torch.manual_seed(0)
        pieces = [one["tts_speech"] for one in self._model.model.tts(source_speech_token=codes, flow_embedding=voice)]
        return torch.cat(pieces, dim=1)


def _fetched(args: Mapping[str, str]) -> str:
    """Return the folder of the weights, fetched where the source is no folder."""
    source, revision = args["source"], args.get("revision")
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser())
    from huggingface_hub import snapshot_download

    return str(snapshot_download(source, revision=revision))


def _written(folder: str, samples: Any, rate: int) -> str:
    """Write a recording as it is; return its path."""
    import soundfile

    path = str(Path(folder) / "recording.wav")
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def _wait() -> None:
    """Wait for what the GPU still has to do."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _row(sound: Any) -> Any:
    """Return the numbers of an array or a tensor in one row."""
    import numpy as np

    found = sound.detach().float().cpu().numpy() if hasattr(sound, "detach") else sound
    return np.asarray(found, dtype=np.float32).reshape(-1)
