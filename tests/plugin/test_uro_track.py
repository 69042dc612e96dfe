"""A track of URO-Bench from its folders to the averages of its board: a served model, and a served judge."""

import json
import shutil

import pytest
import soundfile as sf

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")

from openai_server import OpenAIServer, Reply, heard

from conftest import ROOT

PRO = {"UnderEmotion-zh": 79, "CodeSwitching-zh": 70, "Safety-zh": 20, "MLCpro-zh": 64, "GenStyle-zh": 39}
POINTS = {"UnderEmotion-zh": "4", "CodeSwitching-zh": "5", "Safety-zh": "1", "MLCpro-zh": "Yes", "GenStyle-zh": "2"}
VALUES = {"UnderEmotion-zh": 80, "CodeSwitching-zh": 100, "Safety-zh": 20, "MLCpro-zh": 100, "GenStyle-zh": 40}


@pytest.fixture
def uro(project):
    """A project with the benchmark and the Chinese pro track, whose recordings are one and the same."""
    (project.path / "benchmarks" / "uro").mkdir()
    shutil.copy(ROOT / "benchmarks" / "uro" / "test_uro.py", project.path / "benchmarks" / "uro")
    for name, count in PRO.items():
        folder = project.path / "URO-Bench-data" / "pro" / name
        folder.mkdir(parents=True)
        sf.write(folder / "a.wav", [0.1, -0.1] * 800, 16_000)
        row = {"source_wav": "a.wav", "source_text": f"question of {name}", "target_text": "好"}
        lines = (json.dumps({"id": number, **row}) for number in range(count))
        (folder / "test.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    def run(server, *args):
        return project.pytester.runpytest_inprocess(
            "benchmarks/uro",
            "--audiobench-set=uro_dir=URO-Bench-data",
            f"--audiobench-set=judge_url={server.url}",
            "--model=openai:m",
            f"--model-args=url={server.url},slots=4,timeout=60",
            *args,
        )

    project.run_uro = run
    return project


def respond(asked):
    if asked.fields["model"] != "gpt-4o-mini":
        return heard(asked, "好的。")
    shown = asked.fields["messages"][-1]["content"]
    found = next((points for name, points in POINTS.items() if f"question of {name}" in shown), "3")
    message = {"role": "assistant", "content": found}
    return Reply({"model": "gpt-4o-mini", "choices": [{"message": message, "finish_reason": "stop"}]})


def test_a_track_is_scored_and_averaged(uro):
    datasets = [f"--dataset=uro-{name}" for name in PRO]
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, *datasets)
    assert result.ret == 0, result.stdout.str()
    cells = {cell["dataset"].removeprefix("uro-"): cell for cell in uro.board()["cells"]}
    assert {name: cell["value"] for name, cell in cells.items()} == pytest.approx(VALUES)
    assert {cell["recipe"] for cell in cells.values()} == {
        f"uro/{kind}@2025-02" for kind in ("under-emotion", "semi-open", "safety", "qa", "gen-style")
    }
    board = uro.pytester.run("audiobench", "board", "uro", str(uro.latest))
    board.stdout.fnmatch_lines(["*Chinese pro, mean of 5 sets*", f"*{sum(VALUES.values()) / 5:.2f}*"])


def test_a_plan_names_what_is_not_asked_and_why(uro):
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, "-m", "uro_bench", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "29 cells, *",
            "not asked:",
            "  m: data set uro-SpeakerAware-zh cannot be asked yet: *several rounds*",
            "  m: data set uro-SRT-zh *it needs answers in speech*",
            "  m: data set uro-GenEmotion-en *it needs answers in speech*",
        ]
    )
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, "-m", "uro_bench", "--plan=json", "--recipe=uro/qa@2025-02")
    line = next(line for line in result.outlines if line.startswith('{"audiobench_plan"'))
    planned = json.loads(line)["audiobench_plan"]
    assert len([one for one in planned if one["not_asked"]]) == 7
    assert {one["recipe"] for one in planned} == {"uro/qa@2025-02"}


def test_a_set_that_is_not_asked_alone_is_a_usage_error(uro):
    with OpenAIServer(respond) as server:
        result = uro.run_uro(server, "--dataset=uro-GenEmotion-en")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*uro-GenEmotion-en cannot be asked yet: it needs answers in speech*"])
