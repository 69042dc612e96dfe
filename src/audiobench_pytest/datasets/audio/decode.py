"""Encoded files become mono sound at the rate that a model wants.

Decoding is libsndfile's (WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, CAF, AU, W64), resampling soxr's at its high
quality; what else ffmpeg knows (m4a, webm, AMR) is read where that is installed. A file that is damaged is refused,
with the reason: scoring half a recording would blame the model.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.datasets.audio.channels import mixed
from audiobench_pytest.datasets.audio.containers import without_length
from audiobench_pytest.datasets.audio.converted import convert, foreign_container
from audiobench_pytest.datasets.audio.mpeg import with_count
from audiobench_pytest.datasets.audio.pcm_wav import read_pcm16
from audiobench_pytest.datasets.audio.pieces import BrokenFileError
from audiobench_pytest.datasets.audio.whole import FORMATS, contents, pieces_of, what_else
from audiobench_pytest.errors import SampleError
from audiobench_pytest.types import Audio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Sample rates in Hz outside of which a header is taken to be damaged."""

_BLOCK_FRAMES = 1 << 20
_MPEG = b"\xff"
"""What an MPEG frame begins with."""

_LENGTH_LEFT_OPEN = 1 << 62
"""libsndfile reports 2**63 - 1 frames for a FLAC stream whose header leaves the number of samples at 0, "unknown"."""

_LOUDEST = 16.0
"""Full scale is 1; a float file may be some decibels above it, and is never 24."""

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
    if container := _foreign(path):
        return _converted(path, container, sample_rate, max_seconds)
    seen = _look(path)
    if seen.parts:
        return _several(path, seen.parts, sample_rate, max_seconds)
    with _open(path, seen) as sound:
        rate, promised = _checked_header(path, sound, seen, max_seconds)
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file's bytes tell before it is decoded.

    Attributes:
        parts: Its recordings as files of their own; none where libsndfile hears it whole as it stands.
        is_known: Whether its format says what belongs to it.
        is_open: Whether its length is guessed.
        other: What it holds instead of sound, or "".
    """

    parts: tuple[bytes, ...] = ()
    is_known: bool = True
    is_open: bool = False
    other: str = ""


def _look(path: Path) -> _Seen:
    """Account for the bytes of a file.

    Raises:
        SampleError: Some are lost, or are neither sound nor tag nor padding.
    """
    try:
        with contents(path) as data:
            if (filled := without_length(data)) is not None:
                return _Seen((filled,))
            pieces = pieces_of(data)
            if pieces is None:
                return _Seen(is_known=False, other=what_else(data))
            counted = [with_count(data, piece) if piece.varies else None for piece in pieces]
            first = pieces[0]
            # Tags ahead of Ogg are more than libsndfile understands.
            if len(pieces) > 1 or any(counted) or (first.start and data[first.start : first.start + 4] == b"OggS"):
                parts = (one or data[piece.start : piece.end] for one, piece in zip(counted, pieces, strict=True))
                return _Seen(tuple(parts))
            return _Seen(is_open=bool(first.uncounted))
    except OSError:
        return _Seen()  # opening it says why
    except BrokenFileError as exc:
        raise SampleError(f"{path}: {exc}") from exc


def _foreign(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return foreign_container(file.read(16))
    except OSError:
        return ""  # opening it says why


def _converted(path: Path, container: str, sample_rate: int, max_seconds: float) -> Audio:
    """Return the sound of a file that ffmpeg reads.

    Raises:
        SampleError: It does not, is not there, or what it reads is refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sound.wav"
        convert(path, container, target)
        try:
            return read_audio(target, sample_rate, max_seconds=max_seconds)
        except SampleError as exc:
            raise SampleError(f"{path}: {str(exc).removeprefix(f'{target}: ')}") from exc


def _several(path: Path, parts: Sequence[bytes], sample_rate: int, max_seconds: float) -> Audio:
    """Return the recordings of a file, one behind the other.

    Raises:
        SampleError: One of them cannot be decoded, or they are too long together.
    """
    import numpy as np

    found: list[NDArray[np.float32]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts, start=1):
            piece = Path(folder) / f"{number}{'.mp3' if part[:1] == _MPEG else path.suffix}"
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
    return (scaled[:, 0] if scaled.shape[1] == 1 else mixed(os.fspath(path), scaled)), rate


def _resampled(path: Path, samples: NDArray[np.float32], rate: int, sample_rate: int) -> Audio:
    import numpy as np

    decoded = len(samples)
    if rate != sample_rate:
        import soxr

        samples = soxr.resample(samples, rate, sample_rate, quality="HQ")
        if len(samples) == 0:
            raise SampleError(f"{path}: {decoded} samples at {rate} Hz leave none at {sample_rate} Hz")
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate)


def samples_to_see(path: Path, *, sample_rate: int = 16_000, max_seconds: float = 600.0) -> NDArray[np.float32] | None:
    """Return a sound for whoever draws it, `(samples,) float32`; None where it cannot be decoded or is too long."""
    try:
        return read_audio(path, sample_rate, max_seconds=max_seconds).samples
    except SampleError:
        return None


def audio_seconds(path: Path) -> float:
    """Return the length in seconds that the file's header states.

    Nothing is decoded, except for a FLAC file that was written into a pipe, whose header leaves the length open, and
    for what ffmpeg reads.

    Raises:
        SampleError: The file is missing, empty or no audio; names the file and the reason.
    """
    _check_is_file(path)
    if _foreign(path):
        return read_audio(path, 16_000).duration_s
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


def _open(path: Path, seen: _Seen = _Seen()) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(os.fspath(path))
    except (soundfile.SoundFileError, TypeError) as exc:  # TypeError: `.raw` files, which have no header
        with contents(path) as data:
            other = what_else(data)
        other = f"; it is {other}" if other else ""
        raise SampleError(
            f"{path}: not an audio file that can be read ({FORMATS} are){other}: {_reason(exc, path)}"
        ) from exc


def _checked_header(path: Path, sound: Any, seen: _Seen, max_seconds: float) -> tuple[int, int | None]:
    """Return sample rate in Hz and promised frames if the header states them; refuse what the header rules out."""
    rate, frames = int(sound.samplerate), int(sound.frames)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise SampleError(
            f"{path}: sample rate {rate} Hz is outside of {LOWEST_RATE} to {HIGHEST_RATE} Hz; the header is damaged"
        )
    if not seen.is_known:
        _refuse_format(path, sound.format, seen.other)
    if frames == 0:
        raise SampleError(f"{path}: holds no samples (0 s of sound)")
    if frames >= _LENGTH_LEFT_OPEN or seen.is_open:
        return rate, None
    if frames > max_seconds * rate:
        raise SampleError(f"{path}: too long: {frames / rate:.1f} s of sound, at most {max_seconds:g} s are accepted")
    return rate, frames


def _refuse_format(path: Path, name: str, other: str) -> None:
    """Refuse what libsndfile reads and nobody can tell to be whole.

    Raises:
        SampleError: Always.
    """
    if other:
        raise SampleError(f"{path}: is no sound, it is {other}")
    if name == "MP3":
        raise SampleError(f"{path}: does not begin with an MPEG frame: fetch it again, or cut off what stands before")
    if name == "RAW":
        raise SampleError(f"{path}: has no header, its name alone says what it is: convert it to WAV or FLAC")
    raise SampleError(f"{path}: a file of format {name} does not tell whether it is whole: convert it to WAV or FLAC")


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
        blocks.append(block[:, 0] if block.shape[1] == 1 else mixed(sound.name, block))
        total += len(block)
        if len(block) < _BLOCK_FRAMES:
            break  # the end; or a hole in a damaged Ogg stream, behind which a further read would go on unnoticed
    return blocks


def _reason(exc: Exception, path: Path) -> str:
    """Return libsndfile's reason without its repetition of the path."""
    text = str(exc).strip() or type(exc).__name__
    return text.replace(f"Error opening {os.fspath(path)!r}: ", "").removeprefix("Error : ").rstrip(".")
