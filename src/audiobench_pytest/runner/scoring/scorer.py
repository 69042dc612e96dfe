"""From what became of a sample to its numbers under a recipe."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest import metrics
from audiobench_pytest.catalog.loader import catalog_folders
from audiobench_pytest.datasets.fields import texts
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.scores import ScoreStore, score_key
from audiobench_pytest.runner.speaking import is_silent
from audiobench_pytest.types import CellId, Outcome, SampleScore, State


@functools.cache
def _code_digest() -> str:
    """Return a digest of the scoring code: a stored score is not found again by a version that computes another.

    Of contents, not of names: a module that only moves computes what it did.
    """
    folder = Path(metrics.__file__).parent
    # Choices may be the labels of any set there is, a user's own included; templates of options are tables.
    data = [
        path for place in catalog_folders() for kind in ("labels", "tables") for path in place.glob(f"{kind}/*.yaml")
    ]
    code = (path for path in folder.rglob("*.py") if path.parent.name != "checking")  # tries recipes, scores nothing
    contents = sorted(hashlib.blake2b(path.read_bytes(), digest_size=16).digest() for path in (*code, *data))
    return hashlib.blake2b(b"".join(contents), digest_size=16).hexdigest()


class Scorer:
    """A recipe with the scores that are known already."""

    def __init__(self, recipe: Recipe, caches: Sequence[Path] = (), *, writer: str = "main") -> None:
        """Score by a recipe; look into caches first.

        Args:
            recipe: The recipe.
            caches: Folders of the cache, the first one is written; empty for none.
            writer: Name of this process.
        """
        self.recipe = recipe
        self._caches, self._writer = tuple(caches), writer
        self._sees = recipe.sees()
        self._stores: dict[str, ScoreStore] = {}

    def score(self, item: Item) -> SampleScore:
        """Return the numbers of an answer, from the cache or by the recipe."""
        if not self._caches:
            return self.recipe.score(item)
        store = self._store(item.language)
        key = score_key(self._parts(item))
        score = store.get(key)
        if score is None:
            score = self.recipe.score(item)
            store.put(key, score)
        return score

    def close(self) -> None:
        """Write the new scores."""
        for store in self._stores.values():
            store.close()

    def _parts(self, item: Item) -> Iterator[str]:
        yield item.reference
        yield item.prediction
        for field in self._sees:
            value = getattr(item, field)
            if not value:  # what most samples have of most fields; JSON would cost more than the rest of the key
                yield ""
                continue
            yield value if isinstance(value, str) else _as_text(value)

    def _store(self, language: str) -> ScoreStore:
        store = self._stores.get(language)
        if store is None:
            spec = repr(self.recipe.spec)
            name = score_key([self.recipe.signature([language]), language, spec, _code_digest()]).hex()
            folders = [cache / "scores" / name for cache in self._caches]
            store = self._stores[language] = ScoreStore(folders, writer=self._writer)
        return store


_encoder = msgspec.json.Encoder(order="sorted", enc_hook=str)


def _as_text(value: Any) -> str:
    """Return a value of a row as text that two different ones do not share."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return repr(value)


TARGET_LANGUAGE = "target_language"
"""Meta key of the language that is translated into; recipes of translations go by it."""


def language_of(language: str, meta: Mapping[str, Any]) -> str:
    """Return the language whose rule scores a row: the one translated into, else the one spoken."""
    return str(meta.get(TARGET_LANGUAGE) or language)


def item_of(outcome: Outcome) -> Item:
    """Return what a recipe may look at of an outcome; a missing prediction stands as an empty one."""
    meta = outcome.meta
    return Item(
        reference=outcome.reference,
        prediction=outcome.prediction or "",
        language=language_of(outcome.language, meta),
        choices=texts_of(meta, "choices"),
        aliases=texts_of(meta, "aliases"),
        id=outcome.sample_id,
        meta=meta,
        audio_s=outcome.audio_s,
        given={**({"speech": outcome.speech} if outcome.speech else {}), **_called(outcome)},
    )


def _called(outcome: Outcome) -> dict[str, Any]:
    """Return the calls of an answer under the name that metrics find them by."""
    return {"calls": [dict(call) for call in outcome.calls]} if outcome.calls else {}


def texts_of(meta: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts in a row's meta; one that a table spelt as JSON is read, anything else is no list."""
    return texts(meta.get(key))


def score_outcome(scorer: Scorer, outcome: Outcome, item: Item | None = None) -> Outcome:
    """Return an outcome with its numbers under a recipe.

    A sample without an answer gets the numbers of an empty one, which bound the worst case and never enter the headline
    value. A broken sample whose reference is unknown has none.
    """
    if outcome.prediction is None and not outcome.reference.strip() and scorer.recipe.metric.needs_reference:
        return dataclasses.replace(outcome, score=None)
    return with_score(outcome, scorer.score(item if item is not None else item_of(outcome)))


def with_score(outcome: Outcome, score: SampleScore | None) -> Outcome:
    """Return an outcome with what scoring found: its numbers, and the state that follows from them.

    Args:
        outcome: An unscored one.
        score: Its numbers; of an outcome without an answer, those of an empty one.
    """
    if outcome.prediction is None or score is None:
        return dataclasses.replace(outcome, score=score if score is not None and score.numbers else None)
    if score.state is State.DATA_ERROR:
        return dataclasses.replace(outcome, state=State.DATA_ERROR, reason=score.reason, score=None)
    state = score.state if outcome.state is State.OK and score.state is not State.OK else outcome.state
    return dataclasses.replace(outcome, state=state, reason=score.reason, score=score)


def unscored(outcome: Outcome, cell: CellId) -> Outcome:
    """Return an outcome as it was before a recipe looked at it, for another cell."""
    state, answer = outcome.state, outcome.prediction
    if outcome.speech and answer is not None:
        answer = str(outcome.speech.get("text", ""))  # what the model wrote itself, not what a transcriber heard
        state = State.EMPTY if is_silent(dict(outcome.speech)) else State.OK
    elif answer is not None:
        state = State.OK if answer.strip() or outcome.calls else State.EMPTY
    reason = outcome.reason if answer is None else None
    return dataclasses.replace(outcome, cell=cell, state=state, prediction=answer, reason=reason, score=None)
