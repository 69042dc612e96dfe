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
from audiobench_pytest.datasets.audio.pieces import BrokenFileError
from audiobench_pytest.datasets.audio.whole import pieces_of
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
    assert len(pieces_of(whole.read_bytes())) == len(parts)


def test_a_second_recording_that_is_broken_is_told(tmp_path: Path) -> None:
    good = encoded(tmp_path, "a.flac", 1.0)
    (tmp_path / "two.flac").write_bytes(good + good[: len(good) // 2])
    with pytest.raises(SampleError, match=r"two\.flac: recording 2 of 2 in it: "):
        read_audio(tmp_path / "two.flac", RATE)


@given(
    st.sampled_from([b"", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"RIFF....WAVE", b"caff\0\1", b".snd"]),
    st.binary(max_size=300),
)
def test_anything_at_all_is_pieces_or_told(magic: bytes, data: bytes) -> None:
    """Recordings stand in the order of the file and do not overlap; what is broken is told, never a crash."""
    try:
        pieces = pieces_of(magic + data) or []
    except BrokenFileError:
        return
    places = [place for piece in pieces for place in piece[:2]]
    assert places == sorted(places)
    assert all(0 <= place <= len(magic + data) for place in places)


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


def mp3_without_count(folder: Path, seconds: float, rate: int = RATE) -> bytes:
    sound = np.random.default_rng(0).normal(0, 0.1, int(seconds * rate)).astype(np.float32)
    with sf.SoundFile(
        folder / "v.mp3", "w", rate, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    ) as f:
        f.write(sound)
    data = (folder / "v.mp3").read_bytes()
    return data[data.index(data[:2], data.index(b"LAME") + 30) :]


ID3V2 = b"ID3\x03\0\0\0\0\1\0" + b"\0" * 128
ID3V1 = b"TAG" + b"x" * 125
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 92, 1, 0xA000_0000) + b"\0" * 8 + b"y" * 60
APE += b"APETAGEX" + struct.pack("<IIII", 2000, 92, 1, 0x8000_0000) + b"\0" * 8
PAGE = b"<html>502 bad gateway</html>\n" * 40

CONTAINERS = {
    "aiff": ("a.aiff", {"format": "AIFF", "subtype": "PCM_16"}),
    "au": ("a.au", {"format": "AU", "subtype": "PCM_16"}),
    "caf": ("a.caf", {"format": "CAF", "subtype": "PCM_16"}),
    "w64": ("a.w64", {"format": "W64", "subtype": "PCM_16"}),
    "rf64": ("a.wav", {"format": "RF64", "subtype": "PCM_16"}),
    "sphere": ("a.sph", {"format": "NIST", "subtype": "PCM_16"}),
    "wav": ("a.wav", {"subtype": "PCM_16"}),
    "wav24": ("a.wav", {"subtype": "PCM_24"}),
    "adpcm": ("a.wav", {"subtype": "IMA_ADPCM"}),
}
ALL = {**KINDS, **CONTAINERS}


def kept(folder: Path, name: str, data: bytes) -> Path:
    path = folder / f"given-{name}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", [ID3V1, APE, APE + ID3V1, bytes(700)], ids=["id3v1", "ape", "both", "zeros"])
def test_tags_around_and_between_are_no_sound_and_no_loss(tmp_path: Path, kind: str, tag: bytes) -> None:
    name, how = KINDS[kind]
    one = encoded(tmp_path, name, 1.0, **how)
    alone = read_audio(tmp_path / name, RATE).duration_s
    assert read_audio(kept(tmp_path, name, ID3V2 + one + tag), RATE).duration_s == alone
    if tag.strip(b"\0"):
        assert read_audio(kept(tmp_path, name, one + tag + ID3V2 + one), RATE).duration_s == 2 * alone


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("rest", [PAGE, b'{"error": "x"}' * 3], ids=["page", "json"])
def test_what_stands_behind_the_sound_is_told_with_its_place(tmp_path: Path, kind: str, rest: bytes) -> None:
    name, how = ALL[kind]
    data = encoded(tmp_path, name, 1.0, **how)
    with pytest.raises(SampleError, match=r"byte"):
        read_audio(kept(tmp_path, name, data + rest), RATE)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("lost", [10, 900])
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, kind: str, lost: int) -> None:
    name, how = ALL[kind]
    with pytest.raises(SampleError):
        read_audio(kept(tmp_path, name, encoded(tmp_path, name, 1.0, **how)[:-lost]), RATE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hole_is_told(tmp_path: Path, kind: str) -> None:
    name, how = KINDS[kind]
    data = encoded(tmp_path, name, 2.0, **how)
    middle = len(data) // 2
    for broken in (data[:middle] + bytes(600) + data[middle + 600 :], data[:middle] + data[middle + 700 :]):
        with pytest.raises(SampleError):
            read_audio(kept(tmp_path, name, broken), RATE)


@pytest.mark.parametrize("kind", ["wav", "wav24", "adpcm", "aiff", "caf", "w64", "rf64"])
def test_files_of_chunks_one_behind_the_other_are_heard_whole(tmp_path: Path, kind: str) -> None:
    name, how = CONTAINERS[kind]
    one = encoded(tmp_path, name, 1.0, **how)
    alone = read_audio(tmp_path / name, RATE).duration_s
    assert read_audio(kept(tmp_path, name, one + one), RATE).duration_s == pytest.approx(2 * alone)


def test_an_mp3_that_counts_no_frames_is_heard_to_its_end(tmp_path: Path) -> None:
    first, second = mp3_without_count(tmp_path, 3.0), mp3_without_count(tmp_path, 2.0, 44_100)
    for data, seconds in ((first, 3.0), (first + first, 6.0), (first + ID3V1 + ID3V2 + second, 5.0)):
        assert read_audio(kept(tmp_path, "a.mp3", data), RATE).duration_s == pytest.approx(seconds, abs=0.25)
    for broken in (first[: len(first) // 2], first[:1200] + bytes(900) + first[2100:], first + PAGE, PAGE + first):
        with pytest.raises(SampleError):
            read_audio(kept(tmp_path, "a.mp3", broken), RATE)


@pytest.mark.parametrize("counts", [True, False])
def test_an_mp3_inside_a_wav_is_heard_to_its_end(tmp_path: Path, counts: bool) -> None:
    sound = encoded(tmp_path, "a.mp3", 2.0, format="MP3") if counts else mp3_without_count(tmp_path, 2.0)
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE, 8000, 1, 0, 12, 1, 2, 417, 1, 1393)
    for data, seconds in ((sound, 2.0), (sound + sound, 4.0)):
        body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
        body += b"\0" * (len(data) % 2)
        path = kept(tmp_path, "a.wav", b"RIFF" + struct.pack("<I", len(body)) + body)
        assert read_audio(path, RATE).duration_s == pytest.approx(seconds, abs=0.25)


def opened(kind: str, data: bytes, length: int) -> bytes:
    """Return a file whose length of sound says something else."""
    mark = {"au": (b".snd", 8, ">I"), "rf64": (b"ds64", 16, "<Q")}.get(kind, (b"data", 4, "<I"))
    at = data.index(mark[0]) + mark[1]
    said = struct.pack(mark[2], length)
    return data[:at] + said + data[at + len(said) :]


@pytest.mark.parametrize("kind", ["wav", "wav24", "au", "rf64"])
def test_a_length_of_zero_is_filled_in_and_a_small_one_told(tmp_path: Path, kind: str) -> None:
    name, how = CONTAINERS[kind]
    data = encoded(tmp_path, name, 1.0, **how)
    assert read_audio(kept(tmp_path, name, opened(kind, data, 0)), RATE).duration_s == pytest.approx(1.0, abs=0.001)
    with pytest.raises(SampleError, match="the sound ends at byte"):
        read_audio(kept(tmp_path, name, opened(kind, data, 12_000)), RATE)


@pytest.mark.parametrize("length", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000])
@pytest.mark.parametrize("kind", ["wav", "wav24", "au"])
def test_a_length_left_open_is_up_to_the_end(tmp_path: Path, kind: str, length: int) -> None:
    name, how = CONTAINERS[kind]
    data = opened(kind, encoded(tmp_path, name, 1.0, **how), length)
    assert read_audio(kept(tmp_path, name, data), RATE).duration_s == pytest.approx(1.0, abs=0.001)


def test_an_empty_file_with_notes_is_empty(tmp_path: Path) -> None:
    head = opened("wav", encoded(tmp_path, "a.wav", 1.0, subtype="PCM_16")[:44], 0)
    with pytest.raises(SampleError, match="holds no samples"):
        read_audio(kept(tmp_path, "a.wav", head + b"LIST" + struct.pack("<I", 400) + b"INFO" + b"a" * 396), RATE)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (PAGE, "HTML"),
        ("<!DOCTYPE html><p>404</p>".encode("utf-16") * 9, "HTML"),
        (b'{"error": 404}' * 9, "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
        (b"\x1f\x8b\x08" + bytes(99), "gzip"),
    ],
)
@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.vox", "a.ul"])
def test_what_is_no_sound_is_named_for_what_it_is(tmp_path: Path, name: str, data: bytes, what: str) -> None:
    with pytest.raises(SampleError, match=what):
        read_audio(kept(tmp_path, name, data), RATE)


def test_a_format_that_cannot_be_told_whole_is_refused_by_name(tmp_path: Path) -> None:
    encoded(tmp_path, "a.voc", 1.0, format="VOC", subtype="PCM_16")
    with pytest.raises(SampleError, match="format VOC does not tell whether it is whole: convert it"):
        read_audio(tmp_path / "a.voc", RATE)


def test_channels_that_cancel_each_other_in_part_are_told(tmp_path: Path) -> None:
    opposite, noise = np.stack([tone(2.0), -tone(2.0)], axis=1), np.random.default_rng(0).normal(0, 0.01, (32_000, 2))
    for sound in (np.concatenate([opposite, np.stack([tone(1.0)] * 2, axis=1)]), opposite + noise):
        sf.write(tmp_path / "part.wav", sound, RATE, subtype="PCM_16")
        with pytest.raises(SampleError, match=r"2 channels cancel each other out .* % of its energy"):
            read_audio(tmp_path / "part.wav", RATE)
