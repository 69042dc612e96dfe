"""Lines in the layouts of others, rewritten into ours: told by their columns, never by the name of the file.

What a layout says beside our own columns stays as it is, and so becomes meta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """How somebody else writes a line.

    Attributes:
        name: For messages; in small letters, and with hyphens for blanks, how it is named on a command line.
        has: Columns that tell it from all others.
        names: Their columns with the names that ours have for them.
        more: What else is to be done to a line, after its columns were renamed.
        beyond: Of lines with those columns, which are of this layout and of no other; None for all.
    """

    name: str
    has: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    more: Callable[[dict[str, Any]], None] | None = None
    beyond: Callable[[Record], bool] | None = None

    def fits(self, record: Record) -> bool:
        """Whether a line is of this layout by what it holds."""
        return all(name in record for name in self.has) and (self.beyond is None or self.beyond(record))


def layout_of(record: Record, *, ours: bool) -> Layout | None:
    """Return the layout of others that a line is of by its columns, or None.

    Args:
        record: The line.
        ours: Whether it names its sound as we do: then it is of ours, but for layouts that say what tells them apart.
    """
    for one in _BEYOND if ours else LAYOUTS:
        if one.fits(record):
            return one
    return None


def translated(record: Record, layout: Layout, kept: frozenset[str] = frozenset()) -> Record:
    """Return a line of another layout in our columns.

    A column that the line has by our own name already stays what it is, and theirs stands beside it.

    Args:
        record: The line.
        layout: What it is of.
        kept: Columns that keep their names, since somebody said what each of them is.

    Raises:
        ValueError: It lacks what a line of this layout has, or says in it what cannot be asked; says why.
    """
    if missing := [name for name in layout.has if name not in record]:
        raise ValueError(
            f"lacks {' and '.join(repr(name) for name in missing)}, which a line of {layout.name} has; "
            f"it has: {', '.join(record) or 'nothing'}"
        )
    kept |= {theirs for theirs, ours in layout.names.items() if ours in record}
    found = {name if name in kept else layout.names.get(name, name): value for name, value in record.items()}
    if layout.more is not None:
        layout.more(found)
    return found


def _whole(record: dict[str, Any]) -> None:
    """NeMo's `offset` begins amid a file."""
    if offset := record.get("offset"):
        raise ValueError(
            f"is a part of its file, from {offset} s on ('offset'), and only whole files are heard: save it to a file"
        )
    record.pop("offset", None)


def _choices(record: dict[str, Any]) -> None:
    """Gather options that stand in columns of their own: `choice_a`, `choice_b`, ..."""
    letters = [name for name in ("choice_a", "choice_b", "choice_c", "choice_d", "choice_e") if name in record]
    if letters and "choices" not in record:
        record["choices"] = [record.pop(name) for name in letters]


def _spoken(record: dict[str, Any]) -> None:
    """A question that is spoken stands as text beside its sound, for the judge."""
    if not record.get("question"):
        record.pop("question", None)
    record.setdefault("text", record["answer"])
    if isinstance(record.get("meta"), Mapping):
        record |= {name: value for name, value in record.pop("meta").items() if name not in record}


def _conversation(record: dict[str, Any]) -> None:
    """The last word of the assistant is what is expected; what comes before it is asked."""
    turns = record["messages"]
    if not isinstance(turns, Sequence) or isinstance(turns, str) or not turns:
        raise ValueError("'messages' is no list of turns")
    if isinstance(turns[-1], Mapping) and turns[-1].get("role") == "assistant":
        record.setdefault("text", turns[-1].get("content"))
        record["messages"] = list(turns[:-1])
    if record.get("audio") == []:
        del record["audio"]


def _cut(record: dict[str, Any]) -> None:
    """A cut of lhotse is a recording, or a part of one, with what is said in it."""
    recording = record.pop("recording", None) or {}
    sources = [one for one in recording.get("sources", ()) if one.get("type") == "file"]
    if len(sources) != 1:
        raise ValueError("'recording' has no source that is one file: save the cut's sound to a file")
    channels = sources[0].get("channels") or [0]
    if len(channels) > 1 and record.pop("channel", None) not in (None, channels):
        raise ValueError(
            f"is one channel of a recording of {len(channels)}, and a file is heard with all of them: save the cut's "
            "sound to a file (cuts.save_audios)"
        )
    start, length = record.pop("start", 0) or 0, record.pop("duration", None)
    whole = recording.get("duration")
    if start or (length is not None and whole is not None and abs(whole - length) > 0.01):
        raise ValueError(
            f"is {length} s from {start} s on of a recording of {whole} s, and only whole files are heard: "
            "save the cut's sound to a file (cuts.save_audios)"
        )
    told = record.pop("supervisions", None) or []
    record["audio"], record["duration_s"] = sources[0].get("source"), length or whole
    record["text"] = " ".join(str(one.get("text") or "") for one in told).strip()
    for name in ("speaker", "language"):
        if len(values := {one[name] for one in told if one.get(name)}) == 1:
            record[name] = values.pop()


def _spoken_prompt(record: Record) -> bool:
    """What VoiceBench calls `prompt` is said in the sound, what we call so is written to the model: tell them apart."""
    return "text" not in record and ("reference" in record or isinstance(record["audio"], Mapping))


def _in_clips(record: dict[str, Any]) -> None:
    """Common Voice names files of the folder `clips` that lies beside its tables."""
    path = record.get("audio")
    if isinstance(path, str) and "/" not in path:
        record["audio"] = f"clips/{path}"


LAYOUTS = (
    Layout(
        "NeMo",
        ("audio_filepath",),
        {"audio_filepath": "audio", "duration": "duration_s", "lang": "language"},
        more=_whole,
    ),
    Layout("UltraEval-Audio", ("WavPath",), {"WavPath": "audio", "Transcript": "text"}, more=_choices),
    Layout(
        "Kimi-Audio-Evalkit",
        ("audio_path", "answer"),
        {"audio_path": "audio", "index": "id", "audio_content": "input"},
        more=_spoken,
    ),
    Layout("ms-swift", ("messages", "audios"), {"audios": "audio"}, more=_conversation),
    Layout("MMAU", ("audio_id", "question", "choices", "answer"), {"audio_id": "audio"}),
    Layout("lhotse", ("recording", "supervisions"), more=_cut),
    Layout(
        "Common Voice",
        ("client_id", "path", "sentence"),
        {"client_id": "speaker", "path": "audio", "sentence": "text", "locale": "language"},
        more=_in_clips,
    ),
    Layout("VoiceBench", ("audio", "prompt"), {"prompt": "question", "reference": "text"}, beyond=_spoken_prompt),
    Layout("audio folder", ("file_name",), {"file_name": "audio", "transcription": "text"}),
)
"""In the order in which they are looked for."""

_BEYOND = tuple(one for one in LAYOUTS if one.beyond is not None)
