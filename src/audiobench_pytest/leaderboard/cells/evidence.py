"""What the numbers of a cell rest on: which part of the set, which weights, answers of which day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audiobench_pytest.records.identities import CHECKPOINT, CONTENT, added
from audiobench_pytest.records.keys import digest
from audiobench_pytest.records.runs.plan import IMPORTED, ShardReceipt
from audiobench_pytest.types import Evidence

_WEIGHTS = (*CHECKPOINT, "observed", "digest")
"""What may tell a model's weights apart in its identity, the closest first."""


def evidence_of(
    receipts: Sequence[ShardReceipt],
    endings: Mapping[str, int] | None = None,
    heard: Mapping[str, int] | None = None,
    scripts: Mapping[str, int] | None = None,
) -> Evidence:
    """Return what the shards of a cell say of their evidence.

    Args:
        receipts: What they say of themselves.
        endings: How many scored answers did not end of themselves, by way.
        heard: How many clips were heard, and how many of them are odd.
        scripts: How many scored answers are in another script than their language's, by script.
    """
    data, model = merged(r.dataset for r in receipts), merged(r.model for r in receipts)
    told = [r.reused for r in receipts]
    reused = [one for one in told if one]
    imported = imported_of(model.get("identity"))
    selection, size = data.get("selection"), data.get("size")
    return Evidence(
        size=size if isinstance(size, int) else None,
        selection=" and ".join(map(str, selection)) if isinstance(selection, list) else str(selection or ""),
        weights=weights_of(model.get("identity")),
        pinned=model.get("pinned") is not False and not imported,
        reused=None if None in told or not told else int(sum(one["answers"] for one in reused)),
        oldest=min((one["oldest"] for one in reused), default=0.0),
        newest=max((one["newest"] for one in reused), default=0.0),
        failed_first=sum(r.failed_first for r in receipts),
        remeasured=sum(len(r.remeasured) for r in receipts),
        endings=dict(endings or {}),
        heard=dict(heard or {}),
        scripts=dict(scripts or {}),
        imported=imported,
    )


def imported_of(identity: Any) -> str:
    """Return whose result files the answers were read from, in words; "" where they were asked here."""
    told = identity.get(IMPORTED) if isinstance(identity, Mapping) else None
    if not isinstance(told, Mapping):
        return ""
    files = ", ".join(f"{one['name']} (sha256 {one['sha256'][:12]})" for one in told.get("files", ()))
    taken = "".join(f", {name} {told[name]}" for name in ("answer", "subset") if told.get(name))
    return f"answers imported from {told.get('format')}: {files}{taken}"


def weights_of(identity: Any) -> str:
    """Return what tells a model's weights apart, or "".

    With weights that are added to the checkpoint it is a digest of both, whose first digits are not the checkpoint's.
    """
    known = identity if isinstance(identity, Mapping) else {}
    told = [str(known[name]) for name in _WEIGHTS if known.get(name)]
    if (folder := str(known.get("source") or "")).startswith(CONTENT):  # of a model in an environment of its own
        told.insert(0, folder.removeprefix(CONTENT))
    checkpoint = next((text for text in told if " " not in text), "")  # words say that nobody can tell
    more = added(known)
    return digest([checkpoint, more]) if checkpoint and more else checkpoint


def merged(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all processes say of the model or the data; what they differ in (two devices) is a sorted list."""
    seen: dict[str, dict[str, Any]] = {}
    for fact in facts:
        for key, value in fact.items():
            if value is not None:
                seen.setdefault(key, {})[json.dumps(value, sort_keys=True)] = value
    return {
        key: next(iter(values.values())) if len(values) == 1 else [values[text] for text in sorted(values)]
        for key, values in sorted(seen.items())
    }
