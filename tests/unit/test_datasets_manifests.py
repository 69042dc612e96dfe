"""Manifests in both dialects, and every way in which one can be bad."""

import json
import os
from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource
from audiobench_pytest.datasets import Dataset, LoadSettings, count_samples, load_dataset
from audiobench_pytest.errors import DatasetError


def write(folder: Path, *lines: object, name: str = "manifest.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return path


def audio(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked into")


def load(path: Path, *, trusted: bool = True, samples: int | None = None, **settings: object) -> Dataset:
    spec = DatasetSpec("own", manifest=ManifestSource(str(path), trusted_paths=trusted), samples=samples)
    return load_dataset(spec, LoadSettings(path.parent / "cache", **settings))  # type: ignore[arg-type]


def native(name: str, text: object = "said", **more: object) -> dict:
    return {"id": name, "audio": f"audio/{name}.flac", "text": text, **more}


def problems(data: Dataset) -> dict[str, str]:
    return {s.id: s.problem for s in data.samples if s.problem}


def test_native_dialect_is_relative_to_the_manifest_and_keeps_unknown_keys(tmp_path: Path) -> None:
    audio(tmp_path, "audio/a.flac", "audio/b.flac")
    path = write(
        tmp_path,
        native("a", language="zh", duration_s=1.5, speaker="s1", tags=["x"]),
        b"",
        native("b", "  raw Text, kept. ", duration_s="long"),
    )
    a, b = load(path).samples
    assert (a.audio, a.reference, a.language, a.duration_s) == (tmp_path / "audio/a.flac", "said", "zh", 1.5)
    assert a.meta == {"speaker": "s1", "tags": ["x"]}
    assert (b.reference, b.language, b.duration_s) == ("  raw Text, kept. ", "en", None)
    assert not problems(load(path))


def test_line_without_id_is_named_by_its_audio_and_a_number_by_its_digits(tmp_path: Path) -> None:
    audio(tmp_path, "a.flac", "b.flac")
    path = write(tmp_path, {"audio": "a.flac", "text": "x"}, {"id": 7, "audio": "b.flac", "text": "y"})
    assert [s.id for s in load(path).samples] == ["a.flac", "7"]


def test_wenet_dialect_may_hold_absolute_paths_when_it_is_the_users_own(tmp_path: Path) -> None:
    audio(tmp_path, "elsewhere/a.wav", "lists/b.wav")
    absolute = str(tmp_path / "elsewhere/a.wav")
    path = write(
        tmp_path / "lists",
        {"key": "a", "wav": absolute, "txt": "你好", "lang": "zh", "duration": 2, "speaker": "s"},
        {"key": "b", "wav": "b.wav", "txt": "said"},
        name="data.list",
    )
    a, b = load(path).samples
    assert (a.id, a.audio, a.reference, a.language, a.duration_s) == ("a", Path(absolute), "你好", "zh", 2.0)
    assert a.meta == {"speaker": "s"}
    assert b.audio == tmp_path / "lists/b.wav"
    assert not problems(load(path))


def test_wenet_command_is_refused_not_run(tmp_path: Path) -> None:
    path = write(tmp_path, {"key": "a", "wav": f"touch {tmp_path}/ran |", "txt": "x"})
    assert "is a command" in problems(load(path))["a"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        (b'{"id": "b", "audio": ', ":2: ", "not valid JSON"),
        (b"[1, 2]", ":2: ", "not a JSON object"),
        (b'"text"', ":2: ", "not a JSON object"),
        ('{"id": "b", "audio": "ü"}'.encode("latin-1"), ":2: ", "not UTF-8"),
        (b"[" * 100_000, ":2: ", "not valid JSON"),
        (b'{"id": ' + b"1" * 5000 + b"}", ":2: ", "not valid JSON"),
    ],
)
def test_line_that_is_no_object_stops_the_set_with_its_number(
    tmp_path: Path, line: bytes, where: str, what: str
) -> None:
    path = write(tmp_path, native("a"), line, native("c"))
    with pytest.raises(DatasetError) as caught:
        load(path, limit=1)
    assert f"{path}{where}" in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ({"id": "a", "audio": "a.flac", "txet": "x"}, ["lacks 'text' (did you mean txet?)", "id, audio, txet"]),
        ({"path": "a.flac", "sentence": "x"}, ["lacks 'audio' and 'text'", "path, sentence"]),
        ({"key": "a", "wav": "a.wav", "text": "x"}, ["lacks 'txt' (did you mean text?)", "WeNet"]),
        ({}, ["lacks 'audio' and 'text'", "nothing"]),
    ],
)
def test_first_line_without_a_needed_column_names_what_is_there(tmp_path: Path, line: dict, parts: list[str]) -> None:
    path = write(tmp_path, line)
    with pytest.raises(DatasetError) as caught:
        load(path)
    for part in (f"{path}:1: ", *parts):
        assert part in str(caught.value)


def test_missing_empty_and_unreadable_manifests_are_errors_of_the_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such manifest"):
        load(tmp_path / "nowhere.jsonl")
    with pytest.raises(DatasetError, match="holds no samples"):
        load(write(tmp_path, b"", b"  "))
    with pytest.raises(DatasetError, match="cannot be read"):
        load(tmp_path)


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    audio(tmp_path, "audio/a.flac", "audio/b.flac")
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(native(n)).encode() for n in "ab"))
    assert [s.id for s in load(path).samples] == ["a", "b"]


def test_bad_lines_become_problems_that_name_file_and_line(tmp_path: Path) -> None:
    audio(tmp_path, "audio/ok.flac", "audio/blank.flac", "audio/number.flac", "audio/null.flac")
    (tmp_path / "audio/folder.flac").mkdir()
    os.mkfifo(tmp_path / "audio/pipe.flac")
    path = write(
        tmp_path,
        native("ok"),
        native("gone"),
        native("blank", " \t"),
        native("number", 5),
        {"id": "null", "audio": None, "text": "x"},
        {"id": "silent", "text": "x"},
        {"id": "address", "audio": "https://example.org/a.wav", "text": "x"},
        native("ok", "again"),
        native("folder"),
        native("pipe"),
        {"id": "nul", "audio": "a\0b.wav", "text": "x"},
        {"id": "surrogate", "audio": "\ud800.wav", "text": "x"},
        {"id": "notext", "audio": "audio/ok.flac"},
    )
    data = load(path)
    found = problems(data)
    assert [s.id for s in data.samples if s.problem is None] == ["ok"]
    assert found["gone"] == f"{tmp_path}/audio/gone.flac: missing audio file"
    assert found["blank"] == f"{path}:3: 'text' is an empty reference"
    assert found["number"] == f"{path}:4: 'text' is a number, not text"
    assert found["null"] == f"{path}:5: 'audio' is null, not text"
    assert found["silent"] == f"{path}:6: no 'audio'"
    assert "download it first" in found["address"]
    assert found["ok#line8"] == f"{path}:8: duplicate id 'ok', first seen in line 1"
    assert "is a folder" in found["folder"]
    assert "not a regular file" in found["pipe"]
    assert "not a usable path" in found["nul"]
    assert "not a usable path" in found["surrogate"]
    assert found["notext"] == f"{path}:13: no 'text'"
    assert len(data.digest) == 64


def test_untrusted_set_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "set", tmp_path / "secret"
    audio(inside, "audio/ok.flac", "audio/.hidden..flac")
    audio(outside, "key.flac")
    (inside / "audio/link.flac").symlink_to(outside / "key.flac")
    (inside / "audio/inner.flac").symlink_to(inside / "audio/ok.flac")
    (inside / "linked").symlink_to(outside)
    lines = {
        "ok": "audio/ok.flac",
        "dots": "audio/../audio/.hidden..flac",
        "inner": "audio/inner.flac",
        "up": "../secret/key.flac",
        "absolute": str(outside / "key.flac"),
        "link": "audio/link.flac",
        "folder": "linked/key.flac",
        "parent": "..",
        "sibling": "../set-of-others/key.flac",
        "absent": "/does/not/exist.flac",
    }
    path = write(inside, *({"id": name, "audio": place, "text": "x"} for name, place in lines.items()))
    refused = problems(load(path, trusted=False))
    assert set(refused) == set(lines) - {"ok", "dots", "inner"}
    for problem in refused.values():
        assert "outside of the set's folder" in problem
    assert set(problems(load(path, trusted=True))) == {"parent", "sibling", "absent"}


def test_set_in_a_linked_folder_is_inside_of_itself(tmp_path: Path) -> None:
    audio(tmp_path / "real", "audio/a.flac")
    write(tmp_path / "real", native("a"))
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert not problems(load(tmp_path / "alias/manifest.jsonl", trusted=False))


def test_count_is_checked_for_the_whole_set_only(tmp_path: Path) -> None:
    audio(tmp_path, *(f"audio/{n}.flac" for n in "abc"))
    path = write(tmp_path, *(native(n) for n in "abc"))
    assert len(load(path, samples=3).samples) == 3
    assert len(load(path, samples=4, limit=2).samples) == 2
    with pytest.raises(DatasetError, match="holds 3 samples, the catalogue says 4"):
        load(path, samples=4)


def test_lines_are_counted_without_being_parsed(tmp_path: Path) -> None:
    path = write(tmp_path, native("a"), b"", b"not json", native("c"))
    spec = DatasetSpec("own", manifest=ManifestSource(str(path)))
    assert count_samples(spec, LoadSettings(tmp_path)) == 3
    assert count_samples(spec, LoadSettings(tmp_path, limit=5, sample=2)) == 2
    with pytest.raises(DatasetError, match="no such manifest"):
        count_samples(DatasetSpec("own", manifest=ManifestSource(str(tmp_path / "x"))), LoadSettings(tmp_path))


def test_digest_is_the_same_on_another_machine_and_follows_the_data(tmp_path: Path) -> None:
    digests = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        audio(folder, "audio/a.flac")
        digests.append(load(write(folder, native("a"))).digest)
    assert digests[0] == digests[1]
    path = write(tmp_path / "there", native("a", "other"))
    assert load(path).digest != digests[0]
    write(tmp_path / "there", native("a"))
    (tmp_path / "there/audio/a.flac").write_bytes(b"longer than it was before")
    assert load(path).digest != digests[0]


def test_only_selected_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, *(native(f"{n}") for n in range(200)))
    looked: list[Path] = []
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **kw: (looked.append(self), real(self, **kw))[1])
    load(path, limit=5)
    assert len([p for p in looked if p.suffix == ".flac"]) == 5


def test_bundled_manifest_is_found_among_the_corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio(tmp_path / "tiny", "audio/a.flac")
    write(tmp_path / "tiny", native("a"))
    monkeypatch.setattr("audiobench_pytest.corpora.corpus_path", lambda relative: tmp_path / relative, raising=False)
    spec = DatasetSpec("tiny", manifest=ManifestSource("tiny/manifest.jsonl", bundled=True))
    assert [s.id for s in load_dataset(spec, LoadSettings(tmp_path)).samples] == ["a"]
    assert count_samples(spec, LoadSettings(tmp_path)) == 1


def test_bundled_manifest_that_is_not_installed_is_an_error_of_the_set(tmp_path: Path) -> None:
    spec = DatasetSpec("tiny", manifest=ManifestSource("no-such-corpus/manifest.jsonl", bundled=True))
    with pytest.raises(DatasetError, match=r"tiny: .*no-such-corpus"):
        load_dataset(spec, LoadSettings(tmp_path))
