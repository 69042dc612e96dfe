"""What harnesses for audio models write: UltraEval-Audio, Kimi-Audio-Evalkit, VoiceBench, lmms-eval."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.rows import Fields, Row

_RECORDS = ("prompt", "inference", "post_process", "eval", "error")
"""Records that UltraEval-Audio writes of a sample, in order."""


def ultraeval(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the answers of UltraEval-Audio: four records of a sample, each `type`, `id` (its place in the set), `data`.

    The answer is what was scored there (`post_process`), unless `answer` names the record of what the model said
    itself (`inference`): of every sample, since half of a set as it was said and half as it was cut is no result. The
    reference is `ref` of the record `eval`.

    Raises:
        UsageError: A record is of no known type, or comes twice, or no sample has what was scored.
    """
    found: dict[str, dict[str, Fields]] = {}
    for record in file.objects:
        kind = record.text("type")
        if kind not in _RECORDS:
            raise record.wrong("type", f"must be one of {', '.join(_RECORDS)}")
        own = found.setdefault(record.key("id"), {})
        if kind in own:
            raise UsageError(
                f"{record.where}: record '{kind}' of id '{record.key('id')}' was in {own[kind].where} already: "
                "name the file of one run"
            )
        if kind != "prompt":
            _data(record)
        own[kind] = record
    if answer and answer not in ("inference", "post_process"):
        raise UsageError(f"--answer {answer}: a sample of UltraEval-Audio has 'inference' and 'post_process'")
    kinds = {kind for own in found.values() for kind in own}
    if not answer and "inference" in kinds and "post_process" not in kinds:
        raise UsageError(
            f"{file.path}: no sample has a record 'post_process', which was scored there: --answer inference takes "
            "what the model said"
        )
    for key, own in found.items():
        last = list(own.values())[-1]
        said = own.get(answer or "post_process")
        text = None if said is None else _part(said, "content")
        scored = own.get("eval")
        reference, aliases = (None, ()) if scored is None else Fields(scored.where, _data(scored)).references("ref")
        yield Row(
            where=(said or last).where,
            id=key,
            answer=text,
            reason="" if text is not None else _why(own, answer or "post_process"),
            reference=reference,
            aliases=aliases,
            position=last.place("id"),
        )


def _data(record: Fields) -> dict[str, Any]:
    data = record.values.get("data")
    if not isinstance(data, dict):
        raise record.wrong("data", "must be an object")
    return data


def _part(record: Fields, name: str) -> str | None:
    return Fields(f"{record.where}: data", _data(record)).text(name)


def _why(own: dict[str, Fields], wanted: str) -> str:
    """Return the last line of a sample's traceback."""
    if "error" not in own:
        return f"the file holds no '{wanted}' of it: the run was interrupted"
    told = (_part(own["error"], "info") or "").strip().splitlines()
    return told[-1].strip() if told else "it failed there, and the file does not say why"


def kimi(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the answers of Kimi-Audio-Evalkit: `index`, `answer` (what is expected), `prediction`, `subset`.

    `null` as a text is what it writes where the model was not asked (sounds above 60 s) or gave nothing.
    """
    name = answer or "prediction"
    for row in file.objects:
        text = row.text(name)
        if text == "null":
            text = None
        reference, aliases = row.references("answer")
        meta = row.without("index", name, "prediction", "answer", "audio_path", "real_prompt", "meta")
        yield Row(
            where=row.where,
            id=row.key("index"),
            answer=text,
            reason="" if text is not None else "not answered there (null): too long for it, or no reply",
            reference=reference or None,
            aliases=aliases,
            position=row.place("index"),
            language=row.language("language", "lang"),
            meta=meta,
        )


def voicebench(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the answers of VoiceBench: the set's own columns and `response`, in the order of the set."""
    rows, name = file.objects, answer or "response"
    keys = _own_keys(rows, ("id", "key"))
    for number, row in enumerate(rows):
        reference, aliases = row.references("reference")
        text = row.text(name)
        yield Row(
            where=row.where,
            id=str(number) if keys is None else row.key(keys),
            answer=text,
            reason="" if text is not None else f"the row has no '{name}'",
            reference=reference,
            aliases=aliases,
            position=number,
            language=row.language("language", "lang"),
            meta=row.without(name, "reference", "id"),
        )


def _own_keys(rows: Sequence[Fields], names: Sequence[str]) -> str | None:
    """Return the first of some fields that names every row by another text."""
    for name in names:
        values = [str(row.values.get(name)) for row in rows if name in row]
        if len(values) == len(rows) == len(set(values)):
            return name
    return None


def lmms_eval(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the samples of lmms-eval (`--log_samples`): `doc_id` (a place in the set), `target`, `filtered_resps`.

    Only a file of which no sample has `filtered_resps` is read by `resps`, as the model said it.

    Raises:
        UsageError: A sample has several answers: likelihoods of options are no answer.
    """
    name = answer or ("filtered_resps" if any("filtered_resps" in row for row in file.objects) else "resps")
    for row in file.objects:
        text = _single(row, name)
        target = row.values.get("target")
        options = _listed(target)
        reference, aliases = (options[0], options[1:]) if options else row.references("target")
        meta = row.without(name, "resps", "filtered_resps", "target", "doc_id", "doc", "arguments", "input", "doc_hash")
        yield Row(
            where=row.where,
            id=row.key("doc_id"),
            answer=text,
            reason="" if text is not None else f"the row has no '{name}'",
            reference=reference,
            aliases=tuple(aliases),
            position=row.place("doc_id"),
            meta={key: value for key, value in meta.items() if key not in ("token_counts", "input_media")},
        )


def _single(row: Fields, name: str) -> str | None:
    """Return the one text that a nest of lists holds."""
    value = row.values.get(name)
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        if not value:
            return None
        raise row.wrong(
            name, "holds several answers (options by their likelihood, or repeats), of which none is scored"
        )
    return Fields(row.where, {name: value}).text(name)


def _listed(target: Any) -> tuple[str, ...]:
    """Return the texts of a list that was written as Python writes it; empty for anything else."""
    if not isinstance(target, str) or not target.startswith("["):
        return ()
    try:
        value = ast.literal_eval(target)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else ()
