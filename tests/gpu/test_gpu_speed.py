"""Models of published size with random weights: alone, in batches, and through the whole harness."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_meter import DEVICE, TINY, IdleMeter, absent, forget_peak, peak_gib

if (why := absent()) is not None:
    pytest.skip(why, allow_module_level=True)

import soundfile as sf
from large_models import MODELS, ROWS, TOKENS, Large, built, handed_in
from tiny_checkpoints import RATE, speechlike

import audiobench_pytest
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.types import Audio, Prompt, Request

ALONE = 3 if TINY else 8
BATCHES = 2 if TINY else 3
THROUGH = 8 if TINY else 192
LONGEST_S = 3.0 if TINY else 28.0


def lengths(number: int) -> list[float]:
    """Return lengths of clips in seconds, as in read speech: half of them below 6, few above 20."""
    drawn = np.random.default_rng(0).lognormal(np.log(6.0), 0.6, number)
    return [float(one) for one in np.clip(drawn, 1.0, LONGEST_S)]


@pytest.fixture(scope="module")
def clips() -> list[Any]:
    return [speechlike(seconds, seed) for seed, seconds in enumerate(lengths(max(THROUGH, BATCHES * max(ROWS))))]


@pytest.fixture(scope="module", params=MODELS, ids=lambda large: large.name)
def large(request: pytest.FixtureRequest) -> Large:
    return request.param


@pytest.fixture(scope="module")
def loaded(large: Large, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Large, Path, Any]]:
    folder = tmp_path_factory.mktemp(large.name) / large.name
    model = built(large, folder)
    yield large, folder, model
    if DEVICE == "cuda":
        import gc

        import torch

        del model
        gc.collect()
        torch.cuda.empty_cache()


def args_of(large: Large) -> dict[str, str]:
    return {"device": DEVICE, "dtype": "float32" if TINY else "bfloat16", **large.args}


def measured(table: list[dict[str, Any]], row: dict[str, Any], meter: IdleMeter, wall: float, count: int) -> None:
    """Add a row to the table."""
    row |= {
        "wall_s": wall,
        "RTFx": row["audio_s"] / wall,
        "questions": count,
        "questions_per_s": count / wall,
        "tokens_per_s": count * TOKENS / wall,
        "idle_%": None if meter.idle is None else 100 * meter.idle,
        "peak_GiB": peak_gib(),
    }
    table.append(row)


def test_alone_and_in_batches(loaded: Any, clips: list[Any], table: list[dict[str, Any]]) -> None:
    large, folder, model = loaded
    spec = spec_from(f"hf:{folder}")
    assert spec is not None
    adapter = create(spec, args_of(large))
    with handed_in(model):
        adapter.load()
    prompt = Prompt("What is said?" if adapter.takes_instruction else None, language="en")
    speed = {}
    for rows in large.rows:
        count = ALONE if rows == 1 else min(rows * BATCHES, len(clips))
        batch = sorted(
            (Request(f"s{n}", Audio(clips[n], RATE), prompt) for n in range(count)),
            key=lambda one: -len(one.audio.samples),
        )
        adapter.generate(batch[:rows])  # kernels and memory pools of this shape
        adapter.synchronize()
        forget_peak()
        with IdleMeter() as meter:
            began = time.perf_counter()
            answers = [one for start in range(0, count, rows) for one in adapter.generate(batch[start : start + rows])]
            adapter.synchronize()
            wall = time.perf_counter() - began
        assert [answer.error for answer in answers] == [None] * count
        assert {answer.meta["tokens"] for answer in answers} == {TOKENS}
        speed[rows] = count / wall
        audio_s = sum(len(one.audio.samples) for one in batch) / RATE
        measured(table, {"model": large.name, "way": "adapter", "batch": rows, "audio_s": audio_s}, meter, wall, count)
        if DEVICE == "cuda":
            assert meter.idle is not None, meter.reason
    adapter.close()
    if not TINY:
        assert speed[16] > 3 * speed[1], "a batch is there to be faster"


def test_through_the_harness(loaded: Any, clips: list[Any], table: list[dict[str, Any]], tmp_path: Path) -> None:
    large, folder, model = loaded
    lines = []
    for number in range(THROUGH):
        sf.write(tmp_path / f"{number}.wav", np.clip(clips[number], -1, 1), RATE, subtype="PCM_16")
        lines.append(json.dumps({"id": f"c{number}", "audio": f"{number}.wav", "text": "some words", "language": "en"}))
    manifest = tmp_path / "read.jsonl"
    manifest.write_text("\n".join(lines), "utf-8")
    given: dict[str, Any] = {"model_args": args_of(large)}
    with handed_in(model):  # what is imported and compiled once
        audiobench_pytest.evaluate(f"hf:{folder}", manifest, folder=tmp_path / "first", limit=2, **given)
    forget_peak()
    with handed_in(model), IdleMeter() as meter:
        began = time.perf_counter()
        run = audiobench_pytest.evaluate(f"hf:{folder}", manifest, folder=tmp_path / "work", **given)
        wall = time.perf_counter() - began
    assert len(run.records) == THROUGH
    assert set(run.records.state) == {"ok"}
    spec = spec_from(f"hf:{folder}")
    assert spec is not None
    rows = create(spec, args_of(large)).batch_rows
    row = {"model": large.name, "way": "harness", "batch": rows, "audio_s": float(run.records.audio_s.sum())}
    measured(table, row, meter, wall, THROUGH)
