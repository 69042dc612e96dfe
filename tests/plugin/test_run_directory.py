"""Where a run is kept: nothing is left behind by a run that ran nothing, and `latest` is always a run."""

import pytest


def places(project):
    """Everything below `.audiobench/runs`, without what is in it."""
    runs = project.path / ".audiobench" / "runs"
    return sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []


def test_a_run_leaves_its_directory_and_latest_and_no_lock(project):
    project.run(f"--dataset={project.clips(2)}", "--model=oracle")
    assert places(project) == [project.latest.name, "latest"]


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (["-k", "nothing"], pytest.ExitCode.NO_TESTS_COLLECTED),
        (["benchmarks/nowhere.py"], pytest.ExitCode.USAGE_ERROR),
    ],
)
def test_a_run_that_runs_nothing_leaves_everything_as_it_was(project, args, status):
    data = f"--dataset={project.clips(2)}"
    project.run(data, "--model=oracle")
    before, latest = places(project), project.latest
    assert project.run(data, "--model=oracle", *args).ret == status
    # A note says that `latest` is of an earlier command: who judges it would take it for this one.
    assert places(project) == [*before, "latest-not-begun"]
    assert project.latest == latest
    assert project.board()["cells"]
    project.run(data, "--model=oracle")
    assert "latest-not-begun" not in places(project)


def test_so_does_one_that_runs_nothing_at_first(project):
    assert project.run(f"--dataset={project.clips(2)}", "--model=oracle", "-k", "nothing").ret == 5
    assert places(project) == []


def test_a_listing_of_markers_is_no_run(project):
    assert project.run(f"--dataset={project.clips(2)}", "--model=oracle", "--markers").ret == 0
    assert places(project) == []


def test_a_directory_that_is_refused_is_not_touched(project):
    (project.path / "mine").mkdir()
    (project.path / "mine" / "thesis.tex").write_text("years of work")
    result = project.run(f"--dataset={project.clips(2)}", "--model=oracle", "--audiobench-run=mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "not a run directory" in result.stderr.str()
    assert [path.name for path in (project.path / "mine").iterdir()] == ["thesis.tex"]
    assert not (project.path / "mine.lock").exists()


def test_a_directory_elsewhere_needs_nothing_below_the_root(project, tmp_path_factory):
    """A checkout that may not be written, as in some CI."""
    data = project.clips(2)
    (project.path / ".audiobench").write_text("in the way")
    out = tmp_path_factory.mktemp("elsewhere")
    result = project.run(
        f"--dataset={data}", "--model=oracle", f"--audiobench-run={out / 'run'}", f"--audiobench-cache={out / 'cache'}"
    )
    assert result.ret == 0
    assert project.cell(out / "run")["counts"]["ok"] == 2


def test_paths_of_an_ini_file_do_not_depend_on_the_working_folder(project, monkeypatch):
    data = project.clips(2)
    project.gates('["small".wer]\nmax = 1.0\n')
    project.pytester.makeini(
        "[pytest]\naddopts = -p no:cacheprovider\n"
        "audiobench_cache = kept/cache\naudiobench_gates = benchmarks/gates.toml\n"
    )
    monkeypatch.chdir(project.path / "benchmarks")
    result = project.pytester.runpytest_inprocess("asr", f"--dataset={data}", "--model=null")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*gate?small-null-wer-max?*"])
    assert (project.path / "kept" / "cache" / "predictions").is_dir()
