"""A recipe that asks a judge, in a run: against a real server on loopback."""

import json

import pytest

pytest.importorskip("httpx")
from openai_server import OpenAIServer, Reply

from audiobench_pytest.cli import main


def judge(asked):
    """A judge that likes every answer, and the frozen cases as they must be judged."""
    text = asked.fields["messages"][-1]["content"]
    choice = {"message": {"role": "assistant", "content": "yes" if "word" in text else "no"}, "finish_reason": "stop"}
    return Reply({"model": "judge-2026-01-02", "choices": [choice], "usage": {}})


def clips(project, n):
    """Make clips whose rows hold the question that the judge is shown."""
    manifest = project.clips(n)
    rows = [json.loads(line) | {"question": "Which words?"} for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


def run(project, server, *args, **kwargs):
    return project.run(
        f"--dataset={clips(project, 4)}",
        "--model=oracle",
        "--recipe=judge/sd-qa@kimi-evalkit",
        f"--audiobench-set=judge_url={server.url}",
        *args,
        **kwargs,
    )


@pytest.fixture
def server():
    with OpenAIServer(judge) as one:
        yield one


def test_answers_are_judged_when_the_shard_has_ended(project, server):
    result = run(project, server, inprocess=False)
    assert result.ret == 0
    cell = project.cell()
    assert (cell["value"], cell["counts"]["ok"]) == (100.0, 4)
    assert "judge:judge-2026-01-02" in cell["signature"]
    # The frozen cases hold no "word": the judge says no to all, which is wrong for half of them.
    result.stdout.fnmatch_lines(["*agrees on 5 of 10 clear cases*not to be trusted*"])


def test_a_judge_that_cannot_judge_keeps_no_limit(project, server, monkeypatch):
    project.gates("[small.acc]\nmin = 1\n")
    result = run(project, server, inprocess=False)
    assert result.ret == 1
    (gate,) = [gate for gate in project.board()["gates"] if gate["metric"] == "acc"]
    assert (gate["verdict"], gate["counts_as"], gate["kind"]) == ("inconclusive", "fail", "harness")
    assert "agrees on 5 of 10 clear cases" in gate["message"]
    monkeypatch.chdir(project.path)
    assert main(["gate", str(project.latest)]) == 1, "the run remembers it"


@pytest.mark.xdist
def test_workers_judge_too_and_a_second_run_asks_nothing_but_the_frozen_cases(project, server):
    assert run(project, server, "-n2", "--audiobench-set=shard_size=2", inprocess=False).ret == 0
    first = project.cell()
    assert run(project, server, inprocess=False).ret == 0
    assert project.cell()["value"] == first["value"]
    assert len([one for one in server.log if b"Which words?" in one.body]) == 4


def test_without_a_judge_the_run_is_red_and_says_what_to_do(project, server, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    result = project.run(
        f"--dataset={clips(project, 2)}", "--model=oracle", "--recipe=judge/sd-qa@kimi-evalkit", inprocess=False
    )
    assert result.ret == 1
    assert "judge" in result.stdout.str()
    assert len(project.cached_answers()) == 2
