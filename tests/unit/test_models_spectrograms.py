"""Spectrograms that leave silence out are those of transformers, to the bit, and are computed of less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

import torch
from tiny_checkpoints import RATE, speechlike
from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from audiobench_pytest.models.transformers.families.spectrograms import without_silence

LENGTHS = (0.0, 0.01, 0.03, 0.1, 1.0, 2.34567, 12.0, 29.95, 29.99, 30.0, 31.5)


def heard(features: Any, *sounds: Any, **options: Any) -> tuple[Any, Any]:
    """Return spectrograms and masks of sounds as Whisper takes them."""
    options = {"padding": "max_length", "return_attention_mask": True, **options}
    found = features(list(sounds), sampling_rate=RATE, return_tensors="np", **options)
    return found["input_features"], found["attention_mask"]


@pytest.mark.parametrize("mels", [80, 128])
def test_the_numbers_are_those_of_all_thirty_seconds(mels: int) -> None:
    whole, own = WhisperFeatureExtractor(mels), without_silence(WhisperFeatureExtractor(mels))
    sounds = [speechlike(seconds, seed) for seed, seconds in enumerate(LENGTHS)]
    sounds.append(np.concatenate([sounds[3], np.zeros(3 * RATE, np.float32), sounds[2]]))  # a pause is no end
    sounds.append(np.concatenate([sounds[3], np.zeros(3 * RATE, np.float32)]))
    for one, other in zip(heard(whole, *sounds), heard(own, *sounds), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_clip_that_is_not_filled_up_keeps_its_frames() -> None:
    options = {"padding": "longest", "truncation": False}
    for samples in (RATE, RATE + 57, 41 * RATE):
        sound = speechlike(samples / RATE)
        both = [heard(make(WhisperFeatureExtractor()), sound, **options) for make in (lambda one: one, without_silence)]
        for one, other in zip(*both, strict=True):
            np.testing.assert_array_equal(one, other)


def test_silence_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    stft = torch.stft

    def noting(waveform: Any, *args: Any, **options: Any) -> Any:
        seen.append(tuple(waveform.shape))
        return stft(waveform, *args, **options)

    monkeypatch.setattr(torch, "stft", noting)
    heard(without_silence(WhisperFeatureExtractor()), speechlike(1.0), speechlike(2.0))
    assert [rows for rows, _ in seen] == [1, 1]
    assert all(
        second * RATE < samples < (second + 0.1) * RATE for second, (_, samples) in zip((1, 2), seen, strict=True)
    )


def test_a_device_is_handed_everything_at_once() -> None:
    features = WhisperFeatureExtractor()
    handed: list[tuple[Any, Any]] = []

    def on_device(waveform: Any, device: Any) -> Any:
        handed.append((waveform.shape, device))
        return np.zeros((2, 80, 3000), np.float32)

    features._torch_extract_fbank_features = on_device
    heard(without_silence(features), speechlike(1.0), speechlike(2.0), device="cuda:0")
    assert handed == [((2, 30 * RATE), "cuda:0")]


def test_others_are_left_as_they_are() -> None:
    other, noisy = Wav2Vec2FeatureExtractor(), WhisperFeatureExtractor(dither=1e-3)
    before = [dict(vars(one)) for one in (other, noisy)]
    assert [without_silence(one) for one in (other, noisy, None)] == [other, noisy, None]
    assert [vars(one) for one in (other, noisy)] == before
