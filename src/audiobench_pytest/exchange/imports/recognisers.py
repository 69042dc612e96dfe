"""What recognisers and trainers write: Open ASR Leaderboard and NeMo manifests, ms-swift results, plain predictions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.rows import Fields, Row, named_by_file, stem

_PLACE = re.compile(r"sample_(\d+)")
"""How the Open ASR Leaderboard names a sound that has no file name: by its place in the set."""

_CHUNK, _PARENT = "chunk_index", "parent_id"


def open_asr(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the rows of the Open ASR Leaderboard: `audio_filepath`, `duration`, `time`, `text`, `pred_text`.

    Chunks of one recording (`parent_id`, `chunk_index`) are put together, as there.
    """
    rows = file.objects
    if _PARENT in rows[0]:
        yield from _recordings(rows, answer or "pred_text")
    else:
        yield from _manifest(rows, answer or "pred_text")


def nemo(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the rows of predictions of NeMo: `audio_filepath`, `text`, `pred_text` or `pred_text_<model>`.

    Raises:
        UsageError: There are predictions of several models.
    """
    rows = file.objects
    names = [name for name in rows[0].values if str(name).startswith("pred_text")]
    if not answer and "pred_text" not in names and len(names) > 1:
        raise UsageError(f"{rows[0].where}: predictions of several models ({', '.join(names)}): name one with --answer")
    name = answer or ("pred_text" if "pred_text" in names or not names else names[0])
    yield from _manifest(rows, name)


def _manifest(rows: Sequence[Fields], name: str) -> Iterator[Row]:
    paths = [row.key("audio_filepath") for row in rows]
    for row, path, key in zip(rows, paths, named_by_file(paths), strict=True):
        text = row.text(name)
        place = _PLACE.fullmatch(path)
        offset = row.seconds("offset")  # several stretches of one recording
        reference, aliases = row.references("text")
        yield Row(
            where=row.where,
            id=f"{key}@{offset:g}" if offset else key,
            answer=text,
            reason="" if text is not None else f"the row has no '{name}'",
            reference=reference,
            aliases=aliases,
            position=int(place[1]) if place else None,
            language=row.language("lang", "language", "target_lang"),
            audio_s=row.seconds("duration"),
            infer_s=row.seconds("time"),
            meta=row.without(
                name, "audio_filepath", "duration", "time", "text", "offset", "pred_text", "timestamps_word"
            ),
        )


def _recordings(rows: Sequence[Fields], name: str) -> Iterator[Row]:
    parts: dict[str, list[tuple[int, Fields]]] = {}
    for row in rows:
        place = row.place(_CHUNK)
        if place is None:
            raise row.wrong(_CHUNK, "must be the number of the chunk, from 0")
        parts.setdefault(row.key(_PARENT), []).append((place, row))
    for parent, own in parts.items():
        own.sort(key=lambda one: one[0])
        chunks = [row for _, row in own]
        if [place for place, _ in own] != list(range(len(own))):
            told = ", ".join(str(place) for place, _ in own[:10])
            raise UsageError(
                f"{chunks[0].where}: the chunks of '{parent}' are not 0, 1, 2, ... ({told}): some are gone"
            )
        texts = [row.text(name) for row in chunks]
        lost = next((row for row, text in zip(chunks, texts, strict=True) if text is None), None)
        yield Row(
            where=chunks[0].where,
            id=stem(parent),
            answer=None if lost else " ".join(text.strip() for text in texts if text and text.strip()),
            reason="" if lost is None else f"chunk {lost.values[_CHUNK]} has no '{name}'",
            reference=chunks[0].text("text"),
            language=chunks[0].language("lang", "language"),
            audio_s=sum(row.seconds("duration") for row in chunks),
            infer_s=sum(row.seconds("time") for row in chunks),
        )


_LABELS = ("labels", "label")
"""What was expected, in `swift infer` of versions 3 and 2."""

_ASKED = ("system", "query", "history", "messages", "audios", "images", "videos", "logprobs")


def ms_swift(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the rows of a result of `swift infer`: `response`, `labels` (what is expected), `messages`, `audios`.

    Version 2 writes `query`, `response` and `label`. The first of version 3 had neither, and left what is expected as
    the last turn of `messages`, where the answer now stands.
    """
    rows, name = file.objects, answer or "response"
    sounds = [_first_sound(row) for row in rows]
    known = [one for one in sounds if one]
    turns = [_last_turn(row) for row in rows]
    # Who writes labels, or appends the answer, does so in every row; else the turn is what was expected, which an
    # answer may well equal.
    expected = not any(label in row.values for label in _LABELS for row in rows) and any(
        turn is not None and turn != row.text(name) for turn, row in zip(turns, rows, strict=True)
    )
    stems = dict(zip(known, named_by_file(known), strict=True))
    named = len(set(known)) == len(rows)
    for number, (row, sound) in enumerate(zip(rows, sounds, strict=True)):
        text = row.text(name)
        label = next((one for one in _LABELS if one in row.values), None)
        reference, aliases = (turns[number] if expected else None, ()) if label is None else row.references(label)
        yield Row(
            where=row.where,
            id=row.key("id") if "id" in row else stems[sound] if named else str(number),
            answer=text,
            reason="" if text is not None else f"the row has no '{name}'",
            reference=reference,
            aliases=aliases,
            position=number,
            language=row.language("language", "lang"),
            meta=row.without(name, "response", "id", *_LABELS, *_ASKED),
        )


def _first_sound(row: Fields) -> str:
    """Return the path of a row's first sound, or ""."""
    value: Any = row.values.get("audios")
    first = value[0] if isinstance(value, list) and value else value
    path = first.get("path") if isinstance(first, dict) else first
    return path if isinstance(path, str) else ""


def _last_turn(row: Fields) -> str | None:
    """Return what an assistant says in the last turn, or None where it has none."""
    turns = row.values.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return None
    return Fields(f"{row.where}: messages", last).text("content")


def predictions(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield rows as `audiobench score` reads them: `reference`, `prediction`, `id`, or its line in place of an id.

    What `audiobench export --format jsonl` wrote of the samples of one cell is read too, with their meta.

    Raises:
        UsageError: An export holds the samples of several cells, which are no one set of answers.
    """
    name = answer or "prediction"
    if "sample_id" in file.objects[0]:
        _refuse_several(file)
        yield from _exported(file.objects, name)
        return
    for number, row in enumerate(file.objects):
        text = row.text(name)
        reference, aliases = row.references("reference")
        yield Row(
            where=row.where,
            id=row.key("id") if "id" in row else str(number + 1),
            answer=text,
            reason="" if text is not None else f"the row has no '{name}'",
            reference=reference,
            aliases=aliases,
            position=None if "id" in row else number,
            language=row.language("language", "lang"),
            audio_s=row.seconds("duration_s"),
            meta=row.without("id", "reference", name, "prediction", "language", "lang", "duration_s"),
        )


def _refuse_several(file: ResultFile) -> None:
    names = ("dataset", "model", "recipe", "prompt")
    cells = list(dict.fromkeys(tuple(str(row.values.get(name) or "") for name in names) for row in file.objects))
    if len(cells) > 1:
        listed = "; ".join(", ".join(filter(None, cell)) for cell in cells[:4]) + ("; ..." if len(cells) > 4 else "")
        raise UsageError(
            f"{file.path}: the samples of {len(cells)} cells ({listed}): keep the lines of one of them alone"
        )


def _exported(rows: Sequence[Fields], name: str) -> Iterator[Row]:
    for row in rows:
        text = row.text(name)
        reference, aliases = row.references("reference")
        yield Row(
            where=row.where,
            id=row.key("sample_id"),
            answer=text,
            reason="" if text is not None else row.text("reason") or f"the row has no '{name}'",
            reference=reference,
            aliases=aliases,
            language=row.language("language"),
            audio_s=row.seconds("audio_s"),
            infer_s=row.seconds("infer_s"),
            meta={
                key.removeprefix("meta_"): value
                for key, value in row.without().items()
                if key.startswith("meta_") and value is not None
            },
        )
