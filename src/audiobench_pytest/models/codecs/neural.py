"""Neural codecs of the transformers library: EnCodec, Mimi, DAC, X-Codec, X-Codec 2, NeuCodec, WavTokenizer.

One recording at a time: padding changes what most of them make of the shorter ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.base import waveform_of
from audiobench_pytest.models.codecs import chunks
from audiobench_pytest.models.codecs.base import fitted
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.adapter import TransformersAdapter, options_with
from audiobench_pytest.types import Answer, Audio, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Family:
    """How one kind of codec is asked.

    Attributes:
        model: Its class in transformers.
        rate: Hz at which it hears, where its configuration does not say.
        chosen_by: What picks its rate: `bandwidth` (kbit/s), `codebooks`, or "" where there is one rate.
        extracted: Whether its own feature extractor stands before it.
        speaks_at: Hz at which it speaks, where that is another rate than the one it hears at.
        streams: Whether it can code chunk by chunk.
    """

    model: str
    rate: int
    chosen_by: str = ""
    extracted: bool = False
    speaks_at: int | None = None
    streams: bool = False


_FAMILIES = {
    "encodec": _Family("EncodecModel", 24_000, "bandwidth"),
    "mimi": _Family("MimiModel", 24_000, "codebooks", streams=True),
    "dac": _Family("DacModel", 44_100, "codebooks"),
    "xcodec": _Family("XcodecModel", 16_000, "bandwidth"),
    "xcodec2": _Family("Xcodec2Model", 16_000, extracted=True),
    "neucodec": _Family("NeuCodecModel", 16_000, extracted=True, speaks_at=24_000),
    "wavtokenizer": _Family("WavTokenizerModel", 24_000),
}
"""By `model_type` of the checkpoint."""


class NeuralCodecAdapter(TransformersAdapter):
    """Runs a checkpoint whose `config.json` names one of these codecs.

    Bits are those of its codes: frames times codebooks times the bits of one code, as a stream would send them. The
    answer is at the rate that the codec speaks at, and as long as the recording.
    """

    counts = ("codebooks", "chunk", "threads")
    gives = frozenset({"speech"})
    warm_up = False
    batch_rows = 1
    options: ClassVar[Mapping[str, Option]] = options_with(
        {
            "bandwidth": Option(float, None, "kbit/s, where that chooses; default: the checkpoint's least"),
            "codebooks": Option(int, None, "codebooks of a frame, where that chooses; default: all"),
            "chunk": Option(int, None, "frames that are coded at a time, of a codec that streams; default: all"),
            "chunk_state": Option(str, None, "what decoding keeps of the chunk before; default: kept", chunks.STATES),
        }
    )

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Pick the family of the checkpoint; see the base class.

        Raises:
            ModelError: It is none of these codecs.
            UsageError: It has no such bandwidth, or so many codebooks.
        """
        super().__init__(spec, args)
        checkpoint = self._checkpoint
        family = checkpoint.among(_FAMILIES, "codec")
        self._family = family
        self.sample_rate = int(
            checkpoint.config.get("sampling_rate") or checkpoint.config.get("sample_rate") or family.rate
        )
        self._channels = int(checkpoint.config.get("audio_channels") or 1)
        self._check_rates()
        self._model: Any = None
        self._features: Any = None

    def _check_rates(self) -> None:
        config, by = self._checkpoint.config, self._family.chosen_by
        for name in ("bandwidth", "codebooks"):
            if self.args[name] is not None and name != by:
                raise UsageError(f"--model-args: model '{self.spec.name}' is not chosen by {name}: leave it out")
        known = [float(one) for one in config.get("target_bandwidths") or ()]
        wanted = self.args["bandwidth"]
        if wanted is not None and known and wanted not in known:
            told = ", ".join(f"{one:g}" for one in known)
            raise UsageError(f"--model-args: bandwidth={wanted:g} of model '{self.spec.name}' must be one of {told}")
        if self.args["chunk"] is not None and not self._family.streams:
            raise UsageError(f"--model-args: model '{self.spec.name}' does not stream: leave chunk out")
        if self.args["chunk"] is None and self.args["chunk_state"] is not None:
            raise UsageError(f"--model-args: chunk_state of model '{self.spec.name}' needs chunk=FRAMES")
        most = config.get("num_quantizers") or config.get("n_codebooks")
        if self.args["codebooks"] is not None and most and self.args["codebooks"] > int(most):
            raise UsageError(f"--model-args: model '{self.spec.name}' has {most} codebooks")

    def load(self) -> None:
        """Bring the model to its device.

        Raises:
            ModelError: It cannot be loaded, lacks weights, or its device is not there.
        """
        if self._family.extracted:
            self._features = self._checkpoint.load("AutoFeatureExtractor")
        self._model = self._checkpoint.load_model(self._family.model, self._placement, self.args["attn"])
        self.settle(self._model)

    def close(self) -> None:
        """Free the model's memory."""
        self._model = self._features = None
        super().close()

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Code and decode each recording by itself."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Request) -> Answer:
        import torch

        rate = int(self.sample_rate or self._family.rate)
        samples = waveform_of(request, rate, self.spec.name)
        if not len(samples):
            return Answer(error="there is nothing in the recording to be coded")
        with devices.steady(self._placement, self.args["seed"]), torch.inference_mode():
            began = time.perf_counter()
            given = self._given(samples, rate)
            encoded = self._encode(given)
            self.synchronize()
            coded = time.perf_counter()
            sound = self._sound(self._decode(encoded))
            self.synchronize()
            ended = time.perf_counter()
        codes = encoded.audio_codes
        speaks_at = self._family.speaks_at or rate
        length = round(len(samples) * speaks_at / rate)
        return Answer(
            speech=Audio(fitted(sound, length), speaks_at),
            meta={"codec": self._facts(codes, len(samples) / rate, len(sound) - length)},
            timing={"codec_encode_s": round(coded - began, 6), "codec_decode_s": round(ended - coded, 6)},
        )

    def _given(self, samples: NDArray[np.float32], rate: int) -> dict[str, Any]:
        import numpy as np
        import torch

        if self._features is not None:
            found = self._features([samples], sampling_rate=rate, return_tensors="pt")
            return {name: value.to(self._placement.device) for name, value in found.items()}
        hop = self._hop()
        in_frames = self._checkpoint.model_type == "dac" or self.args["chunk"] is not None
        whole = np.pad(samples, (0, -len(samples) % hop)) if in_frames else samples
        values = torch.from_numpy(np.ascontiguousarray(whole))[None, None].to(self._placement.device)
        dtype = getattr(torch, self._placement.dtype)
        return {"input_values": values.expand(1, self._channels, -1).to(dtype)}

    def _hop(self) -> int:
        config = self._checkpoint.config
        if self._family.streams:  # its frames are longer than the steps of its convolutions
            return round(int(self.sample_rate or 0) / float(config.get("frame_rate") or self._model.config.frame_rate))
        return int(config.get("hop_length") or math.prod(config.get("downsampling_ratios") or (1,)))

    def _encode(self, given: dict[str, Any]) -> Any:
        kind, args = self._checkpoint.model_type, self.args
        if kind == "encodec":
            least = min(float(one) for one in self._model.config.target_bandwidths)
            return self._model.encode(**given, bandwidth=args["bandwidth"] or least)
        if kind == "xcodec":
            least = min(float(one) for one in self._model.config.target_bandwidths)
            return self._model.encode(**given, bandwidth=args["bandwidth"] or least)
        if args["chunk"] is not None:
            return chunks.encoded(self._model, given["input_values"], args["chunk"] * self._hop(), args["codebooks"])
        if kind == "mimi":
            return self._model.encode(**given, num_quantizers=args["codebooks"])
        if kind == "dac":
            return self._model.encode(**given, n_quantizers=args["codebooks"])
        return self._model.encode(**given)

    def _decode(self, encoded: Any) -> Any:
        kind, codes = self._checkpoint.model_type, encoded.audio_codes
        if kind == "encodec":
            more = {}
            if getattr(encoded, "last_frame_pad_length", None) is not None:
                more["last_frame_pad_length"] = encoded.last_frame_pad_length
            return self._model.decode(codes, encoded.audio_scales, **more)[0]
        if self.args["chunk"] is not None:
            return chunks.decoded(self._model, codes, self.args["chunk"], self.args["chunk_state"] or "kept")
        if kind == "dac":
            return self._model.decode(audio_codes=codes)[0]
        if kind == "wavtokenizer":
            return self._model.decode(codes, bandwidth_id=0)[0]
        found = self._model.decode(audio_codes=codes) if self._family.extracted else self._model.decode(codes)
        return found.audio_values if hasattr(found, "audio_values") else found[0]

    @staticmethod
    def _sound(values: Any) -> NDArray[np.float32]:
        """Return what was decoded as one channel; of two, their mean."""
        found = values.detach().float().cpu().numpy()
        while found.ndim > 2:
            found = found[0]
        sound: NDArray[np.float32] = found.mean(axis=0) if found.ndim == 2 else found
        return sound

    def _facts(self, codes: Any, seconds: float, surplus: int) -> dict[str, Any]:
        """Return bits, frames and codebooks of one recording's codes, whatever the order of their axes."""
        shape = list(codes.shape)
        books, frames = (shape[-2], shape[-1]) if len(shape) > 1 else (1, shape[-1])
        if self._checkpoint.model_type == "encodec":  # (chunks, batch, codebooks, frames)
            frames *= shape[0]
        size = self._codebook_size()
        bits = frames * books * math.log2(size)
        rate = self._frame_rate()
        told: dict[str, Any] = {"bits": round(bits), "frames": frames, "codebooks": books, "codebook_size": size}
        if rate is not None:
            told["nominal_bps"] = rate * books * math.log2(size)
        if self.args["chunk"] is not None:  # causal: it waits for a chunk and looks no further
            told["algorithmic_latency_s"] = self.args["chunk"] * self._hop() / int(self.sample_rate or 0)
        return {**told, "length_difference": surplus}

    def _codebook_size(self) -> int:
        config = self._model.config
        for name in ("codebook_size", "vocab_size"):
            if getattr(config, name, None):
                return int(getattr(config, name))
        levels = getattr(config, "quantization_levels", None)
        return math.prod(levels) if levels else 1024

    def _frame_rate(self) -> float | None:
        rate = getattr(self._model.config, "frame_rate", None)
        if rate:
            return float(rate)
        hop = getattr(self._model.config, "hop_length", None)
        return float(self.sample_rate or 0) / int(hop) if hop and self.sample_rate else None
