"""Makes the bundled corpus nonspeech: clips in which nobody speaks, so that the right answer is nothing.

    python tools/make_nonspeech.py [--out FOLDER]

Needs numpy and soundfile. The same script gives the same samples, bit for bit; another release of libsndfile may pack
them into other FLAC bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Wave = NDArray[np.float64]

RATE = 8_000
"""Hz; telephone band, which keeps a hundred clips below two megabytes."""

HERE = Path(__file__).resolve().parent
DEFAULT_OUT = HERE.parent / "src" / "audiobench_pytest" / "corpora" / "nonspeech"
SLOPES = {"white": 0.0, "pink": 1.0, "brown": 2.0, "blue": -1.0}
"""Colours of noise by the exponent of 1/f in their power."""


def noise(seed: int, seconds: float, slope: float) -> Wave:
    """Return noise with power falling as 1/f^slope, at most 1."""
    count = int(RATE * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    frequencies[0] = frequencies[1]
    shaped = np.fft.irfft(spectrum * frequencies ** (-slope / 2), count)
    found: Wave = shaped / np.abs(shaped).max()
    return found


def clips() -> Iterator[tuple[str, str, Wave]]:
    """Yield name, kind and samples of each clip."""
    for number in range(12):
        yield f"silence-{number + 1:02d}", "silence", np.zeros(int(RATE * (1 + number)))
    for colour, slope in SLOPES.items():
        for number, level in enumerate((-60, -50, -46, -42, -40, -38, -36, -34, -32)):
            length = 1.0 + 0.25 * number
            yield f"{colour}-{number + 1:02d}", "noise", noise(number, length, slope) * 10 ** (level / 20)
    for number in range(16):
        time = np.arange(int(RATE * (1.5 + 0.25 * (number % 4)))) / RATE
        base = (50, 60, 100, 120)[number % 4]
        hum = sum(np.sin(2 * np.pi * base * k * time) / k for k in range(1, 3 + number // 4))
        yield f"hum-{number + 1:02d}", "hum", 0.05 * np.asarray(hum)
    for number in range(16):
        time = np.arange(int(RATE * (1 + 0.25 * (number % 4)))) / RATE
        tone = np.sin(2 * np.pi * 110 * 2 ** (number / 4) * time)
        yield f"tone-{number + 1:02d}", "tone", 0.1 * tone * np.minimum(1, 20 * np.minimum(time, time[::-1]))
    for number in range(12):
        click = np.zeros(int(RATE * 3))
        click[:: RATE // (number + 1)] = 0.5
        yield f"clicks-{number + 1:02d}", "clicks", np.convolve(click, np.exp(-np.arange(40) / 4))[: len(click)]
    for number in range(8):
        time = np.arange(int(RATE * 2)) / RATE
        chord = [np.sin(2 * np.pi * 110 * 2 ** ((number + step) / 12) * time) for step in (0, 4 - number % 2, 7, 12)]
        yield f"chord-{number + 1:02d}", "music", 0.03 * np.sum(chord, axis=0) * np.exp(-time)


def main() -> int:
    """Write the clips and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    out = parser.parse_args().out
    (out / "audio").mkdir(parents=True, exist_ok=True)
    rows = []
    for name, kind, wave in clips():
        samples = np.round(np.clip(wave, -1, 1) * 32767).astype("int16")
        soundfile.write(out / "audio" / f"{name}.flac", samples, RATE, subtype="PCM_16")
        seconds = round(len(samples) / RATE, 3)
        rows.append({"id": name, "audio": f"audio/{name}.flac", "text": "", "duration_s": seconds, "kind": kind})
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    print(f"{len(rows)} clips, {sum(row['duration_s'] for row in rows):.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
