"""Ask the tiny checkpoint of each native family about the same clips alone and in batches, in bare loops.

Arguments: PAIRS, ROWS, TOKENS. A pair is ROWS clips of 1 to 4 s that are asked about one by one and all at once, in
turns. Each family has a process of its own, forked where torch was imported but has computed nothing yet; it prints one
line of JSON.

Time is that of the processor: there is one thread, and a busy neighbour must not look like a gain.

The end of a text is ruled out, so that a decoder writes TOKENS tokens whatever it hears; one that has so many steps per
second of sound takes those. Families whose answers would feel the padding get pairs of clips of equal length, as in a
run, where no others share a batch.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "unit"))

import numpy as np
import torch
from adapter_conformance import AdapterConformance, model_of
from tiny_checkpoints import rewrite
from tiny_families import FAMILIES, Family
from transformers import (  # noqa: F401 - what all families need, imported once, before the fork
    AutoProcessor,
    GenerationMixin,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    WhisperFeatureExtractor,
)

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.registry import create

PAIRS, ROWS, TOKENS = map(int, sys.argv[1:])
SHORTEST, LONGEST = 1.0, 4.0


def endless(folder: Path) -> Path:
    """Rule out the end of a text in a checkpoint; a model that has none is left as it is."""
    path = folder / "generation_config.json"
    told = json.loads(path.read_text()) if path.exists() else {}
    if (ends := told.get("eos_token_id")) is not None:
        ends = [ends] if isinstance(ends, int) else ends
        rewrite(folder, path.name, suppress_tokens=sorted({*(told.get("suppress_tokens") or ()), *ends}))
    return folder


def lengths(equal: bool) -> list[list[float]]:
    """Return the seconds of the clips of each pair, the longest first as a run has them."""
    if equal:
        return [[seconds] * ROWS for seconds in np.linspace(SHORTEST, LONGEST, PAIRS + 2)[1:-1].tolist()]
    every = np.linspace(LONGEST, SHORTEST, PAIRS * ROWS).tolist()
    return [every[pair::PAIRS] for pair in range(PAIRS)]


class Steps:
    """Counts the calls of a model, and times what follows the first one of each answer."""

    def __init__(self, adapter):
        self.adapter, self.count, self.after_first_s, self._first = adapter, 0, 0.0, None
        model_of(adapter).register_forward_hook(self._note)

    def _note(self, module, args, output):
        self.count += 1
        self._first = self._first or time.process_time()

    def loop(self, batches):
        """Return the seconds that all batches take before and after the first calls, and the number of calls."""
        self.count, self.after_first_s = 0, 0.0
        began = time.process_time()
        for batch in batches:
            self._first = None
            answers = self.adapter.generate(batch)
            self.after_first_s += time.process_time() - self._first
            if errors := [answer.error for answer in answers if answer.error is not None]:
                raise RuntimeError(f"the model gave no answer: {errors[0]}")
        return time.process_time() - began - self.after_first_s, self.after_first_s, self.count


def measure(family: Family, folder: Path) -> dict:
    args = {"device": "cpu", "dtype": "float32", **family.args}
    if "max_new_tokens" in args or family.name == "whisper":
        args["max_new_tokens"] = str(TOKENS)
    source = str(endless(family.build(folder / "checkpoint")))
    adapter = create(ModelSpec(family.name, family.adapter, source=source), args)
    adapter.load()
    steps = Steps(adapter)
    pairs = [
        [AdapterConformance.clip(family, adapter, length, ROWS * place + row) for row, length in enumerate(each)]
        for place, each in enumerate(lengths(adapter.equal_length))
    ]
    steps.loop([pairs[0][:1], pairs[0]])
    found = {
        name: [] for name in ("alone_s", "batched_s", "ratio", "decoding", "ratio_decoding", "ratio_rest", "steps")
    }
    for turn, pair in enumerate(pairs):
        arms = {"alone": [[clip] for clip in pair], "batched": [pair]}
        times = {name: steps.loop(arms[name]) for name in (arms if turn % 2 == 0 else reversed(arms))}
        (rest_s, decoding_s, count), (batched_rest_s, batched_decoding_s, _) = times["alone"], times["batched"]
        alone_s, batched_s = rest_s + decoding_s, batched_rest_s + batched_decoding_s
        found["alone_s"].append(alone_s / ROWS)
        found["batched_s"].append(batched_s / ROWS)
        found["ratio"].append(alone_s / batched_s)
        found["decoding"].append(decoding_s / alone_s)
        found["ratio_decoding"].append(decoding_s / batched_decoding_s)
        found["ratio_rest"].append(rest_s / batched_rest_s)
        found["steps"].append(count / ROWS)
    return {"family": family.name, "equal_length": adapter.equal_length, "threads": torch.get_num_threads(), **found}


def child(family: Family) -> None:
    with tempfile.TemporaryDirectory(prefix="audiobench-perf-") as folder:
        print(json.dumps(measure(family, Path(folder))), flush=True)


if __name__ == "__main__":
    for each in FAMILIES:
        process = multiprocessing.get_context("fork").Process(target=child, args=(each,))
        process.start()
        process.join()
        if process.exitcode != 0:
            sys.exit(f"family {each.name} ended with {process.exitcode}")
