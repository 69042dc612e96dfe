"""Tasks: what is asked of a model about a recording, and in which words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task.

    Attributes:
        name: `asr`: what data sets, models and benchmark modules name it by.
        title: `speech recognition`.
        recipe: Name of the recipe of a data set that names none, such as a user's own manifest.
        instructed: Whether a model has to be told what to do; False for what a plain recogniser does by itself.
        answer: What comes back: `text`.
        reference: Columns of a manifest that may hold the answer, in order of preference.
        closed: Whether the answer is one of a closed set: where neither rows nor data set list its labels, they are
            those that the data set holds.
        description: One sentence for `list`.
        aliases: Other names it is known by.
    """

    name: str
    title: str
    recipe: str
    instructed: bool = True
    answer: str = "text"
    reference: tuple[str, ...] = ("text",)
    closed: bool = False
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The words in which a task is asked of a model that follows instructions.

    One that has produced answers is never reworded, since its words are part of the key of every answer: a better one
    has another name.

    Attributes:
        name: `asr/en`.
        task: Name of the task that it asks.
        text: A Jinja template. It sees the row's fields, `choices`, `language` and `target_language`, and never the
            reference: `What is the mood? Choose one of {{ choices | join(', ') }}.`
        languages: Languages of the recordings it is meant for; none for all that have no prompt of their own.
        chosen: Whether it is taken by itself where task and language fit; else a data set has to name it.
        source: Where its words are published, or "" for our own.
        description: One sentence for `list`.
        aliases: Other names it is known by.
    """

    name: str
    task: str
    text: str
    languages: tuple[str, ...] = ()
    chosen: bool = True
    source: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()
