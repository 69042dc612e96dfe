"""`audiobench calibrate RUN...`: limits proposed from repeated runs."""

import json
import tomllib

import pytest
from made_runs import make_run, make_set

from audiobench_pytest.cli import main
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.gates.file import load_gates
from audiobench_pytest.leaderboard.gates.names import Known
from audiobench_pytest.records.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs of a model that answers a little differently each time, each with a cache of its own."""
    folder = tmp_path_factory.mktemp("runs")
    manifest = make_set(folder / "data", 20)
    return [make_run(folder / f"run{n}", manifest, args={"wer": "0.2", "seed": str(n)}) for n in range(3)], manifest


@pytest.fixture
def calibrate(capsys):
    """Return a function that calibrates and gives status, output and errors."""

    def run(*arguments):
        status = main(["calibrate", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def value_of(run):
    (cell,) = RunDirectory(run).cells()
    return reduce_cell(cell).value


def test_the_snippet_is_a_gates_file_that_all_the_runs_pass(runs, calibrate, tmp_path):
    status, out, err = calibrate(*runs[0])
    assert status == 0
    values = [value_of(run) for run in runs[0]]
    limit = tomllib.loads(out)["small"]["wer"]["noisy"]["max"]
    slack = max(max(values) - min(values), 0.02 * max(values))
    assert max(values) + slack <= limit < max(values) + slack + 0.01
    assert "3 runs are too few to tell an outlier (5 are needed)" in err
    path = tmp_path / "gates.toml"
    path.write_text(out)
    gates = load_gates(path, Known(datasets=["small"], tasks=["asr"], models=["noisy"]))
    assert next(limit.metric for limit in gates.limits) == "wer"


def test_the_slack_is_the_users(runs, calibrate):
    _, out, _ = calibrate(*runs[0], "--slack", "50", "--json")
    (wer,) = [one for one in json.loads(out) if one["quantity"]["name"] == "wer"]
    assert wer["slack"] == pytest.approx(max(wer["worst"] * 0.5, max(wer["values"]) - min(wer["values"])))
    assert calibrate(*runs[0], "--slack", "-1")[0] == 4


def test_a_run_that_repeats_the_cache_is_left_out(runs, calibrate, tmp_path):
    (first, *_), manifest = runs
    again = make_run(
        tmp_path / "again",
        manifest,
        args={"wer": "0.2", "seed": "0"},
        cache=first.parent / f"{first.name}-cache",
    )
    status, out, err = calibrate(first, again)
    assert (status, out) == (1, "")
    assert "took all answers from the cache" in err
    assert "give each run a cache of its own" in err


def test_one_run_or_one_twice_is_refused(runs, calibrate):
    assert "at least two runs" in calibrate(runs[0][0])[2]
    assert "named twice" in calibrate(runs[0][0], runs[0][0])[2]


def test_runs_of_other_data_are_refused(runs, calibrate, tmp_path):
    other = make_run(tmp_path / "other", runs[1], args={"wer": "0.2"}, limit=5)
    status, _, err = calibrate(runs[0][0], other)
    assert status == 4
    assert "the samples of" in err
    assert "(20 and 5)" in err
