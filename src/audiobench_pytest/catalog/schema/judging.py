"""What a judge is asked, and the clear cases it is checked by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RubricSpec:
    """What a language model is asked when it judges an answer, how it is sampled, and how its reply is read.

    Attributes:
        name: `voicebench-open`.
        user: The message, with fields in braces: `question`, `reference`, `references` (the reference and its aliases,
            one per line), `answer`, `sound` (the sound of the answer, for a judge that hears), `dialogue` (all rounds
            of one, each with its reply), `choices` (one per line, with letters), `first` and `second` (the two answers
            that are compared), `meta.KEY` (any other key of the row). Only these words in braces are fields; other
            braces are text.
        parse: Name of the parser of its reply, see `metrics.judge.replies`.
        system: The system message, or "" for none.
        scale: What points are multiplied with for the value that is printed (20 makes 5 points 100).
        samples: How often each question is asked; points are averaged, of yes and no the majority counts.
        temperature: Of the sampling, or None where the server's own is meant.
        top_p: Of the sampling, or None where the server's own is meant.
        max_tokens: Most tokens of a reply, or None.
        seed: Of the first sample; each further sample, and each repetition of an unreadable one, has one of its own.
            None: no seed is sent.
        judge: The model that published values were judged by, and that is asked unless the user names another.
        first: Which answer of a comparison is shown first: `answer` (the model's) or `reference`.
        swap: Whether a comparison is asked in both orders.
        official_file: A file with the publisher's own words instead of `system` and `user`: YAML with these two keys,
            or the user message as plain text, with fields as in `user`.
        calibration: Name of the calibration set that is judged beside each run, or "".
        description: One sentence for the docs.
        source: Who defined the rubric.
    """

    name: str
    user: str
    parse: str
    system: str = ""
    scale: float = 1.0
    samples: int = 1
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    judge: str = ""
    first: str = "answer"
    swap: bool = False
    official_file: str | None = None
    calibration: str = ""
    description: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class CalibrationCase:
    """One answer whose verdict is beyond doubt.

    Attributes:
        answer: What a model could have answered.
        low: Least verdict that is right, from 0 (the worst there is) to 1 (the best).
        high: Greatest verdict that is right.
        question: What was asked.
        reference: What was expected, or the answer it is compared with.
        aliases: Further references.
        choices: Texts of the options.
        meta: What else a rubric looks at.
        rounds: Of a dialogue, the rounds before the one that question, reference and answer are of: `question`, `reply`
            and, where there is one, `expected`.
    """

    answer: str
    low: float = 0.0
    high: float = 1.0
    question: str = ""
    reference: str = ""
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)
    rounds: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationSpec:
    """A frozen set of clear cases, judged beside each run to notice a judge that has changed.

    Attributes:
        name: `open`, named by rubrics.
        cases: Clearly good and clearly bad answers. A set that has been used is never changed: a better one has
            another name.
        description: What it covers.
    """

    name: str
    cases: tuple[CalibrationCase, ...]
    description: str = ""
