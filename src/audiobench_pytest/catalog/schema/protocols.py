"""How published numbers were made: one by one, or a table at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

TEXT, SPEECH = "text", "speech"
CHANNELS = (TEXT, SPEECH)
"""What of a model's answer can be scored: what it writes, or the transcript of what it says."""

HINTS = ("", "none", "prompt", "decoder")
"""How a model is told the language: not stated, not at all, by the prompt's wording, by a setting of the decoder."""


@dataclass(frozen=True, slots=True)
class ExpectedRef:
    """Names the cell that prints a protocol's value.

    Attributes:
        table: Name of the published table.
        model: As printed there.
        benchmark: As printed there.
        metric: As printed there.
        scale: Factor from what is printed to the recipe's value.
    """

    table: str
    model: str
    benchmark: str
    metric: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """How one published number was made.

    Attributes:
        name: `kimi-replication/librispeech-test-clean`.
        dataset: Name of the data set.
        model: Name of the model.
        recipe: Name of the recipe.
        expected: The cell that prints the value.
        data_version: Which version of the data was used, in words, or "" where the data set's name says it.
        slice: `key=name` where the number is of a part of the data set (`task=music`), or "".
        prompt: Name of the prompt profile, or "" for the model's own.
        prompt_note: What is known of the prompt's wording.
        decoding: Settings that are published; empty where none are: then the model's defaults.
        language_hint: One of `HINTS`.
        channel: One of `CHANNELS`.
        value: Which of the recipe's values is meant, or "" for the source's own reading of the headline.
        differs: In what the data or the question here is known to be another, a clause each.
        notes: What has to be known.
        not_run: Why it cannot be run whatever there is here, or "".
        no_model: Why the model cannot be had, or "" where that is not known to be so.
    """

    name: str
    dataset: str
    model: str
    recipe: str
    expected: ExpectedRef
    data_version: str = ""
    slice: str = ""
    prompt: str = ""
    prompt_note: str = ""
    decoding: dict[str, str] = field(default_factory=dict)
    language_hint: str = ""
    channel: str = "text"
    value: str = ""
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_run: str = ""
    no_model: str = ""


@dataclass(frozen=True, slots=True)
class PatternModel:
    """A row of a published table.

    Attributes:
        printed: The model as printed.
        model: Name of the model, whether the catalogue has it or not.
        prompt: Name of the prompt that it was asked by, or "" where that is not known.
        prompt_for: Columns that were asked by that prompt: the benchmark as printed, or a pattern.
        decoding: Settings that are published.
        notes: What has to be known of the model.
        no_model: Why it cannot be had, or "".
    """

    printed: str
    model: str
    prompt: str = ""
    prompt_for: str = "*"
    decoding: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    no_model: str = ""


@dataclass(frozen=True, slots=True)
class PatternColumn:
    """What is known of some columns of a published table beyond what the board says of them.

    Attributes:
        benchmark: As printed, or a pattern.
        metric: As printed, or a pattern.
        data_version, prompt, prompt_note, language_hint, channel, differs, notes, not_run: As in `ProtocolSpec`.
    """

    benchmark: str = "*"
    metric: str = "*"
    data_version: str = ""
    prompt: str = ""
    prompt_note: str = ""
    language_hint: str = ""
    channel: str = "text"
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class PatternSpec:
    """Protocols of all cells of a published table, or of some of its columns: its rows times its columns.

    What a column measures (data set, slice, recipe, value, scale) is what the column of a board says that takes its
    published cells from the table; the pattern adds who the models are and what is known of the asking.

    Attributes:
        name: First part of the protocols' names: `ultraeval-understanding` makes
            `ultraeval-understanding/qwen3-omni/aishell-1`.
        table: Name of the published table.
        board: Name of the board.
        models: Its rows; each printed model needs one.
        columns: Of several that fit a column the first counts; a column that none fits has nothing to add.
        benchmarks: Which columns it is of: benchmarks as printed, or patterns.
        aliases: Other names it is known by.
    """

    name: str
    table: str
    board: str
    models: tuple[PatternModel, ...]
    columns: tuple[PatternColumn, ...] = ()
    benchmarks: tuple[str, ...] = ("*",)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteSpec:
    """A list of protocols.

    Attributes:
        name: `kimi-replication`.
        title: One line.
        protocols: Names of the protocols, in order; `kimi-evalkit/*` stands for all of that beginning.
        description: One sentence for `list`.
        source: Where the numbers were published.
        aliases: Other names it is known by.
    """

    name: str
    title: str
    protocols: tuple[str, ...]
    description: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()
