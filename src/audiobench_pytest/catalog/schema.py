"""The types of catalogue entries; the YAML files are checked against them field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HubSource:
    """Where a set lives on the Hugging Face hub.

    Attributes:
        repo: Repository id of the dataset (`openslr/librispeech_asr`).
        config: Configuration, or None when the repository has only one.
        split: Split name.
        revision: Pinned commit; None means "the newest", which is resolved and recorded at load.
        audio_column: Column of the audio struct (`bytes`, `path`).
        text_column: Column of the reference.
        id_column: The set's key column, or None: then the path in the audio struct, else the audio's digest.
        files: Glob patterns of the parquet files inside the repository; empty means the usual layouts are tried.
        verified: False while nobody has seen this entry load with these columns and counts.
    """

    repo: str
    split: str
    config: str | None = None
    revision: str | None = None
    audio_column: str = "audio"
    text_column: str = "text"
    id_column: str | None = None
    files: tuple[str, ...] = ()
    verified: bool = False


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A set on disk in its publisher's layout.

    Attributes:
        layout: `openslr` (LibriSpeech's `*.flac` and `*.trans.txt`).
        subfolder: Folder of this set below the corpus root (`test-clean`).
        setting: Name of the setting that holds the corpus root (`librispeech_dir`).
    """

    layout: str
    subfolder: str
    setting: str


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """A JSONL manifest.

    Attributes:
        path: Path, absolute or relative to the working folder; for a bundled corpus relative to `corpora/`.
        bundled: True when the manifest ships with the package.
        trusted_paths: True for a user's own manifest, whose audio may lie anywhere; False for a downloaded set, whose
            audio must not leave the manifest's folder.
    """

    path: str
    bundled: bool = False
    trusted_paths: bool = False


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One named test set.

    Attributes:
        name: Its name (`librispeech-test-clean`).
        task: What is asked (`asr`).
        family: Snake-case marker shared by the sets of one corpus, or "" for a user's own data.
        language: Default ISO 639 code of its samples.
        recipe: Name of the scoring recipe its published numbers use.
        samples: Number of samples, when known; the loader stops on a mismatch.
        hub: Where it lives on the hub, or None.
        folder: Where it lies on disk in its publisher's layout, or None.
        manifest: Its JSONL manifest, or None.
        licence: Short name of the data's licence.
        origin: Who publishes it.
        cluster: Meta key whose values are not independent of each other (`speaker`): intervals are then taken over
            speakers, not over single samples. "" where nothing is known.
        aliases: Other names it is known by.
    """

    name: str
    task: str = "asr"
    family: str = ""
    language: str = "en"
    recipe: str = "wer/audiobench-pytest@1"
    samples: int | None = None
    hub: HubSource | None = None
    folder: FolderSource | None = None
    manifest: ManifestSource | None = None
    licence: str = ""
    origin: str = ""
    cluster: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeSpec:
    """The environment of a model whose dependencies clash with ours; see `models.isolated`.

    Attributes:
        kind: `isolated`: a process of its own on this machine.
        entry: The class that answers: `module:Class` of something the requirements install, or `file.py:Class`,
            relative to the working folder.
        requirements: Lines as in a requirements file; pin them, because what they resolve to decides the answers.
        python: Version (`3.10`, `3.10.4`), None for that of the running interpreter, or `running` for the running
            interpreter itself with the packages it has; then there can be no requirements.
        env: Environment variables of the process, over those that are there.
    """

    kind: str
    entry: str
    requirements: tuple[str, ...] = ()
    python: str | None = None
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model that an adapter can load.

    Attributes:
        name: Its name (`whisper-large-v3`).
        adapter: Name of the adapter that loads it (see `models.registry`).
        source: Hub id or folder of its checkpoint, or None for a model without one.
        revision: Pinned commit or tag; None means the newest, which is resolved and recorded.
        args: Default adapter arguments of this entry.
        languages: Languages it knows; empty means all. A cell in another language is skipped with the reason.
        tasks: Tasks it can do.
        licence: Short name of the weights' licence.
        parameters: Number of parameters, for the board.
        batch_rows: Most rows of a batch; None means the adapter's own default.
        batch_seconds: Most padded seconds of a batch; None means the adapter's own default.
        gpus: GPUs it cannot do without. 0 for a model that a CPU can run, however slowly: it still takes one GPU where
            there is one and its adapter has a `device` option.
        runtime: The environment that the adapter `isolated` runs it in; None for every other adapter.
        verified: False while nobody has seen this entry run with its real weights.
        aliases: Other names it is known by.
    """

    name: str
    adapter: str
    source: str | None = None
    revision: str | None = None
    args: dict[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("asr",)
    licence: str = ""
    parameters: int | None = None
    batch_rows: int | None = None
    batch_seconds: float | None = None
    gpus: int = 0
    runtime: RuntimeSpec | None = None
    verified: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a rule: its name and, where it takes one, its argument.

    Written `lower`, `json_field: answer` or `labels: [happy, sad]` in YAML.
    """

    name: str
    argument: str | tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.argument is None:
            return self.name
        argument = self.argument if isinstance(self.argument, str) else "/".join(self.argument)
        return f"{self.name}={argument}"


Steps = tuple[StepSpec, ...]


_CODES = """
    eng=en zho=zh chi=zh jpn=ja kor=ko tha=th lao=lo khm=km mya=my bur=my bod=bo tib=bo hin=hi urd=ur fas=fa per=fa
    ara=ar tur=tr aze=az ron=ro rum=ro ukr=uk bel=be deu=de ger=de fra=fr fre=fr spa=es ita=it por=pt
"""
_SHORT = dict(pair.split("=") for pair in _CODES.split())
"""Two-letter codes of the languages that a recipe has a rule of its own for, by their codes of three letters."""


def language_code(code: str) -> str:
    """Return an ISO 639 code as rules are found by: lower case, two letters where it has them, `-` for `_`.

    `zh_Hant_TW` is `zh-hant-tw`, `jpn` is `ja`, `yue` stays.
    """
    language, dash, rest = code.casefold().replace("_", "-").partition("-")
    return f"{_SHORT.get(language, language)}{dash}{rest}"


@dataclass(frozen=True, slots=True)
class LanguageRule:
    """How one recipe treats one language.

    Attributes:
        steps: Applied in order to reference and prediction alike. Steps that extract (`option`, `json_field`) apply to
            the prediction only.
        unit: What an error rate counts: `word`, `character` (grapheme clusters), `mixed` (each Han character, each run
            of other letters and digits), or the name of a tokenizer; metrics that count no units ignore it.
        reference: Applied to the reference only, before `steps`.
        prediction: Applied to the prediction only, before `steps`.
    """

    steps: Steps = ()
    unit: str = "word"
    reference: Steps = ()
    prediction: Steps = ()


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """A named, versioned way to turn predictions into a score.

    Attributes:
        name: `metric/source@version`.
        score: Name of the metric (`wer`, `accuracy`, `bleu`, ...); see `metrics.registry`.
        options: The metric's own settings, as text; checked by the metric.
        languages: Rule per ISO 639 code. For translations it is the target's language that counts.
        default: Rule of every other language. A recipe with one rule for all may write its fields (`steps`, `unit`,
            `reference`, `prediction`) beside its name instead.
        description: One sentence for `list` and the docs.
        source: Where the rule is defined.
        aliases: Other names it is known by.
    """

    name: str
    score: str
    options: dict[str, Any] = field(default_factory=dict)
    default: LanguageRule = LanguageRule()
    languages: dict[str, LanguageRule] = field(default_factory=dict)
    description: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()

    def rule(self, language: str) -> LanguageRule:
        """Return the rule of a language: of `zh-Hant-TW`, else of `zh-Hant`, else of `zh`, else the default."""
        code = language_code(language)
        while code:
            if code in self.languages:
                return self.languages[code]
            code = code.rpartition("-")[0]
        return self.default


@dataclass(frozen=True, slots=True)
class LabelSetSpec:
    """A closed set of labels with the words that stand for each.

    Attributes:
        name: `emotion`, `gender`, `meld-emotion`.
        labels: Synonyms by canonical label; the label itself need not be repeated.
        description: Where the set is used.
    """

    name: str
    labels: dict[str, tuple[str, ...]]
    description: str = ""


@dataclass(frozen=True, slots=True)
class RubricSpec:
    """What a language model is asked when it judges an answer, how it is sampled, and how its reply is read.

    Attributes:
        name: `voicebench-open`.
        user: The message, with fields in braces: `question`, `reference`, `references` (the reference and its aliases,
            one per line), `answer`, `choices` (one per line, with letters), `first` and `second` (the two answers that
            are compared), `meta.KEY` (any other key of the row). Only these words in braces are fields; other braces
            are text.
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
    """

    answer: str
    low: float = 0.0
    high: float = 1.0
    question: str = ""
    reference: str = ""
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)


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
