"""Where samples come from: manifests, folders, the hub; decoding and selection.

A set's name, source and columns come from the catalogue (`catalog.schema.DatasetSpec`); `load_dataset` turns it into
samples whose audio is a file on disk, without decoding any of them. `read_audio` decodes one, when it is asked for.
Importing this package costs the standard library only.
"""

from audiobench_pytest.datasets.audio.decode import audio_seconds, read_audio
from audiobench_pytest.datasets.loading import Dataset, count_samples, known_revision, load_dataset, load_known
from audiobench_pytest.datasets.own_data import is_path_like, sounds_of_manifest, spec_for_path
from audiobench_pytest.datasets.selection import select, shard
from audiobench_pytest.datasets.settings import LoadSettings

__all__ = [
    "Dataset",
    "LoadSettings",
    "audio_seconds",
    "count_samples",
    "is_path_like",
    "known_revision",
    "load_dataset",
    "load_known",
    "read_audio",
    "select",
    "shard",
    "sounds_of_manifest",
    "spec_for_path",
]
