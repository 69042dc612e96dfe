"""Layouts of manifests by name: `FORMAT:PATH` says what a file is where its content would not, or would wrongly."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.datasets.manifests.dialect import Dialect
from audiobench_pytest.datasets.manifests.dialects import DIALECTS, NATIVE, URO_BENCH, WENET
from audiobench_pytest.datasets.manifests.foreign import LAYOUTS, Layout
from audiobench_pytest.errors import DatasetError, did_you_mean


@dataclass(frozen=True, slots=True)
class Format:
    """What is known of a file whose layout somebody named.

    Attributes:
        lines: How it is cut into rows (`csv`, `tsv`, `scp`, `lst`); "" as the file's own name and beginning say.
        dialect: Which dialect each row is of, or None.
        layout: Which layout of others each row is of, or None.
    """

    lines: str = ""
    dialect: Dialect | None = None
    layout: Layout | None = None


UNNAMED = Format()
"""That of a file whose rows say by their columns what they are."""


_SHORT = {"Kimi-Audio-Evalkit": "kimi", "UltraEval-Audio": "ultraeval"}
"""Layouts that have another name where their results are imported and their registry is read."""


def slug(name: str) -> str:
    """Return how the name of a layout is written on a command line (`Common Voice`: `common-voice`)."""
    return _SHORT.get(name, name.casefold().replace(" ", "-"))


def formats() -> dict[str, Format]:
    """Return every layout of manifests that can be named, those that others added among them."""
    found = {slug(one.name): Format(layout=one) for one in LAYOUTS}
    found["common-voice"] = Format(lines="tsv", layout=found["common-voice"].layout)
    found |= {slug(one.name): Format(dialect=one) for one in (WENET, URO_BENCH, *DIALECTS)}
    found |= {
        "native": Format(dialect=NATIVE),
        "csv": Format(lines="csv"),
        "tsv": Format(lines="tsv"),
        "kaldi": Format(lines="scp", dialect=WENET),
        "seed-tts": Format(lines="lst", dialect=NATIVE),
    }
    return found


def format_named(name: str) -> Format:
    """Return what is known of a file by the name of its layout; `""` is that of a file which says so itself.

    Raises:
        DatasetError: There is no such layout; names close ones.
    """
    if not name:
        return UNNAMED
    known = formats()
    if name not in known:
        raise DatasetError(f"there is no layout of manifests '{name}'{did_you_mean(name, sorted(known))}")
    return known[name]
