"""Which prompt a model is given for a sample."""

from __future__ import annotations

import functools
from pathlib import Path

from audiobench_pytest.catalog.entries import catalog_folders
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import PromptSpec
from audiobench_pytest.catalog.schema.recipes import language_code
from audiobench_pytest.errors import UsageError
from audiobench_pytest.prompts.render import Template
from audiobench_pytest.types import Prompt, Sample


def prompt_for(
    sample: Sample, *, takes_language_hint: bool, takes_instruction: bool = False, task: str, named: str = ""
) -> Prompt:
    """Return what is asked of a model about one sample.

    A plain recogniser needs no instruction. Whether it is told the language is part of the prompt, and so of the cache
    key: a number made with the hint and one made without it are two measurements.

    Args:
        sample: The sample.
        takes_language_hint: What the adapter says of itself.
        takes_instruction: Likewise.
        task: The data set's task, which decides the instruction together with the sample's language.
        named: Name of the prompt that the data set asks for, or "" for that of task and language.

    Raises:
        UsageError: There is no prompt for the task.
        SampleError: The sample lacks a field that the prompt names.
    """
    hint = sample.language if takes_language_hint else None
    if not takes_instruction:
        return Prompt(language=hint)
    template = _template(task, sample.language, named, catalog_folders())
    return Prompt(template.render(sample), hint, profile=template.name)


def profile_for(task: str, language: str, named: str = "") -> PromptSpec:
    """Return the prompt that asks a task about recordings in a language.

    Args:
        task: Name of the task.
        language: ISO 639 code of the recordings.
        named: Name of the prompt that was asked for, or "" to find one.

    Raises:
        UsageError: There is none, or the one named asks another task.
    """
    prompts = load_catalog().prompts
    if named:
        found = prompts.get(named)
        if found.task != task:
            raise UsageError(f"the prompt '{found.name}' asks the task '{found.task}', not '{task}'")
        return found
    fitting = [prompt for prompt in prompts if prompt.task == task and prompt.chosen]
    code = language_code(language)
    while code:
        for prompt in fitting:
            if code in prompt.languages:
                return prompt
        code = code.rpartition("-")[0]
    for prompt in fitting:
        if not prompt.languages:
            return prompt
    raise UsageError(
        f"no prompt asks the task '{task}' about recordings in '{language}': add one under prompts/ of your own "
        "catalogue folder (setting `catalog`), or give the words with --model-args prompt=TEXT or prompt=@FILE"
    )


@functools.cache
def _template(task: str, language: str, named: str, folders: tuple[Path, ...]) -> Template:
    """Return a compiled prompt; the folders are those that the catalogue is read from."""
    return Template(profile_for(task, language, named))
