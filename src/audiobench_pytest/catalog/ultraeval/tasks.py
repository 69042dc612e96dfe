"""Tasks of a registry: what is asked, in which words, and how it is scored, in our terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.catalog.schema import MessageSpec, PromptSpec
from audiobench_pytest.catalog.ultraeval import classes
from audiobench_pytest.catalog.ultraeval.files import Registered, RegistryFiles

_SOUND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FIELD = re.compile(r"\{\{\s*(?!loop\b)([A-Za-z_]\w*)|\bin\s+(\w+)")
_MAIN_SOUND = "WavPath"


class NoCounterpartError(Exception):
    """Something of a registry that there is nothing for here; the message says what."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task asks, in our terms.

    Attributes:
        task: Name of our task.
        recipe: Name of our recipe.
        prompt: Name of their prompt.
        language: What the evaluator takes the answers to be in, or "".
    """

    task: str
    recipe: str
    prompt: str
    language: str


def asked(files: RegistryFiles, name: str) -> Asked:
    """Return what a task asks.

    Raises:
        NoCounterpartError: There is none of that name, or a part of it has no counterpart.
    """
    entry = files.of("eval_task").get(name)
    if entry is None:
        raise NoCounterpartError(f"its registry has no task '{name}'")
    if entry.cls != "base.EvalTaskCfg":
        raise NoCounterpartError(f"the task '{name}' is of class {entry.cls}, which has no counterpart here")
    recipe = _processed(files, name, entry.args.get("post_process") or ())
    evaluator = _part(files, "evaluator", str(entry.args.get("evaluator", "")), name)
    evaluator = _whole(files, evaluator)
    task, own = _scored(files, entry, evaluator)
    prompt = str(entry.args.get("prompt", ""))
    if evaluator.cls == "evaluator.bleu.BLEU":
        own = classes.BLEU_OF.get(lang := str(evaluator.args.get("lang", "")), "")
        if not own:
            raise NoCounterpartError(f"the task '{name}': BLEU with the tokenizer '{lang}' has no counterpart here")
    if recipe and own != "match/em":
        raise NoCounterpartError(f"the task '{name}': an option is extracted and then scored by {evaluator.name}")
    return Asked(task or _by_name(files, name, prompt), recipe or own, prompt, _language(evaluator))


def _part(files: RegistryFiles, kind: str, name: str, task: str) -> Registered:
    found = files.of(kind).get(name)
    if found is None:
        raise NoCounterpartError(f"the task '{task}': its registry has no {kind} '{name}'")
    return found


def _processed(files: RegistryFiles, task: str, steps: Any) -> str:
    """Return the recipe that what is done to answers amounts to, or ""."""
    recipe = ""
    for name in steps:
        step = _part(files, "process", str(name), task)
        if step.cls in classes.SPEAKING or step.args.get("extract_key") == "audio":
            raise NoCounterpartError(f"the task '{task}': {classes.SPOKEN}")
        if step.cls == classes.FIRST_OPTION[0]:
            recipe = classes.FIRST_OPTION[1]
        elif step.cls not in classes.PASSED_OVER and step.args.get("extract_key") != "text":
            raise NoCounterpartError(f"the task '{task}': answers go through {step.cls}, which has no counterpart here")
    return recipe


def _whole(files: RegistryFiles, evaluator: Registered) -> Registered:
    """Return what an ensemble of one class stands for: its readings are values of one recipe here."""
    if evaluator.cls != "evaluator.ensemble.Ensemble":
        return evaluator
    parts = [_part(files, "evaluator", str(one), evaluator.name) for one in evaluator.args.get("components") or ()]
    return parts[0] if parts and len({one.cls for one in parts}) == 1 else evaluator


def _scored(files: RegistryFiles, task: Registered, evaluator: Registered) -> tuple[str, str]:
    if evaluator.cls in classes.SPEAKING:
        raise NoCounterpartError(f"the task '{task.name}': {classes.SPOKEN}")
    aggregator = files.of("agg").get(str(task.args.get("agg", "")))
    if evaluator.cls == classes.CAPTIONS[0] and aggregator is not None and aggregator.cls == classes.CAPTIONS[1]:
        return "caption", classes.CAPTIONS[2]
    if evaluator.cls not in classes.EVALUATORS:
        raise NoCounterpartError(
            f"the task '{task.name}': the evaluator '{evaluator.name}' is of class {evaluator.cls}, which has no "
            "counterpart here"
        )
    return classes.EVALUATORS[evaluator.cls]


def _by_name(files: RegistryFiles, name: str, prompt: str) -> str:
    found = next((task for word, task in classes.TASK_WORDS if word in name.casefold()), "")
    if found:
        return found
    entry = files.of("prompt").get(prompt)
    fields = fields_of(entry) if entry is not None else set()
    return "audio-qa" if any("question" in one.casefold() for one in fields) else "spoken-qa"


def _language(evaluator: Registered) -> str:
    if evaluator.cls == "evaluator.wer.CER":
        return "zh"
    lang = str(evaluator.args.get("lang", ""))
    return classes.LANGUAGES.get(lang, lang) if evaluator.cls == "evaluator.wer.WER" else ""


def fields_of(entry: Registered) -> set[str]:
    """Return the fields of a row that a prompt names."""
    return {one for found in _FIELD.findall(str(entry.args.get("template", ""))) for one in found if one}


def prompt_of(entry: Registered, name: str, task: str) -> PromptSpec:
    """Return a prompt of a registry as one of ours, under a name.

    Raises:
        NoCounterpartError: It is of another class, or places what a row here does not have.
    """
    if entry.cls != "prompt.base.Prompt":
        raise NoCounterpartError(f"the prompt '{entry.name}' is of class {entry.cls}, which has no counterpart here")
    template = entry.args.get("template")
    if isinstance(template, str):
        return PromptSpec(name, task, template, chosen=False, source="UltraEval-Audio")
    if isinstance(template, dict):
        template = [{"role": "user", "contents": [{"type": kind, "value": value} for kind, value in template.items()]}]
    turns = tuple(_turn(entry, message) for message in template or ())
    if not turns:
        raise NoCounterpartError(f"the prompt '{entry.name}' says nothing")
    return PromptSpec(name, task, messages=turns, chosen=False, source="UltraEval-Audio")


def _turn(entry: Registered, message: Any) -> MessageSpec:
    if not isinstance(message, dict) or not isinstance(contents := message.get("contents"), list):
        raise NoCounterpartError(f"the prompt '{entry.name}' holds a turn that is no list of contents: {message!r}")
    parts = []
    for part in contents:
        kind, value = (part.get("type"), str(part.get("value", ""))) if isinstance(part, dict) else (None, "")
        sound = _SOUND.fullmatch(value.strip())
        if kind == "audio" and sound is not None and sound[1] == _MAIN_SOUND:
            parts.append("{{ audio }}")
        elif kind == "text" and _MAIN_SOUND not in value:
            parts.append(value)
        else:
            raise NoCounterpartError(
                f"the prompt '{entry.name}' writes {value!r} as {kind}, for which a prompt here has no place"
            )
    return MessageSpec(str(message.get("role", "user")), "".join(parts))
