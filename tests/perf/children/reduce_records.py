"""Do what the controller does when the test loop has ended; prints seconds per step and the peak memory in MB."""

import itertools
import json
import re
import sys
import time
from pathlib import Path

from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.leaderboard.gates.file import GatesFile
from audiobench_pytest.leaderboard.gates.verdicts import verdicts
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.report.run.files import write_board

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(exist_ok=True)
clock = [time.monotonic()]
cells = RunDirectory(folder / "run").cells()
clock.append(time.monotonic())
results = [reduce_cell(cell) for cell in cells]
clock.append(time.monotonic())
gates = verdicts(results, [cell.plan for cell in cells], GatesFile(), interrupted=False).gates
board = Conclusion(results=tuple(results), gates=tuple(gates), run_dir="run", interrupted=False, wall_s=1.0, notes=())
write_board(board, out)
clock.append(time.monotonic())
peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
steps = dict(zip(("read", "reduce", "judge_and_write"), (b - a for a, b in itertools.pairwise(clock)), strict=True))
samples = sum(sum(result.counts.values()) for result in results)
print(json.dumps({"steps_s": steps, "total_s": clock[-1] - clock[0], "peak_mb": peak, "samples": samples}))
