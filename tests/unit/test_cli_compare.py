"""`audiobench compare RUN_A RUN_B`: how two runs differ on the same samples."""

import json
import shutil

import pytest
from made_runs import RECIPE, make_run, make_set

from audiobench_pytest.cli import main
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.statistics.comparison import holm
from audiobench_pytest.records.runs.directory import RunDirectory

TWO = (RECIPE, "match/qa-exist")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    manifest = make_set(folder / "data", 30)
    made = {
        "good": make_run(folder / "good", manifest, args={"wer": "0.1"}, recipes=TWO),
        "bad": make_run(folder / "bad", manifest, args={"wer": "0.4"}, recipes=TWO),
        "oracle": make_run(folder / "oracle", manifest, model="oracle", recipes=TWO),
        "limited": make_run(folder / "limited", manifest, args={"wer": "0.1"}, recipes=TWO, limit=10),
        "lock": folder / "audiobench.lock.json",
        "data": folder / "data",
    }
    main(["baseline", "update", str(made["good"]), "--file", str(made["lock"])])
    return made


@pytest.fixture
def compare(capsys):
    """Return a function that compares and gives status, output and errors."""

    def run(*arguments):
        status = main(["compare", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_each_prompt_is_compared_with_itself_and_named(compare, tmp_path):
    manifest = make_set(tmp_path / "data", 6)
    one, other, alone = (
        make_run(tmp_path / name, manifest, args={"wer": wer}, prompt=prompt)
        for name, wer, prompt in (("one", "0.1", "asr/terse"), ("other", "0.5", "asr/terse"), ("alone", "0.1", ""))
    )
    assert compare(one, other)[1].startswith(f"small  noisy  {RECIPE}  asr/terse\n")
    assert "| small | noisy (asr/terse) |" in compare(one, other, "--markdown")[1]
    assert json.loads(compare(one, other, "--json")[1])[0]["prompt"] == "asr/terse"
    status, _, err = compare(one, alone)
    assert status == 4
    assert f"no cell in common: the one holds small-noisy-asr.terse ({RECIPE}), the other small-noisy ({RECIPE})" in err


def test_that_two_runs_were_asked_in_different_words_is_told(runs, compare, tmp_path):
    words = make_run(tmp_path / "words", runs["data"] / "small.jsonl", recipes=TWO, words="asr/terse")
    status, out, err = compare(runs["good"], words, "--json")
    told = f"asked in the prompt 'asr/terse', {runs['good']} in the usual prompt"
    assert (status, json.loads(out)[0]["asked"]) == (0, told)
    assert f"small-noisy: {told}" in err
    assert compare(words, words)[2] == ""


def numbers(run):
    """Return errors and units by sample id under the first recipe, from the outcomes one by one."""
    cell = RunDirectory(run).cells()[0]
    return {
        one.sample_id: (one.score.numbers.get("errors", 0), one.score.numbers["units"])
        for one in cell.outcomes.values()
    }


def test_json_holds_the_difference_of_each_cell_and_the_samples_that_flipped(runs, compare):
    status, out, _ = compare(runs["good"], runs["bad"], "--json")
    assert status == 0
    wer, match = json.loads(out)
    first, second = numbers(runs["good"]), numbers(runs["bad"])
    expected = [100 * sum(e for e, _ in side.values()) / sum(u for _, u in side.values()) for side in (first, second)]
    found = wer["comparison"]
    assert (wer["dataset"], wer["recipe"], wer["models"]) == ("small", RECIPE, ["noisy", "noisy"])
    assert (found["first"], found["second"]) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert found["difference"] == pytest.approx(expected[1] - expected[0])
    assert found["low"] < found["difference"] < found["high"]
    changed = {one for one in first if first[one] != second[one]}
    assert {flip["id"] for flip in found["flips"]} == changed
    assert found["better"] + found["worse"] == len(changed)
    assert found["better"] + found["worse"] + found["equal"] == 30
    assert found["smallest"] > 0
    # A suite of two cells: the smaller p doubled, the other at least as large.
    p = [cell["comparison"]["p"] for cell in (wer, match)]
    assert [cell["comparison"]["p_holm"] for cell in (wer, match)] == holm(p)


def test_text_tells_the_same_and_lists_the_weightiest_samples(runs, compare):
    status, out, _ = compare(runs["good"], runs["bad"], "--flips", "2")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == f"small  noisy  {RECIPE}"
    assert lines[1].startswith("  wer ")
    assert "(worse), p 0." in lines[1]
    assert ", Holm 0." in lines[1]
    assert lines[2].startswith("  30 samples: ")
    assert "smallest difference this set can show" in lines[3]
    assert sum("on the whole" in line for line in lines[4:6]) == 2
    assert all("clip-" in line for line in lines[4:6])


def test_a_lock_file_stands_for_its_run(runs, compare):
    of_run, of_lock = (
        {cell["recipe"]: cell for cell in json.loads(compare(runs[name], runs["bad"], "--json")[1])}
        for name in ("good", "lock")
    )
    assert of_run == of_lock


def test_the_other_way_round_the_sign_turns(runs, compare):
    forth, back = (
        json.loads(compare(runs[a], runs[b], "--json")[1])[0]["comparison"]
        for a, b in (("good", "bad"), ("bad", "good"))
    )
    assert back["difference"] == -forth["difference"]
    assert (back["low"], back["high"]) == (-forth["high"], -forth["low"])
    assert (back["better"], back["worse"]) == (forth["worse"], forth["better"])
    assert back["p"] == forth["p"]


def test_models_of_other_names_are_compared_where_each_run_has_one(runs, compare):
    _, out, _ = compare(runs["good"], runs["oracle"], "--json")
    first = json.loads(out)[0]
    assert first["models"] == ["noisy", "oracle"]
    assert first["comparison"]["second"] == 0.0
    assert "noisy -> oracle" in compare(runs["good"], runs["oracle"])[1]


def test_a_regression_fails_only_when_asked_to(runs, compare):
    assert compare(runs["good"], runs["bad"])[0] == 0
    assert compare(runs["good"], runs["bad"], "--fail-on-regression")[0] == 1
    assert compare(runs["bad"], runs["good"], "--fail-on-regression")[0] == 0
    assert compare(runs["good"], runs["good"], "--fail-on-regression")[0] == 0


def test_equal_runs_have_no_difference(runs, compare):
    found = json.loads(compare(runs["good"], runs["good"], "--json")[1])[0]["comparison"]
    assert (found["difference"], found["p"], found["flips"], found["equal"]) == (0.0, 1.0, [], 30)


def test_another_value_of_the_recipe_may_be_compared(runs, compare):
    out = json.loads(compare(runs["good"], runs["bad"], "--metric", "deletion_rate", "--json")[1])
    assert [cell["comparison"]["quantity"]["name"] for cell in out] == ["deletion_rate"]
    status, _, err = compare(runs["good"], runs["bad"], "--metric", "bleu")
    assert status == 4
    assert "no cell in common that has 'bleu'" in err


def test_another_selection_is_refused_with_what_differs(runs, compare):
    status, out, err = compare(runs["good"], runs["limited"])
    assert (status, out) == (4, "")
    assert "differ: 30 and 10 were selected" in err


def test_other_references_are_refused_cell_by_cell(runs, compare, tmp_path):
    manifest = make_set(tmp_path / "data", 30)
    manifest.write_text(manifest.read_text().replace("harbour", "harbor"))
    status, _, err = compare(runs["good"], make_run(tmp_path / "run", manifest, recipes=TWO))
    assert status == 4
    assert "differs, in ids, references or audio" in err


def test_what_cannot_be_compared_stands_beside_what_can(runs, compare, tmp_path):
    document = json.loads(runs["lock"].read_text())
    (odd,) = [cell for cell in document["cells"] if cell["recipe"] == "match/qa-exist"]
    odd["signature"] += "|judge:other"
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(document))
    status, out, _ = compare(path, runs["good"])
    assert status == 0
    assert "  not comparable: the signatures of" in out
    assert "judge:other and nothing" in out
    assert compare(path, runs["good"], "--fail-on-regression")[0] == 1


def test_samples_that_only_one_run_scored_are_left_out_and_counted(runs, compare, tmp_path):
    lost = make_set(tmp_path / "data", 30)
    (tmp_path / "data" / "7.wav").unlink()
    one = make_run(tmp_path / "one", lost, args={"wer": "0.4"}, recipes=TWO)
    cells = json.loads(compare(one, one, "--json")[1])
    assert cells[0]["comparison"]["samples"] == 29


def test_runs_without_a_common_cell_are_refused_with_what_they_hold(runs, compare, tmp_path):
    other = make_run(tmp_path / "other", make_set(tmp_path / "data", 3, "another"))
    status, _, err = compare(runs["good"], other)
    assert status == 4
    assert "have no cell in common: the one holds small-noisy" in err
    assert "the other another-noisy" in err


def test_a_path_that_is_no_run_is_refused(runs, compare, tmp_path):
    status, _, err = compare(runs["good"], tmp_path)
    assert status == 4
    assert "is not a run directory" in err


RATE = "wer"


def test_value_and_direction_are_those_of_the_leaderboard(runs, compare):
    cell = RunDirectory(runs["bad"]).cells()[0]
    found = json.loads(compare(runs["good"], runs["bad"], "--json")[1])[0]["comparison"]
    assert found["second"] == pytest.approx(reduce_cell(cell).named(RATE).value)
    assert found["quantity"]["higher_is_better"] is False


def only_first(runs, folder):
    """Copy a run without its second recipe, as if the job of that cell had died."""
    shutil.copytree(runs["good"], folder)
    plan = folder / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text())[:1]))
    return folder


def test_a_cell_that_is_gone_is_red_and_named(runs, compare, tmp_path):
    short = only_first(runs, tmp_path / "short")
    status, _, err = compare(runs["good"], short, "--fail-on-regression")
    assert status == 1
    assert f"small-noisy ({TWO[1]}) is in {runs['good']} only" in err
    assert compare(runs["good"], short)[0] == 0
    # One that is new is no loss, and one that is not measured in what was asked for is none either.
    assert compare(short, runs["good"], "--fail-on-regression")[0] == 0
    assert compare(runs["good"], short, "--metric", "wer", "--fail-on-regression")[0] == 0


def test_too_few_to_be_significant_is_neither_green_nor_red(tmp_path, compare):
    manifest = make_set(tmp_path / "data", 40)
    runs = [
        make_run(tmp_path / name, manifest, args={"wer": wer}, clusters="speaker")
        for name, wer in (("base", "0.1"), ("worse", "0.5"))
    ]
    status, out, err = compare(*runs, "--fail-on-regression")
    # Four speakers: 2 ** (1 - 4), however much worse.
    assert (status, "p 0.1250" in out) == (2, True)
    assert (
        "smallest difference this set can show: - (of 4 that could differ, none can give a p-value below 0.125)" in out
    )
    assert "no result could be significant: 4 clusters that may differ give no corrected p below 0.125" in err
    assert compare(*runs)[0] == 0


def test_the_smallest_difference_grows_with_the_number_of_comparisons(runs, compare):
    def smallest(*more):
        return json.loads(compare(runs["good"], runs["bad"], "--json", *more)[1])[0]["comparison"]["smallest"]

    assert smallest() > 1.05 * smallest("--metric", "wer")


def test_what_one_speaker_cannot_tell_is_null_in_json(tmp_path, compare):
    manifest = make_set(tmp_path / "data", 4)
    manifest.write_text(
        "".join(
            line.replace('"s1"', '"s0"').replace('"s2"', '"s0"').replace('"s3"', '"s0"') + "\n"
            for line in manifest.read_text().splitlines()
        )
    )
    runs = [
        make_run(tmp_path / name, manifest, args={"wer": wer}, clusters="speaker")
        for name, wer in (("a", "0"), ("b", "0.9"))
    ]
    _, out, _ = compare(*runs, "--json")
    (cell,) = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (cell["comparison"]["units"], cell["comparison"]["error"], cell["comparison"]["smallest"]) == (1, None, None)
