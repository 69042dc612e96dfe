"""Batches made of rows that were prepared one by one, so that what a row becomes cannot depend on the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def joined(rows: Sequence[Mapping[str, Any]], model: Any, *, pad: int | None, dtype: Any = None) -> dict[str, Any]:
    """Return the inputs of a batch on the model's device.

    Args:
        rows: Tensors of each row, by name; their first axis counts rows (or sounds).
        model: The model.
        pad: Token that questions are padded with, on the left; all else is padded with zeros behind its end.
        dtype: Precision of floating-point inputs; that of the model unless given.
    """
    import torch

    left = {"input_ids": pad or 0, "attention_mask": 0} if "input_ids" in rows[0] else {}
    inputs = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        parts = [row[name] for row in rows if name in row]
        sizes = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].dim())]
        padded = []
        for part in parts:
            missing = [size - have for size, have in zip(sizes, part.shape[1:], strict=True)]
            if any(missing):
                # Of the last axis first, as (before, after).
                around = [side for lack in reversed(missing) for side in ((lack, 0) if name in left else (0, lack))]
                part = torch.nn.functional.pad(part, around, value=left.get(name, 0))
            padded.append(part)
        whole = torch.cat(padded)
        inputs[name] = (
            whole.to(model.device, dtype or model.dtype) if whole.is_floating_point() else whole.to(model.device)
        )
    return inputs
