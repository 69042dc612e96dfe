"""A generator run in a thread, one step ahead: what is done when, what becomes of errors, and that nothing hangs."""

import gc
import threading
import time

import pytest
from waiting import HANGS_S, until

from audiobench_pytest.runner import ahead
from audiobench_pytest.runner.ahead import Ahead


def model_threads():
    return [thread for thread in threading.enumerate() if thread.name == "audiobench-model"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    gc.collect()
    assert until(lambda: model_threads() == [])


def test_the_next_step_is_worked_on_while_this_one_is_in_use():
    begun = [threading.Event() for _ in range(4)]

    def steps():
        for number, event in enumerate(begun):
            event.set()
            yield number

    stream = Ahead(steps())
    for number in range(4):
        assert next(stream) == number
        if number < 3:
            assert begun[number + 1].wait(HANGS_S), "the step after this one was to begin without being asked for"
    with pytest.raises(StopIteration):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


def test_no_more_than_one_step_is_ahead():
    begun = []

    def steps():
        for number in range(10):
            begun.append(number)
            yield number

    stream = Ahead(steps())
    for number in range(2):
        assert next(stream) == number
        assert until(lambda least=number + 2: len(begun) >= least)
        time.sleep(0.1)  # for a step too many
        assert begun == list(range(number + 2))
    assert until(lambda: not stream._ready.empty())
    assert stream.stop() == [2], "what was done and not taken is handed over"


def test_the_order_is_kept_and_every_step_comes_once():
    assert list(Ahead(number for number in range(500))) == list(range(500))


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_is_raised_where_its_step_would_have_been_taken(error):
    def steps():
        yield 1
        raise error("boom")

    stream = Ahead(steps())
    assert next(stream) == 1
    with pytest.raises(error, match="boom"):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)
    assert stream.stop() == []


def test_the_error_shows_where_it_came_from():
    def deep_inside():
        raise ValueError("boom")

    def steps():
        yield deep_inside()

    with pytest.raises(ValueError, match="boom") as caught:
        list(Ahead(steps()))
    assert "deep_inside" in [entry.name for entry in caught.traceback]


def test_a_step_that_is_being_worked_on_is_stopped_as_by_ctrl_c(monkeypatch):
    monkeypatch.setattr(ahead, "_STOP_S", HANGS_S)
    unwound, began = [], threading.Event()

    def steps():
        try:
            yield 1
            began.set()
            for _ in range(3000):  # half a minute, in pieces as small as a model's
                try:
                    time.sleep(0.01)
                except Exception:
                    raise AssertionError("a guard around a model must not see it") from None
            yield 2
        finally:
            unwound.append(True)

    stream = Ahead(steps())
    assert next(stream) == 1
    assert began.wait(HANGS_S)
    assert stream.stop() == [], "it did not get to its end"
    assert unwound == [True], "files and threads of the generator are closed"
    assert model_threads() == []
    with pytest.raises(StopIteration):
        next(stream)


def test_an_interrupt_in_the_main_thread_ends_a_wait():
    def steps():
        for _ in range(60_000):
            time.sleep(0.01)
        yield 1

    import _thread

    stream = Ahead(steps())
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    stream.stop()
    assert time.monotonic() - started < HANGS_S, "the step takes ten minutes"
    timer.join()


def test_a_step_that_cannot_be_stopped_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(ahead, "_STOP_S", 0.3)
    began, release = threading.Event(), threading.Event()

    def steps():
        yield 1
        began.set()
        release.wait(600)  # as a call into a driver: no instruction of Python until it returns

    stream = Ahead(steps())
    assert next(stream) == 1
    assert began.wait(HANGS_S)
    started = time.monotonic()
    assert stream.stop() == []
    assert time.monotonic() - started < HANGS_S
    assert all(thread.daemon for thread in model_threads()), "else the process would wait for it at its end"
    release.set()


def test_closing_at_once_twice_and_at_the_end_is_fine():
    closed = []

    def steps():
        try:
            yield from range(3)
        finally:
            closed.append(True)

    early = Ahead(steps())
    early.stop()
    assert early.stop() == []
    late = Ahead(steps())
    assert list(late) == [0, 1, 2]
    assert late.stop() == []
    assert closed.count(True) >= 1


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.005, 0.02])
def test_closing_at_any_moment_leaves_no_thread_and_no_complaint(delay):
    def steps():
        for number in range(1000):
            deadline = time.perf_counter() + 0.002
            while time.perf_counter() < deadline:
                pass
            yield number

    for taken in range(5):
        stream = Ahead(steps())
        seen = [next(stream) for _ in range(taken)]
        time.sleep(delay)
        left = stream.stop()
        assert seen + left == list(range(len(seen) + len(left)))
        assert model_threads() == []
