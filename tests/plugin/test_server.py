"""A model behind a server, from the command line to the board: `--model openai:NAME`."""

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")

from openai_server import OpenAIServer, error, heard


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
        assert len(server.questions) == 24
        cell = project.cell()
        assert (cell["model"], cell["counts"]["ok"]) == ("some-asr", 24)
        assert cell["infer_s"] <= cell["wall_s"] + 0.5, "answers in flight together share their time"
        assert run(project, server).ret == 0
        assert len(server.questions) == 24
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
