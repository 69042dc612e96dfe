"""Write LARGE WAVs of SECONDS, each with a question and four options, and manifests of SMALL and of all.

With SOUNDS above one, each row names that many files.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import soundfile

THINGS = ("dog", "train", "violin", "kettle", "crowd", "river", "engine", "clock", "bell", "door", "siren", "owl")

folder, small, large, sounds, seconds = Path(sys.argv[1]), *map(int, sys.argv[2:6])
(folder / "audio").mkdir()
rng, noise = random.Random(7), np.random.default_rng(7)
time = np.arange(seconds * 16_000) / 16_000
lines = []
for i in range(large):
    files = [f"audio/{i:05d}-{n}.wav" for n in range(sounds)]
    for file in files:
        sound = 0.3 * np.sin(2 * np.pi * (150 + i % 400) * time) + 0.02 * noise.standard_normal(len(time))
        soundfile.write(folder / file, sound, 16_000, subtype="PCM_16")
    options = [f"a {thing} in the distance" for thing in rng.sample(THINGS, 4)]
    row = {
        "id": f"clip-{i:05d}",
        "audio": files[0] if sounds == 1 else files,
        "question": f"Which of these sounds starts {rng.randint(1, 9)} tenths of a second into clip {i}?",
        "choices": options,
        "answer": rng.choice(options),
        "language": "en",
        "duration_s": float(seconds),
    }
    lines.append(json.dumps(row) + "\n")
for count in (small, large):
    (folder / f"{count}.jsonl").write_text("".join(lines[:count]))
