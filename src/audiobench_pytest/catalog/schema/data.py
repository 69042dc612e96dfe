"""Test sets and where they live."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.types import AUTO

ColumnMap = tuple[tuple[str, tuple[str, ...]], ...]
"""Which columns of a set hold what we call `text`, `choices`, ..., where the names differ: `{text: emotion, choices:
[option_a, option_b]}` in YAML. Ours are `audio`, `text` (what is expected: a text, a class, or a list of which any
will do), `aliases`, `choices`, `input` (what is asked in writing), `prompt` (the row's own instruction), `messages`,
`tools`, `language`, `target_language`, `id`, `sounds.NAME` (a further audio column); any other name is a field that
prompts may name."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """Where a set lives on the Hugging Face hub.

    Attributes:
        repo: Repository id of the dataset (`openslr/librispeech_asr`).
        config: Configuration, or None when the repository has only one.
        split: Split name.
        revision: Pinned commit; None means "the newest", which is resolved and recorded at load.
        audio_column: Column of the audio struct (`bytes`, `path`), or null for rows without a sound of that name.
        text_column: Column of the reference, a list of which any will do, or a class; None where there is none.
        id_column: The set's key column, or None: then the path in the audio struct, else the audio's digest.
        files: Glob patterns of the parquet files inside the repository; empty means the usual layouts are tried.
        columns: Columns under our names, see `ColumnMap`; those of sound, reference and key go to the fields above.
        mapped: Whether columns were given: a class may then be a number, and nested columns are kept.
        verified: False while nobody has seen this entry load with these columns and counts.
    """

    repo: str
    split: str
    config: str | None = None
    revision: str | None = None
    audio_column: str | None = "audio"
    text_column: str | None = "text"
    id_column: str | None = None
    files: tuple[str, ...] = ()
    columns: ColumnMap = ()
    mapped: bool = False
    verified: bool = False

    def __post_init__(self) -> None:
        """Let what the columns say of sound, reference and key stand in the fields that are theirs."""
        own = {"audio": "audio_column", "text": "text_column", "id": "id_column"}
        if self.columns:
            object.__setattr__(self, "mapped", True)
        for ours, theirs in self.columns:
            if ours in own:
                object.__setattr__(self, own[ours], theirs[0])
        object.__setattr__(self, "columns", tuple(pair for pair in self.columns if pair[0] not in own))


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A set on disk in its publisher's layout.

    Attributes:
        layout: `openslr` (LibriSpeech's `*.flac` and `*.trans.txt`), `minimax` (MiniMax's texts and voices), or
            `manifests`: files in one of the dialects.
        subfolder: Folder of this set below the corpus root (`test-clean`).
        setting: Name of the setting that holds the corpus root (`librispeech_dir`).
        files: Glob patterns of the manifests, in order; all of them are one set. Of `minimax` the file of texts.
        columns: As in `ManifestSource`.
    """

    layout: str
    subfolder: str
    setting: str
    files: tuple[str, ...] = ()
    columns: ColumnMap = ()


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """A JSONL manifest.

    Attributes:
        path: Path, absolute or relative to the working folder; for a bundled corpus relative to `corpora/`.
        bundled: True when the manifest ships with the package.
        trusted_paths: True for a user's own manifest, whose audio may lie anywhere; False for a downloaded set, whose
            audio must not leave the manifest's folder.
        columns: Which of its columns hold what we call `text`, `choices`, ..., see `ColumnMap`.
        layout: Name of the layout that its lines are of (`nemo`, `kaldi`), or "" where they say so themselves.
    """

    path: str
    bundled: bool = False
    trusted_paths: bool = False
    columns: ColumnMap = ()
    layout: str = ""


@dataclass(frozen=True, slots=True)
class TaskRecipes:
    """By which recipes a data set is scored under one task.

    Attributes:
        task: Name of the task, its own or one that borrows it.
        names: The recipes, the first one the cell's own.
    """

    task: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One named test set.

    Attributes:
        name: Its name (`librispeech-test-clean`).
        task: Name of the task (`asr`); an entry of the catalogue has one.
        family: Snake-case marker shared by the sets of one corpus, or "" for a user's own data.
        language: Default ISO 639 code of its samples.
        target_language: ISO 639 code of the answers, where it is not that of the sound.
        recipe: Name of the scoring recipe its published numbers use; "" for that of its task.
        recipes: Where a task scores it by other recipes than the task's own: all of them.
        prompt: Name of the prompt it is asked by, or "" for the one of its task and language.
        labels: Name of the closed set of labels that its answers are of, where its rows list no choices.
        samples: Number of samples, when known; the loader stops on a mismatch.
        hub: Where it lives on the hub, or None.
        folder: Where it lies on disk in its publisher's layout, or None.
        manifest: Its JSONL manifest, or None.
        unasked: Why it is in the catalogue and cannot be asked yet ("" for all others): `its score hears the answer`.
        access: How it is had: "" for everybody, `gated` (a form or a login), `private` (a manifest of one's own).
        licence: Short name of the data's licence.
        origin: Who publishes it.
        cluster: Meta key whose values are not independent of each other (`speaker`): intervals are then taken over
            speakers, not over single samples. `none` for single samples; "" where nothing is known.
        aliases: Other names it is known by.
    """

    name: str
    task: str = ""
    family: str = ""
    language: str = "en"
    target_language: str = ""
    recipe: str = ""
    recipes: tuple[TaskRecipes, ...] = ()
    prompt: str = ""
    labels: str = ""
    samples: int | None = None
    hub: HubSource | None = None
    folder: FolderSource | None = None
    manifest: ManifestSource | None = None
    unasked: str = ""
    access: str = ""
    licence: str = ""
    origin: str = ""
    cluster: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def resampled(self) -> str:
        """The meta key whose values are resampled as wholes, where nobody asks for another; "" for single samples.

        A manifest that names its speakers in a key of that name needs no catalogue to say so.
        """
        return self.cluster or (AUTO if self.manifest is not None else "")

    @property
    def is_published(self) -> bool:
        """Whether it is somebody's set that the catalogue knows, and no copy or data of one's own."""
        return bool(self.hub or self.folder or (self.manifest and self.manifest.bundled))

    @property
    def is_nowhere(self) -> bool:
        """Whether the catalogue knows no place to read it from: it takes a manifest of one's own."""
        return self.hub is None and self.folder is None and self.manifest is None

    @property
    def how_to_get(self) -> str:
        """How a set is had that is not there for everybody."""
        if self.hub is not None:
            return (
                f"it is {self.access}: agree to its terms at {self.hub.repo} on the hub and set HF_TOKEN, or give a "
                f"manifest of your copy with --dataset {self.name}=PATH"
            )
        from_whom = self.origin or "its publisher"
        return f"it is {self.access} ({from_whom}): give a manifest of your copy with --dataset {self.name}=PATH"
