"""Write a finished run directory of CELLS cells of SAMPLES scored records each, as the runs of two workers leave it."""

import sys
import time
from pathlib import Path

from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

folder, cells, samples = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
run = RunDirectory(folder / "run")
run.begin({}, asked="everything")
ids = [CellId(f"set-{i // 10:02d}", f"model-{i % 10}", "wer/audiobench-pytest@1") for i in range(cells)]
run.write_plan([PlannedCell(cell, "asr", "", "benchmarks/asr/test_asr.py::test_asr", 1, (0,)) for cell in ids])
signature = "wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|avg:micro"
words = [
    "about",
    "the",
    "morning",
    "when",
    "seven",
    "old",
    "sailors",
    "walked",
    "along",
    "the",
    "river",
    "without",
    "a",
    "word",
    "to",
    "any",
    "of",
    "their",
    "friends",
]
for part, worker in enumerate(("gw0", "gw1")):
    writer = run.writer(worker, 1)
    for cell in ids[part::2]:
        model = {"identity": {"adapter": "null", "model": cell.model}, "device": "cpu"}
        receipt = ShardReceipt(cell, 0, 1, samples, samples, time.time(), None, signature, {"digest": "0" * 64}, model)
        writer.shard(receipt)
        for i in range(samples):
            reference = " ".join(words[k % 19] for k in range(i % 7, i % 7 + 18))
            wrong = reference.replace("river", "silver") if i % 3 else reference
            errors = int(wrong != reference)
            writer.outcome(
                Outcome(
                    cell=cell,
                    sample_id=f"speaker-{i % 40:02d}-{i:07d}",
                    state=State.OK,
                    reference=reference.capitalize() + ".",
                    prediction=wrong,
                    key=f"{i:032x}",
                    language="en",
                    audio_s=6.0 + i % 5 / 8,
                    infer_s=0.0125 + i % 16 / 4096,
                    decode_s=0.0015,
                    score=SampleScore({"errors": errors, "units": 18, "substitutions": errors}, reference, wrong),
                    meta={"speaker": f"spk{i % 40}", "duration_s": 6.0},
                )
            )
        writer.shard(
            ShardReceipt(
                cell, 0, 1, samples, samples, receipt.started, time.time(), signature, {"digest": "0" * 64}, model
            )
        )
    writer.close()
