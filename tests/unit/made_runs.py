"""Run directories made by the real runner and a harness model over a few tiny clips."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import soundfile as sf

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.probing import Probe
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.shard import run_shard
from audiobench_pytest.runner.collecting import Collector
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId

RECIPE = "wer/audiobench-pytest@1"
WORDS = """the quick brown fox jumps over a lazy dog while seven old sailors watch from their quiet green
harbour""".split()  # noqa: SIM905 - a sentence reads better than a list


def sentence(number: int) -> str:
    """Return ten words, others for each number."""
    return " ".join(WORDS[(number * 5 + place * (number % 4 + 1)) % len(WORDS)] for place in range(10))


def make_set(folder: Path, samples: int, name: str = "small") -> Path:
    """Write a data set of tiny clips, four speakers, two genders; return its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(samples):
        wav = folder / f"{number}.wav"
        if not wav.exists():
            sf.write(wav, np.full(160, number / 1000, dtype="float32"), 16_000)
        row = {"id": f"clip-{number:03d}", "audio": wav.name, "text": sentence(number), "language": "en"}
        rows.append(row | {"speaker": f"s{number % 4}", "gender": "female" if number % 2 else "male"})
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def make_run(
    path: Path,
    manifest: Path,
    *,
    model: str = "noisy",
    args: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (RECIPE,),
    clusters: str = "",
    limit: int | None = None,
    probe: Probe | None = None,
    cache: Path | None = None,
    prompt: str = "",
    words: str = "",
) -> Path:
    """Run a model over a manifest and return the run directory; a cache of its own unless one is given.

    `prompt` is which of several prompts the cell is of, `words` the unusual one that the run asked in.
    """
    catalog = load_catalog()
    specs = tuple(catalog.recipes.get(name) for name in recipes)
    dataset = DatasetSpec(
        manifest.stem, manifest=ManifestSource(str(manifest), trusted_paths=True), recipe=specs[0].name
    )
    named = CellId(dataset.name, model, specs[0].name, prompt)
    job = Job(named, dataset, catalog.models.get(model), specs[0], 0, 1, specs[1:])
    run = RunDirectory(path)
    attempt = run.begin({}, asked=f"{manifest.name} {limit} {recipes}")
    run.write_plan(
        [
            PlannedCell(
                cell,
                "asr",
                "",
                "t.py::t",
                1,
                (0,),
                recipe=msgspec.to_builtins(spec),
                clusters=clusters,
                prompt=words,
            )
            for cell, spec in job.cells()
        ]
    )
    folder = cache or path.parent / f"{path.name}-cache"
    runner = Runner(
        pool=ModelPool({model: {"decode": "false", **(args or {})}}),
        cache=PredictionCache([folder]),
        results=run.writer("main", attempt),
        load=LoadSettings(folder, limit=limit),
        budgets=Budgets(),
        probe=probe,
    )
    collector = Collector(runner)
    collector.use(job.cell, specs)
    for outcome in run_shard(runner, job):
        collector.check(outcome)
    collector.finish(job.cell)
    runner.close()
    return path
