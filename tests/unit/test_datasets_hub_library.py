"""Repositories without parquet go through the `datasets` library, in a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import COMMIT_1, HubServer, Repository, clip, finish_loads, start_loads

from audiobench_pytest.datasets.hub.library import stable_path


@pytest.fixture
def hub() -> Iterator[HubServer]:
    table = "file_name,text,speaker\n" + "".join(f"a{n}.flac,said {n},s{n % 2}\n" for n in range(6))
    folder = {f"test/a{n}.flac": clip(n) for n in range(6)} | {"test/metadata.csv": table.encode()}
    lines = [{"key": f"k{n}", "wav": f"wavs/{n}.flac", "txt": f"said {n}"} for n in range(4)]
    lines += [{"key": "out", "wav": "../../../../etc/passwd", "txt": "said"}]
    lines += [{"key": "absolute", "wav": "/etc/passwd", "txt": "said"}]
    lines += [{"key": "address", "wav": "file:///etc/passwd", "txt": "said"}]
    lines += [{"key": "gone", "wav": "wavs/gone.flac", "txt": "said"}]
    files = {f"wavs/{n}.flac": clip(n) for n in range(4)} | {"test.jsonl": "\n".join(map(json.dumps, lines)).encode()}
    repositories = {
        "org/folder": Repository({COMMIT_1: folder}, {"main": COMMIT_1}),
        "org/lines": Repository({COMMIT_1: files}, {"main": COMMIT_1}),
    }
    with HubServer(repositories) as server:
        yield server


FOLDER = {"repo": "org/folder", "split": "test"}
LINES = {"repo": "org/lines", "split": "test", "audio_column": "wav", "text_column": "txt", "id_column": "key"}


@pytest.mark.slow
def test_process_that_loaded_through_the_library_exits_cleanly_and_never_imported_it(
    hub: HubServer, tmp_path: Path
) -> None:
    some = {"source": FOLDER, "settings": {"limit": 2}}
    process = start_loads(hub.environment(tmp_path / "home"), tmp_path / "cache", [some, {"source": FOLDER}])
    loads = finish_loads(process)  # asserts status 0
    two, whole = loads.answers
    assert "datasets" not in loads.modules
    assert whole["ids"] == [f"test/a{n}.flac" for n in range(6)]
    assert whole["texts"] == [f"said {n}" for n in range(6)]
    assert whole["meta"][1] == {"speaker": "s1"}
    assert [Path(p).read_bytes() for p in whole["audio"]] == [clip(n) for n in range(6)]
    assert (two["ids"], two["audio"]) == (whole["ids"][:2], whole["audio"][:2])
    served = len(hub.log)
    environment = hub.environment(tmp_path / "home", HF_HUB_OFFLINE="1")
    again = finish_loads(start_loads(environment, tmp_path / "cache", [{"source": FOLDER}]))
    assert again.one == whole
    assert len(hub.log) == served


@pytest.mark.slow
def test_first_rows_are_streamed_and_rows_cannot_point_out_of_the_repository(hub: HubServer, tmp_path: Path) -> None:
    environment = hub.environment(tmp_path / "home")
    some = {"source": FOLDER, "settings": {"limit": 2}}
    wrong = {"source": {**LINES, "id_column": "keys"}}
    first, error, lines = finish_loads(
        start_loads(environment, tmp_path / "cache", [some, wrong, {"source": LINES}])
    ).answers
    assert len(first["ids"]) == 2
    fetched = {r.path.rpartition("/")[2] for r in hub.log if r.path.endswith(".flac") and "/folder/" in r.path}
    assert fetched == {"a0.flac", "a1.flac"}
    assert "no column 'keys'" in error["error"]
    assert "did you mean key?" in error["error"]
    assert [i for i in lines["ids"] if i not in lines["problems"]] == [f"k{n}" for n in range(4)]
    assert set(lines["problems"]) == {"out", "absolute", "address", "gone"}
    assert "passwd" in lines["problems"]["absolute"]
    assert len([p for p in (tmp_path / "cache" / "audio").rglob("*") if p.is_file()]) == 4


@pytest.mark.parametrize(
    ("path", "stable"),
    [
        ("hf://datasets/org/set@main/test/a.flac", "test/a.flac"),
        (f"/users/me/.cache/hub/datasets--org--set/snapshots/{'a' * 40}/test/a.flac", "test/a.flac"),
        ("/users/me/.cache/datasets/downloads/extracted/0a1b2c/LibriSpeech/a.flac", "LibriSpeech/a.flac"),
        ("zip://wavs/a.wav::hf://datasets/org/set@main/audio.zip", "wavs/a.wav"),
        ("/somewhere/else/a.wav", "a.wav"),
        ("wavs/a.wav", "wavs/a.wav"),
    ],
)
def test_ids_from_paths_do_not_depend_on_the_machine(path: str, stable: str) -> None:
    assert stable_path(path) == stable
