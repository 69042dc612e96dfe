"""With workers: the same predictions, numbers, gates and status as without; a dead worker loses and doubles nothing."""

import pytest

pytestmark = pytest.mark.xdist


SAME = ("value", "low", "high", "worst", "values", "sums", "counts", "coverage", "expected", "signature", "audio_s")


def run(project, manifest, *args, **kwargs):
    return project.run(
        f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.4", *args, inprocess=False, **kwargs
    )


@pytest.mark.parametrize("limit", ["99.0", "1.0"])
def test_two_workers_conclude_what_one_process_concludes(project, limit):
    manifest = project.clips(20)
    project.gates(f'["small".wer]\nmax = {limit}\n')
    alone = run(project, manifest, "--audiobench-cache=one", "--audiobench-run=alone")
    shared = run(
        project, manifest, "--audiobench-cache=two", "--audiobench-run=shared", "-n2", "--audiobench-set=shard_size=3"
    )
    assert alone.ret == shared.ret == (0 if limit == "99.0" else 1)
    a, b = project.cell(project.path / "alone"), project.cell(project.path / "shared")
    assert {k: a[k] for k in SAME} == {k: b[k] for k in SAME}
    gates = [
        [(g["metric"], g["verdict"], g["value"]) for g in project.board(project.path / x)["gates"]]
        for x in ("alone", "shared")
    ]
    assert gates[0] == gates[1]
    predictions = [
        {o["sample_id"]: o["prediction"] for o in project.outcomes(project.path / x)} for x in ("alone", "shared")
    ]
    assert predictions[0] == predictions[1]
    assert len(predictions[0]) == 20


def test_shards_are_named_and_share_the_samples(project):
    manifest = project.clips(7)
    result = run(project, manifest, "-n2", "--audiobench-set=shard_size=3", "-v")
    assert result.ret == 0
    for shard in ("01of03", "02of03", "03of03"):
        result.stdout.fnmatch_lines([f"*test_asr[[]small-noisy-{shard}]*"])
    ids = [o["sample_id"] for o in project.outcomes()]
    assert len(ids) == len(set(ids)) == 7


DYING = """
import contextlib, os, pytest

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    for i, outcome in enumerate(audiobench.outcomes()):
        audiobench_collector.check_error_rate(outcome)
        if i == 2:
            with contextlib.suppress(FileExistsError):  # the one worker that makes the file dies, whoever else is here
                open("died", "x").close()
                os._exit(9)
"""


def test_a_worker_that_dies_loses_no_record_and_doubles_none(project):
    manifest = project.clips(24)
    test = project.path / "benchmarks" / "asr" / "test_asr.py"
    healthy = test.read_text()
    test.write_text(DYING)
    args = ("-n2", "--audiobench-set=shard_size=6", "--batch-size=1", "--audiobench-run=out")
    result = run(project, manifest, *args)
    assert result.ret == 1
    cell = project.cell(project.path / "out")
    assert cell["counts"]["missing"] == 3, "the dead worker's shard of 6 had collected 3"
    assert cell["counts"]["ok"] == 21
    result.stdout.fnmatch_lines(["*coverage*"])
    keys = [key for key, _ in project.cached_answers()]
    assert len(keys) == len(set(keys))

    test.write_text(healthy)
    result = run(project, manifest, *args)
    assert result.ret == 0
    cell = project.cell(project.path / "out")
    assert cell["counts"]["ok"] == 24
    keys = [key for key, _ in project.cached_answers()]
    assert len(keys) == len(set(keys)) == 24
    asked = [o["sample_id"] for o in project.outcomes(project.path / "out") if not o.get("cached")]
    assert len(asked) == len(set(asked)), "no sample was asked twice"


def test_a_distribution_that_the_user_chose_is_kept(project):
    manifest = project.clips(6)
    result = run(project, manifest, "-n2", "--dist=loadscope", "--audiobench-set=shard_size=2")
    assert result.ret == 0
    assert project.cell()["counts"]["ok"] == 6


def test_a_missed_gate_is_red_under_xdist_without_a_terminal(project):
    manifest = project.clips(6)
    project.gates('["small".wer]\nmax = 0.5\n')
    assert run(project, manifest, "-n2", "-p", "no:terminal").ret == 1


def test_a_distribution_without_workers_judges_as_no_distribution(project):
    manifest = project.clips(3)
    project.gates('["small".wer]\nmax = 0.5\n')
    result = run(project, manifest, "--dist=worksteal")
    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=1)
