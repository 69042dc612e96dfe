"""Who may ask which endpoint and when: windows, pauses, queues. Nothing is sent, and the clock is made up."""

from __future__ import annotations

import asyncio
import email.utils
import selectors
import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.models.endpoints.slots import (
    Endpoint,
    Kind,
    Manners,
    NoEndpointError,
    Slots,
    Trouble,
    retry_after,
)


class MadeUpTime(asyncio.SelectorEventLoop):
    """Whoever sleeps wakes up at once, and the clock has moved on; it stands still while anybody works."""

    def __init__(self) -> None:
        super().__init__(selector := selectors.SelectSelector())
        self._now, self._really_select = 1000.0, selector.select
        selector.select = self._skip  # type: ignore[method-assign]

    def time(self) -> float:
        return self._now

    def _skip(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._now += timeout or 0.0
        return self._really_select(0)


QUICK = Manners(slots=8, retries=2, patience=60.0, first_delay=0.01, longest_delay=0.02)


def run(work: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=MadeUpTime) as runner:
        runner.run(asyncio.wait_for(work(), 20))


def limited(wait: float | None = None) -> Trouble:
    return Trouble(Kind.LIMITED, "HTTP 429", wait)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 01 Foo 2001 00:00:00 GMT"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
    ],
)
def test_retry_after_is_read_in_each_form_and_nonsense_is_none(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date_is_the_time_until_then() -> None:
    found = retry_after({"retry-after": email.utils.formatdate(time.time() + 90, usegmt=True)})
    assert found is not None
    assert 80 < found <= 91


@given(failures=st.integers(1, 10_000))
def test_back_off_grows_to_its_bound_and_half_of_it_is_chance(failures: int) -> None:
    manners = Manners(slots=1, first_delay=0.5, longest_delay=30.0)
    whole = min(30.0, 0.5 * 2.0 ** min(failures - 1, 100))
    assert whole / 2 <= manners.delay(failures) <= whole
    assert len({manners.delay(failures) for _ in range(20)}) > 1


def test_a_window_closes_to_half_once_per_wave_and_opens_by_one_per_windowful() -> None:
    endpoint = Endpoint("http://a", 0, Manners(slots=64))
    for _ in range(64):  # all sent before the first said that it was too much
        endpoint.troubled(limited(), started=1.0, now=2.0)
    assert endpoint.window == 32
    endpoint.troubled(limited(), started=3.0, now=4.0)
    assert endpoint.window == 16
    for _ in range(16):
        endpoint.answered()
    assert 16.9 < endpoint.window <= 17
    for _ in range(10_000):
        endpoint.answered()
    assert endpoint.window == 64


def test_one_failure_among_successes_leaves_the_window_and_two_in_a_row_close_it() -> None:
    endpoint = Endpoint("http://a", 0, Manners(slots=64))
    failed = Trouble(Kind.FAILED, "HTTP 500")
    endpoint.troubled(failed, started=1.0, now=2.0)
    assert endpoint.window == 64
    endpoint.answered()
    endpoint.troubled(failed, started=2.0, now=3.0)
    assert endpoint.window == 64
    endpoint.troubled(failed, started=3.0, now=4.0)
    assert endpoint.window == 32


def test_a_window_never_closes_to_nothing_and_a_refusal_is_a_sign_of_life() -> None:
    endpoint = Endpoint("http://a", 0, Manners(slots=4, first_delay=0.001, longest_delay=0.001))
    for second in range(10):
        endpoint.troubled(limited(), started=float(second), now=second + 0.5)
    assert endpoint.window == 1
    assert endpoint.room(now=100.0)
    endpoint.troubled(Trouble(Kind.REFUSED, "HTTP 400"), started=100.0, now=101.0)
    assert endpoint.failures == 0
    assert endpoint.failing_since is None


def test_a_pause_that_was_asked_for_is_kept_and_a_failure_pauses_nobody() -> None:
    endpoint = Endpoint("http://a", 0, Manners(slots=4, patience=60.0))
    endpoint.troubled(Trouble(Kind.FAILED, "HTTP 500"), started=0.0, now=1.0)
    assert endpoint.room(now=1.0)
    endpoint.troubled(limited(wait=5.0), started=1.0, now=2.0)
    assert not endpoint.room(now=6.9)
    assert endpoint.room(now=7.6)


def test_an_endpoint_is_given_up_after_failures_that_span_the_patience_not_after_idle_time() -> None:
    manners = Manners(slots=4, patience=60.0, first_delay=1.0, longest_delay=2.0)
    failed = Trouble(Kind.FAILED, "HTTP 500")
    idle, busy = Endpoint("http://a", 0, manners), Endpoint("http://b", 1, manners)
    for moment in (0.0, 1000.0, 2000.0):  # nobody asked in between
        idle.troubled(failed, started=moment, now=moment + 1)
    assert not idle.given_up(2001.0)
    for moment in range(0, 64, 3):
        busy.troubled(failed, started=float(moment), now=moment + 1.5)
    assert busy.given_up(65.0)
    busy.answered()
    assert not busy.given_up(66.0)


def test_a_pause_longer_than_the_patience_gives_up_at_once() -> None:
    endpoint = Endpoint("http://a", 0, Manners(slots=4, patience=60.0))
    endpoint.troubled(limited(wait=3600.0), started=0.0, now=1.0)
    assert endpoint.given_up(2.0)


def test_questions_go_to_the_endpoint_with_the_fewest_and_never_exceed_the_slots() -> None:
    async def work() -> None:
        slots = Slots(["http://a", "http://b"], QUICK)
        taken = [await slots.take() for _ in range(8)]
        assert [e.in_flight for e in slots.endpoints] == [4, 4]
        ninth = asyncio.ensure_future(slots.take())
        await asyncio.sleep(0)
        assert not ninth.done()
        slots.give_back(taken[1])
        assert (await ninth).url == "http://b"

    run(work)


def test_who_waits_longest_is_first_and_who_comes_again_goes_before() -> None:
    async def work() -> None:
        slots = Slots(["http://a"], Manners(slots=1))
        endpoint = await slots.take()
        order: list[str] = []

        async def wait(name: str, *, again: bool = False) -> None:
            held = await slots.take(again=again)
            order.append(name)
            slots.give_back(held)

        waiting = [asyncio.ensure_future(wait(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        waiting.append(asyncio.ensure_future(wait("again", again=True)))
        await asyncio.sleep(0)
        slots.give_back(endpoint)
        await asyncio.gather(*waiting)
        assert order == ["again", "first", "second"]
        assert endpoint.in_flight == 0

    run(work)


def test_cancelled_waiters_lose_no_slot() -> None:
    async def work() -> None:
        slots = Slots(["http://a"], Manners(slots=1))
        endpoint = await slots.take()
        early, late = (asyncio.ensure_future(slots.take()) for _ in range(2))
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.sleep(0)
        slots.give_back(endpoint)  # handed to `late`, which is cancelled before it can run
        late.cancel()
        await asyncio.gather(early, late, return_exceptions=True)
        assert endpoint.in_flight == 0
        assert await slots.take() is endpoint

    run(work)


def test_an_unreached_endpoint_is_left_alone_then_tried_by_one_question_at_a_time() -> None:
    async def work() -> None:
        slots = Slots(["http://a", "http://b"], QUICK)
        a = await slots.take()
        now = asyncio.get_running_loop().time()
        a.troubled(Trouble(Kind.UNREACHED, "no connection"), started=now, now=now)
        slots.give_back(a)
        taken = [(await slots.take()).url for _ in range(3)]
        assert taken == ["http://b"] * 3
        await asyncio.sleep(0.05)
        taken = [(await slots.take()).url for _ in range(3)]
        assert taken == ["http://a", "http://b", "http://b"]
        a.answered()
        assert (await slots.take()).url == "http://a"

    run(work)


def test_a_paused_endpoint_wakes_its_queue_by_itself() -> None:
    async def work() -> None:
        slots = Slots(["http://a"], QUICK)
        endpoint = await slots.take()
        now = asyncio.get_running_loop().time()
        endpoint.troubled(limited(wait=0.05), started=now, now=now)
        slots.give_back(endpoint)
        assert await slots.take() is endpoint
        assert asyncio.get_running_loop().time() >= now + 0.05

    run(work)


def test_when_all_are_given_up_questions_fail_at_once_with_the_reason_of_each() -> None:
    async def work() -> None:
        slots = Slots(["http://a", "http://b"], QUICK)
        now = asyncio.get_running_loop().time()
        for endpoint in slots.endpoints:
            endpoint.troubled(limited(wait=600.0), started=now, now=now)
        with pytest.raises(NoEndpointError, match=r"http://a: HTTP 429 .*; http://b: HTTP 429"):
            await slots.take()

    run(work)
