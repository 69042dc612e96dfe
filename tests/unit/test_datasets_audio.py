"""Decoding, mixing down and resampling; and every file that must be refused with its reason."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.datasets import audio_seconds, read_audio
from audiobench_pytest.errors import SampleError

REAL = Path(__file__).parents[2].parent / "shared" / "data"


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def written(path: Path, samples: np.ndarray, rate: int = 16000, **options: str) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


FORMATS = {
    "pcm16.wav": {"subtype": "PCM_16"},
    "pcm24.wav": {"subtype": "PCM_24"},
    "pcm32.wav": {"subtype": "PCM_32"},
    "pcm8.wav": {"subtype": "PCM_U8"},
    "float.wav": {"subtype": "FLOAT"},
    "mulaw.wav": {"subtype": "ULAW"},
    "long.wav": {"format": "RF64"},
    "x.flac": {},
    "x.ogg": {},
    "x.opus": {"format": "OGG", "subtype": "OPUS"},
    "x.mp3": {},
    "x.aiff": {},
    "x.au": {},
    "x.caf": {},
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_decode_to_the_tone_that_was_written(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, tone(0.5, 48000), 48000, **FORMATS[name])
    audio = read_audio(path, 16000)
    assert audio.samples.dtype == np.float32
    assert audio.sample_rate == 16000
    assert audio.duration_s == pytest.approx(0.5, abs=0.06)
    assert audio_seconds(path) == pytest.approx(0.5, abs=0.06)
    spectrum = np.abs(np.fft.rfft(audio.samples[1000:5000]))
    assert abs(np.argmax(spectrum) * 4 - 440) <= 8
    assert np.sqrt(np.mean(audio.samples[1000:5000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    wanted=st.sampled_from([8000, 16000, 24000]),
    frames=st.integers(200, 20000),
)
def test_resampling_keeps_the_duration(tmp_path_factory: pytest.TempPathFactory, rate: int, wanted: int, frames: int):
    path = tmp_path_factory.getbasetemp() / f"resample-{os.getpid()}.wav"
    audio = read_audio(written(path, np.zeros(frames, np.float32), rate), wanted)
    assert abs(len(audio.samples) - frames * wanted / rate) <= 1
    assert audio_seconds(path) == pytest.approx(frames / rate)


def test_channels_are_mixed_by_the_mean(tmp_path: Path) -> None:
    left, right = tone(0.1, 16000), np.full(1600, 0.25, np.float32)
    path = written(tmp_path / "stereo.wav", np.stack([left, right, -right], axis=1), subtype="FLOAT")
    assert read_audio(path, 16000).samples == pytest.approx(left / 3, abs=1e-7)


def test_same_rate_is_bit_exact_also_over_block_borders(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (1 << 20) + 4321).astype(np.float32)
    path = written(tmp_path / "long.wav", samples, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(path, 16000).samples, samples)


def refuse(path: Path, *parts: str, **options: float) -> None:
    with pytest.raises(SampleError) as caught:
        read_audio(path, 16000, **options)
    for part in (str(path), *parts):
        assert part in str(caught.value)


def test_missing_empty_folder_and_odd_files_are_refused(tmp_path: Path) -> None:
    refuse(tmp_path / "gone.wav", "missing")
    refuse(tmp_path, "folder")
    (tmp_path / "empty.wav").touch()
    refuse(tmp_path / "empty.wav", "0 bytes")
    (tmp_path / "text.wav").write_text("this is no sound")
    refuse(tmp_path / "text.wav", "not an audio file", "FLAC")
    (tmp_path / "x.raw").write_bytes(bytes(1000))
    refuse(tmp_path / "x.raw", "not an audio file")
    os.mkfifo(tmp_path / "pipe.wav")
    refuse(tmp_path / "pipe.wav", "not a regular file")
    for name in ("gone.wav", "empty.wav", "text.wav", "pipe.wav"):
        with pytest.raises(SampleError, match=name):
            audio_seconds(tmp_path / name)


@pytest.mark.parametrize("name", ["pcm16.wav", "long.wav", "x.flac", "x.ogg", "x.opus", "x.mp3", "x.aiff", "x.au"])
@pytest.mark.parametrize("share", [0.35, 0.8])
def test_files_that_break_off_are_refused(tmp_path: Path, name: str, share: float) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 160_000).astype(np.float32)
    refuse(cut(written(tmp_path / name, noise, **FORMATS[name]), share), "cut short" if name != "x.flac" else "decode")


def test_wav_that_lacks_a_single_sample_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(0.1, 16000))
    path.write_bytes(path.read_bytes()[:-2])
    refuse(path, "cut short", "promises 3200 bytes of sound, the file holds 3198")


def test_chunks_before_the_sound_are_stepped_over(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(0.1, 16000))
    data = path.read_bytes()
    at = data.index(b"data")
    path.write_bytes(data[:at] + b"LIST\x05\0\0\0odd..\0" + data[at:])  # five bytes are padded to six
    assert read_audio(path, 16000).duration_s == pytest.approx(0.1)
    refuse(cut(path, 0.5), "cut short", "promises 3200 bytes")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_wav_written_into_a_pipe_has_no_length_and_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "a.wav", tone(0.1, 16000))
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", size)
    path.write_bytes(data)
    assert read_audio(path, 16000).duration_s == pytest.approx(0.1)


def test_flac_written_into_a_pipe_has_no_length_and_is_read_to_its_end(tmp_path: Path) -> None:
    path = written(tmp_path / "a.flac", tone(0.7, 16000))
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of STREAMINFO that hold the number of samples
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert read_audio(path, 16000).duration_s == pytest.approx(0.7)
    assert audio_seconds(path) == pytest.approx(0.7)
    refuse(path, "too long", max_seconds=0.5)


def test_hole_in_an_ogg_stream_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 80000).astype(np.float32)
    path = written(tmp_path / "a.ogg", noise)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    refuse(path, "cut short")


def test_no_samples_is_refused(tmp_path: Path) -> None:
    refuse(written(tmp_path / "none.wav", np.zeros(0, np.float32)), "no samples")
    refuse(written(tmp_path / "one.wav", np.zeros(1, np.float32), 700_000), "leave none at 16000 Hz")


def test_too_long_is_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.wav", tone(3, 8000), 8000)
    assert read_audio(path, 16000, max_seconds=3).duration_s == pytest.approx(3)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_: pytest.fail("decoded"))
    refuse(path, "too long: 3.0 s", "2.5 s", max_seconds=2.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    samples = np.stack([tone(0.1, 16000)] * 2, axis=1)
    samples[77, 1] = value
    refuse(written(tmp_path / "nan.wav", samples, subtype="FLOAT"), "1 of 1600 samples", "NaN")


@pytest.mark.parametrize("rate", [1, 999, 768_001, 1_092_676])
def test_absurd_rates_are_refused(tmp_path: Path, rate: int) -> None:
    path = written(tmp_path / "a.wav", tone(0.1, 16000))
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate)
    path.write_bytes(data)
    refuse(path, f"sample rate {rate} Hz")


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real recordings is not beside the project")
def test_real_files_of_many_formats() -> None:
    files = sorted((REAL / "formats" / "audio").iterdir())
    assert files
    for path in files:
        if path.name.startswith("broken_"):
            refuse(path)
        else:
            assert 0.4 < read_audio(path, 16000).duration_s < 6
