"""A missed gate turns the session red, as a test case of its own."""

import xml.etree.ElementTree as ET

import pytest


def noisy(project, *args, n=10, **kwargs):
    manifest = project.clips(n)
    return project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.5", *args, **kwargs)


def test_limit_missed_fails_the_session_with_status_1(project):
    project.gates('["small".wer]\nmax = 1.0\n')
    result = noisy(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*FAILED benchmarks/asr/test_asr.py::gate[[]small-noisy-wer-max]*"])
    result.assert_outcomes(passed=2, failed=1)


def test_limit_kept_passes(project):
    project.gates('["small".wer]\nmax = 99.0\n')
    result = noisy(project)
    assert result.ret == 0
    result.assert_outcomes(passed=3)


def test_limit_of_one_model_overrides_the_general_one(project):
    project.gates('["small".wer]\nmax = 99.0\n["small".wer.noisy]\nmax = 1.0\n')
    assert noisy(project).ret == 1
    project.gates('["small".wer]\nmax = 1.0\n["small".wer.noisy]\nmax = 99.0\n')
    assert noisy(project).ret == 0


def test_no_gate_means_reported_not_gated(project):
    result = noisy(project)
    assert result.ret == 0
    assert project.cell()["value"] > 1.0
    assert [g["metric"] for g in project.board()["gates"]] == ["coverage"]


def test_gates_option_overrides_the_file_beside_the_benchmarks(project):
    project.gates('["small".wer]\nmax = 99.0\n')
    (project.path / "strict.toml").write_text('["small".wer]\nmax = 1.0\n')
    assert noisy(project, "--gates=strict.toml").ret == 1


def test_junit_holds_one_case_per_gate_with_its_numbers(project):
    project.gates('["small".wer]\nmax = 1.0\n')
    noisy(project, "--junitxml=out.xml")
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").getroot().iter("testcase")}
    gate = cases["gate[small-noisy-wer-max]"]
    assert "1" in gate.find("failure").get("message")
    properties = {p.get("name"): p.get("value") for p in gate.iter("property")}
    assert properties["audiobench_metric"] == "wer"
    assert float(properties["audiobench_value"]) == pytest.approx(project.cell()["value"])
    assert cases["gate[small-noisy-coverage-min]"].find("failure") is None


def test_family_and_task_limits(project):
    (project.path / "strict.toml").write_text("[asr.wer]\nmax = 1.0\n")
    assert noisy(project, "--gates=strict.toml").ret == 1
    (project.path / "family.toml").write_text("[librispeech.wer]\nmax = 1.0\n")
    assert noisy(project, "--gates=family.toml").ret == 0


def test_one_sample_without_answer_misses_the_coverage_gate(project):
    manifest = project.clips(4)
    (manifest.parent / "audio" / "0002.wav").unlink()
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 1
    cell = project.cell()
    assert cell["counts"]["data_error"] == 1
    assert cell["coverage"] == 0.75
    result.stdout.fnmatch_lines(["*gate[[]small-oracle-coverage-min]*", "*clip-0002*0002.wav*"])


def test_coverage_limit_can_be_lowered(project):
    manifest = project.clips(4)
    (manifest.parent / "audio" / "0002.wav").unlink()
    project.gates('["small".coverage]\nmin = 0.7\n')
    assert project.run(f"--dataset={manifest}", "--model=oracle").ret == 0


def test_partial_selection_is_not_judged(project):
    project.gates('["small".wer]\nmax = 1.0\n')
    manifest = project.clips(8)
    result = project.run(
        f"--dataset={manifest}",
        "--model=noisy",
        "--model-args=wer=0.5",
        "-n2",
        "--audiobench-set=shard_size=2",
        "-k",
        "01of04",
        "-ra",
        inprocess=False,
    )
    assert result.ret == 0
    assert {g["verdict"] for g in project.board()["gates"]} == {"skip"}
    result.stdout.fnmatch_lines(["*SKIPPED*partial selection*"])


def test_limit_option_is_a_whole_selection_and_is_judged(project):
    project.gates('["small".wer]\nmax = 1.0\n')
    result = noisy(project, "--limit=5")
    assert result.ret == 1
    assert project.cell()["expected"] == 5


def test_failing_first_stops_and_skips_gates(project):
    manifest = project.clips(3, "first")
    other = project.clips(3, "second")
    project.gates('["second".wer]\nmax = 1.0\n')
    (project.path / "benchmarks" / "asr" / "test_asr.py").write_text(
        "import pytest\n"
        "@pytest.mark.audiobench(task='asr')\n"
        "def test_asr(audiobench, audiobench_collector):\n"
        "    for outcome in audiobench.outcomes():\n"
        "        audiobench_collector.check_error_rate(outcome)\n"
        "        assert False\n"
    )
    result = project.run(f"--dataset={manifest}", f"--dataset={other}", "--model=oracle", "-x")
    assert result.ret == 1
    assert {g["verdict"] for g in project.board()["gates"]} == {"skip"}


def test_outcomes_that_the_benchmark_forgets_are_missing(project):
    manifest = project.clips(3)
    (project.path / "benchmarks" / "asr" / "test_asr.py").write_text(
        "import pytest\n"
        "@pytest.mark.audiobench(task='asr')\n"
        "def test_asr(audiobench, audiobench_collector):\n"
        "    for outcome in list(audiobench.outcomes())[:-1]:\n"
        "        audiobench_collector.check_error_rate(outcome)\n"
    )
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 1
    assert project.cell()["counts"]["missing"] == 1
