"""A model behind a server, from the command line to the board: `--model openai:NAME`."""

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")

from openai_server import OpenAIServer, error, heard

WHO = 6
"""Questions that a run asks to see who answers: three fixed clips, twice."""


def run(project, server, *args, n=24):
    manifest = project.clips(n)
    return project.run(
        f"--dataset={manifest}",
        "--model=openai:org/some-asr",
        f"--model-args=url={server.url},slots=8,retries=1,timeout=60",
        *args,
        inprocess=False,
    )


def test_answers_are_scored_kept_and_not_asked_again(project):
    with OpenAIServer(lambda asked: heard(asked, "the quick brown fox")) as server:
        result = run(project, server)
        assert result.ret == 0, result.stdout.str()
        assert len(server.questions) == 24 + WHO
        cell = project.cell()
        assert (cell["model"], cell["counts"]["ok"]) == ("some-asr", 24)
        assert cell["infer_s"] <= cell["wall_s"] + 0.5, "answers in flight together share their time"
        assert run(project, server).ret == 0
        assert len(server.questions) == 24 + 2 * WHO
        assert project.cell()["cached"] == 24


def test_failures_are_errors_that_are_asked_again(project):
    state = {"broken": True}

    def respond(asked):
        if state["broken"] and asked.samples == 3840:  # every seventh clip
            return error(500, "out of order")
        return heard(asked, "words")

    with OpenAIServer(respond) as server:
        first = run(project, server)
        assert first.ret == 1
        assert project.cell()["counts"]["failed"] == 3
        first.stdout.fnmatch_lines(["*out of order*"])
        state["broken"] = False
        assert run(project, server).ret == 0
        assert project.cell()["cached"] == 21


def test_no_server_is_told(project):
    manifest = project.clips(2)
    result = project.run(
        f"--dataset={manifest}",
        "--model=openai:x",
        "--model-args=url=http://127.0.0.1:9/v1,timeout=60",
        inprocess=False,
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ModelError*127.0.0.1:9*"])
    (gate,) = project.board()["gates"]
    assert "2 missing (model 'x': http://127.0.0.1:9/v1: cannot be reached" in gate["message"]


def test_another_model_under_the_same_name_is_asked_again(project):
    """A server that was restarted with a broken checkpoint is not green from the answers of the one before."""
    state = {"text": "words"}
    project.gates("[small.wer]\nmax = 120\n")
    with OpenAIServer(lambda asked: heard(asked, state["text"])) as server:
        assert run(project, server, n=6).ret == 0
        state["text"] = "wrong words and ever more of them than anybody has said"
        changed = run(project, server, n=6)
        assert changed.ret == 1
        assert project.cell()["cached"] == 0
        assert project.cell()["model_info"]["observed"] == "changed"
        changed.stdout.fnmatch_lines(["*another model answers under this name than at first*"])
        # The one that answers now has a cache of its own, and the first still has its.
        assert run(project, server, n=6).ret == 1
        assert project.cell()["cached"] == 6
        state["text"] = "words"
        back = run(project, server, n=6)
        assert back.ret == 0
        assert project.cell()["cached"] == 6
        assert project.cell()["model_info"]["observed"] == "same"
        assert project.cell()["evidence"]["pinned"] is True


@pytest.mark.xdist
def test_workers_see_the_same_model(project):
    with OpenAIServer(lambda asked: heard(asked, "words")) as server:
        assert run(project, server, "-n2", "--audiobench-set=shard_size=6").ret == 0
        assert len(server.questions) == 24 + WHO


def test_a_server_that_does_not_repeat_itself_is_said_to(project):
    with OpenAIServer(lambda asked: heard(asked, str(len(server.questions)))) as server:
        result = run(project, server, n=3)
        result.stdout.fnmatch_lines(["*the server does not answer a fixed clip alike twice*"])
        # Its answers are of this run alone, unless somebody vouches for the weights.
        run(project, server, n=3)
        assert project.cell()["cached"] == 0
        vouched = "--model-args=revision=v7"
        run(project, server, vouched, n=3)
        run(project, server, vouched, n=3)
        assert project.cell()["cached"] == 3
        assert project.cell()["evidence"]["weights"] == "v7"


def test_answers_without_a_server_say_of_when_they_are(project):
    project.gates("[small.wer]\nmax = 999\n")
    with OpenAIServer(lambda asked: heard(asked, "words")) as server:
        args = (f"--dataset={project.clips(3)}", "--model=openai:org/some-asr")
        url = f"--model-args=url={server.url},retries=0,timeout=5"
        assert project.run(*args, url, inprocess=False).ret == 0
    result = project.run(*args, url, inprocess=False)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*the server could not be asked who answers*"])
    result.stdout.fnmatch_lines(["*PASS*every answer is of 20*nobody can tell whether the model is still the same*"])


def test_how_answers_ended_is_told_and_can_be_limited(project):
    def respond(asked):
        reply = heard(asked, "words")
        reply.content["choices"][0]["finish_reason"] = "length" if asked.samples % 320 == 0 else "stop"
        return reply

    project.gates("[small.truncated_rate]\nmax = 1\n[small.refused_rate]\nmax = 0\n")
    with OpenAIServer(respond) as server:
        result = run(project, server, n=8)
        assert result.ret == 1
        cut = project.cell()["evidence"]["endings"]["length"]
        assert 0 < cut < 8
        result.stdout.fnmatch_lines([f"*{cut} of 8 answers cut off at the limit of tokens*"])
        told = {g["metric"]: g["verdict"] for g in project.board()["gates"]}
        assert told == {"coverage": "pass", "truncated_rate": "fail", "refused_rate": "pass"}
