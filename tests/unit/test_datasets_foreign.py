"""Manifests in the layouts of others: read as they are, told by their columns; and sounds that ffmpeg alone reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from audiobench_pytest.datasets import LoadSettings, load_dataset, spec_for_path
from audiobench_pytest.datasets.audio.decode import audio_seconds, read_audio
from audiobench_pytest.datasets.manifests.dialect import Dialect
from audiobench_pytest.errors import DatasetError, SampleError
from audiobench_pytest.types import Message, Sample, Sound


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for name in ("a.wav", "b.wav", "clips/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        sf.write(tmp_path / name, np.full(1600, 0.1), 16_000)
    return tmp_path


def read(folder: Path, name: str, content: object, task: str = "asr") -> list[Sample]:
    lines = content if isinstance(content, str) else "\n".join(json.dumps(one) for one in content)  # type: ignore[attr-defined]
    (folder / name).write_text(lines, "utf-8")
    spec = spec_for_path(f"{task}:{folder / name}", cwd=folder)
    samples = list(load_dataset(spec, LoadSettings(folder)).samples)
    assert [sample.problem for sample in samples] == [None] * len(samples)
    return samples


def test_nemo(sounds: Path) -> None:
    rows = [{"audio_filepath": "a.wav", "duration": 0.1, "text": "hello", "lang": "de"}]
    (sample,) = read(sounds, "nemo.json", rows)
    assert (sample.audio, sample.reference, sample.language) == (sounds / "a.wav", "hello", "de")
    assert sample.duration_s == 0.1


def test_ultraeval_audio_with_its_options_apart(sounds: Path) -> None:
    rows = [{"WavPath": "a.wav", "question": "Which?", "choice_a": "cat", "choice_b": "dog", "answer": "B"}]
    (sample,) = read(sounds, "ue.jsonl", rows, "audio-qa")
    assert (sample.choices, sample.reference, sample.meta["question"]) == (("cat", "dog"), "B", "Which?")
    (heard,) = read(sounds, "asr.jsonl", [{"WavPath": "b.wav", "Transcript": "hello"}])
    assert (heard.audio, heard.reference) == (sounds / "b.wav", "hello")


def test_kimi_evalkit(sounds: Path) -> None:
    rows = [
        {"index": 7, "audio_path": "a.wav", "question": "", "answer": "hi", "subset": "x", "meta": {"speaker": "s"}},
        {"index": 8, "audio_path": ["a.wav", "b.wav"], "question": "q", "answer": "hi", "subset": "x"},
    ]
    first, second = read(sounds, "kimi.jsonl", rows)
    assert (first.id, first.reference, first.meta["speaker"], first.meta["subset"]) == ("7", "hi", "s", "x")
    assert "question" not in first.meta
    assert second.sounds == {"audio2": sounds / "b.wav"}
    spoken = [{"index": 1, "audio_path": "a.wav", "question": "", "answer": "Paris", "audio_content": "Capital?"}]
    (asked,) = read(sounds, "qa.jsonl", spoken, "spoken-qa")
    assert (asked.reference, asked.text) == ("Paris", "Capital?")


def test_ms_swift(sounds: Path) -> None:
    rows = [
        {
            "messages": [
                {"role": "system", "content": "Listen."},
                {"role": "user", "content": "<audio>What is said?"},
                {"role": "assistant", "content": "hello there"},
            ],
            "audios": ["a.wav"],
        }
    ]
    (sample,) = read(sounds, "swift.jsonl", rows)
    assert (sample.reference, sample.audio) == ("hello there", sounds / "a.wav")
    assert sample.turns == (Message("system", ("Listen.",)), Message("user", (Sound(), "What is said?")))


def test_mmau_is_one_list(sounds: Path) -> None:
    row = {
        "id": "m1",
        "audio_id": "./a.wav",
        "question": "Which?",
        "choices": ["x", "y"],
        "answer": "y",
        "task": "sound",
    }
    (sample,) = read(sounds, "mmau.json", json.dumps([row]), "audio-qa")
    assert (sample.id, sample.audio, sample.reference) == ("m1", sounds / "a.wav", "y")


def cut(**more: Any) -> dict[str, Any]:
    recording = {"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "duration": 0.1}
    told = [{"text": "hello", "speaker": "s1", "language": "de"}, {"text": "there", "speaker": "s1"}]
    return {
        "id": "c1",
        "start": 0,
        "duration": 0.1,
        "recording": recording,
        "supervisions": told,
        "type": "MonoCut",
    } | more


def test_cuts_of_lhotse_that_are_whole_recordings(sounds: Path) -> None:
    (sample,) = read(sounds, "cuts.jsonl", [cut()])
    assert (sample.id, sample.audio, sample.reference) == ("c1", sounds / "a.wav", "hello there")
    assert (sample.language, sample.meta["speaker"], sample.duration_s) == ("de", "s1", 0.1)
    with pytest.raises(
        DatasetError, match=r"part.jsonl:1: is 0.05 s from 0.02 s on of a recording of 0.1 s.*save_audios"
    ):
        read(sounds, "part.jsonl", [cut(start=0.02, duration=0.05)])


def test_common_voice(sounds: Path) -> None:
    table = "client_id\tpath\tsentence\tlocale\tgender\nabc\tc.wav\tGuten Tag\tde\tfemale\n"
    (sample,) = read(sounds, "test.tsv", table)
    assert (sample.audio, sample.reference, sample.language) == (sounds / "clips" / "c.wav", "Guten Tag", "de")
    assert (sample.meta["speaker"], sample.meta["gender"]) == ("abc", "female")


def test_an_audio_folder(sounds: Path) -> None:
    (sample,) = read(sounds, "metadata.csv", "file_name,transcription\na.wav,hello\n")
    assert (sample.audio, sample.reference) == (sounds / "a.wav", "hello")


def test_kaldi(sounds: Path) -> None:
    (sounds / "text").write_text("u1 hello there\nu2 good day\n")
    first, second = read(sounds, "wav.scp", f"u1 a.wav\nu2 {sounds / 'b.wav'}\n")
    assert (first.id, first.audio, first.reference) == ("u1", sounds / "a.wav", "hello there")
    assert (second.audio, second.reference) == (sounds / "b.wav", "good day")
    (sounds / "text").unlink()
    with pytest.raises(DatasetError, match="there is no 'text' beside it"):
        read(sounds, "wav.scp", "u1 a.wav\n")


def test_seed_tts_eval(sounds: Path) -> None:
    (sample,) = read(sounds, "meta.lst", "u1|what the prompt says|a.wav|say this|b.wav\n", "voice-clone")
    assert (sample.id, sample.text) == ("u1", "say this")
    assert sample.sounds == {"prompt": sounds / "a.wav", "truth": sounds / "b.wav"}
    assert sample.meta["prompt_text"] == "what the prompt says"
    with pytest.raises(DatasetError, match=r"meta.lst:1: has 2 fields; a line of this list is UTT\|PROMPT"):
        read(sounds, "meta.lst", "u1|say this\n", "voice-clone")


def test_a_line_that_names_a_part_of_a_file_is_refused(sounds: Path) -> None:
    """Once the whole file was heard against the words of a second of it."""
    part = {"audio_filepath": "a.wav", "offset": 2, "duration": 1, "text": "one"}
    with pytest.raises(DatasetError, match=r"nemo.json:1: is a part of its file, from 2 s on \('offset'\)"):
        read(sounds, "nemo.json", [part])
    assert "offset" not in read(sounds, "nemo.json", [part | {"offset": 0}])[0].meta
    stereo = cut(channel=0)
    stereo["recording"]["sources"][0]["channels"] = [0, 1]
    with pytest.raises(DatasetError, match=r"one.jsonl:1: is one channel of a recording of 2"):
        read(sounds, "one.jsonl", [stereo])
    with pytest.raises(DatasetError, match=r"open.jsonl:1: is None s from 0.02 s on"):
        read(sounds, "open.jsonl", [cut(start=0.02, duration=None)])


@pytest.mark.parametrize(
    "more",
    [
        {"audio_filepath": "b.wav"},
        {"WavPath": "b.wav", "Transcript": "other"},
        {"client_id": "c", "path": "b.wav", "sentence": "Other."},
        {"audio_path": "b.wav", "answer": "other"},
        {"file_name": "b.wav", "transcription": "other"},
        {"source_wav": "b.wav", "target_text": "other"},
        {"num_round": 2, "dialogue": []},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_line_of_ours_stays_one_whatever_else_it_holds(sounds: Path, more: dict[str, Any]) -> None:
    """Once theirs took the place of ours: another file was heard, against other words."""
    (own,) = read(sounds, "own.jsonl", [{"audio": "a.wav", "text": "ours"} | more])
    assert (own.audio, own.reference) == (sounds / "a.wav", "ours")
    assert {name: own.meta[name] for name in more} == more
    (wenet,) = read(sounds, "data.list", [{"key": "k", "wav": "a.wav", "txt": "ours"} | more])
    assert (wenet.audio, wenet.reference) == (sounds / "a.wav", "ours")


def test_a_name_that_a_line_has_already_is_not_taken(sounds: Path) -> None:
    (sample,) = read(sounds, "ue.jsonl", [{"WavPath": "a.wav", "text": "ours", "Transcript": "theirs"}])
    assert (sample.reference, sample.meta["Transcript"]) == ("ours", "theirs")


def test_an_added_dialect_goes_before_all_others(sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = Dialect("house", ("audio_filepath", "transcript"), "id", "audio_filepath", "transcript", "lang", "seconds")
    monkeypatch.setattr("audiobench_pytest.datasets.manifests.read.DIALECTS", [added])
    rows = [{"audio_filepath": "a.wav", "transcript": "hello", "text": "HELLO RAW", "offset": 2}]
    assert read(sounds, "house.jsonl", rows)[0].reference == "hello"


def test_an_unnamed_column_is_no_question(sounds: Path) -> None:
    table = ",audio,text,question\n0,a.wav,Paris,Which city?\n"
    (sample,) = read(sounds, "qa.csv", table, "spoken-qa")
    assert sample.meta["question"] == "Which city?"


M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00"


def test_without_ffmpeg_a_container_says_what_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.m4a").write_bytes(M4A + b"x" * 64)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SampleError, match=r"clip.m4a: is MP4 or M4A, which is read by ffmpeg alone: install it"):
        read_audio(tmp_path / "clip.m4a", 16_000)


STAND_IN = """#!{python}
import sys
import numpy as np, soundfile as sf
arguments = sys.argv[1:]
data = open(arguments[arguments.index("-i") + 1], "rb").read()
if b"broken" in data:
    sys.exit("moov atom not found")
if b"cut short" in data:
    print("File ended prematurely", file=sys.stderr)
sf.write(arguments[-1], np.full((4410, 2), 0.25), 44100, subtype="PCM_16")
"""


def test_what_ffmpeg_writes_is_heard_and_what_it_refuses_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "clip.m4a").write_bytes(M4A)
    (tmp_path / "bad.webm").write_bytes(b"\x1aE\xdf\xa3 broken")
    (tmp_path / "half.webm").write_bytes(b"\x1aE\xdf\xa3 cut short")
    sound = read_audio(tmp_path / "clip.m4a", 16_000)
    assert sound.duration_s == pytest.approx(0.1)
    assert np.median(sound.samples) == pytest.approx(0.25, abs=0.01)
    assert audio_seconds(tmp_path / "clip.m4a") == pytest.approx(0.1)
    with pytest.raises(SampleError, match=r"bad.webm: ffmpeg does not read this webm or Matroska to its end: moov"):
        read_audio(tmp_path / "bad.webm", 16_000)
    with pytest.raises(SampleError, match=r"half.webm: ffmpeg does not read .* to its end: File ended prematurely"):
        read_audio(tmp_path / "half.webm", 16_000)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_ffmpeg_itself(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    sf.write(tmp_path / "tone.wav", tone, 16_000)
    for name in ("tone.m4a", "tone.webm"):
        subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "tone.wav", tmp_path / name], check=True)
        sound = read_audio(tmp_path / name, 16_000)
        assert sound.duration_s == pytest.approx(1.0, abs=0.1)
        assert np.sqrt(np.mean(sound.samples**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    whole = (tmp_path / "tone.webm").read_bytes()
    (tmp_path / "half.webm").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SampleError, match="to its end"):
        read_audio(tmp_path / "half.webm", 16_000)
