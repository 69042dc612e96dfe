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
class LanguageRule:
    """How one recipe treats one language.

    Attributes:
        steps: Names of text steps, applied in order to reference and prediction alike.
        unit: `word`, `character` (grapheme clusters), or `mixed` (each Han character, each run of other letters and
            digits).
    """

    steps: tuple[str, ...]
    unit: str = "word"


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """A named, versioned way to turn predictions into a score.

    Attributes:
        name: `metric/source@version`.
        metric: `wer`; shown as `cer` where the unit is not the word.
        languages: Rule per ISO 639 code.
        default: Rule of every other language.
        description: One sentence for `list` and the docs.
    """

    name: str
    metric: str
    default: LanguageRule
    languages: dict[str, LanguageRule] = field(default_factory=dict)
    description: str = ""

    def rule(self, language: str) -> LanguageRule:
        """Return the rule of a language: of `zh-Hant-TW`, else of `zh-Hant`, else of `zh`, else the default."""
        code = language.casefold().replace("_", "-")
        while code:
            if code in self.languages:
                return self.languages[code]
            code = code.rpartition("-")[0]
        return self.default
