"""What a load leaves on disk for the next one, whatever ended it."""

from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.datasets.hub.prepared import Prepared, Record, note_commit, noted_commit
from audiobench_pytest.records.sounds import AudioStore, StoredAudio

SOURCE = HubSource("org/set", split="test", config="clean")
COMMIT = "a" * 40


def opened(cache: Path, source: HubSource = SOURCE) -> Prepared:
    return Prepared(cache, source, COMMIT)


def add(prepared: Prepared, *rows: int) -> None:
    for row in rows:
        stored = prepared.store.add(b"RIFF" + bytes([row]) * 10)
        prepared.add(Record(row, f"id-{row}", f"text {row}", stored, 1.0, {"speaker": row}, ()))


def test_rows_survive_and_are_read_back_as_they_were(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        add(first, 0, 1, 2)
        first.set_layout([("a.parquet", 2), ("b.parquet", None)])
        first.set_ids(["x", "y"])
    again = opened(tmp_path)
    assert again.records == first.records
    assert again.layout == [("a.parquet", 2), ("b.parquet", None)]
    assert again.ids == ["x", "y"]


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_torn_last_line_costs_its_row_only(tmp_path: Path, kept: int) -> None:
    with opened(tmp_path) as prepared:
        add(prepared, 0, 1)
    path = next(prepared.folder.glob("*.jsonl"))
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[1][:kept])
    with opened(tmp_path) as prepared:
        assert prepared.lacking([0, 1]) == [1]
        add(prepared, 1)
    assert opened(tmp_path).lacking([0, 1]) == []
    assert opened(tmp_path).records[1].text == "text 1"


def test_audio_that_is_gone_or_cut_short_is_lacking(tmp_path: Path) -> None:
    with opened(tmp_path) as prepared:
        add(prepared, 0, 1, 2)
    files = [prepared.store.root / prepared.records[row].audio.name for row in range(3)]  # type: ignore[union-attr]
    files[0].unlink()
    files[2].write_bytes(b"RIFF")
    assert opened(tmp_path).lacking([0, 1, 2]) == [0, 2]


def test_wanted_rows_are_known_from_total_ids_or_a_full_prefix(tmp_path: Path) -> None:
    prepared = opened(tmp_path)
    whole, three, subset = LoadSettings(tmp_path), LoadSettings(tmp_path, limit=3), LoadSettings(tmp_path, sample=2)
    assert prepared.wanted(whole) is prepared.wanted(three) is prepared.wanted(subset) is None
    with prepared:
        add(prepared, 0, 1, 2)
    assert prepared.wanted(three) == [0, 1, 2]
    assert prepared.wanted(whole) is None
    prepared.set_layout([("a.parquet", 5), ("b.parquet", None)])
    assert prepared.total is None
    prepared.set_layout([("a.parquet", 5), ("b.parquet", 1)])
    assert prepared.wanted(whole) == list(range(6))
    assert prepared.wanted(LoadSettings(tmp_path, limit=99)) == list(range(6))
    assert prepared.wanted(LoadSettings(tmp_path, sample=6)) == list(range(6))
    assert prepared.wanted(subset) is None
    prepared.set_ids([f"id-{n}" for n in range(6)])
    chosen = prepared.wanted(subset)
    assert chosen is not None
    assert len(chosen) == 2


def test_other_columns_configurations_and_commits_do_not_mix(tmp_path: Path) -> None:
    with opened(tmp_path) as prepared:
        add(prepared, 0)
    others = [
        HubSource("org/set", split="test", config="other"),
        HubSource("org/set", split="dev", config="clean"),
        HubSource("org/set", split="test", config="clean", text_column="sentence"),
        HubSource("org/set", split="test", config="clean", id_column="id"),
    ]
    assert all(opened(tmp_path, source).records == {} for source in others)
    assert Prepared(tmp_path, SOURCE, "b" * 40).records == {}


def test_commit_of_a_branch_is_remembered(tmp_path: Path) -> None:
    assert noted_commit(tmp_path, "org/set", "refs/convert/parquet") is None
    note_commit(tmp_path, "org/set", "refs/convert/parquet", COMMIT)
    assert noted_commit(tmp_path, "org/set", "refs/convert/parquet") == COMMIT
    assert noted_commit(tmp_path, "org/set", "main") is None


@pytest.mark.parametrize(
    ("data", "hint", "suffix"),
    [
        (b"RIFF....WAVE", None, "wav"),
        (b"fLaC....", "x.wav", "flac"),
        (b"OggS....", None, "ogg"),
        (b"ID3.....", None, "mp3"),
        (b"\xff\xfb....", None, "mp3"),
        (b"whatever", "a/b.M4A", "m4a"),
        (b"whatever", "../../x.sh/evil", "bin"),
        (b"w", None, "bin"),
    ],
)
def test_store_names_files_by_content_and_kind(tmp_path: Path, data: bytes, hint: str | None, suffix: str) -> None:
    store = AudioStore(tmp_path / "audio")
    stored = store.add(data, hint)
    assert stored.name.endswith(f".{suffix}")
    assert (tmp_path / "audio" / stored.name).read_bytes() == data
    assert store.add(data, hint) == stored
    assert store.has(stored)
    assert not store.has(StoredAudio(stored.name, stored.size + 1))
    assert [p.name for p in (tmp_path / "audio").rglob("*") if p.is_file()] == [stored.name.partition("/")[2]]


def test_store_mends_a_file_that_was_cut_short(tmp_path: Path) -> None:
    store = AudioStore(tmp_path)
    stored = store.add(b"RIFF and more")
    (tmp_path / stored.name).write_bytes(b"RI")
    assert store.add(b"RIFF and more") == stored
    assert (tmp_path / stored.name).read_bytes() == b"RIFF and more"
