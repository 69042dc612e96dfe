"""Arguments that name files: what they hold is what answers depend on, not where they lie."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError, SampleError
from audiobench_pytest.records.digests import content_digest
from audiobench_pytest.records.identities import CONTENT


def by_content(model: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with the digest of what it holds in place of each path that exists.

    Raises:
        ModelError: A file cannot be read.
    """
    found = dict(args)
    try:
        for name, value in args.items():
            if not str(value):  # no path: it would be read as the working folder
                continue
            with contextlib.suppress(OSError, ValueError):  # too long for a path, say
                path = Path(str(value)).expanduser()
                if path.exists():
                    found[name] = f"{CONTENT}{content_digest(path)}"
    except SampleError as exc:
        raise ModelError(f"model '{model}': {exc}") from exc
    return found
