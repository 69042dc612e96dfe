"""Encoded files become mono sound at the rate that a model wants.

Decoding is libsndfile's (WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, CAF, AU, W64), resampling soxr's at its high
quality. A file that is damaged is refused, with the reason: scoring half a recording would blame the model.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.datasets.audio.containers import promised_more, states_length, unaccounted, without_length
from audiobench_pytest.datasets.audio.links import links
from audiobench_pytest.datasets.audio.pcm_wav import read_pcm16
from audiobench_pytest.errors import SampleError
from audiobench_pytest.types import Audio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Sample rates in Hz outside of which a header is taken to be damaged."""

_BLOCK_FRAMES = 1 << 20
_LENGTH_LEFT_OPEN = 1 << 62
"""libsndfile reports 2**63 - 1 frames for a FLAC stream whose header leaves the number of samples at 0, "unknown"."""

_LARGEST_IN_MEMORY = 256 << 20
"""Bytes above which nobody looks for a second recording in a file."""

_LOUDEST = 16.0
"""Full scale is 1; a float file may be some decibels above it, and is never 24."""

_SILENT, _CANCELLED = 1e-3, 0.02
"""Channels whose mean is 34 dB below the louder of them are in opposite phase; below -60 dB nobody can tell."""

_MP3_SLACK_S = 0.1
"""MP3 headers count in frames of up to 0.072 s (1152 samples at 16 kHz), and some writers trim the encoder's delay."""


def read_audio(path: Path, sample_rate: int, *, max_seconds: float = 7200.0) -> Audio:
    """Decode a file, mix it down to one channel by the mean, and resample it.

    Args:
        path: The encoded file.
        sample_rate: Wanted rate in Hz.
        max_seconds: Longest sound that is accepted; longer ones are refused before they are decoded.

    Returns:
        Sound of `(samples,) float32` at `sample_rate`.

    Raises:
        SampleError: The file is missing, empty, no audio, damaged, cut short, silent by having no samples, too long, or
            holds values that are no numbers; names the file and the reason.
    """
    import numpy as np

    _check_is_file(path)
    if (plain := _plain(path, max_seconds)) is not None:
        return _resampled(path, *plain, sample_rate)
    if (several := _several(path, sample_rate, max_seconds)) is not None:
        return several
    with _open(path) as sound:
        rate, promised = _checked_header(path, sound, max_seconds)
        try:
            blocks = _decode_mono(sound, max_frames=int(max_seconds * rate))
        except SampleError:
            raise
        except Exception as exc:
            # soundfile's errors share no base but RuntimeError, and a damaged stream may raise others on its way.
            raise SampleError(f"{path}: cannot be decoded to its end: {_reason(exc, path)}") from exc
        decoded, is_mp3 = sum(map(len, blocks)), "MP3" in sound.format or "MPEG" in sound.subtype
    if decoded == 0:
        raise SampleError(f"{path}: holds no samples (0 s of sound)")
    if decoded > max_seconds * rate:
        raise SampleError(f"{path}: too long: more than the {max_seconds:g} s that are accepted")
    slack = int(_MP3_SLACK_S * rate) if is_mp3 else 0
    if promised is not None and decoded + slack < promised:
        raise SampleError(
            f"{path}: cut short: the header promises {promised / rate:.3f} s of sound, {decoded / rate:.3f} s are there"
        )
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if not (np.isfinite(samples.min()) and np.isfinite(samples.max())):
        bad = int((~np.isfinite(samples)).sum())
        raise SampleError(f"{path}: {bad} of {decoded} samples are not numbers (NaN or infinite)")
    _refuse_unscaled(path, samples)
    return _resampled(path, samples, rate, sample_rate)


def _several(path: Path, sample_rate: int, max_seconds: float) -> Audio | None:
    """Return the sound of a file that libsndfile would not hear whole: several recordings, or a length left at 0.

    Raises:
        SampleError: One of its recordings cannot be decoded, or they are too long together.
    """
    import numpy as np

    try:
        data = path.read_bytes() if path.stat().st_size <= _LARGEST_IN_MEMORY else b""
    except OSError:
        return None  # opening it says why
    mended = without_length(data)
    parts = [mended] if mended is not None else links(data)
    if mended is None and len(parts) < 2:
        return None
    found: list[NDArray[np.float32]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts, start=1):
            piece = Path(folder) / f"{number}{path.suffix}"
            piece.write_bytes(part)
            try:
                found.append(read_audio(piece, sample_rate, max_seconds=max_seconds).samples)
            except SampleError as exc:
                said = str(exc).removeprefix(f"{piece}: ")
                of = f"recording {number} of {len(parts)} in it: " if len(parts) > 1 else ""
                raise SampleError(f"{path}: {of}{said}") from exc
    whole = Audio(np.concatenate(found), sample_rate)
    if whole.duration_s > max_seconds:
        raise SampleError(
            f"{path}: too long: {whole.duration_s:.1f} s of sound, at most {max_seconds:g} s are accepted"
        )
    return whole


def _refuse_unscaled(path: Path, samples: NDArray[np.float32]) -> None:
    peak = max(float(samples.max()), -float(samples.min()))
    if peak > _LOUDEST:
        raise SampleError(
            f"{path}: its samples reach {peak:g}, full scale is 1: it was written without scaling; divide its samples "
            "by full scale (32768 for those of 16 bits)"
        )


def _mixed(path: str, block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one channel: the mean, unless the channels cancel each other out.

    Raises:
        SampleError: They do.
    """
    import numpy as np

    mono: NDArray[np.float32] = block.mean(axis=1, dtype="float32")
    loudest = float(np.abs(block).max(initial=0.0))
    if loudest > _SILENT and float(np.abs(mono).max(initial=0.0)) < _CANCELLED * loudest:
        raise SampleError(
            f"{path}: its {block.shape[1]} channels cancel each other out when they are mixed (opposite phase): give "
            "the file one channel"
        )
    return mono


def _plain(path: Path, max_seconds: float) -> tuple[NDArray[np.float32], int] | None:
    """Return mono sound and rate of a plain 16-bit WAV file; None for any other, and for one that is to be refused."""
    import numpy as np

    try:
        found = read_pcm16(path)
    except OSError:
        return None
    if found is None:
        return None
    samples, rate = found
    if not LOWEST_RATE <= rate <= HIGHEST_RATE or len(samples) > max_seconds * rate:
        return None
    scaled = samples.astype(np.float32)
    scaled *= np.float32(1 / 32768)
    return (scaled[:, 0] if scaled.shape[1] == 1 else _mixed(os.fspath(path), scaled)), rate


def _resampled(path: Path, samples: NDArray[np.float32], rate: int, sample_rate: int) -> Audio:
    import numpy as np

    decoded = len(samples)
    if rate != sample_rate:
        import soxr

        samples = soxr.resample(samples, rate, sample_rate, quality="HQ")
        if len(samples) == 0:
            raise SampleError(f"{path}: {decoded} samples at {rate} Hz leave none at {sample_rate} Hz")
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate)


def audio_seconds(path: Path) -> float:
    """Return the length in seconds that the file's header states.

    Nothing is decoded, except for a FLAC file that was written into a pipe, whose header leaves the length open.

    Raises:
        SampleError: The file is missing, empty or no audio; names the file and the reason.
    """
    _check_is_file(path)
    with _open(path) as sound:
        frames, rate = int(sound.frames), int(sound.samplerate)
    return read_audio(path, rate).duration_s if frames >= _LENGTH_LEFT_OPEN else frames / rate


def _check_is_file(path: Path) -> None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, on each clip
    except FileNotFoundError as exc:
        raise SampleError(f"{path}: missing audio file") from exc
    except (OSError, ValueError) as exc:
        raise SampleError(f"{path}: cannot be read: {exc}") from exc
    if stat.S_ISDIR(status.st_mode):
        raise SampleError(f"{path}: is a folder, not an audio file")
    if not stat.S_ISREG(status.st_mode):
        raise SampleError(f"{path}: is not a regular file")
    if status.st_size == 0:
        raise SampleError(f"{path}: is empty (0 bytes)")


def _open(path: Path) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(os.fspath(path))
    except (soundfile.SoundFileError, TypeError) as exc:  # TypeError: `.raw` files, which have no header
        raise SampleError(
            f"{path}: not an audio file that can be read (WAV, FLAC, Ogg, MP3, AIFF, CAF, AU are): {_reason(exc, path)}"
        ) from exc


def _checked_header(path: Path, sound: Any, max_seconds: float) -> tuple[int, int | None]:
    """Return sample rate in Hz and promised frames if the header states them; refuse what the header rules out."""
    rate, frames = int(sound.samplerate), int(sound.frames)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise SampleError(
            f"{path}: sample rate {rate} Hz is outside of {LOWEST_RATE} to {HIGHEST_RATE} Hz; the header is damaged"
        )
    if sound.format == "RAW":
        raise SampleError(f"{path}: has no header, its name alone says what it is: convert it to WAV or FLAC")
    if (behind := unaccounted(path)) is not None:
        raise SampleError(f"{path}: {behind}")
    shortfall = promised_more(path)
    if shortfall is not None:
        raise SampleError(f"{path}: cut short: {shortfall}")
    if frames == 0:
        raise SampleError(f"{path}: holds no samples (0 s of sound)")
    if frames >= _LENGTH_LEFT_OPEN or not states_length(path, sound.format):
        return rate, None
    if frames > max_seconds * rate:
        raise SampleError(f"{path}: too long: {frames / rate:.1f} s of sound, at most {max_seconds:g} s are accepted")
    return rate, frames


def _decode_mono(sound: Any, max_frames: int) -> list[NDArray[np.float32]]:
    """Decode and mix down in blocks, so that many channels never stand in memory at full length.

    Stops after the block that passes `max_frames`: a header that states no length cannot be refused beforehand.
    """
    if sound.frames >= _LENGTH_LEFT_OPEN:
        sound.seekable = lambda: False  # soundfile seeks after each read, which fails at the end of such a stream
    blocks: list[NDArray[np.float32]] = []
    total = 0
    while total <= max_frames:
        block = sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
        blocks.append(block[:, 0] if block.shape[1] == 1 else _mixed(sound.name, block))
        total += len(block)
        if len(block) < _BLOCK_FRAMES:
            break  # the end; or a hole in a damaged Ogg stream, behind which a further read would go on unnoticed
    return blocks


def _reason(exc: Exception, path: Path) -> str:
    """Return libsndfile's reason without its repetition of the path."""
    text = str(exc).strip() or type(exc).__name__
    return text.replace(f"Error opening {os.fspath(path)!r}: ", "").removeprefix("Error : ").rstrip(".")
