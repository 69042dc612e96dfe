"""Several endpoints, slots and their refilling, loading, closing: against servers on loopback."""

from __future__ import annotations

import re
import signal
import statistics
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiobench_pytest.errors import ModelError
from audiobench_pytest.types import Request

pytest.importorskip("httpx")
import openai_models
from openai_models import Make, all_heard, ask, closes_promptly, requests_of, texts
from openai_server import Asked, OpenAIServer, Reply, error, heard
from waiting import HANGS_S, until

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = openai_models.server
adapter = openai_models.adapter_with(timeout="60")


def test_questions_spread_over_endpoints_and_tell_which(adapter: Make, server: OpenAIServer) -> None:
    with OpenAIServer(lambda asked: heard(asked, delay=0.05)) as second:
        server.respond = second.respond
        answers = adapter(url=f"{server.url};{second.url}/", slots="8").generate(requests_of(80))
    assert texts(answers) == all_heard(80)
    assert server.peak == second.peak == 4
    assert sum(answer.meta["endpoint"] for answer in answers) == len(second.questions)


def test_an_endpoint_that_dies_is_avoided_and_used_again_when_it_is_back(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: heard(asked, delay=0.01)
    with OpenAIServer(server.respond) as second:
        model = adapter(url=f"{server.url} {second.url}", slots="4", retries="1")
        assert {a.meta["endpoint"] for a in model.generate(requests_of(20))} == {0, 1}
    alone = model.generate(requests_of(40))
    assert texts(alone) == all_heard(40)
    assert {a.meta["endpoint"] for a in alone} == {0}
    with OpenAIServer(server.respond, port=second.port) as back:
        again = model.generate(requests_of(60))
        assert texts(again) == all_heard(60)
        assert back.questions


def test_an_endpoint_that_fails_only_is_tried_now_and_then(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: heard(asked, delay=0.005)
    with OpenAIServer(lambda asked: error(500)) as bad:
        answers = adapter(url=f"{bad.url};{server.url}", slots="8", retries="12").generate(requests_of(200))
        assert texts(answers) == all_heard(200)
        # Eight at first, then one whenever the delay of 0.02 to 0.04 s is over; asked like the other one, it would be
        # asked once per answer of that one, or 200 times and more.
        took = max(asked.ended for asked in server.questions) - bad.questions[0].started
        assert 8 <= len(bad.questions) < 50 + took / 0.02


def test_when_the_only_server_dies_the_rest_are_errors_and_a_new_one_is_found(
    adapter: Make, server: OpenAIServer
) -> None:
    with OpenAIServer() as gone:
        model = adapter(url=gone.url, patience="0.3")
        assert texts(model.generate(requests_of(5))) == all_heard(5)
    answers = model.generate(requests_of(50))
    assert all(re.search(rf"{gone.url}: no connection: .* for \d+ s\)", str(a.error)) for a in answers)
    with OpenAIServer(port=gone.port):
        assert until(lambda: ask(model).error is None)
        assert texts(model.generate(requests_of(5))) == all_heard(5)


def test_loading_says_which_servers_cannot_be_reached(adapter: Make) -> None:
    gone, other = OpenAIServer(), OpenAIServer()
    with pytest.raises(ModelError, match=rf"'tiny': {gone.url}: cannot be reached.*{other.url}"):
        adapter(url=f"{gone.url};{other.url}")


def test_loading_goes_on_with_the_servers_that_are_there(adapter: Make, server: OpenAIServer) -> None:
    gone = OpenAIServer()
    model = adapter(url=f"{gone.url};{server.url}", slots="4")
    assert texts(model.generate(requests_of(20))) == all_heard(20)


def test_loading_refuses_a_key_that_the_server_refuses(adapter: Make, server: OpenAIServer) -> None:
    server.models = error(401, "who are you?")
    with pytest.raises(ModelError, match=r"who are you\?; the key must be in the environment variable OPENAI_API_KEY"):
        adapter()


@pytest.mark.parametrize(
    "models",
    [error(404), error(403), error(500), Reply(b"<html>"), Reply([]), Reply({"data": [3, {}]}), Reply(hang=True)],
)
def test_a_server_without_a_list_of_models_will_do(adapter: Make, server: OpenAIServer, models: Reply) -> None:
    server.models = models
    assert ask(adapter(timeout="1.5" if models.hang else "60")).error is None


def test_a_freed_slot_is_refilled_at_once_not_when_the_batch_is_done(adapter: Make, server: OpenAIServer) -> None:
    # The server holds every question until 64 are there, and then lets one go: whoever waits for more than that one
    # answer, before the next question is sent, waits for ever.
    server.full, server.total = 64, 264
    answers = adapter(slots="64", retries="0").generate(requests_of(264))
    assert texts(answers) == all_heard(264)
    assert server.peak == 64
    assert len(server.refills) == 200
    assert statistics.median(server.refills) < 0.5, "nobody looks for a free slot once a second"


def test_a_caller_that_is_busy_leaves_no_slot_empty(adapter: Make, server: OpenAIServer) -> None:
    taken: list[Request] = []

    def respond(asked: Asked) -> Reply:
        until(lambda: len(taken) >= 8)  # those in the slots, and as many to fill them again
        return heard(asked)

    server.respond = respond
    stream = adapter(slots="4").stream(request for request in requests_of(40) if taken.append(request) is None)
    next(stream)
    assert until(lambda: len(server.questions) >= 8), "what was handed over is asked while the caller stores answers"
    assert len(list(stream)) == 39


def test_requests_are_taken_only_when_there_is_room(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: heard(asked, delay=0.05)
    taken: list[int] = []

    def requests() -> Iterator[Request]:
        for number, request in enumerate(requests_of(100)):
            taken.append(number)
            yield request

    stream = adapter(slots="4").stream(requests())
    next(stream)
    assert len(taken) <= 9
    assert len(list(stream)) == 99


def test_connections_are_kept_and_no_more_than_slots(adapter: Make, server: OpenAIServer) -> None:
    server.full, server.total = 6, 120
    adapter(slots="6").generate(requests_of(120))
    assert 6 <= server.connections <= 7  # one more for the question at load


def test_closing_is_prompt_while_nothing_answers_and_leaves_nothing_open(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: Reply(hang=True)
    model = adapter(slots="8", timeout="600")
    closes_promptly(model, 8, server, requests_of(20))
    assert not [t for t in threading.enumerate() if t.name == "audiobench-http"]
    model.close()


def test_leaving_a_stream_early_cancels_it_and_the_next_one_works(adapter: Make, server: OpenAIServer) -> None:
    server.script.append(heard)
    server.script.extend(Reply(hang=True) for _ in range(7))
    model = adapter(slots="4", timeout="600")
    stream = model.stream(iter(requests_of(8)))
    next(stream)
    stream.close()
    server.script.clear()
    assert texts(model.generate(requests_of(6))) == all_heard(6)


def test_a_model_can_be_loaded_again_after_it_was_closed(adapter: Make) -> None:
    model = adapter()
    model.close()
    with pytest.raises(ModelError, match="before it was loaded"):
        ask(model)
    model.load()
    assert ask(model).error is None


@pytest.mark.parametrize("closing", ["model.close()", "pass"])
def test_ctrl_c_ends_a_process_that_waits_for_a_silent_server(
    server: OpenAIServer, tmp_path: Path, closing: str
) -> None:
    server.respond = lambda asked: Reply(hang=True)
    script = tmp_path / "ask.py"
    script.write_text(
        textwrap.dedent(f"""
            import numpy as np
            from audiobench_pytest.models.registry import create, spec_from
            from audiobench_pytest.types import Audio, Prompt, Request
            model = create(spec_from("openai:tiny"), {{"url": "{server.url}", "timeout": "600"}})
            model.load()
            try:
                model.generate([Request("a", Audio(np.zeros(9, np.float32), 16000), Prompt())] * 40)
            except KeyboardInterrupt:
                {closing}
                print("interrupted")
        """)
    )
    command = [sys.executable, "-W", "error", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: len(server.log) >= 33 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=HANGS_S)
    assert (process.returncode, *said) == (0, "interrupted\n", "")
