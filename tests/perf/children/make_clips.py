"""Write LARGE one-second WAVs (16 kHz, 16 bit) with distinct sounds and texts, and manifests of SMALL and of all."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import soundfile

WORDS = [
    "about",
    "after",
    "again",
    "always",
    "another",
    "around",
    "because",
    "before",
    "between",
    "children",
    "colour",
    "country",
    "different",
    "early",
    "earth",
    "enough",
    "every",
    "example",
    "family",
    "father",
    "favourite",
    "follow",
    "forty-two",
    "friend",
    "great",
    "hundred",
    "important",
    "it's",
    "large",
    "letter",
    "light",
    "little",
    "made",
    "might",
    "money",
    "morning",
    "mother",
    "mountain",
    "music",
    "never",
    "next",
    "night",
    "nothing",
    "number",
    "often",
    "open",
    "organise",
    "other",
    "paper",
    "people",
    "picture",
    "place",
    "question",
    "quite",
    "really",
    "right",
    "river",
    "second",
    "seven",
    "should",
    "small",
    "something",
    "sometimes",
    "sound",
    "still",
    "story",
    "summer",
    "that's",
    "their",
    "thing",
    "think",
    "three",
    "through",
    "together",
    "travelled",
    "twenty",
    "under",
    "until",
    "walked",
    "water",
    "we'll",
    "while",
    "without",
    "woman",
    "world",
    "would",
    "write",
    "year",
    "young",
]


def text(rng: random.Random) -> str:
    """Return a sentence as read speech is written: 10 to 24 words, a comma, a number now and then, a full stop."""
    words = rng.choices(WORDS, k=rng.randint(10, 24))
    words[len(words) // 2] += ","
    if rng.random() < 0.3:
        words[1] = rng.choice(["1,250", "$5.40", "21st", "three hundred and four", "Mr."])
    return " ".join(words).capitalize() + "."


def main() -> None:
    folder, small, large = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    (folder / "audio").mkdir()
    rng, noise = random.Random(7), np.random.default_rng(7)
    time = np.arange(16_000) / 16_000
    lines = []
    for i in range(large):
        sound = 0.3 * np.sin(2 * np.pi * (150 + i % 400) * time) + 0.02 * noise.standard_normal(16_000)
        soundfile.write(folder / "audio" / f"{i:05d}.wav", sound, 16_000, subtype="PCM_16")
        row = {"id": f"clip-{i:05d}", "audio": f"audio/{i:05d}.wav", "text": text(rng), "language": "en"}
        lines.append(json.dumps({**row, "duration_s": 1.0, "speaker": f"spk{i % 40}"}) + "\n")
    for count in (small, large):
        (folder / f"{count}.jsonl").write_text("".join(lines[:count]))


main()
