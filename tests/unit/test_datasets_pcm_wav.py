"""Plain WAV files are read without libsndfile, and give the samples that it gives."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.datasets.audio import decode as audio
from audiobench_pytest.datasets.audio.decode import read_audio
from audiobench_pytest.datasets.audio.pcm_wav import read_pcm16


def write(path, channels=1, frames=400, rate=16_000, **options):
    samples = np.random.default_rng(frames).integers(-32768, 32768, (frames, channels)).astype(np.int16)
    soundfile.write(path, samples, rate, **options)
    return samples


@given(st.integers(1, 4), st.integers(1, 300), st.sampled_from([8_000, 16_000, 44_100]))
@settings(max_examples=40, deadline=None)
def test_samples_are_those_of_libsndfile_to_the_last_bit(tmp_path_factory, channels, frames, rate):
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    written = write(path, channels, frames, rate)
    samples, found = read_pcm16(path)
    assert found == rate
    assert np.array_equal(samples, written)
    plain = read_audio(path, rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audio, "read_pcm16", lambda path: None)
        general = read_audio(path, rate)
    assert plain.samples.dtype == general.samples.dtype == np.float32
    assert np.array_equal(plain.samples, general.samples)


def test_a_chunk_before_the_sound_and_an_odd_one_after_it_are_passed_over(tmp_path):
    path = tmp_path / "a.wav"
    written = write(path)
    data = path.read_bytes()
    path.write_bytes(data[:12] + b"LIST\x03\0\0\0abc\0" + data[12:] + b"id3 \x01\0\0\0x")
    assert np.array_equal(read_pcm16(path)[0], written)


@pytest.mark.parametrize("options", [{"subtype": "PCM_24"}, {"subtype": "FLOAT"}, {"subtype": "ULAW"}])
def test_other_encodings_are_left_to_libsndfile(tmp_path, options):
    write(tmp_path / "a.wav", **options)
    assert read_pcm16(tmp_path / "a.wav") is None


@pytest.mark.parametrize("keep", [0, 3, 11, 20, 43, 44, 60, -1])
def test_a_file_that_is_cut_short_is_left_to_who_can_say_why(tmp_path, keep):
    path = tmp_path / "a.wav"
    write(path)
    path.write_bytes(path.read_bytes()[:keep])
    assert read_pcm16(path) is None


def test_a_flac_named_wav_is_no_wav(tmp_path):
    write(tmp_path / "a.flac")
    assert read_pcm16((tmp_path / "a.flac").rename(tmp_path / "a.wav")) is None
