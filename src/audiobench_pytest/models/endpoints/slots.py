"""Who may ask which HTTP endpoint, and when: slots, back-off, and endpoints that come and go.

Sends nothing itself and imports no client. All of it lives in one event loop, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import email.utils
import enum
import math
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SHRINK = 0.5
"""What is left of an endpoint's window after it said that it is overloaded."""


class Kind(enum.Enum):
    """What went wrong with one attempt, by what it says about the endpoint and about the question."""

    UNREACHED = "unreached"
    """No connection: the question never got there. The endpoint is left alone for a while."""
    LIMITED = "limited"
    """The endpoint asks for patience (429, or 503 with a time). Not the question's failure, so not counted as one."""
    FAILED = "failed"
    """5xx, a broken connection, a time-out, a garbled reply: worth another attempt, a limited number of times."""
    REFUSED = "refused"
    """The endpoint works and does not want this question: asking again would not help."""


class Trouble(Exception):  # noqa: N818 - an outcome to be dealt with, which mostly ends well
    """One attempt had no answer.

    Attributes:
        kind: See `Kind`.
        what: The reason, for people; names neither the endpoint nor a credential.
        wait: Seconds the endpoint asked to wait, or None.
    """

    def __init__(self, kind: Kind, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.kind, self.what, self.wait = kind, what, wait


class NoEndpointError(Exception):
    """Every endpoint has been given up for now; the message says why, endpoint by endpoint."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How hard endpoints are pressed.

    Attributes:
        slots: Most questions in flight, over all endpoints.
        retries: How often a question that failed is asked again.
        patience: Seconds that an endpoint may fail, refuse connections or limit without one success in between before
            it is given up: questions then fail at once, except one at a time that tries whether it is back.
        first_delay: Seconds of the first back-off; each further one is twice as long.
        longest_delay: Seconds at which back-off stops growing.
    """

    slots: int
    retries: int = 4
    patience: float = 180.0
    first_delay: float = 0.5
    longest_delay: float = 30.0

    def delay(self, failures: int) -> float:
        """Return seconds to wait after so many failures in a row.

        Half of it is chance, so that what failed together does not come back together.
        """
        longest = min(self.longest_delay, self.first_delay * 2.0 ** min(failures - 1, 30))
        return longest * random.uniform(0.5, 1.0)


@dataclass(slots=True)
class Endpoint:
    """One server, and what is known of its health.

    Its window, the most questions it is given at once, opens by one for each windowful of successes and closes to half
    when it is overloaded (additive increase, multiplicative decrease), once for all questions that were on their way.

    Attributes:
        url: Base address, without a slash at its end and without credentials.
        index: Its position among the endpoints given.
        manners: How hard it may be pressed.
        in_flight: Questions it has now.
        window: See above.
        paused_until: It is asked nothing before this moment of the loop's clock.
        avoided_until: Before this moment it is asked only when no other endpoint has room.
        unreached: No connection since the last success; one question at a time tries whether it is back.
        failures: Failures since the last sign of life; what fails while the same trouble lasts counts once.
        failing_since: When the first of them was seen, or None.
        failed_last: When the last was seen.
        reason: What the last was.
    """

    url: str
    index: int
    manners: Manners
    in_flight: int = 0
    window: float = field(init=False)
    paused_until: float = 0.0
    avoided_until: float = 0.0
    unreached: bool = False
    failures: int = 0
    failing_since: float | None = None
    failed_last: float = 0.0
    reason: str = ""
    _in_a_row: int = 0
    _shrunk_at: float = -math.inf

    def __post_init__(self) -> None:
        self.window = float(self.manners.slots)

    def room(self, now: float) -> bool:
        """Whether it may be asked one more question now."""
        allowed = 1 if self.unreached or self.given_up(now) else max(1, int(self.window))
        return self.paused_until <= now and self.in_flight < allowed

    def given_up(self, now: float) -> bool:
        """Whether it has had no success for longer than patience allows, or asked for a longer pause than that.

        Measured between failures that were seen: time in which nobody asked says nothing.
        """
        if self.failing_since is None:
            return False
        patience = self.manners.patience
        return self.failed_last - self.failing_since >= patience or self.paused_until - now > patience

    def answered(self) -> None:
        """Note a success."""
        self.alive()
        self.window = min(float(self.manners.slots), self.window + 1.0 / self.window)

    def alive(self) -> None:
        """Note that it works, whatever it said."""
        self.failures = self._in_a_row = 0
        self.failing_since = None
        self.unreached = False
        self.avoided_until = 0.0

    def troubled(self, trouble: Trouble, started: float, now: float) -> None:
        """Note that an attempt had no answer.

        Args:
            trouble: What went wrong.
            started: When the attempt began, on the loop's clock.
            now: When it ended.
        """
        if trouble.kind is Kind.REFUSED:
            self.alive()
            return
        self._in_a_row += 1
        # One failure among successes is the question's (a clip the server cannot read), more in a row are the server's.
        if (trouble.kind is Kind.LIMITED or self._in_a_row > 1) and started >= self._shrunk_at:
            self.window = max(1.0, self.window * _SHRINK)
            self._shrunk_at = now
        asked_again = max(self.failed_last, self.paused_until, self.avoided_until) + self.manners.longest_delay
        if self.failing_since is None or started > asked_again:
            self.failing_since = now
        if self.failures == 0 or started >= self.failed_last:
            self.failures += 1
        self.failed_last, self.reason = now, trouble.what
        delay = trouble.wait * random.uniform(1.0, 1.1) if trouble.wait else self.manners.delay(self.failures)
        if trouble.kind is Kind.FAILED:
            self.avoided_until = now + delay
        else:
            self.paused_until = max(self.paused_until, now + delay)
            self.unreached = self.unreached or trouble.kind is Kind.UNREACHED


class Slots:
    """Hands out endpoints to questions in the order in which they came; those that come again go first.

    To be made, used and closed in one running event loop.
    """

    def __init__(self, urls: Sequence[str], manners: Manners) -> None:
        self.endpoints = [Endpoint(url, index, manners) for index, url in enumerate(urls)]
        self.manners = manners
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Endpoint]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, *, again: bool = False) -> Endpoint:
        """Wait for room at an endpoint: of those that have it, the one with the fewest questions.

        Args:
            again: The question has been asked before and goes to the head of the queue.

        Raises:
            NoEndpointError: All have been given up.
        """
        ticket: asyncio.Future[Endpoint] = self._loop.create_future()
        (self._waiting.appendleft if again else self._waiting.append)(ticket)
        self._grant()
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                self.give_back(ticket.result())
            raise

    def give_back(self, endpoint: Endpoint) -> None:
        """Free a slot; whoever waits longest gets it at once."""
        endpoint.in_flight -= 1
        self._grant()

    def others(self, endpoint: Endpoint) -> bool:
        """Whether another endpoint that is well could be asked in its stead."""
        now = self._loop.time()
        return any(e is not endpoint and e.avoided_until <= now and e.room(now) for e in self.endpoints)

    def close(self) -> None:
        """Stop the clock; who still waits is to be cancelled by whoever made them wait."""
        if self._timer is not None:
            self._timer.cancel()

    def _grant(self) -> None:
        while self._waiting:
            if self._waiting[0].done():  # cancelled while it waited
                self._waiting.popleft()
                continue
            now = self._loop.time()
            endpoint = self._pick(now)
            if endpoint is not None:
                endpoint.in_flight += 1
                self._waiting.popleft().set_result(endpoint)
            elif all(e.given_up(now) for e in self.endpoints):
                self._waiting.popleft().set_exception(NoEndpointError(self._why(now)))
            else:
                self._wake_up(now)
                return

    def _pick(self, now: float) -> Endpoint | None:
        if sum(e.in_flight for e in self.endpoints) >= self.manners.slots:
            return None
        free = [e for e in self.endpoints if e.room(now)]
        return min(free, key=lambda e: (e.avoided_until > now, e.in_flight, e.index), default=None)

    def _wake_up(self, now: float) -> None:
        pauses = [e.paused_until for e in self.endpoints if e.paused_until > now]
        if self._timer is not None:
            self._timer.cancel()
        # Without a pause it is the next slot given back that goes on.
        self._timer = self._loop.call_at(min(pauses), self._grant) if pauses else None

    def _why(self, now: float) -> str:
        said = []
        for endpoint in self.endpoints:
            span = now - (endpoint.failing_since if endpoint.failing_since is not None else now)
            said.append(f"{endpoint.url}: {endpoint.reason} (no success for {span:.0f} s)")
        return "; ".join(said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a reply asks to wait, or None when it does not, or says it in no way that makes sense.

    Read are `Retry-After` as seconds or as an HTTP date (RFC 9110, 10.2.3), and `retry-after-ms`.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            seconds = _until(text)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _until(text: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return math.nan
