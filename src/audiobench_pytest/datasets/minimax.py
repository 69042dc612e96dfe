"""MiniMax's TTS-Multilingual-Test-Set as its repository has it: lines of text beside two voices a language.

Each line of `text/<language>.txt` is `<speaker>|<text>`; the speaker's voice is the sound in
`speaker/<language>/<speaker>/`, and what is said in it stands in `speaker/prompt_text.txt` as `<file name>|<text>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.errors import DatasetError, did_you_mean
from audiobench_pytest.types import Sample

_SPEAKER = re.compile(r"(?P<language>\w+)_[^\W_]+")
"""`english_female`: a voice of the folder `english`."""

_SPOKEN = "speaker/prompt_text.txt"


def read_minimax(root: Path, texts: str, language: str) -> list[Sample]:
    """Return all lines of a language, in their order; no sound is opened.

    Of several sounds of a speaker the first by name is the voice, as UltraEval-Audio takes it. A line that cannot be
    asked becomes a sample with a problem.

    Args:
        root: Folder of the repository.
        texts: Which of its files (`text/english.txt`).
        language: ISO 639 code of its lines.

    Raises:
        DatasetError: A file is missing, not UTF-8, or holds no line.
    """
    path = root / texts
    spoken = dict(_split(line) for _, line in _lines(root / _SPOKEN))
    voices: dict[str, _Voice] = {}
    samples = []
    for number, line in _lines(path):
        speaker, text = _split(line)
        if speaker not in voices:
            voices[speaker] = _voice(root, speaker, spoken)
        voice = voices[speaker]
        problem = voice.problem if text else f"'{line}' is not <speaker>|<text>"
        samples.append(
            Sample(
                id=f"{path.stem}-{number:03d}",
                audio=path if problem else None,
                reference=text,
                language=language,
                meta={"speaker": speaker, "prompt_text": voice.text},
                sounds={} if problem else {"prompt": voice.file},
                text=text,
                problem=f"{path}:{number}: {problem}" if problem else None,
            )
        )
    return samples


def count_minimax(root: Path, texts: str) -> int:
    """Return the number of lines of a language.

    Raises:
        DatasetError: As in `read_minimax`.
    """
    return sum(1 for _ in _lines(root / texts))


@dataclass(frozen=True, slots=True)
class _Voice:
    file: Path
    text: str = ""
    problem: str = ""


def _voice(root: Path, speaker: str, spoken: dict[str, str]) -> _Voice:
    match = _SPEAKER.fullmatch(speaker)
    if match is None:
        return _Voice(root, problem=f"'{speaker}' is no speaker's name, such as english_female")
    folder = root / "speaker" / match["language"] / speaker
    sounds = sorted(folder.glob("*.mp3"))
    if not sounds:
        return _Voice(root, problem=f"no *.mp3 in {folder}, which should hold the speaker's voice")
    if sounds[0].name not in spoken:
        return _Voice(root, problem=f"no line of {_SPOKEN} says what is said in {sounds[0].name}")
    return _Voice(sounds[0], spoken[sounds[0].name])


def _split(line: str) -> tuple[str, str]:
    name, _, text = line.partition("|")
    return name.strip(), text.strip()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except FileNotFoundError as exc:
        near = [one.name for one in path.parent.glob("*.txt")]
        raise DatasetError(
            f"{path}: no such file{did_you_mean(path.name, near)}; give the folder that holds text/ and speaker/, as "
            "the publisher's repository does"
        ) from exc
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}: not UTF-8 (byte {exc.start + 1})") from exc
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror or exc}") from exc
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise DatasetError(f"{path}: holds no line; fetch it again")
    yield from found
