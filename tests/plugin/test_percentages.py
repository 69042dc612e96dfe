"""The progress column: gates are tests from the start, so that no percentage runs backwards or passes 100 %."""

import re

import pytest


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_percentages_only_rise_and_end_at_100(project, workers):
    project.gates('["small".wer]\nmax = 100.0\n["small".rtfx]\nmin = 0.0\n')
    result = project.run(f"--dataset={project.clips(6)}", "--model=oracle,noisy", *workers, "-v", inprocess=False)
    assert result.ret == 0, result.stdout.str()
    shown = [int(found) for line in result.outlines for found in re.findall(r"\[\s*(\d+)%\]", line)]
    assert shown == sorted(shown)
    assert shown[-1] == 100
    assert len(shown) >= 6
