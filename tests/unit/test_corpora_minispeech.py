"""The bundled corpus is what its README promises, and its manifest agrees with its files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from audiobench_pytest.corpora import corpus_path

MANIFEST = corpus_path("minispeech/manifest.jsonl")
ROWS = [json.loads(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines()]


def test_every_recording_is_listed_and_every_listed_recording_exists():
    listed = [row["audio"] for row in ROWS]
    on_disk = [f"audio/{path.name}" for path in (MANIFEST.parent / "audio").iterdir()]
    assert sorted(listed) == sorted(on_disk)


def test_recordings_are_16_khz_mono_flac_as_long_as_the_manifest_says():
    for row in ROWS:
        info = soundfile.info(MANIFEST.parent / row["audio"])
        shape = (info.format, info.subtype, info.samplerate, info.channels)
        assert shape == ("FLAC", "PCM_16", 16_000, 1), row["id"]
        assert info.duration == pytest.approx(row["duration_s"], abs=0.01), row["id"]


def test_recordings_hold_sound_that_is_not_clipped():
    for row in ROWS:
        samples, _ = soundfile.read(MANIFEST.parent / row["audio"], dtype="float32")
        assert 0.05 < abs(samples).max() < 0.99, row["id"]


def test_corpus_is_large_enough_to_mean_something_and_small_enough_to_ship():
    assert len(ROWS) >= 80
    assert sum(row["duration_s"] for row in ROWS) >= 6 * 60
    assert sum(path.stat().st_size for path in MANIFEST.parent.rglob("*") if path.is_file()) <= 8_000_000


def test_four_voices_speak_equally_often_and_keep_their_gender():
    spoken = Counter(row["speaker"] for row in ROWS)
    assert len(spoken) == 4
    assert len(set(spoken.values())) == 1
    assert len({(row["speaker"], row["gender"]) for row in ROWS}) == 4
    assert {row["gender"] for row in ROWS} == {"female", "male"}


def test_every_voice_speaks_every_category_equally_often():
    cells = Counter((row["category"], row["speaker"]) for row in ROWS)
    categories = {row["category"] for row in ROWS}
    assert categories == {
        "short", "everyday", "question", "number", "date", "time", "contraction", "name", "long",
    }  # fmt: skip
    assert len(cells) == len(categories) * 4
    for category in categories:
        assert len({n for (c, _), n in cells.items() if c == category}) == 1, category


def test_ids_and_sentences_are_unique():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({row["text"].casefold() for row in ROWS}) == len(ROWS)


def test_categories_hold_what_their_names_say():
    def texts(category: str) -> list[str]:
        return [row["text"] for row in ROWS if row["category"] == category]

    assert all(text.endswith("?") for text in texts("question"))
    assert all("'" in text for text in texts("contraction"))
    assert all(any(c.isdigit() for c in text) for text in texts("number"))
    assert all(row["language"] == "en" for row in ROWS)


def test_a_few_recordings_are_very_short_and_a_few_are_long():
    assert sum(row["duration_s"] < 1.2 for row in ROWS) >= 4
    assert sum(row["duration_s"] > 15 for row in ROWS) >= 4
    assert max(row["duration_s"] for row in ROWS) < 30


def test_path_of_a_file_that_is_not_bundled_is_refused():
    with pytest.raises(FileNotFoundError, match="no-such-corpus"):
        corpus_path("no-such-corpus/manifest.jsonl")


def test_bundled_path_lies_inside_the_package():
    import audiobench_pytest

    assert MANIFEST.is_relative_to(Path(audiobench_pytest.__file__).parent)
