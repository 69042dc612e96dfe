"""A missed gate turns the session red, as a test case of its own, and says whose turn it is."""

import xml.etree.ElementTree as ET

import pytest

from audiobench_pytest.cli import main


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


@pytest.mark.xdist
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


def test_a_part_of_a_set_is_complete_but_not_judged(project):
    project.gates('["small".wer]\nmax = 1.0\n')
    result = noisy(project, "--limit=5")
    assert result.ret == 0
    assert project.cell()["expected"] == 5
    assert {g["metric"]: g["verdict"] for g in project.board()["gates"]} == {"coverage": "pass", "wer": "skip"}


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


# The three kinds of red, kept apart in terminal, JUnit and JSON.


def gate_of(project, metric, bound):
    return next(g for g in project.board()["gates"] if (g["metric"], g["bound"]) == (metric, bound))


def told(project, result, kind, words):
    """Check that a red gate is told by its kind in the summary, in JUnit and in the leaderboard's JSON."""
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    gates = [g for g in project.board()["gates"] if g["verdict"] == "fail"]
    assert {g["kind"] for g in gates} == {kind}
    title = {"regression": "regression", "harness": "harness error", "data": "data error"}[kind]
    result.stdout.fnmatch_lines([f"gates: {len(gates)} failed ({len(gates)} {title}*)*"])
    # pytest 8 shows no message of a report that is a text in its short summary.
    message = f" - {title}: *{words}*" if pytest.version_tuple >= (9,) else ""
    result.stdout.fnmatch_lines([f"FAILED benchmarks/asr/test_asr.py::gate[[]*]{message}"])
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").getroot().iter("testcase")}
    red = [case for name, case in cases.items() if name.startswith("gate[") and case.find("failure") is not None]
    assert len(red) == len(gates)
    for case in red:
        assert case.find("failure").get("message").startswith(f"{title}: ")
        assert {p.get("name"): p.get("value") for p in case.iter("property")}["audiobench_kind"] == kind
    green = [case for name, case in cases.items() if name.startswith("gate[") and case.find("failure") is None]
    assert not any(p.get("name") == "audiobench_kind" for case in green for p in case.iter("property"))


@pytest.mark.parametrize("baseline", ["base", "audiobench.lock.json"])
def test_a_truly_worse_model_is_a_regression(project, monkeypatch, baseline):
    monkeypatch.setenv("COLUMNS", "400")  # a summary line is cut at the terminal's width
    manifest = project.clips(40)
    project.run(
        f"--dataset={manifest}",
        "--model=noisy",
        "--cluster=none",
        "--model-args=wer=0.1",
        "--audiobench-run=benchmarks/base",
    )
    lock = project.path / "benchmarks" / "audiobench.lock.json"
    assert main(["baseline", "update", str(project.path / "benchmarks" / "base"), "--file", str(lock)]) == 0
    project.gates(f'["small".wer]\nmax_regression = 1.0\nbaseline = "{baseline}"\n')
    same = project.run(f"--dataset={manifest}", "--model=noisy", "--cluster=none", "--model-args=wer=0.1")
    assert same.ret == 0
    assert gate_of(project, "wer", "regression")["value"] == 0.0
    result = project.run(
        f"--dataset={manifest}", "--model=noisy", "--cluster=none", "--model-args=wer=0.4", "--junitxml=out.xml", "-ra"
    )
    told(project, result, "regression", "worse by")
    gate = gate_of(project, "wer", "regression")
    assert gate["details"]["base"] < 20 < 30 < gate["details"]["new"]
    assert gate["details"]["samples"] == 40
    result.stdout.fnmatch_lines(["  FAIL  small-noisy  wer  regression: WER *"])
    assert main(["gate", str(project.latest), "--gates", str(project.path / "benchmarks" / "gates.toml")]) == 1


def test_a_model_that_crashes_is_a_harness_error(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # a summary line is cut at the terminal's width
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "from audiobench_pytest.models import harness\n"
            "def crash(self, batch):\n"
            "    raise RuntimeError('the device is gone')\n"
            "harness.OracleAdapter.generate = crash\n"
        )
    project.gates('["small".wer]\nmax = 5\n')
    result = project.run(
        f"--dataset={project.clips(4)}", "--model=oracle", "--junitxml=out.xml", "-ra", inprocess=False
    )
    told(project, result, "harness", "the device is gone")
    assert gate_of(project, "coverage", "min")["message"].startswith("0 of 4 answered: 4 failed")
    assert gate_of(project, "wer", "max")["message"] == "no WER: nothing was scored"


@pytest.mark.parametrize(("error", "kind"), [("ModelError", "harness"), ("DatasetError", "data")])
def test_a_benchmark_that_ends_in_an_error_says_which_kind(project, error, kind):
    (project.path / "benchmarks" / "asr" / "test_asr.py").write_text(
        "import pytest\n"
        f"from audiobench_pytest import {error}\n"
        "@pytest.mark.audiobench(task='asr')\n"
        "def test_asr(audiobench, audiobench_collector):\n"
        f"    raise {error}('it is not there')\n"
    )
    result = project.run(f"--dataset={project.clips(2)}", "--model=oracle", "--junitxml=out.xml", "-ra")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*{kind} error: {error}: it is not there"])
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").getroot().iter("testcase")}
    properties = {p.get("name"): p.get("value") for p in cases["test_asr[small-oracle]"].iter("property")}
    assert properties["audiobench_kind"] == kind


def test_a_missing_recording_is_a_data_error(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # a summary line is cut at the terminal's width
    manifest = project.clips(4)
    (manifest.parent / "audio" / "0002.wav").unlink()
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--junitxml=out.xml", "-ra")
    told(project, result, "data", "0002.wav")


def test_a_baseline_of_other_data_is_a_data_error(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # a summary line is cut at the terminal's width
    manifest = project.clips(6)
    project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-run=base")
    manifest.write_text(manifest.read_text().replace("worda", "wordy"))
    project.gates('["small".wer]\nmax_regression = 1.0\nbaseline = "../base"\n')
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--junitxml=out.xml", "-ra")
    told(project, result, "data", "the data of ../base and this run differs")


def few(project, choice, *args):
    """Compare a slightly worse model with its baseline on six samples: they cannot tell."""
    manifest = project.clips(6)
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.1,seed=3", "--audiobench-run=base")
    project.gates(f'baseline = "../base"\n["small".wer]\nmax_regression = 12.0\ninconclusive = "{choice}"\n')
    return project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.3,seed=4", "-ra", *args)


@pytest.mark.parametrize(
    ("choice", "status", "outcome"), [("pass", 0, "passed"), ("skip", 0, "skipped"), ("fail", 1, "failed")]
)
def test_an_open_verdict_is_shown_and_counts_as_the_owner_says(project, choice, status, outcome):
    result = few(project, choice, "--junitxml=out.xml")
    assert result.ret == status
    result.assert_outcomes(**{**{"passed": 2, "failed": 0, "skipped": 0}, outcome: 3 if outcome == "passed" else 1})
    gate = gate_of(project, "wer", "regression")
    assert (gate["verdict"], gate["counts_as"]) == ("inconclusive", choice)
    assert gate["kind"] == ("regression" if choice == "fail" else None)
    told = "1 failed (1 regression not ruled out)" if choice == "fail" else "1 inconclusive"
    result.stdout.fnmatch_lines([f"gates: {told}, 1 passed", f"  INCONCLUSIVE  small-noisy  wer*counts as {choice}*"])
    if choice == "skip":
        result.stdout.fnmatch_lines(["SKIPPED*inconclusive: WER*"])
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").getroot().iter("testcase")}
    properties = {p.get("name"): p.get("value") for p in cases["gate[small-noisy-wer-regression]"].iter("property")}
    assert properties["audiobench_verdict"] == "inconclusive"
    assert main(["gate", str(project.latest), "--gates", str(project.path / "benchmarks" / "gates.toml")]) == status


def test_slices_are_gated_without_being_asked_for(project):
    project.gates('["small".wer.slice.speaker."*"]\nmax = 99\n["small".wer.slice.speaker.spk1]\nmax = 0.5\n')
    result = noisy(project, "-v")
    assert result.ret == 1
    gates = {g["slice"]: (g["verdict"], g["limit"]) for g in project.board()["gates"] if g["slice"]}
    assert gates == {
        "speaker=spk0": ("pass", 99.0),
        "speaker=spk1": ("fail", 0.5),
        "speaker=spk2": ("pass", 99.0),
    }
    result.stdout.fnmatch_lines(["*gate[[]small-noisy-wer-max-speaker=spk1] FAILED*"])


@pytest.mark.xdist
def test_workers_give_the_verdict_of_one_process(project):
    manifest = project.clips(30)
    base = [f"--dataset={manifest}", "--model=noisy"]
    project.run(*base, "--model-args=wer=0.1", "--audiobench-run=base")
    project.gates(
        '["small".wer]\nmax_regression = 25.0\nbaseline = "../base"\n["small".wer.slice.speaker."*"]\nmax = 20\n'
    )
    alone = project.run(*base, "--model-args=wer=0.4")
    first = project.board()["gates"]
    spread = project.run(*base, "--model-args=wer=0.4", "-n2", "--audiobench-set=shard_size=5", inprocess=False)
    assert (alone.ret, spread.ret) == (1, 1)
    assert project.board()["gates"] == first


def test_a_run_cannot_be_its_own_baseline(project):
    manifest = project.clips(3)
    project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-run=base")
    project.gates('["small".wer]\nmax_regression = 1.0\nbaseline = "../base"\n')
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-run=base")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the baseline *base is the directory of this run*"])


def test_latest_as_a_baseline_is_the_run_before(project):
    manifest = project.clips(20)
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.1")
    project.gates('["small".wer]\nmax_regression = 1.0\nbaseline = "../.audiobench/runs/latest"\n')
    result = project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.5")
    assert result.ret == 1
    assert gate_of(project, "wer", "regression")["value"] > 10


def test_a_limit_for_other_hardware_is_skipped_with_the_reason(project):
    project.gates('["small".rtfx]\nmin = 1e9\nhardware = "somewhere"\n')
    result = noisy(project, "-ra")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*measured on hardware *, the limit is for somewhere"])
    here = project.cell()["model_info"]["hardware"]
    # On the hardware that it is for, it is judged; but not over times that another run took.
    project.gates(f'["small".rtfx]\nmin = 1e9\nhardware = "{here}"\n')
    result = noisy(project, "-ra")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*10 of 10 answers came from the cache*"])
    assert noisy(project, "--audiobench-cache=fresh").ret == 1
    assert gate_of(project, "rtfx", "min")["kind"] == "regression"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["small".wer]\nmax_regresion = 1\n', "unknown key 'max_regresion' (did you mean max_regression"),
        ('["small".wer]\nmax_regression = 1\nbaseline = "gone"\n', "baseline: there is no "),
        ('["small".accuracy]\nmin = 1\n', "unknown metric 'accuracy'"),
    ],
)
def test_a_wrong_gates_file_is_told_before_anything_runs(project, text, words):
    project.gates(text)
    result = noisy(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*gates.toml: [[]small.*{words.replace('[', '[[]')}*"])
    assert not (project.path / ".audiobench").exists()


def test_the_tail_of_an_error_rate_can_be_limited_and_few_samples_that_decide_are_named(project):
    with (project.path / "conftest.py").open("a") as file:
        file.write(LOOP)
    manifest = project.clips(110)
    project.gates("[small.wer]\nmax = 20\n[small.wer_capped]\nmax = 20\n[small.above_50_rate]\nmax = 0.5\n")
    result = project.run(f"--dataset={manifest}", "--model=oracle", inprocess=False)
    assert result.ret == 1
    gates = {gate["metric"]: gate for gate in project.board()["gates"]}
    assert {name: gates[name]["verdict"] for name in ("wer", "wer_capped", "above_50_rate")} == {
        "wer": "fail",
        "wer_capped": "pass",
        "above_50_rate": "fail",
    }
    (looped,) = gates["wer"]["details"]["deciders"]
    assert gates["wer"]["message"].endswith(f"; 1 of 110 samples decides it: {looped}")
    tails = {value["name"]: value for value in project.cell()["tails"]}
    assert tails["above_50_rate"]["value"] == pytest.approx(100 / 110)
    assert tails["worst_1_share"]["value"] == 100.0
    assert tails["wer_capped"]["low"] < tails["wer_capped"]["value"] < tails["wer_capped"]["high"]
    result.stdout.fnmatch_lines(["tails", "  small-oracle: 0.91 % of the samples are more than half wrong; WER *"])


LOOP = """
from audiobench_pytest.models import harness
from audiobench_pytest.types import Answer
asked = []
def answer(self, request):
    asked.append(request)
    return Answer(text=request.reference + (" and on" * 2000 if len(asked) == 1 else ""))
harness.OracleAdapter._answer = answer
"""
