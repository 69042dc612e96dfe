"""Which prompt a model is given for a sample."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiobench_pytest.catalog.entries import catalog_folders
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import PromptSpec
from audiobench_pytest.catalog.schema.recipes import language_code
from audiobench_pytest.errors import SampleError, UsageError, folded
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.render import TURNS, Template, row_prompt
from audiobench_pytest.types import Prompt, Sample


def prompt_for(
    sample: Sample,
    asked: Asked,
    *,
    takes_language_hint: bool = False,
    takes_instruction: bool = False,
    reads_aloud: bool = False,
) -> Prompt:
    """Return what is asked of a model about one sample.

    A plain recogniser needs no instruction. Whether it is told the language is part of the prompt, and so of the cache
    key: a number made with the hint and one made without it are two measurements.

    Args:
        sample: The sample.
        asked: What decides on the words.
        takes_language_hint: What the adapter says of itself.
        takes_instruction: Likewise.
        reads_aloud: Likewise.

    Raises:
        UsageError: There is no prompt for the task.
        SampleError: The sample lacks a field that the prompt names, the text that is to be said, or how.
    """
    hint = sample.language if takes_language_hint else None
    if reads_aloud:
        if not sample.text.strip():
            raise SampleError(f"sample '{sample.id}' has no text to be said aloud")
        voice_text, style = _voice_text(sample), _style(sample, asked.task)
        return Prompt(text=sample.text, language=hint, answer="speech", voice_text=voice_text, style=style)
    if not takes_instruction:
        return Prompt(language=hint, answer=asked.answer)
    if sample.prompt and asked.given is None:
        found = row_prompt(sample, hint)
    else:
        found = _template(asked, sample.language, catalog_folders()).render(sample, hint)
    return found if asked.answer == "text" else dataclasses.replace(found, answer=asked.answer)


def _voice_text(sample: Sample) -> str:
    """Return what is said in the sound whose voice is to be taken, as the row has it under `prompt_text`."""
    said = sample.meta.get("prompt_text") if "prompt" in sample.sounds else None
    return said.strip() if isinstance(said, str) else ""


_STYLE = "instruction"
"""Field of a row that says how its text is to be said, where that is what its task asks about."""


def _style(sample: Sample, task: str) -> str:
    """Return how a row's text is to be said aloud; "" for a task that leaves it to the model."""
    if task not in load_catalog().tasks or _STYLE not in load_catalog().tasks.get(task).mentions:
        return ""
    said = sample.meta.get(_STYLE)
    if not isinstance(said, str) or not said.strip():
        raise SampleError(f"sample '{sample.id}' has no '{_STYLE}', which says how its text is to be said")
    return said.strip()


def profile_for(asked: Asked, language: str) -> PromptSpec:
    """Return the prompt that asks a task about recordings in a language.

    The user's own goes first, then one that is meant for the model and the data set, one that is meant for the model,
    the one that the data set names or that is meant for it, and that of task and language.

    Args:
        asked: What decides on the words.
        language: ISO 639 code of the recordings.

    Raises:
        UsageError: There is none, or the one named asks another task or never mentions what the task asks about.
    """
    found = _profile_for(asked, language)
    if asked.task in load_catalog().tasks and not any(turn.role == TURNS for turn in found.turns):
        for field in load_catalog().tasks.get(asked.task).mentions:
            if not any(field in turn.text for turn in found.turns):
                raise UsageError(
                    f"the prompt '{found.name}' never mentions {{{{ {field} }}}}, which is what the task "
                    f"'{asked.task}' asks"
                )
    return found


def _profile_for(asked: Asked, language: str) -> PromptSpec:
    if asked.given is not None:
        return _of_task(asked.given, asked.task)
    fitting = [prompt for prompt in load_catalog().prompts if prompt.task == asked.task and prompt.chosen]
    for_model = [prompt for prompt in fitting if _is_meant(asked.model, prompt.models)]
    for_set = [prompt for prompt in fitting if _is_meant(asked.dataset, prompt.datasets)]
    both = [prompt for prompt in for_model if prompt in for_set]
    found = _in_language(both, language) or _in_language([p for p in for_model if not p.datasets], language)
    if found is None and asked.named:
        return _of_task(load_catalog().prompts.get(asked.named), asked.task)
    found = found or _in_language([prompt for prompt in for_set if not prompt.models], language)
    found = found or _in_language([p for p in fitting if not p.models and not p.datasets], language)
    if found is None:
        raise UsageError(
            f"no prompt asks the task '{asked.task}' about recordings in '{language}': add one under prompts/ of your "
            "own catalogue folder (setting `catalog`), or give the words with --prompt TEXT or --prompt @FILE"
        )
    return found


def given_prompts(texts: Sequence[str], task: str, folder: Path) -> tuple[PromptSpec, ...]:
    """Return the prompts that `--prompt` asks for, each once, by names that tell them apart in any run.

    A text is split at its commas where each piece is the name of a prompt or a file; any other text is one prompt.

    Args:
        texts: As written.
        task: The task that words and files ask.
        folder: Where the paths of files start.

    Raises:
        UsageError: As for `given_prompt`.
    """
    pieces = [piece for text in texts for piece in _pieces(text, folder)]
    found = dict.fromkeys(given_prompt(piece, task, folder) for piece in pieces)
    called = Counter(prompt.name for prompt in found)
    return tuple(
        dataclasses.replace(prompt, name=_by_words(prompt.name, prompt.text)) if called[prompt.name] > 1 else prompt
        for prompt in found
    )


def _by_words(name: str, words: str) -> str:
    """Return a name that says which words it is of, in whatever run and at whatever place they are given."""
    return f"{name}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


def _pieces(text: str, folder: Path) -> list[str]:
    if "," not in text or (text.startswith("@") and (folder / Path(text[1:]).expanduser()).is_file()):
        return [text]
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    names = load_catalog().prompts
    if all(piece in names or (piece.startswith("@") and " " not in piece) for piece in pieces):
        return pieces
    # One word is no instruction in a language that is written with spaces: it can only be meant as names.
    return pieces if len(text.split()) < 2 and "{{" not in text and text.isascii() else [text]


def given_prompt(text: str, task: str, folder: Path) -> PromptSpec:
    """Return the prompt that `--prompt` asks for: `NAME`, `@FILE` or the words themselves.

    Args:
        text: As written. One word alone is a name.
        task: The task that words and files ask.
        folder: Where the path of a file starts.

    Raises:
        UsageError: There is no such prompt or file, it asks another task, or it is no template.
    """
    if text.startswith("@"):
        path = folder / Path(text[1:]).expanduser()
        try:
            words = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(f"--prompt {text}: {getattr(exc, 'strerror', None) or exc}") from None
        found = PromptSpec(f"@{path.name}", task, words)
    elif text in (prompts := load_catalog().prompts) or (len(text.split()) < 2 and "{{" not in text and text.isascii()):
        try:
            return prompts.get(text)
        except UsageError as exc:
            raise UsageError(f"--prompt: {exc}; or write @FILE, or the words themselves") from None
    else:
        found = PromptSpec(_by_words("given", text.strip()), task, text.strip())
    if not found.text:
        raise UsageError(f"--prompt {text}: holds no words")
    Template(found)
    return found


def _of_task(prompt: PromptSpec, task: str) -> PromptSpec:
    if prompt.task != task:
        raise UsageError(f"the prompt '{prompt.name}' asks the task '{prompt.task}', not '{task}'")
    return prompt


def _is_meant(name: str, names: Iterable[str]) -> bool:
    return bool(name) and folded(name) in map(folded, names)


def _in_language(prompts: Iterable[PromptSpec], language: str) -> PromptSpec | None:
    """Return the prompt for a language, or else the one for those that have none of their own."""
    fitting = list(prompts)
    code = language_code(language)
    while code:
        for prompt in fitting:
            if code in prompt.languages:
                return prompt
        code = code.rpartition("-")[0]
    return next((prompt for prompt in fitting if not prompt.languages), None)


@functools.cache
def _template(asked: Asked, language: str, folders: tuple[Path, ...]) -> Template:
    """Return a compiled prompt; the folders are those that the catalogue is read from."""
    return Template(profile_for(asked, language))
