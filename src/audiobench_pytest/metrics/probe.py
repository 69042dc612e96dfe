"""What the steps of a rule do, as a digest: two versions of our code that normalise otherwise have two signatures.

The texts are frozen: a line more in them would be another signature for the same scores.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from audiobench_pytest import catalog
from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.references import normaliser
from audiobench_pytest.metrics.text.units import counting


@functools.cache
def _texts() -> Sequence[str]:
    path = Path(catalog.__file__).parent / "checks" / "probe.txt"
    # What cannot be seen in a file is written by its number there.
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(line.encode("raw_unicode_escape").decode("unicode_escape") if "\\" in line else line for line in lines)


@functools.lru_cache(256)
def probe(rule: LanguageRule) -> str:
    """Return a digest of the units that a rule makes of some three hundred texts of all languages."""
    normalise, split = normaliser(rule), counting(rule.unit).split
    made = "\n".join("\x1f".join(split(normalise(text))) for text in _texts())
    return hashlib.blake2b(made.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
