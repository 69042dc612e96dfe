"""How fast a cell was answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.exact import most_beyond
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.runs.table import CellTable, table_of
from audiobench_pytest.types import CellId, Outcome, Percentile, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPENT = ("load_s", "warmup_s", "decode_wait_s")


def speed_of(table: CellTable, receipts: Iterable[ShardReceipt]) -> dict[str, float]:
    """Return what is known of time beside RTFx.

    Args:
        table: The cell's samples.
        receipts: What its shards said.

    Returns:
        Of the answers, when they were given:

        - `samples_per_s`: scored samples per second of inference;
        - `decode_s`: sum over the clips; threads decode ahead, so that most of it costs no time;
        - `latency_p50_s`, `latency_p95_s`: from a question to its whole answer, where that is known: of a batch the
          time of the whole batch, of a server that of the request;
        - `ttft_p50_s`, `ttft_p95_s`: to the first token, `ttfa_p50_s`, `ttfa_p95_s`: to the first sound of a spoken
          answer, where an adapter can tell;
        - `encode_rtf`, `decode_rtf`: seconds that a codec takes per second of audio.

        Of this run, summed over its shards that ended:

        - `load_s`, `warmup_s`: bringing the model into memory, and its first, made-up question; in no other number;
        - `decode_wait_s`: while the model waited for clips;
        - `harness_s`: what is left of the shards' own wall time without these three and inference: reading the data
          set, keys, the cache, and what of keeping and scoring did not go on beside the model.
    """
    scored = table.scored
    infer_s = math.fsum(table.infer_s[scored])
    speed = {"decode_s": math.fsum(table.decode_s[scored])}
    if infer_s > 0:
        speed["samples_per_s"] = int(scored.sum()) / infer_s
    for name, percent, taken in _times(table):
        # Nearest rank: a value that was measured, not one between two.
        speed[name] = float(taken[max(0, math.ceil(percent / 100 * len(taken)) - 1)])
    for name in ("encode", "decode"):
        if (column := f"codec_{name}_s") in table.more:
            taken = table.more[column][scored]
            known = np.isfinite(taken)
            audio_s = math.fsum(table.audio_s[scored][known])
            if audio_s > 0:
                speed[f"{name}_rtf"] = math.fsum(taken[known]) / audio_s
    return speed | _of_the_run(receipts)


def timed(table: CellTable, receipts: Iterable[ShardReceipt]) -> CellTable:
    """Return the samples whose times count: those that were asked afresh for their time, where there are any."""
    rows = [row for receipt in receipts for row in receipt.remeasured]
    if not rows:
        return table
    known = ("audio_s", "infer_s", "decode_s")
    cell = CellId("", "", "")
    return table_of(
        Outcome(
            cell,
            str(number),
            State.OK,
            "",
            "",
            audio_s=row.get("audio_s", 0.0),
            infer_s=row.get("infer_s", 0.0),
            decode_s=row.get("decode_s", 0.0),
            timing={name: value for name, value in row.items() if name not in known},
        )
        for number, row in enumerate(rows)
    )


def percentiles_of(table: CellTable) -> dict[str, Percentile]:
    """Return how sure the percentiles are that `speed_of` gives, by name."""
    found = {}
    for name, percent, taken in _times(table):
        beyond = most_beyond(len(taken), percent)
        high = None if beyond is None else float(taken[len(taken) - 1 - beyond])
        found[name] = Percentile(percent, len(taken), high)
    return found


def _times(table: CellTable) -> Iterator[tuple[str, int, NDArray[np.float64]]]:
    """Yield each percentile's name, which it is, and the sorted times it is of."""
    for name, title in (("latency_s", "latency"), ("ttft_s", "ttft"), ("ttfa_s", "ttfa")):
        if name in table.more:
            taken = table.more[name][table.scored]
            taken = np.sort(taken[np.isfinite(taken)])
            for percent in (50, 95) if len(taken) else ():
                yield f"{title}_p{percent}_s", percent, taken


def _of_the_run(receipts: Iterable[ShardReceipt]) -> dict[str, float]:
    ended = [(r.ended - r.started, r.spent) for r in receipts if r.ended is not None and r.spent]
    if not ended:
        return {}
    sums = {name: math.fsum(spent.get(name, 0.0) for _, spent in ended) for name in _SPENT}
    # Of two clocks: the wall's may be set back while a shard runs.
    sums["harness_s"] = math.fsum(max(0.0, wall - _within(spent)) for wall, spent in ended)
    return sums


def _within(spent: Mapping[str, float]) -> float:
    """Return the seconds that passed within a shard: of loading a model, a part may have passed before."""
    return math.fsum(-seconds if name == "load_ahead_s" else seconds for name, seconds in spent.items())
