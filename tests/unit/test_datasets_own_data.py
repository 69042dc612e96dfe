"""A path where a catalogue name could stand."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, is_path_like, load_dataset, sounds_of_manifest, spec_for_path
from audiobench_pytest.datasets.manifests.formats import formats
from audiobench_pytest.errors import DatasetError, UsageError


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
    with pytest.raises(UsageError, match=r"unknown task or layout 'emotoin' .*emotion"):
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


ASKED = [
    ("nemo:{}.txt", {"audio_filepath": "a.flac", "text": "x", "duration": 1.0}),
    ("wenet:{}.txt", {"key": "a", "wav": "a.flac", "txt": "x"}),
    ("native:{}.txt", {"id": "a", "audio": "a.flac", "text": "x", "wav": "other.flac"}),
    ("mmau:{}.txt", {"audio_id": "a.flac", "question": "q", "choices": ["x", "y"], "answer": "x", "text": "x"}),
    ("ultraeval:{}.txt", {"WavPath": "a.flac", "Transcript": "x"}),
    ("kimi:{}.txt", {"index": 1, "audio_path": "a.flac", "answer": "x"}),
    ("voicebench:{}.txt", {"audio": {"path": "a.flac", "bytes": None}, "prompt": "said", "reference": "x"}),
    ("audio-folder:{}.txt", {"file_name": "a.flac", "transcription": "x"}),
]


@pytest.mark.parametrize(("text", "line"), ASKED, ids=[text.partition(":")[0] for text, _ in ASKED])
def test_a_layout_is_what_it_is_said_to_be(tmp_path: Path, text: str, line: dict) -> None:
    (tmp_path / "mine.txt").write_text(json.dumps(line) + "\n")
    text = text.format("mine")
    assert is_path_like(text)
    spec = spec_for_path(f"own={text}", cwd=tmp_path)
    (sample,) = load_dataset(spec, LoadSettings(tmp_path)).samples
    assert (spec.name, spec.task, sample.reference, sample.audio) == ("own", "asr", "x", tmp_path / "a.flac")


TABLES = [
    ("kaldi", "a a.flac\n"),
    ("csv", "audio,text\na.flac,x\n"),
    ("tsv", "audio\ttext\na.flac\tx\n"),
    ("common-voice", "client_id\tpath\tsentence\nme\t./a.flac\tx\n"),
    ("seed-tts", "a|said|prompt.wav|x\n"),
]


@pytest.mark.parametrize(("layout", "content"), TABLES, ids=[layout for layout, _ in TABLES])
def test_a_table_is_cut_as_its_layout_is_whatever_its_name(tmp_path: Path, layout: str, content: str) -> None:
    (tmp_path / "list.data").write_text(content)
    (tmp_path / "text").write_text("a x\n")
    spec = spec_for_path(
        f"voice-clone:{layout}:list.data" if layout == "seed-tts" else f"{layout}:list.data", cwd=tmp_path
    )
    data = load_dataset(spec, LoadSettings(tmp_path))
    assert [sample.reference for sample in data.samples] == ["x"]
    assert data.source == f"{layout}:{tmp_path / 'list.data'}"
    assert spec.task == ("voice-clone" if layout == "seed-tts" else "asr")


def test_a_report_finds_the_sounds_of_a_named_layout(tmp_path: Path) -> None:
    (tmp_path / "list.data").write_text("a a.flac\n")
    (tmp_path / "text").write_text("a x\n")
    data = load_dataset(spec_for_path("kaldi:list.data", cwd=tmp_path), LoadSettings(tmp_path))
    (tmp_path / "a.flac").touch()
    assert sounds_of_manifest(data.source) == {"a": tmp_path / "a.flac"}


def test_a_line_that_is_not_of_the_named_layout_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(
        '{"audio_filepath": "a.flac", "text": "x"}\n{"audio": "b.flac", "text": "y"}\n'
    )
    spec = spec_for_path("nemo:mine.jsonl", cwd=tmp_path)
    with pytest.raises(
        DatasetError, match=r"mine.jsonl:2: lacks 'audio_filepath', which a line of NeMo has; it has: aud"
    ):
        load_dataset(spec, LoadSettings(tmp_path))


def test_no_layout_is_called_like_a_task() -> None:
    assert not {task.name for task in load_catalog().tasks} & set(formats())


def test_what_voicebench_calls_a_prompt_is_said_and_never_written_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "bench.jsonl").write_text(
        '{"audio": "a.wav", "prompt": "what is said", "reference": "x", "id": "one"}\n'
    )
    (sample,) = load_dataset(spec_for_path("chat:bench.jsonl", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert (sample.id, sample.prompt, sample.reference) == ("one", "", "x")
    assert sample.meta["question"] == "what is said"
    (tmp_path / "own.jsonl").write_text('{"audio": "a.wav", "prompt": "Write it down.", "text": "x"}\n')
    (sample,) = load_dataset(spec_for_path("chat:own.jsonl", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert sample.prompt == "Write it down."


def test_bytes_in_a_row_are_told(tmp_path: Path) -> None:
    (tmp_path / "bench.jsonl").write_text(
        '{"audio": {"path": null, "bytes": "UklGRg=="}, "prompt": "p", "reference": "x"}\n'
    )
    (sample,) = load_dataset(spec_for_path("bench.jsonl", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert "'audio' holds the bytes of a sound: write them to a file" in sample.problem


def test_the_page_on_own_data_names_every_layout() -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text()
    listed = page.partition("Formats are")[2].partition("and those that others add")[0]
    assert set(re.findall(r"`([^`]+)`", listed)) == set(formats())
