"""The sound heard is the sound in the file: every byte is heard, a tag, padding, or told."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.datasets import read_audio
from audiobench_pytest.datasets.audio.links import links
from audiobench_pytest.errors import SampleError

RATE = 16_000


def tone(seconds: float, hz: float = 300.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def encoded(folder: Path, name: str, seconds: float, **how: str) -> bytes:
    path = folder / name
    sf.write(path, tone(seconds), RATE, **how)
    return path.read_bytes()


KINDS = {
    "opus": ("a.ogg", {"format": "OGG", "subtype": "OPUS"}),
    "vorbis": ("a.ogg", {"format": "OGG", "subtype": "VORBIS"}),
    "flac": ("a.flac", {}),
    "mp3": ("a.mp3", {"format": "MP3"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", [(1.0,), (1.0, 2.0), (0.5, 1.0, 0.25)])
def test_all_recordings_of_a_file_are_heard(tmp_path: Path, kind: str, parts: tuple[float, ...]) -> None:
    name, how = KINDS[kind]
    whole = tmp_path / f"whole-{name}"
    whole.write_bytes(b"".join(encoded(tmp_path, name, seconds, **how) for seconds in parts))
    alone = []
    for seconds in parts:
        encoded(tmp_path, name, seconds, **how)
        alone.append(read_audio(tmp_path / name, RATE).duration_s)
    assert read_audio(whole, RATE).duration_s == pytest.approx(sum(alone), abs=0.001)
    assert len(links(whole.read_bytes())) == len(parts)


def test_a_second_recording_that_is_broken_is_told(tmp_path: Path) -> None:
    good = encoded(tmp_path, "a.flac", 1.0)
    (tmp_path / "two.flac").write_bytes(good + good[: len(good) // 2])
    with pytest.raises(SampleError, match=r"two\.flac: recording 2 of 2 in it: "):
        read_audio(tmp_path / "two.flac", RATE)


@given(st.binary(max_size=300))
def test_links_lose_no_byte_of_anything(data: bytes) -> None:
    for magic in (b"", b"OggS", b"fLaC", b"ID3", b"\xff\xfb"):
        assert b"".join(links(magic + data)) == magic + data


def wav(folder: Path, **how: str) -> bytearray:
    return bytearray(encoded(folder, "a.wav", 1.0, **how))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_length_that_was_never_filled_in_is_no_silence(tmp_path: Path, subtype: str) -> None:
    data = wav(tmp_path, subtype=subtype)
    at = data.find(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\0" * 4
    (tmp_path / "open.wav").write_bytes(data)
    assert read_audio(tmp_path / "open.wav", RATE).duration_s == pytest.approx(1.0, abs=0.001)


def test_a_length_that_is_too_small_is_told(tmp_path: Path) -> None:
    data = wav(tmp_path, subtype="PCM_16")
    at = data.find(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", 8000)
    (tmp_path / "short.wav").write_bytes(data)
    with pytest.raises(SampleError, match=f"the sound ends at byte {at + 8 + 8000}, and the 24000 bytes from"):
        read_audio(tmp_path / "short.wav", RATE)


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\0\0\0INFO", b"TAG" + b"x" * 125, b"\0" * 100, b"id3 \x03\0\0\0abc\0", b"\0"], ids=repr
)
def test_tags_chunks_and_padding_behind_the_sound_are_fine(tmp_path: Path, behind: bytes) -> None:
    (tmp_path / "tagged.wav").write_bytes(wav(tmp_path, subtype="PCM_16") + behind)
    assert read_audio(tmp_path / "tagged.wav", RATE).duration_s == 1.0


def test_a_float_file_that_was_not_scaled_is_told(tmp_path: Path) -> None:
    sf.write(tmp_path / "loud.wav", tone(1.0) * 32768, RATE, subtype="FLOAT")
    with pytest.raises(SampleError, match=r"reach 98\d\d\.\d+, full scale is 1: it was written without scaling"):
        read_audio(tmp_path / "loud.wav", RATE)
    sf.write(tmp_path / "hot.wav", tone(1.0) * 5, RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "hot.wav", RATE).samples.max() == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_channels_that_cancel_each_other_are_told(tmp_path: Path, subtype: str) -> None:
    sf.write(tmp_path / "phase.wav", np.stack([tone(1.0), -tone(1.0)], axis=1), RATE, subtype=subtype)
    with pytest.raises(SampleError, match=r"phase.wav: its 2 channels cancel each other out"):
        read_audio(tmp_path / "phase.wav", RATE)
    for other in (tone(1.0, 440.0), np.zeros(RATE, np.float32)):
        sf.write(tmp_path / "fine.wav", np.stack([tone(1.0), other], axis=1), RATE, subtype=subtype)
        assert read_audio(tmp_path / "fine.wav", RATE).duration_s == 1.0
    sf.write(tmp_path / "quiet.wav", np.zeros((RATE, 2), np.float32), RATE, subtype=subtype)
    assert not read_audio(tmp_path / "quiet.wav", RATE).samples.any()


@pytest.mark.parametrize("suffix", ["vox", "gsm", "html", "wav", "mp3"])
def test_a_page_of_an_error_is_no_sound_whatever_its_name(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").write_bytes(b"<html><body>404 Not Found</body></html>\n" * 60)
    with pytest.raises(SampleError):
        read_audio(tmp_path / f"a.{suffix}", RATE)
