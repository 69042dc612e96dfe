"""Makes the bundled corpus minispeech: speaks the sentences beside this script with flite and writes FLAC and manifest.

    python tools/make_minispeech.py [--out FOLDER] [--sentences FILE]

Needs flite 2.x with the voices named in `VOICES` on the PATH (Debian: `apt-get install flite`) and soundfile. Nothing
else in the project needs flite: the recordings are part of the repository. The same flite gives the same samples and
the same manifest, bit for bit; another release of libsndfile may pack the same samples into other FLAC bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import soundfile

SAMPLE_RATE = 16_000
"""Hz; the native rate of all voices used, so that nothing is resampled."""

VOICES = {"slt": "female", "rms": "male", "awb": "male", "kal16": "male"}
"""Flite voices in the order in which they take turns, and the gender of the speaker each was recorded from."""

HERE = Path(__file__).resolve().parent
DEFAULT_OUT = HERE.parent / "src" / "audiobench_pytest" / "corpora" / "minispeech"


class CorpusError(Exception):
    """The corpus cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Line:
    """One sentence to speak."""

    id: str
    category: str
    voice: str
    text: str


def read_sentences(path: Path) -> list[Line]:
    """Read `[category]` headings and one sentence per line; voices take turns within a category.

    Raises:
        CorpusError: A sentence outside a category or written twice, or voices that would not speak equally often.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; pass the list of sentences with --sentences")
    categories: dict[str, list[str]] = {}
    current: list[str] | None = None
    seen: dict[str, int] = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = categories.setdefault(line[1:-1], [])
            continue
        if current is None:
            raise CorpusError(f"{path}:{number}: a sentence before the first [category] heading")
        if line.casefold() in seen:
            raise CorpusError(f"{path}:{number}: the same sentence as line {seen[line.casefold()]}; say it once")
        seen[line.casefold()] = number
        current.append(line)
    voices = list(VOICES)
    for category, sentences in categories.items():
        if len(sentences) % len(voices):
            raise CorpusError(
                f"{path}: [{category}] holds {len(sentences)} sentences, which cannot be shared evenly; "
                f"make it a multiple of {len(voices)}, the number of voices"
            )
    return [
        Line(f"{voice}-{category}-{turn:02d}", category, voice, text)
        for category, sentences in categories.items()
        for i, text in enumerate(sentences)
        for voice, turn in [(voices[i % len(voices)], i // len(voices) + 1)]
    ]


def find_flite() -> str:
    """Return the path of flite.

    Raises:
        CorpusError: It is not installed, or lacks a voice.
    """
    flite = shutil.which("flite")
    if flite is None:
        raise CorpusError(
            "flite is not on the PATH; install it (Debian: apt-get install flite). Only this script needs it: "
            "the recordings it made are part of the repository"
        )
    listed = subprocess.run([flite, "-lv"], capture_output=True, text=True, check=True).stdout
    missing = [voice for voice in VOICES if voice not in listed.split()]
    if missing:
        raise CorpusError(f"{flite} lacks the voice {', '.join(missing)}; it says: {listed.strip()}")
    return flite


def speak(flite: str, line: Line, wav: Path) -> None:
    """Let flite write one sentence to a WAV file.

    Raises:
        CorpusError: Flite failed, or the sound is not 16 kHz mono.
    """
    done = subprocess.run(
        [flite, "-voice", line.voice, "-t", line.text, "-o", str(wav)], capture_output=True, text=True, check=False
    )
    if done.returncode or not wav.is_file():
        raise CorpusError(
            f"{line.id}: flite failed with status {done.returncode} on {line.text!r}: {done.stderr.strip()}"
        )
    info = soundfile.info(wav)
    if (info.samplerate, info.channels) != (SAMPLE_RATE, 1):
        raise CorpusError(f"{line.id}: flite wrote {info.samplerate} Hz, {info.channels} channel(s), not 16 kHz mono")


def make(out: Path, sentences: Path) -> list[dict[str, object]]:
    """Write `audio/*.flac` and `manifest.jsonl` below `out` and return the manifest's rows.

    Recordings of an earlier sentence list are removed.

    Raises:
        CorpusError: See the functions above.
    """
    lines = read_sentences(sentences)
    flite = find_flite()
    audio = out / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            wav = Path(folder) / f"{line.id}.wav"
            speak(flite, line, wav)
            samples, _ = soundfile.read(wav, dtype="int16")
            flac = audio / f"{line.id}.flac"
            soundfile.write(flac, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
            rows.append(
                {
                    "id": line.id,
                    "audio": f"audio/{flac.name}",
                    "text": line.text,
                    "language": "en",
                    "duration_s": round(len(samples) / SAMPLE_RATE, 3),
                    "speaker": line.voice,
                    "gender": VOICES[line.voice],
                    "category": line.category,
                }
            )
    for stale in set(audio.glob("*.flac")) - {audio / f"{line.id}.flac" for line in lines}:
        stale.unlink()
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (out / "manifest.jsonl").write_text(text, encoding="utf-8")
    return rows


def main(argv: list[str] | None = None) -> int:
    """Make the corpus and print what it holds; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the bundled corpus minispeech with flite.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write (default: the bundled corpus)")
    parser.add_argument("--sentences", type=Path, default=HERE / "minispeech_sentences.txt", help="what is spoken")
    options = parser.parse_args(argv)
    try:
        rows = make(options.out, options.sentences)
    except CorpusError as error:
        print(f"make_minispeech: {error}", file=sys.stderr)
        return 1
    seconds = [float(str(row["duration_s"])) for row in rows]
    size = sum(path.stat().st_size for path in (options.out / "audio").glob("*.flac"))
    length = f"{sum(seconds) / 60:.2f} min ({min(seconds):.2f} to {max(seconds):.2f} s each)"
    print(f"{len(rows)} utterances, {length}, {size} bytes of FLAC")
    return 0


if __name__ == "__main__":
    sys.exit(main())
