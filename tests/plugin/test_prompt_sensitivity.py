"""Several prompts in one run: a cell for each, gates on each, and the spread of the score over them."""

import json
import statistics

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api'")

from openai_server import OpenAIServer, heard

from audiobench_pytest.cli import main
from audiobench_pytest.prompts import profiles

TWO = "--prompt=asr/en,asr/zh"


class Listener:
    """Hears the clips well or badly, by the words it is asked in; notes what it is asked."""

    def __init__(self, manifest):
        rows = [json.loads(line) for line in manifest.read_text().splitlines()]
        self.texts = {round(row["duration_s"] * 16_000): row["text"] for row in rows}
        self.asked = []

    def __call__(self, asked):
        parts = asked.fields["messages"][0]["content"]
        (words,) = [part["text"] for part in parts if part["type"] == "text"]
        if asked.samples not in self.texts:
            return heard(asked, "one of the fixed clips")
        self.asked.append(words)
        said = self.texts[asked.samples]
        return heard(asked, said if words.startswith("请") else " ".join(said.split()[1:]))


def run(project, listener, *args, inprocess=True):
    with OpenAIServer(listener) as server:
        do = project.pytester.runpytest_inprocess if inprocess else project.pytester.runpytest_subprocess
        given = [f"--dataset={project.path / 'small' / 'manifest.jsonl'}", "--model=openai:ear"]
        return do("benchmarks/asr", *given, f"--model-args=url={server.url},slots=2,timeout=60", *args)


def dataset(project, n=6):
    return Listener(project.clips(n))


def test_each_prompt_is_a_cell_and_the_spread_is_told(project):
    listener = dataset(project)
    result = run(project, listener, TWO)
    assert result.ret == 0, result.stdout.str()
    assert len(listener.asked) == 12
    cells = project.board()["cells"]
    assert [(cell["model"], cell["prompt"]) for cell in cells] == [("ear", "asr/en"), ("ear", "asr/zh")]
    values = [cell["value"] for cell in cells]
    assert values == pytest.approx([20, 0])
    (spread,) = project.board()["prompt_spread"]
    assert spread["values"] == {"asr/en": values[0], "asr/zh": values[1]}
    assert (spread["lowest"], spread["highest"], spread["range"]) == pytest.approx((0, 20, 20))
    assert spread["deviation"] == pytest.approx(statistics.stdev(values))
    result.stdout.fnmatch_lines(
        [
            "ear (asr/zh) *0.00*",
            "ear (asr/en) *20.00*",
            "*small × ear, WER %: lowest 0.00 (asr/zh), highest 20.00 (asr/en), range 20.00, standard deviation 14.14, "
            "over 2 prompts",
        ]
    )
    assert {row["cell"]["prompt"] for row in project.outcomes()} == {"asr/en", "asr/zh"}
    csv = (project.latest / "leaderboard.csv").read_text().splitlines()
    assert len(csv) == 3
    assert "asr/zh" in (project.latest / "leaderboard.md").read_text("utf-8")


def test_kept_answers_are_those_of_a_run_with_one_prompt_and_workers_say_the_same(project):
    listener = dataset(project)
    run(project, listener, "--prompt=asr/zh")
    assert len(listener.asked) == 6
    assert project.cell()["prompt"] == "", "one prompt is a run as it always was"
    run(project, listener, TWO)
    assert len(listener.asked) == 12
    assert [cell["cached"] for cell in project.board()["cells"]] == [0, 6]
    values = [cell["values"] for cell in project.board()["cells"]]
    pytest.importorskip("xdist")
    assert run(project, listener, TWO, "-n2", "--audiobench-set=shard_size=2", inprocess=False).ret == 0
    assert len(listener.asked) == 12
    assert [cell["values"] for cell in project.board()["cells"]] == values


def test_a_gate_holds_for_each_prompt(project):
    project.gates('["small".wer]\nmax = 10.0\n')
    result = run(project, dataset(project), TWO)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*gate?small-ear-asr.en-wer-max?*"])
    verdicts = {gate["prompt"]: gate["verdict"] for gate in project.board()["gates"] if gate["metric"] == "wer"}
    assert verdicts == {"asr/en": "fail", "asr/zh": "pass"}


def test_a_baseline_an_export_and_a_rescoring_hold_each_prompt(project, capsys):
    listener, lock = dataset(project), project.path / "baseline.json"
    run(project, listener, TWO)
    both = str(project.latest)
    assert main(["baseline", "update", both, "--file", str(lock)]) == 0
    cells = json.loads(lock.read_text())["cells"]
    found = {cell["prompt"]: cell["values"]["wer"]["value"] for cell in cells}
    assert found == {"asr/en": pytest.approx(20), "asr/zh": 0}
    project.gates(f'["small".wer]\nmax_regression = 0.0\nbaseline = "{lock}"\n')
    run(project, listener, TWO)
    gates = [one for one in project.board()["gates"] if one["metric"] == "wer"]
    assert {one["prompt"]: one["details"]["new"] for one in gates} == {"asr/en": pytest.approx(20), "asr/zh": 0}
    assert all("identical on all 6 samples" in one["message"] for one in gates)
    # Asked in one prompt it is a cell that the file does not have, whichever prompt it was.
    run(project, listener, "--prompt=asr/zh")
    (gate,) = [one for one in project.board()["gates"] if one["metric"] == "wer"]
    assert "it has it by prompt 'asr/en', prompt 'asr/zh': ask in the same (--prompt)" in gate["message"]
    capsys.readouterr()
    for command in (
        ["export", both, "--format", "lm-eval"],
        ["rescore", both, "--recipe=wer/openasr@2026-08", "--json"],
    ):
        assert main(command) == 0
        told = json.loads(capsys.readouterr().out)
        if command[0] == "export":
            told = {task: one["wer,none"] for task, one in told["results"].items()}
            assert told == {"small (asr/en)": pytest.approx(0.2), "small (asr/zh)": 0}
        else:
            assert {one["prompt"]: one["value"] for one in told} == {"asr/en": pytest.approx(20), "asr/zh": 0}


def test_words_with_commas_are_one_prompt_and_the_option_may_come_again(project):
    listener = dataset(project, 2)
    assert run(project, listener, "--prompt=Write it down, please, and nothing else.").ret == 0
    assert listener.asked == ["Write it down, please, and nothing else."] * 2
    assert project.cell()["prompt"] == ""
    (project.path / "mine.txt").write_text("请写下来。")
    assert run(project, listener, "--prompt=Say it, all of it.", "--prompt=@mine.txt", "--prompt=Write it.").ret == 0
    named = [cell["prompt"] for cell in project.board()["cells"]]
    assert named == ["given-25d8964b", "@mine.txt", "given-7f910a60"]
    first = {cell["prompt"]: cell["value"] for cell in project.board()["cells"]}
    assert run(project, listener, "--prompt=Write it.", "--prompt=Say it, all of it.").ret == 0
    again = {cell["prompt"]: cell["value"] for cell in project.board()["cells"]}
    assert again.items() <= first.items(), "a name is of the words, wherever they stand"
    assert set(listener.asked[2:]) == {"Say it, all of it.", "请写下来。", "Write it."}


def test_a_file_is_read_once_per_task_and_not_for_every_cell(project, monkeypatch):
    read, really = [], profiles.given_prompts
    monkeypatch.setattr(profiles, "given_prompts", lambda *of: [read.append(of[1]), really(*of)][1])
    (project.path / "mine.txt").write_text("Write it.")
    sets = [f"--dataset={name}={project.clips(1)}" for name in ("one", "two", "three")]
    model = "--model=a=openai:x,b=openai:y"
    assert project.run(*sets, model, "--model-args=url=http://127.0.0.1:9", "--prompt=@mine.txt", "--plan").ret == 0
    assert read == ["asr"]


def test_a_run_goes_on_with_the_same_prompts_and_not_with_others(project):
    listener = dataset(project, 2)
    assert run(project, listener, TWO, "--audiobench-run=mine").ret == 0
    assert run(project, listener, TWO, "--audiobench-run=mine").ret == 0
    assert len(listener.asked) == 4
    other = run(project, listener, "--prompt=asr/en", "--audiobench-run=mine")
    assert other.ret == 4
    assert len(listener.asked) == 4


def test_a_wrong_name_among_several_is_told_before_anything_is_asked(project):
    listener = dataset(project, 2)
    result = run(project, listener, "--prompt=asr/en,asr/xx")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--prompt: *'asr/xx'*"])
    assert not listener.asked


def test_a_model_that_is_told_nothing_answers_once(project):
    manifest = project.clips(2)
    assert project.run(f"--dataset={manifest}", "--model=oracle", TWO).ret == 0
    assert project.cell()["prompt"] == ""
    assert project.board()["prompt_spread"] == []


def test_a_report_shows_the_prompt_and_the_spread(project):
    run(project, dataset(project, 2), TWO)
    result = project.pytester.run("audiobench", "report", str(project.latest))
    assert result.ret == 0
    board = (project.latest / "report" / "data" / "board.js").read_text()
    assert '"prompt_spread":[{' in board.replace(" ", "")
    assert '"prompt":"asr/zh"' in board.replace(" ", "")


def test_a_plan_has_a_cell_per_prompt(project):
    result = run(project, dataset(project, 2), TWO, "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["2 cells, 4 samples*", "  prompt asr/en", "  prompt asr/zh"])
