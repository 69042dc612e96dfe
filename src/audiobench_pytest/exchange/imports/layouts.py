"""The layouts there are, and which one a file is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.exchange.imports import harnesses, recognisers, transcripts
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.rows import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout of result files.

    Attributes:
        name: What it is called on the command line.
        title: Who writes it, for people.
        read: From a file, and the field that the user names or "", to its rows.
        fits: Whether an object with these fields is of it; None for lines of text.
    """

    name: str
    title: str
    read: Callable[[ResultFile, str], Iterable[Row]]
    fits: Callable[[Set[str]], bool] | None = None


def _has(*names: str) -> Callable[[Set[str]], bool]:
    return lambda fields: fields >= set(names)


def _predicts(fields: Set[str]) -> bool:
    return "audio_filepath" in fields and any(name.startswith("pred_text") for name in fields)


LAYOUTS = (
    Layout("ultraeval", "UltraEval-Audio", harnesses.ultraeval, _has("type", "id", "data")),
    Layout(
        "lmms-eval",
        "lmms-eval",
        harnesses.lmms_eval,
        lambda fields: "doc_id" in fields and not fields.isdisjoint(("filtered_resps", "resps")),
    ),
    Layout("kimi", "Kimi-Audio-Evalkit", harnesses.kimi, _has("index", "prediction")),
    Layout(
        "ms-swift",
        "ms-swift",
        recognisers.ms_swift,
        lambda fields: "response" in fields and ("messages" in fields or fields >= {"query", "label"}),
    ),
    Layout(
        "open-asr",
        "the Open ASR Leaderboard",
        recognisers.open_asr,
        lambda fields: _predicts(fields) and "time" in fields,
    ),
    Layout("nemo", "NeMo", recognisers.nemo, _predicts),
    Layout("voicebench", "VoiceBench", harnesses.voicebench, _has("response", "prompt")),
    Layout("predictions", "a file of predictions", recognisers.predictions, _has("prediction")),
    Layout("wenet", "WeNet", transcripts.wenet),
    Layout("trn", "sclite's trn", transcripts.trn),
    Layout("ctm", "sclite's ctm", transcripts.ctm),
)
"""Where a file may be of several, the first counts."""

_SOUND = re.compile(r"\S+\.(wav|flac|mp3|ogg|opus|m4a)", re.IGNORECASE)

NAMES = tuple(layout.name for layout in LAYOUTS)


def named(name: str) -> Layout:
    """Return the layout of a name.

    Raises:
        UsageError: There is none; names close matches.
    """
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    raise UsageError(f"unknown format '{name}'{did_you_mean(name, NAMES)}")


def layout_of(file: ResultFile) -> Layout:
    """Return the layout that a file is in, as far as its content tells.

    Raises:
        UsageError: It is in none; says what it holds and how to name one.
    """
    if file.is_json:
        fields = {str(name) for name in file.objects[0].values}
        for layout in LAYOUTS:
            if layout.fits is not None and layout.fits(fields):
                return layout
        raise _unknown(file, f"its first object has {', '.join(sorted(fields)[:12]) or 'no field'}")
    lines = transcripts.lines_of(file)
    if transcripts.is_trn(lines):
        return named("trn")
    if transcripts.is_ctm(lines):
        return named("ctm")
    keys = [text.split(maxsplit=1)[0] for _, text in lines]
    # A key that comes twice is told as such; where most lines begin alike, the first word is no key.
    if 2 * len(set(keys)) > len(keys) and not lines[0][1].lstrip().startswith("<"):
        return named("wenet")
    raise _unknown(file, f"its first line is {lines[0][1].strip()[:60]!r}")


def _unknown(file: ResultFile, holds: str) -> UsageError:
    return UsageError(f"{file.path} is in no layout that is known ({holds}): name it, as in FORMAT:PATH; {_listed()}")


def _listed() -> str:
    return f"formats: {', '.join(NAMES)}"


def read_rows(files: Sequence[tuple[ResultFile, Layout]], answer: str = "", subset: str = "") -> list[Row]:
    """Return the answers of the files of one data set.

    Args:
        files: The files, each with its layout.
        answer: Field that holds the answer; "" for the layout's own.
        subset: Keep the rows whose `subset` is this; "" for all.

    Raises:
        UsageError: A file is not as its layout says, an id comes twice, or nothing is left.
    """
    seen: dict[str, Row] = {}
    for file, layout in files:
        if layout.fits is not None and not file.is_json:
            raise UsageError(f"{file.path} holds lines of text, a result of {layout.title} holds JSON: {_listed()}")
        if layout.fits is None and file.is_json:
            raise UsageError(f"{file.path} holds JSON, a result of {layout.title} holds lines of text: {_listed()}")
        found = list(layout.read(file, answer))
        _refuse_sounds(file, found)
        if answer and found and all(row.answer is None for row in found):
            raise UsageError(f"{file.path}: no row has a field '{answer}': --answer names the one that holds answers")
        for row in found:
            if subset and str(row.meta.get("subset", "")) != subset:
                continue
            if row.id in seen:
                raise UsageError(
                    f"{row.where}: the id '{row.id}' was used in {seen[row.id].where} already: a sample counts once; "
                    "take one of them out"
                )
            seen[row.id] = row
        if subset and not seen:
            known = sorted({str(row.meta["subset"]) for row in found if "subset" in row.meta})
            raise UsageError(f"{file.path} has no subset '{subset}'; it has {', '.join(known) or 'none'}")
    return list(seen.values())


def _refuse_sounds(file: ResultFile, rows: Sequence[Row]) -> None:
    """Refuse answers that are names of sound files: scored as text they would be words."""
    told = [row for row in rows if row.answer]
    sounds = [row for row in told if _SOUND.fullmatch(row.answer or "")]
    if told and 2 * len(sounds) > len(told):
        raise UsageError(
            f"{sounds[0].where}: the answers are sounds ({sounds[0].answer!r:.60}), not texts: name a field that holds "
            "what was written, with --answer, or score the sounds by a run"
        )
