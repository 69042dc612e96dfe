"""One module per figure; each has `measure(inputs) -> Result`."""

import importlib
from collections.abc import Callable

from inputs import Inputs
from result import Result

NAMES = (
    "idle_cost",
    "collect_cost",
    "harness_cpu",
    "choice_cpu",
    "question_rows",
    "feed_rate",
    "first_sample",
    "repeated_run",
    "first_rows",
    "two_workers",
    "next_model",
    "served_rate",
    "chat_wall",
    "chat_batch",
    "native_batches",
    "rating_wall",
    "isolated_batch",
    "million_records",
    "corpus_wer",
    "collect_catalogue",
    "plan_catalogue",
    "bootstrap",
    "report_pages",
    "walk",
)
"""In the order of the table."""


def measure_of(name: str) -> Callable[[Inputs], Result]:
    """Return the function that takes a figure; only its own module is imported."""
    return importlib.import_module(f"figures.{name}").measure
