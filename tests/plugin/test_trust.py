"""Each way to a green that is wrong, and what closes it (docs/trust.md)."""

import json
import xml.etree.ElementTree as ET

import pytest

from audiobench_pytest.cli import main
from conftest import make_clips


def run_noisy(project, *args, wer=0.0):
    if not (project.path / "small").is_dir():
        project.clips(10)
    return project.run("--dataset=small/manifest.jsonl", "--model=noisy", f"--model-args=wer={wer}", *args)


def verdicts(project):
    return {(g["metric"], g["bound"]): g["verdict"] for g in project.board()["gates"]}


# Limits that apply to nothing.


def test_limits_that_apply_to_nothing_are_listed_with_the_reason(project):
    project.gates("[small.wer]\nmax = 99\n[minispeech.wer]\nmax = 9\n[small.wer.null]\nmax = 1\n[asr.acc]\nmin = 3\n")
    result = run_noisy(project)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*1 of 4 limits applied; to nothing here:",
            "*gates.toml [[]small.wer.null[]]: model null is not asked of it in this run",
            "*gates.toml [[]minispeech.wer[]]: nothing of minispeech is in this run",
            "*gates.toml [[]asr.acc[]]: nothing here is measured in acc",
        ]
    )
    assert "gates.toml [minispeech.wer]" in [one["source"] for one in project.board()["limits"]["unmatched"]]


@pytest.mark.parametrize("how", ['unmatched = "fail"\n[small.wer]\nmax = 99\n[minispeech.wer]\nmax = 9\n', ""])
def test_a_limit_that_must_apply_is_red_where_it_does_not(project, how):
    project.gates(how or "[small.wer]\nmax = 99\n[minispeech.wer]\nmax = 9\nrequired = true\n")
    result = run_noisy(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the limit applies to nothing: nothing of minispeech is in this run*"])
    result.stdout.fnmatch_lines(["FAILED gates.toml::gate*"])


def test_a_misspelt_slice_of_a_task_applies_to_nothing(project):
    project.gates('[asr.wer.slice.speakr."*"]\nmax = 1\n')
    result = run_noisy(project)
    result.stdout.fnmatch_lines(["*gates.toml [[]asr.wer.slice.speakr.*: no scored sample says its speakr"])


def test_a_file_without_a_limit_is_said_to_have_none(project):
    project.gates("# [small.wer]\n# max = 1\n")
    run_noisy(project).stdout.fnmatch_lines(["*no limit in gates.toml: nothing but coverage was judged"])


def test_a_model_may_be_named_as_it_is_typed(project):
    (project.path / "mine.py").write_text(
        "class Silent:\n    def load(self, args): pass\n    def generate(self, batch): return [''] * len(batch)\n"
    )
    project.gates('[small.wer."./mine.py:Silent"]\nmax = 1\n')
    project.clips(3)
    result = project.run("--dataset=small=small/manifest.jsonl", "--model=./mine.py:Silent")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*WER 100.00 % is above the maximum of 1.00 %*"])


def test_a_file_may_serve_jobs_with_other_data(project):
    project.clips(3)
    make_clips(project.path / "two", 3)
    project.gates("[small.wer]\nmax = 99\n[two.wer]\nmax = 9\n")
    assert run_noisy(project).ret == 0
    project.gates("[small.wer]\nmax = 99\n[far-away.wer]\nmax = 9\n")
    result = run_noisy(project)
    assert result.ret == 4
    result.stderr.fnmatch_lines(['*unknown dataset, family or task*datasets = [[]"far-away"[]]*'])
    project.gates('datasets = ["far-away"]\n[small.wer]\nmax = 99\n[far-away.wer]\nmax = 9\n')
    assert run_noisy(project).ret == 0


def test_another_recipes_value_is_named(project):
    project.gates("[small.wer]\nmax = 99\n")
    result = run_noisy(project, "--recipe=wer/openasr@2026-08")
    result.stdout.fnmatch_lines(["*PASS*scored by wer/openasr@2026-08, not by the set's own wer/audiobench-pytest@*"])


# A part of a set.


def test_a_part_of_a_set_is_said_everywhere_and_not_judged(project):
    project.gates("[small.wer]\nmax = 1\n")
    result = run_noisy(project, "--limit=2", "--junitxml=out.xml", wer=0.9)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*2 of 10*",
            "*small: the first 2 of 10 samples",
            '*SKIP*the first 2 of 10 samples only: limited = "judge" judges them all the same*',
            "*PASS*2 of 2 answered of the first 2 of 10 samples*",
        ]
    )
    assert project.cell()["evidence"]["selection"] == "first 2 of 10"
    texts = [p.get("value") for p in ET.parse(project.path / "out.xml").getroot().iter("property")]
    assert "first 2 of 10" in texts


def test_a_limit_may_judge_a_part_of_a_set(project):
    project.gates('limited = "judge"\n[small.wer]\nmax = 1\n')
    assert run_noisy(project, "--sample=2", wer=0.9).ret == 1


def test_a_limit_as_large_as_the_set_is_the_whole_set(project):
    project.gates("[small.wer]\nmax = 1\n")
    assert run_noisy(project, "--limit=10", wer=0.9).ret == 1
    assert project.cell()["evidence"]["selection"] == ""


# What a release promises.


def test_a_release_names_what_it_was_judged_on(project):
    project.gates('[release]\ncells = ["small-noisy"]\nsamples = 10\n[small.wer]\nmax = 1\n')
    result = run_noisy(project)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["release green: noisy (no digest); 1 cells, 10 samples, 0 waived, 0 inconclusive"])


@pytest.mark.parametrize(
    ("table", "args", "words"),
    [
        ('cells = ["small-noisy", "minispeech-noisy"]', (), "promised, and not measured in this run"),
        ("samples = 60", (), "the set has 10 samples, 60 are promised"),
        ("samples = {small = 60}", (), "the set has 10 samples, 60 are promised"),
        ('data = "0123456789"', (), "0123456789 is promised"),
        ('weights = {noisy = "0123456789"}', (), "nothing tells which weights were measured; 0123456789 is promised"),
        ('cells = ["small-noisy"]', ("--limit=2",), "the first 2 of 10 samples were measured: a release is judged on"),
    ],
)
def test_a_release_that_does_not_keep_its_promise_is_red(project, table, args, words):
    project.gates(f"[release]\n{table}\n[small.wer]\nmax = 99\n")
    result = run_noisy(project, *args)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*FAIL*{words}*"])
    result.stdout.fnmatch_lines(["release red: *"])


def test_a_release_knows_its_data(project):
    run_noisy(project)
    digest = project.cell()["data_info"]["digest"]
    project.gates(f'[release]\ndata = "{digest[:12]}"\n')
    assert run_noisy(project).ret == 0
    assert verdicts(project)["data", "measured"] == "pass"


def test_a_set_that_shrank_is_red(project):
    project.gates("[small.wer]\nmax = 99\n[small.coverage]\nmin = 1.0\nsamples = 11\n")
    result = run_noisy(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the set has 10 samples, 11 are promised*"])


def test_a_part_of_a_release_is_judged_when_the_parts_are_merged(project, monkeypatch, capsys):
    project.gates('[release]\ncells = ["small-noisy"]\n[small.wer]\nmax = 99\n')
    for k in (1, 2):
        assert run_noisy(project, f"--part={k}/2", f"--audiobench-run=part{k}").ret == 0
    monkeypatch.chdir(project.path)
    assert main(["gate", "part1", "part2"]) == 0
    assert "release green" in capsys.readouterr().out


# Whose answers, of which day.


def test_times_of_another_run_are_not_judged(project):
    project.gates("[small.rtfx]\nmin = 0.001\n")
    run_noisy(project)
    assert verdicts(project)["rtfx", "min"] == "pass"
    result = run_noisy(project)
    assert verdicts(project)["rtfx", "min"] == "skip"
    result.stdout.fnmatch_lines(["*10 of 10 answers came from the cache, and with them the times of another run*"])
    result.stdout.fnmatch_lines(["*small: 10 of 10 answers of 20??-??-?? ??:??*"])


def test_times_are_measured_afresh_where_that_is_asked_for(project):
    project.gates("[small.rtfx]\nmin = 0.001\n[small.latency_p50_s]\nmax = 99\ninconclusive = 'pass'\n")
    run_noisy(project)
    answers = project.cached_answers()
    result = run_noisy(project, "--audiobench-remeasure=4")
    assert result.ret == 0
    assert verdicts(project)["rtfx", "min"] == "pass"
    result.stdout.fnmatch_lines(
        ["*4 samples asked afresh for their time*", "*RTFx * is not below*; 4 samples asked afresh*"]
    )
    assert project.cell()["evidence"]["remeasured"] == 4
    assert project.cell()["cached"] == 10, "the scores are of the answers that were kept"
    assert project.cached_answers() == answers, "and no answer was kept twice"
    # A run that answers everything itself has nothing to ask afresh.
    run_noisy(project, "--audiobench-remeasure=4", "--audiobench-cache=empty")
    assert project.cell()["evidence"]["remeasured"] == 0


FLAKY = """
import os
class Flaky:
    def load(self, args): pass
    def generate(self, batch):
        answers = []
        for _ in batch:
            asked = os.path.getsize("asked") if os.path.exists("asked") else 0
            open("asked", "a").write("x")
            answers.append({"error": "flaky"} if asked % 5 == 0 else "alpha")
        return answers
"""


def test_running_until_green_leaves_a_trace(project):
    (project.path / "mine.py").write_text(FLAKY)
    project.clips(6)
    flaky = ("--dataset=small=small/manifest.jsonl", "--model=./mine.py:Flaky")
    assert project.run(*flaky).ret == 1
    tries = 1
    while (result := project.run(*flaky)).ret != 0:
        tries += 1
        assert tries < 5
    result.stdout.fnmatch_lines(["*answers (*%) only after earlier attempts had failed*"])
    assert project.cell()["evidence"]["failed_first"] >= 1
    # From the cache alone, too, and as something that can be limited.
    project.gates("[small.failed_first_rate]\nmax = 1\n")
    result = project.run(*flaky)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*failed_first_rate * is above the maximum of 1.00 %*"])


def test_a_model_that_never_failed_has_a_rate_of_zero(project):
    project.gates("[small.failed_first_rate]\nmax = 0\n")
    assert run_noisy(project).ret == 0
    assert verdicts(project)["failed_first_rate", "max"] == "pass"


# Which run, by which limits.


def test_a_run_is_judged_by_the_limits_it_began_with(project, monkeypatch, capsys):
    project.gates("[small.wer]\nmax = 1\n")
    assert run_noisy(project, "--audiobench-run=one", wer=0.9).ret == 1
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["gate", "../one"]) == 1
    assert "above the maximum of 1.00 %" in capsys.readouterr().out


def test_without_any_limit_that_is_said_and_may_be_refused(project, monkeypatch, capsys):
    assert run_noisy(project, "--audiobench-run=one").ret == 0
    monkeypatch.chdir(project.path)
    assert main(["gate", "one"]) == 0
    assert "no file of limits: nothing but coverage was judged" in capsys.readouterr().out
    assert main(["gate", "one", "--require-gates"]) == 4


def test_latest_is_not_the_verdict_of_a_run_that_never_began(project, monkeypatch, capsys):
    assert run_noisy(project).ret == 0
    latest = ".audiobench/runs/latest"
    monkeypatch.chdir(project.path)
    assert main(["gate", latest]) == 0
    assert project.run("--dataset=small=small/manifest.jsonl", "--model=nosiy").ret == 4
    capsys.readouterr()
    assert main(["gate", latest]) == 4
    assert "is not of the last command, which ended before its run began (--model: unknown" in capsys.readouterr().err
    assert run_noisy(project).ret == 0
    assert main(["gate", latest]) == 0


# Steps that add up, failures that are let pass.


def test_small_steps_do_not_add_up_past_an_anchor(project, monkeypatch):
    project.clips(10)
    monkeypatch.chdir(project.path)
    run_noisy(project, "--audiobench-run=first", wer=0.0)
    run_noisy(project, "--audiobench-run=second", wer=0.5)
    assert main(["baseline", "update", "first", "--file", "v1.lock.json"]) == 0
    assert main(["baseline", "update", "second", "--file", "now.lock.json"]) == 0
    project.gates('baseline = "../now.lock.json"\n[small.wer]\nmax_regression = 5\n')
    assert run_noisy(project, wer=0.5).ret == 0
    project.gates('baseline = "../now.lock.json"\nanchor = "../v1.lock.json"\n[small.wer]\nmax_regression = 5\n')
    assert run_noisy(project, "--cluster=none", wer=0.5).ret == 1
    assert verdicts(project)["wer", "anchor"] == "fail"
    # Three speakers prove nothing, and are no reason to be green.
    assert run_noisy(project, wer=0.5).ret == 1
    assert verdicts(project)["wer", "anchor"] == "inconclusive"


@pytest.mark.parametrize(("until", "status", "word"), [("2999-12-31", 0, "WAIVED"), ("2020-01-01", 1, "FAIL")])
def test_a_waiver_lets_a_failure_pass_until_its_day_and_shows_it(project, until, status, word):
    project.gates(f'[small.wer]\nmax = 1\nwaive = {{until = {until}, by = "Ada", why = "new decoder"}}\n')
    result = run_noisy(project, wer=0.9)
    assert result.ret == status
    result.stdout.fnmatch_lines([f"*{word}*above the maximum of 1.00 %*until {until} by Ada: new decoder*"])
    assert ("1 waived" in result.stdout.str()) is (status == 0)


def test_a_waiver_of_a_gate_that_passes_is_named(project):
    project.gates('[small.wer]\nmax = 99\nwaive = {until = 2999-12-31, by = "Ada", why = "new decoder"}\n')
    run_noisy(project).stdout.fnmatch_lines(["*PASS*hides nothing: remove it*"])


def test_a_required_limit_that_is_not_judged_is_red(project):
    project.gates("[small.rtfx]\nmin = 0.001\nrequired = true\n")
    assert run_noisy(project).ret == 0
    result = run_noisy(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*required, and not judged: 10 of 10 answers came from the cache*"])


def test_an_open_verdict_is_red_where_the_value_itself_is_worse_than_allowed(project, monkeypatch):
    project.clips(3)
    monkeypatch.chdir(project.path)
    run_noisy(project, "--audiobench-run=first", wer=0.0)
    project.gates('baseline = "../first"\n[small.wer]\nmax_regression = 1\n')
    result = run_noisy(project, wer=0.3)
    assert result.ret == 1
    assert project.board()["gates"][1]["counts_as"] == "fail"
    result.stdout.fnmatch_lines(["gates: 1 failed (1 regression*"])


def test_the_gates_of_a_board_survive_as_json(project):
    project.gates('[small.wer]\nmax = 1\nwaive = {until = 2999-12-31, by = "Ada", why = "new decoder"}\n')
    run_noisy(project, wer=0.9)
    (gate,) = [g for g in project.board()["gates"] if g["metric"] == "wer"]
    assert json.dumps(gate["waiver"]) == '"until 2999-12-31 by Ada: new decoder"'
    assert (gate["verdict"], gate["counts_as"]) == ("fail", "skip")


# A file that cannot mean what it says, and whose turn it is.


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_limit_on_what_no_recipe_measures_is_a_mistake_in_the_file(project, workers):
    project.gates("[small.invalid_rate]\nmax = 1\n")
    project.clips(3)
    result = project.run("--dataset=small/manifest.jsonl", "--model=oracle", *workers, inprocess=not workers)
    assert result.ret == 4
    said = result.stderr.str() + result.stdout.str()
    assert "gates.toml [small.invalid_rate]: small is not measured in invalid_rate by wer/audiobench-pytest@" in said


def test_kinds_of_red_may_have_a_status_of_their_own(project):
    project.clips(3)
    args = ("--dataset=small/manifest.jsonl", "--model=noisy", "--model-args=wer=0.9")
    project.gates("[small.wer]\nmax = 1\n")
    assert project.run(*args, "--audiobench-exit-kinds").ret == 1
    project.gates("[small.wer]\nmax = 99\n")
    (project.path / "small" / "audio" / "0001.wav").unlink()
    assert project.run(*args).ret == 1
    assert project.run(*args, "--audiobench-exit-kinds").ret == 11
    project.gates("[small.wer]\nmax = 999\n")
    (project.path / "mine.py").write_text(FLAKY)
    project.clips(3)
    flaky = ("--dataset=small/manifest.jsonl", "--model=./mine.py:Flaky", "--audiobench-exit-kinds")
    assert project.run(*flaky).ret == 10
    project.gates("[small.wer]\nmax = 1\n")
    assert project.run(*flaky).ret == 1, "a regression is none that trying again mends"


# Answers of another harness.


def test_imported_answers_say_so_and_keep_no_promise_of_weights(project, monkeypatch, capsys):
    monkeypatch.chdir(project.path)
    (project.path / "old.jsonl").write_text('{"audio_filepath": "a.wav", "text": "one", "pred_text": "one"}\n')
    assert main(["import", "old.jsonl", "--model", "m", "--recipe", "wer/openasr@2026-08", "--output", "run"]) == 0
    project.gates("[old.wer]\nmax = 1\n")
    capsys.readouterr()
    assert main(["gate", "run", "--gates", "benchmarks/gates.toml"]) == 0
    said = capsys.readouterr().out
    assert said.count("answers imported from NeMo: old.jsonl (sha256 ") == 2, "where it was measured, and at the limit"
    project.gates('[release]\ncells = ["old-m"]\nweights = {m = "8ab04f"}\n')
    assert main(["gate", "run", "--gates", "benchmarks/gates.toml"]) == 1
