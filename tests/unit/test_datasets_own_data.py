"""A path where a catalogue name could stand."""

import dataclasses
import json
from pathlib import Path

import pytest

from audiobench_pytest.datasets import LoadSettings, is_path_like, load_dataset, spec_for_path
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


def labelled(tmp_path, **row):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"id": "a", "audio": "a.wav", **row}) + "\n", "utf-8")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    return path


@pytest.mark.parametrize(("text", "task"), [("{}", "asr"), ("emotion:{}", "emotion"), ("x=emotion:{}", "emotion")])
def test_the_task_is_told_before_the_path(tmp_path, text, task):
    spec = spec_for_path(text.format("mine.jsonl"), cwd=labelled(tmp_path, text="sad").parent)
    assert spec.task == task
    assert spec.name == ("x" if text.startswith("x=") else "mine")


def test_a_manifest_may_say_its_task_and_may_keep_another_thing_under_that_name(tmp_path):
    assert spec_for_path("mine.jsonl", cwd=labelled(tmp_path, text="sad", task="emotion").parent).task == "emotion"
    assert spec_for_path("mine.jsonl", cwd=labelled(tmp_path, text="sad", task="opera").parent).task == "asr"


def test_a_task_that_does_not_exist_is_refused_with_close_matches(tmp_path):
    with pytest.raises(UsageError, match=r"unknown task 'emotoin' .*emotion"):
        spec_for_path("emotoin:mine.jsonl", cwd=labelled(tmp_path, text="sad").parent)


def test_a_colon_may_be_part_of_the_path(tmp_path):
    (tmp_path / "emotion:x.jsonl").write_text(labelled(tmp_path, text="sad").read_text("utf-8"), "utf-8")
    assert spec_for_path("emotion:x.jsonl", cwd=tmp_path).task == "asr"


@pytest.mark.parametrize(
    ("row", "reference"),
    [
        ({"text": "words", "emotion": "sad", "label": "x"}, "sad"),
        ({"text": "words", "label": "sad"}, "sad"),
        ({"text": "sad"}, "sad"),
        ({"text": "words", "label": 3}, "3"),
    ],
)
def test_the_answer_is_in_the_column_of_the_task(tmp_path, row, reference):
    spec = spec_for_path("emotion:mine.jsonl", cwd=labelled(tmp_path, **row).parent)
    (sample,) = load_dataset(spec, LoadSettings(tmp_path / "cache")).samples
    assert sample.reference == reference
    assert sample.choices == (reference,), "the closed set of data that list none is what they hold"
    if sample.reference != row["text"]:
        assert sample.meta["text_column"] == "words"


def test_choices_of_the_row_or_of_the_set_come_first(tmp_path):
    spec = spec_for_path("emotion:mine.jsonl", cwd=labelled(tmp_path, label="sad").parent)
    settings = LoadSettings(tmp_path / "cache")
    (sample,) = load_dataset(dataclasses.replace(spec, labels="ravdess-emotion"), settings).samples
    assert sample.choices[:2] == ("neutral", "calm")
    labelled(tmp_path, label="sad", choices=["sad", "glad"])
    (sample,) = load_dataset(spec, settings).samples
    assert sample.choices == ("sad", "glad")
