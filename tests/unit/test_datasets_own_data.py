"""A path where a catalogue name could stand."""

import json
from pathlib import Path

import pytest

from audiobench_pytest.datasets import is_path_like, spec_for_path
from audiobench_pytest.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("calls/manifest.jsonl", "calls/evening.jsonl", "chinese.list"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"id": "a", "audio": "a.flac", "text": "x"}) + "\n")
    (tmp_path / "chinese.list").write_text('{"key": "a", "wav": "a.wav", "txt": "x", "lang": "zh"}\n')
    return tmp_path


@pytest.mark.parametrize("text", ["x/manifest.jsonl", "a.jsonl", "NAME=PATH", "./x", "data.list", "A.JSONL"])
def test_paths_are_told_from_names(text: str) -> None:
    assert is_path_like(text)


@pytest.mark.parametrize("text", ["librispeech-test-clean", "minispeech", "mls_dutch", "cv-15-en", "v1.1"])
def test_names_are_told_from_paths(text: str) -> None:
    assert not is_path_like(text)


@pytest.mark.parametrize(
    ("text", "name", "file"),
    [
        ("calls/manifest.jsonl", "calls", "calls/manifest.jsonl"),
        ("calls/evening.jsonl", "evening", "calls/evening.jsonl"),
        ("night=calls/evening.jsonl", "night", "calls/evening.jsonl"),
        ("./calls/../calls/manifest.jsonl", "calls", "calls/manifest.jsonl"),
        ("chinese.list", "chinese", "chinese.list"),
    ],
)
def test_path_is_named_by_folder_stem_or_the_user(folder: Path, text: str, name: str, file: str) -> None:
    spec = spec_for_path(text, cwd=folder)
    assert spec.name == name
    assert (spec.task, spec.family, spec.hub, spec.folder) == ("asr", "", None, None)
    assert spec.manifest is not None
    assert spec.manifest.trusted_paths
    assert Path(spec.manifest.path).resolve() == folder / file


def test_manifest_in_the_working_folder_is_named_by_that_folder(folder: Path) -> None:
    assert spec_for_path("manifest.jsonl", cwd=folder / "calls").name == "calls"


def test_absolute_paths_and_paths_with_an_equals_sign_work(folder: Path) -> None:
    odd = folder / "a=b"
    odd.mkdir()
    (odd / "m.jsonl").write_text("{}")
    assert spec_for_path("./a=b/m.jsonl", cwd=folder).name == "m"
    assert spec_for_path(str(odd / "m.jsonl"), cwd=Path("/")).name == "m"


def test_language_is_that_of_the_first_line(folder: Path) -> None:
    assert spec_for_path("chinese.list", cwd=folder).language == "zh"
    assert spec_for_path("calls/manifest.jsonl", cwd=folder).language == "en"
    (folder / "broken.jsonl").write_text("{")
    assert spec_for_path("broken.jsonl", cwd=folder).language == "en"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calls/manifst.jsonl", r"no such file \(did you mean manifest.jsonl"),
        ("cals/manifest.jsonl", r"folder .*cals does not exist"),
        ("calls", r"is a folder; did you mean calls/manifest.jsonl\?"),
        ("=calls/evening.jsonl", "both a name and a path"),
        ("night=", "both a name and a path"),
        ("  ", "empty value"),
    ],
)
def test_what_is_not_there_is_a_usage_error(folder: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        spec_for_path(text, cwd=folder)
