"""Test sets and where they live."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.types import AUTO


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
        columns: Which of its columns holds what we call `text`, `choices`, ..., where the two names differ; a mapping
            (`{text: emotion, choices: options}`) in YAML.
    """

    path: str
    bundled: bool = False
    trusted_paths: bool = False
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One named test set.

    Attributes:
        name: Its name (`librispeech-test-clean`).
        task: Name of the task (`asr`); an entry of the catalogue has one.
        family: Snake-case marker shared by the sets of one corpus, or "" for a user's own data.
        language: Default ISO 639 code of its samples.
        recipe: Name of the scoring recipe its published numbers use; "" for that of its task.
        prompt: Name of the prompt it is asked by, or "" for the one of its task and language.
        labels: Name of the closed set of labels that its answers are of, where its rows list no choices.
        samples: Number of samples, when known; the loader stops on a mismatch.
        hub: Where it lives on the hub, or None.
        folder: Where it lies on disk in its publisher's layout, or None.
        manifest: Its JSONL manifest, or None.
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
    recipe: str = ""
    prompt: str = ""
    labels: str = ""
    samples: int | None = None
    hub: HubSource | None = None
    folder: FolderSource | None = None
    manifest: ManifestSource | None = None
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
