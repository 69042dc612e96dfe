"""The least that asks and scores questions with options: read each WAV, render the prompt, score what is answered.

The template is compiled once; the answer is scored by the recipe that the harness uses, since that is the work and not
what surrounds it. Prints the accuracy in percent.
"""

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
from jinja2.sandbox import SandboxedEnvironment

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe

manifest = Path(sys.argv[1])
catalog = load_catalog()
environment = SandboxedEnvironment()
environment.filters["letter"] = lambda place: "ABCDEFGH"[place]
(turn,) = catalog.prompts.get("audio-qa/en").turns
template = environment.from_string(turn.text)
recipe = Recipe(catalog.recipes.get("choice/audiobench-pytest@2"))
sums: dict[str, float] = {}
for line in manifest.read_text().splitlines():
    row = json.loads(line)
    samples, rate = soundfile.read(manifest.parent / row["audio"], dtype="float32")
    assert len(samples) == rate * row["duration_s"]
    asked = template.render(audio="", question=row["question"], choices=row["choices"])
    assert row["question"] in asked
    item = Item(row["answer"], "B", row["language"], choices=tuple(row["choices"]), id=row["id"])
    for name, number in recipe.score(item).numbers.items():
        sums[name] = sums.get(name, 0.0) + number
print(recipe.values({name: np.array([number]) for name, number in sums.items()})["acc"][0])
