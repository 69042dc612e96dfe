"""What is measured of every cell, whatever its recipe: coverage, time, repeats; each is told here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audiobench_pytest.types import Quantity

SUM, SPAN, RATE = "sum", "span", "rate"
"""How a quantity of several cells becomes one of their model: added up, least to greatest, by the total time."""


ABOVE_50 = Quantity("above_50_rate", maximum=100.0)
"""Share of the samples of which more than half is wrong."""

WORST_SHARE = Quantity("worst_1_share", maximum=100.0)
"""Share of all errors that the worst 1 % of the samples make; of fewer than 100 samples, the worst one."""

LEAST_EFFECTIVE = 6.0
"""Below this many effective clusters an interval is a rough guess."""

MOST_OF_ONE = 0.5
"""A cluster with more than this share of the samples speaks for the set."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """One quantity that is no recipe's.

    Attributes:
        quantity: Name, unit, direction, range.
        about: What it is about: `coverage`, `time`, `repeats`, `draws`, `listening` or `attempts`.
        help: What it is, in a few words; the heading of its column in files.
        title: A few words for a line on time, or "" for its name.
        total: How it adds up over the cells of a model, or "" where it does not.
        limited: Whether a gates file may limit it.
        locked: Whether a lock file keeps it.
        proposed: Whether `audiobench calibrate` proposes a limit on it.
    """

    quantity: Quantity
    about: str
    help: str
    title: str = ""
    total: str = ""
    limited: bool = False
    locked: bool = False
    proposed: bool = False


def _seconds(name: str, help: str, title: str = "", total: str = SUM, **more: bool) -> Fixed:
    return Fixed(Quantity(name, unit="s"), "time", help, title, total, **more)


_TABLE = (
    Fixed(
        Quantity("coverage", unit="", higher_is_better=True, maximum=1.0),
        "coverage",
        "share of the selected samples that were scored",
        limited=True,
    ),
    Fixed(
        Quantity("rtfx", unit="", higher_is_better=True),
        "time",
        "seconds of audio per second of inference",
        "RTFx",
        limited=True,
        locked=True,
        proposed=True,
    ),
    Fixed(
        Quantity("samples_per_s", unit="", higher_is_better=True),
        "time",
        "scored samples per second of inference",
        "samples/s",
        RATE,
        limited=True,
        locked=True,
    ),
    _seconds(
        "latency_p50_s", "median seconds from a question to its whole answer", "p50", SPAN, limited=True, locked=True
    ),
    _seconds("latency_p95_s", "95th percentile of the same", "p95", SPAN, limited=True, locked=True, proposed=True),
    _seconds(
        "ttft_p50_s",
        "median seconds to the first token, where the adapter can tell",
        "first token p50",
        SPAN,
        limited=True,
        locked=True,
    ),
    _seconds("ttft_p95_s", "95th percentile of the same", total="", limited=True, locked=True),
    _seconds(
        "ttfa_p50_s",
        "median seconds to the first sound of a spoken answer, where the adapter can tell",
        "first sound p50",
        SPAN,
        limited=True,
        locked=True,
    ),
    _seconds("ttfa_p95_s", "95th percentile of the same", total="", limited=True, locked=True),
    *(
        Fixed(
            Quantity(f"{name}_rtf", unit=""),
            "time",
            f"seconds that a codec takes to {name} one second of audio",
            f"{name} RTF",
            SPAN,
            limited=True,
            locked=True,
        )
        for name in ("encode", "decode")
    ),
    _seconds("load_s", "seconds of bringing the model into memory in this run", "load", limited=True),
    _seconds("warmup_s", "seconds of its first, made-up question; in no other number", "warm-up"),
    _seconds("decode_s", "seconds of decoding and resampling", "decoding"),
    _seconds("decode_wait_s", "seconds the model waited for clips", "waited for it"),
    _seconds("harness_s", "seconds of the shards that were none of these and no inference", "harness"),
    Fixed(
        Quantity("flip_rate", maximum=100.0),
        "repeats",
        "share of the probed samples whose second answer is another",
        limited=True,
    ),
    Fixed(
        Quantity("score_flip_rate", maximum=100.0),
        "repeats",
        "share of the probed samples whose second score is another",
        limited=True,
    ),
    Fixed(
        Quantity("draw_sd", unit=""),
        "draws",
        "standard deviation of the headline value from one draw of all clips to the next, in its own unit",
        limited=True,
    ),
    *(
        Fixed(Quantity(name, unit, True, *ends), "listening", help, limited=True)
        for name, unit, ends, help in (
            ("mos", "", (1.0, 5.0), "mean opinion of those who listened, 1 to 5"),
            ("mushra", "", (0.0, 100.0), "mean of their ratings beside a reference, 0 to 100"),
            ("preference", "%", (0.0, 100.0), "share of comparisons in which they preferred it; no preference is half"),
        )
    ),
    Fixed(
        Quantity("failed_first_rate", maximum=100.0),
        "attempts",
        "share of the answers that came only after the question had been asked in vain",
        limited=True,
    ),
    *(
        Fixed(Quantity(name, maximum=100.0), "attempts", f"share of the answers that were {how}", limited=True)
        for name, how in (
            ("truncated_rate", "cut off at the limit of tokens"),
            ("filtered_rate", "withheld by the server's filter"),
            ("refused_rate", "refusals"),
            ("tool_call_rate", "calls of tools that nobody offered"),
            ("thoughts_cut_rate", "over before the thoughts were"),
            ("empty_answer_rate", "empty, for no other of these reasons"),
        )
    ),
)
FIXED = {fixed.quantity.name: fixed for fixed in _TABLE}
"""By name, in the order of tables."""


def _limited(about: str) -> dict[str, Quantity]:
    return {name: fixed.quantity for name, fixed in FIXED.items() if fixed.limited and fixed.about == about}


COVERAGE = FIXED["coverage"].quantity
SPEED = _limited("time")
"""What may be limited of a cell's time."""
PERCENTILES = tuple(name for name in SPEED if "_p50_" in name or "_p95_" in name)
"""Those of them that are percentiles: a limit holds for the greatest value that they are likely to have."""
FLIPS = _limited("repeats")
"""What a probe measures (`--probe K`)."""

DRAW_SD = FIXED["draw_sd"].quantity
"""What several draws of each clip tell (`--repeats K`)."""

LISTENED = _limited("listening")
"""What people say who listened (`audiobench listen`)."""

ATTEMPTS = _limited("attempts")
"""How answers came to be: shares that are 0 where nothing is told of them."""

FAILED_FIRST = FIXED["failed_first_rate"].quantity
"""How often a model had to be asked again, in this run or before."""

OF_ENDINGS = {
    "length": "truncated_rate",
    "filter": "filtered_rate",
    "refusal": "refused_rate",
    "tool_call": "tool_call_rate",
    "thoughts_cut": "thoughts_cut_rate",
    "empty": "empty_answer_rate",
}
"""The share of each way that an answer may end other than of itself."""


def capped(headline: Quantity) -> Quantity:
    """Return the quantity of an error rate to which each sample adds no more than were it all wrong: `wer_capped`."""
    return Quantity(f"{headline.name}_capped", maximum=100.0)


def adding_up(how: str) -> Iterator[str]:
    """Yield the names of the quantities that add up in a way."""
    return (name for name, fixed in FIXED.items() if fixed.total == how)


_TITLES = {name: fixed.title for name, fixed in FIXED.items() if name == "rtfx"}
_ACRONYMS = ("wer", "cer", "bleu", "chrf", "cider")


def heading(metric: str) -> str:
    """Return a metric's name as columns are headed by it: `WER`, `ASR-WER`, `BIT RATE`."""
    return re.sub(r"^asr_", "asr-", metric).replace("_", " ").upper()


def title(metric: str) -> str:
    """Return a metric's name as it is spoken: `WER`, `RTFx`, `acc`."""
    if metric.startswith("asr_"):
        return f"ASR-{title(metric.removeprefix('asr_'))}"
    first, _, rest = metric.partition("_")
    if first in _ACRONYMS:
        return f"{first.upper()} {rest.replace('_', ' ')}".rstrip()
    return _TITLES.get(metric, metric)


def unit_of(quantity: Quantity) -> str:
    """Return a unit as it follows a number: ` %`, or nothing."""
    return f" {quantity.unit}" if quantity.unit else ""
