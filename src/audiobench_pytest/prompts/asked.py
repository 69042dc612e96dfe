"""What decides on the words of a question; importing this costs nothing, since collection does it."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.catalog.schema import PromptSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """What decides, beside the sample, in which words a task is asked.

    Attributes:
        task: Name of the task.
        named: Name of the prompt that the data set asks for, or "".
        dataset: Name of the data set.
        model: Name of the model.
        given: The prompt that the user asked for, which goes before all others; None without one.
        answer: The channel that the answer is wanted in: `text` or `speech`.
    """

    task: str
    named: str = ""
    dataset: str = ""
    model: str = ""
    given: PromptSpec | None = None
    answer: str = "text"
