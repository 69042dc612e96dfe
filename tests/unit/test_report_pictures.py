"""What a sound looks like in the report: loud where it is loud, bright where its pitch is."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audiobench_pytest.datasets.audio.decode import samples_to_see
from audiobench_pytest.report.html.pictures import COLUMNS, LINES, RATE, picture_of


def seen(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = picture_of(samples_to_see(path))
    assert found is not None
    assert (found["columns"], found["lines"]) == (COLUMNS, LINES)
    peaks, levels = (np.frombuffer(base64.b64decode(found[name]), np.uint8) for name in ("peaks", "levels"))
    return peaks, levels.reshape(LINES, COLUMNS)


@pytest.mark.parametrize("hertz", [500, 2000, 6000])
def test_a_tone_is_a_line_at_its_height_and_loud_while_it_lasts(tmp_path: Path, hertz: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    tone[RATE:] = 0
    sf.write(tmp_path / "tone.wav", tone, RATE)
    peaks, levels = seen(tmp_path / "tone.wav")
    assert np.allclose(peaks[: COLUMNS // 2 - 1] / 255, 0.5, atol=0.02)
    assert peaks[COLUMNS // 2 + 1 :].max() == 0
    lines = levels[:, 5 : COLUMNS // 2 - 5].argmax(axis=0)
    assert set(lines) <= {LINES - 1 - int(hertz / (RATE / 2) * LINES) + more for more in (-1, 0, 1)}
    assert levels[:, COLUMNS // 2 + 3 :].max() == 0


@pytest.mark.parametrize("samples", [1, 3, 199, 201])
def test_what_is_hardly_there_has_a_picture_too(tmp_path: Path, samples: int) -> None:
    sf.write(tmp_path / "short.wav", np.full(samples, 0.25), RATE)
    peaks, _ = seen(tmp_path / "short.wav")
    assert peaks.max() == pytest.approx(64, abs=1)


def test_silence_is_dark_and_what_is_no_sound_has_no_picture(tmp_path: Path) -> None:
    sf.write(tmp_path / "still.wav", np.zeros(RATE), RATE)
    peaks, levels = seen(tmp_path / "still.wav")
    assert (peaks.max(), levels.max()) == (0, 0)
    (tmp_path / "none.wav").write_bytes(b"no sound at all")
    assert samples_to_see(tmp_path / "none.wav") is None
    assert samples_to_see(tmp_path / "gone.wav") is None
    assert picture_of(None) is picture_of(np.zeros(0, np.float32)) is None
