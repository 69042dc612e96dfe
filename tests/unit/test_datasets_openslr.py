"""LibriSpeech's layout on disk."""

from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, FolderSource, HubSource
from audiobench_pytest.datasets import Dataset, LoadSettings, count_samples, load_dataset
from audiobench_pytest.errors import DatasetError, UsageError

SPEC = DatasetSpec(
    "librispeech-test-clean",
    hub=HubSource("org/librispeech", split="test"),
    folder=FolderSource("openslr", "test-clean", "librispeech_dir"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for chapter, words in {"61/70968": ["ONE", "TWO"], "1089/134686": ["THREE"]}.items():
        folder = tmp_path / "LibriSpeech" / "test-clean" / chapter
        folder.mkdir(parents=True)
        stem = chapter.replace("/", "-")
        lines = [f"{stem}-{n:04d} {word} WORD" for n, word in enumerate(words)]
        (folder / f"{stem}.trans.txt").write_text("\n".join(lines) + "\n")
        for n, _ in enumerate(words):
            (folder / f"{stem}-{n:04d}.flac").write_bytes(b"flac")
    (tmp_path / "LibriSpeech" / "test-other").mkdir()
    return tmp_path


def load(root: Path, spec: DatasetSpec = SPEC, **settings: int) -> Dataset:
    return load_dataset(spec, LoadSettings(root / "cache", folders={"librispeech_dir": str(root)}, **settings))


@pytest.mark.parametrize("below", ["", "LibriSpeech"])
def test_utterances_are_read_in_order_with_their_own_ids(root: Path, below: str) -> None:
    data = load(root / below)
    assert [s.id for s in data.samples] == ["1089-134686-0000", "61-70968-0000", "61-70968-0001"]
    assert data.samples[1].reference == "ONE WORD"
    assert data.samples[1].audio == root / "LibriSpeech/test-clean/61/70968/61-70968-0000.flac"
    assert data.samples[1].meta == {"speaker": "61", "chapter": "70968"}
    assert not any(s.problem for s in data.samples)
    assert data.revision is None
    assert len(load(root, limit=2).samples) == 2


def test_missing_recordings_and_texts_become_problems(root: Path) -> None:
    folder = root / "LibriSpeech/test-clean/61/70968"
    (folder / "61-70968-0000.flac").unlink()
    (folder / "61-70968-0009.flac").write_bytes(b"flac")
    text = folder / "61-70968.trans.txt"
    text.write_text(text.read_text() + "61-70968-0002\n61-70968-0001 AGAIN\n")
    (folder / "61-70968-0002.flac").write_bytes(b"flac")
    data = load(root)
    problems = {s.id: s.problem for s in data.samples if s.problem}
    assert problems["61-70968-0000"] == f"{folder}/61-70968-0000.flac: missing audio file"
    assert "no line of text" in problems["61-70968-0009"]
    assert problems["61-70968-0002"] == f"{text}:3: empty reference"
    assert f"first seen at {text}:2" in problems["61-70968-0001#line4"]
    assert len(problems) == 4
    assert count_samples(SPEC, LoadSettings(root, folders={"librispeech_dir": str(root)})) == len(data.samples) == 6


def test_folder_that_is_not_there_names_what_is(root: Path) -> None:
    spec = DatasetSpec("x", folder=FolderSource("openslr", "test-claen", "librispeech_dir"))
    with pytest.raises(DatasetError, match="no folder 'test-claen'"):
        load(root, spec)
    with pytest.raises(DatasetError, match=r"did you mean test-clean.*test-other"):
        load(root / "LibriSpeech", spec)
    with pytest.raises(DatasetError, match="no such folder"):
        load(root / "nowhere")
    other = DatasetSpec("x", folder=FolderSource("openslr", "test-other", "librispeech_dir"))
    with pytest.raises(DatasetError, match="no utterances"):
        load(root, other)


def test_text_that_is_not_utf8_names_file_and_line(root: Path) -> None:
    path = root / "LibriSpeech/test-clean/61/70968/61-70968.trans.txt"
    path.write_bytes(b"61-70968-0000 FINE\n61-70968-0001 \xff\xfe\n")
    with pytest.raises(DatasetError, match=r"61-70968.trans.txt:2: not UTF-8"):
        load(root)


def test_incomplete_folder_is_told_by_the_catalogues_count(root: Path) -> None:
    spec = DatasetSpec("x", folder=SPEC.folder, samples=2620)
    with pytest.raises(DatasetError, match="holds 3 samples, the catalogue says 2620"):
        load(root, spec)


def test_set_without_a_source_says_which_setting_it_wants(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"librispeech_dir .*'test-clean'"):
        load_dataset(DatasetSpec("x", folder=SPEC.folder), LoadSettings(tmp_path))
    with pytest.raises(DatasetError, match="names no source"):
        load_dataset(DatasetSpec("x"), LoadSettings(tmp_path))
    with pytest.raises(DatasetError, match="layout 'kaldi' does not exist"):
        load(tmp_path, DatasetSpec("x", folder=FolderSource("kaldi", "test", "librispeech_dir")))


@pytest.mark.parametrize("values", [{"limit": 0}, {"sample": -1}, {"hub_mode": "torrent"}])
def test_settings_out_of_range_are_usage_errors(tmp_path: Path, values: dict) -> None:
    with pytest.raises(UsageError):
        LoadSettings(tmp_path, **values)
