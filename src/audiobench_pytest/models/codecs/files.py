"""Codecs of audio files, as libsndfile writes and reads them: Opus, Vorbis, MP3, FLAC, G.711, GSM 06.10."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.codecs.base import CodecAdapter, Coded
from audiobench_pytest.models.options import Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Kind:
    """How libsndfile is told to write a format.

    Attributes:
        format, subtype: Its names there.
        rate: The one rate in Hz that it is made for, or None for that of the recording.
        sample_bits: Bits of each sample, for formats that write every sample; else None.
        frame: Samples of one frame, or None where frames vary.
    """

    format: str
    subtype: str
    rate: int | None = None
    sample_bits: float | None = None
    frame: int | None = None


_KINDS = {
    "opus": _Kind("OGG", "OPUS", frame=None),
    "vorbis": _Kind("OGG", "VORBIS"),
    "mp3": _Kind("MP3", "MPEG_LAYER_III"),
    "flac": _Kind("FLAC", "PCM_16"),
    "g711u": _Kind("WAV", "ULAW", rate=8_000, sample_bits=8),
    "g711a": _Kind("WAV", "ALAW", rate=8_000, sample_bits=8),
    "gsm": _Kind("WAV", "GSM610", rate=8_000, frame=320),
}

_GSM_FRAME_BITS = 65 * 8
"""Bits of the 320 samples that a block of GSM 06.10 holds in a WAV file."""

_OPUS_TOP_KBITS = 256.0
_OPUS_STEP = 250.0


class FileCodec(CodecAdapter):
    """Writes the recording as a file in memory, and reads it back.

    Bits are those of the payload: of Ogg the packets without pages and headers, of WAV the samples, of MP3 and FLAC the
    frames of the stream without its header.
    """

    options: ClassVar[Mapping[str, Option]] = {
        **CodecAdapter.options,
        "format": Option(str, None, f"one of {', '.join(_KINDS)}"),
        "kbits": Option(float, None, "kbit/s of Opus, 6 to 256; of Vorbis and MP3 what is aimed at"),
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        name, kbits = self.args["format"], self.args["kbits"]
        if name not in _KINDS:
            raise UsageError(f"--model-args: format={name} of model '{spec.name}' must be one of {', '.join(_KINDS)}")
        if name in ("opus", "vorbis", "mp3") and kbits is None:
            raise UsageError(f"--model-args: model '{spec.name}' needs kbits=, the rate in kbit/s")
        if name == "opus" and not 6 <= kbits <= _OPUS_TOP_KBITS:
            raise UsageError(f"--model-args: kbits={kbits} of model '{spec.name}' must be 6 to 256")
        self._kind = _KINDS[name]
        self._levels: dict[int, float] = {}

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the version of libsndfile, whose encoders these are."""
        import soundfile

        return {**self.base_identity(), "libsndfile": soundfile.__libsndfile_version__}

    def encode(self, samples: NDArray[np.float32], rate: int) -> Coded:
        """Return the file's bytes."""
        import soxr

        own = self._kind.rate or rate
        sound = samples if own == rate else soxr.resample(samples, rate, own, quality="HQ")
        if self.args["format"] == "opus":
            return self._opus(sound, own)
        if self.args["format"] in ("vorbis", "mp3"):
            data = self._written(sound, own, self._level(sound, own))
            return Coded(data, _payload_bits(data), None)
        data = self._written(sound, own, None)
        if self._kind.sample_bits is not None:
            return Coded(data, int(len(sound) * self._kind.sample_bits), own * self._kind.sample_bits, len(sound))
        if self._kind.frame is not None:
            frames = -(-len(sound) // self._kind.frame)
            return Coded(data, frames * _GSM_FRAME_BITS, own / self._kind.frame * _GSM_FRAME_BITS, frames)
        return Coded(data, _payload_bits(data), None)

    def decode(self, coded: Coded, rate: int) -> NDArray[np.float32]:
        """Return what the file holds, at the rate of the recording."""
        import numpy as np
        import soundfile
        import soxr

        sound, own = soundfile.read(io.BytesIO(coded.payload), dtype="float32")
        if own != rate:
            sound = soxr.resample(sound, own, rate, quality="HQ")
        return np.asarray(sound, np.float32)

    def _opus(self, sound: NDArray[np.float32], rate: int) -> Coded:
        kbits = float(self.args["kbits"])
        data = self._written(sound, rate, (_OPUS_TOP_KBITS - kbits) / _OPUS_STEP)
        return Coded(data, _payload_bits(data), kbits * 1000, len(_ogg_packets(data)))

    def _level(self, sound: NDArray[np.float32], rate: int) -> float:
        """Return the setting whose rate is nearest to what is aimed at, for this recording.

        Neither format has a setting in kbit/s here, so it is looked for; a recording's own rate is then close to it.
        """
        aim, low, high = float(self.args["kbits"]) * 1000, 0.0, 0.99
        seconds = len(sound) / rate
        for _ in range(7):
            middle = (low + high) / 2
            if _payload_bits(self._written(sound, rate, middle)) / seconds > aim:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def _written(self, sound: NDArray[np.float32], rate: int, level: float | None) -> bytes:
        import numpy as np
        import soundfile

        buffer = io.BytesIO()
        options: dict[str, Any] = {} if level is None else {"compression_level": min(1.0, max(0.0, level))}
        clipped = np.clip(sound, -1.0, 1.0)
        soundfile.write(buffer, clipped, rate, format=self._kind.format, subtype=self._kind.subtype, **options)
        return buffer.getvalue()


def _payload_bits(data: bytes) -> int:
    """Return the bits of a file without its container."""
    if data.startswith(b"OggS"):
        return 8 * sum(_ogg_packets(data))
    if data.startswith(b"fLaC"):
        return 8 * (len(data) - _flac_header(data))
    return 8 * len(data)


def _ogg_packets(data: bytes) -> list[int]:
    """Return the bytes of each packet of an Ogg stream, without its two or three packets of headers."""
    sizes: list[int] = []
    at, open_size = 0, 0
    heads = 2 if b"OpusHead" in data[:64] else 3
    while data[at : at + 4] == b"OggS":
        count = data[at + 26]
        lacing = data[at + 27 : at + 27 + count]
        for size in lacing:
            open_size += size
            if size < 255:
                sizes.append(open_size)
                open_size = 0
        at += 27 + count + sum(lacing)
    return sizes[heads:]


def _flac_header(data: bytes) -> int:
    """Return the bytes before the first frame of a FLAC stream."""
    at = 4
    while True:
        last, size = data[at] & 0x80, int.from_bytes(data[at + 1 : at + 4], "big")
        at += 4 + size
        if last:
            return at
