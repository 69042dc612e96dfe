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
        more_recipes: Names of further recipes that score the same answers, where the user names none.
        borrows: Tasks whose data sets serve this one as well: any recording can be coded.
        says: Whether a row's text is both what is to be said and what is expected.
        answer: What comes back: `text`, `speech`, or `calls` of tools.
        reference: Columns of a manifest that may hold the answer, in order of preference.
        closed: Whether the answer is one of a closed set: where neither rows nor data set list its labels, they are
            those that the data set holds.
        sounds: Names of the sounds that a row must have.
        mentions: Fields of a row that its prompts have to name: what is asked.
        needs_reference: Whether a row must say what is expected.
        needs_target: Whether a data set must say which language the answer is in.
        description: One sentence for `list`.
        aliases: Other names it is known by.
    """

    name: str
    title: str
    recipe: str
    instructed: bool = True
    more_recipes: tuple[str, ...] = ()
    borrows: tuple[str, ...] = ()
    says: bool = False
    answer: str = "text"
    reference: tuple[str, ...] = ("text",)
    closed: bool = False
    sounds: tuple[str, ...] = ("audio",)
    mentions: tuple[str, ...] = ()
    needs_reference: bool = True
    needs_target: bool = False
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that may be called.

    Attributes:
        name: What a call names it by.
        description: What a model is told of it.
        parameters: JSON schema of what it takes, as its JSON text, in which a number is a number.
    """

    name: str
    description: str = ""
    parameters: str = "{}"


@dataclass(frozen=True, slots=True)
class ToolSetSpec:
    """Tools that are offered together; a row names the set where it does not list its own.

    Attributes:
        name: `stepeval-audio-toolcall`.
        tools: The tools.
        description: Where the set is used.
    """

    name: str
    tools: tuple[ToolSpec, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """One turn of a prompt.

    Attributes:
        role: `system`, `user`, `assistant` or `tool`; or `turns`, which stands for the row's own conversation.
        text: A Jinja template, as `PromptSpec.text` is.
    """

    role: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The words in which a task is asked of a model that follows instructions.

    One that has produced answers is never reworded, since its words are part of the key of every answer: a better one
    has another name.

    Attributes:
        name: `asr/en`.
        task: Name of the task that it asks.
        text: A Jinja template. It sees the row's fields, `choices`, `text`, `language` and `target_language`, and never
            the reference: `What is the mood? Choose one of {{ choices | join(', ') }}.` A sound stands where its name
            does: `{{ audio }}What is said?`. Where none is named, the one sound stands where the model's own format has
            it.
        messages: Turns, where there is more than the user's: takes the place of `text`.
        languages: Languages of the recordings it is meant for; none for all that have no prompt of their own.
        models: Models it is meant for; none for all that have no prompt of their own.
        datasets: Data sets it is meant for, likewise.
        chosen: Whether it is taken by itself where task and language fit; else a data set has to name it.
        source: Where its words are published, or "" for our own.
        description: One sentence for `list`.
        aliases: Other names it is known by.
    """

    name: str
    task: str
    text: str = ""
    messages: tuple[MessageSpec, ...] = ()
    languages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    chosen: bool = True
    source: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def turns(self) -> tuple[MessageSpec, ...]:
        """Its messages; an instruction alone is one of the user's."""
        return self.messages or (MessageSpec("user", self.text),)
