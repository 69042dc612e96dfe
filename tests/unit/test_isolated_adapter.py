"""A model in another process: its answers, its identity, and what becomes of a batch that it dies of."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isolated_models import RATE, SOURCE, ask, isolated, lives, marks, right
from waiting import HANGS_S, until

from audiobench_pytest.catalog.reading import read_entries
from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import CatalogError, ModelError, UsageError
from audiobench_pytest.models.isolated.adapter import IsolatedAdapter
from audiobench_pytest.models.isolated.messages import match_answers
from audiobench_pytest.models.registry import create
from audiobench_pytest.runner.ahead import Ahead
from audiobench_pytest.types import Answer, Audio, Prompt, Request


@pytest.fixture
def model(tmp_path: Path) -> Iterator[IsolatedAdapter]:
    adapter = isolated(tmp_path)
    adapter.load()
    yield adapter
    adapter.close()


def texts(answers: list[Answer]) -> list[str | None]:
    assert all(answer.error is None for answer in answers), answers
    return [answer.text for answer in answers]


def test_a_model_of_the_catalogue_answers_through_the_registry(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(SOURCE)
    (tmp_path / "mine.yaml").write_text(
        f"""
models:
  - name: mine
    adapter: isolated
    source: owner/weights
    batch_rows: 3
    args: {{beam: 5, marks: {tmp_path}/marks}}
    runtime: {{kind: isolated, python: running, entry: "{tmp_path}/model.py:Model", env: {{COLOUR: red}}}}
"""
    )
    (spec,) = read_entries(tmp_path / "mine.yaml", "models", ModelSpec)
    adapter = create(spec, {"language_hint": "yes"})
    adapter.load()
    try:
        assert adapter.batch_rows == 3
        assert adapter.takes_language_hint
        assert [a.text for a in adapter.generate(ask(None, None, None))] == right(0, 1, 2)
        shown = adapter.describe()
        assert shown["seen"] == {"source": "owner/weights", "beam": "5", "marks": f"{tmp_path}/marks"}
        assert (shown["device"], shown["transport"], shown["restarts"]) == ("cpu", "shared", 0)
    finally:
        adapter.close()
    assert marks(tmp_path)[-1] == "close"


@pytest.mark.parametrize("transport", ["shared", "bytes"])
def test_every_clip_arrives_as_it_is_whatever_its_length(tmp_path: Path, transport: str) -> None:
    adapter = isolated(tmp_path, {"transport": transport})
    adapter.load()
    rng = np.random.default_rng(1)
    try:
        for lengths in ([5, 0, 100_001], [0], [1], [300_000, 2]):  # batches that grow and shrink
            clips = [rng.uniform(-1, 1, n).astype(np.float32) for n in lengths]
            batch = [Request(f"s{i}", Audio(c, RATE), Prompt()) for i, c in enumerate(clips)]
            assert texts(adapter.generate(batch)) == [f"{len(c)} samples of {c[0] if len(c) else 0:.2f}" for c in clips]
        reversed_view = Request("r", Audio(np.linspace(0, 1, 11, dtype=np.float32)[::-2], RATE), Prompt())
        assert texts(adapter.generate([reversed_view])) == ["6 samples of 1.00"]
        assert adapter.describe()["transport"] == transport
    finally:
        adapter.close()


@pytest.mark.parametrize("transport", ["shared", "bytes"])
def test_a_voice_to_take_what_it_says_and_a_style_arrive_beside_the_clip(tmp_path: Path, transport: str) -> None:
    adapter = isolated(tmp_path, {"transport": transport})
    adapter.load()
    try:
        voice = Audio(np.linspace(-1, 1, 50, dtype=np.float32), RATE)
        (one,) = ask("voice")
        prompt = dataclasses.replace(one.prompt, voice_text="what it says", style=", softly")
        (answer,) = adapter.generate([dataclasses.replace(one, prompt=prompt, sounds={"prompt": voice})])
    finally:
        adapter.close()
    assert answer.text == "50 samples from -1.00 to 1.00: what it says, softly"


def test_samples_are_the_models_own_to_keep_and_to_change(model: IsolatedAdapter) -> None:
    requests = ask("overwrite")
    assert texts(model.generate(requests)) == ["100 samples of 1.00"]
    assert requests[0].audio is not None
    assert requests[0].audio.samples[0] == 0
    model.generate(ask(None, None))  # other sound in the same place
    assert texts(model.generate(ask("recall"))) == ["1.00"]


def test_answers_in_another_order_find_their_requests_by_id(model: IsolatedAdapter) -> None:
    answers = model.generate(ask("reverse", None, None, None))
    assert texts(answers) == right(0, 1, 2, 3)
    assert answers[0].meta == {"n": 1}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("few", "2 answers to 3 requests"),
        ("many", "4 answers to 3 requests"),
        ("twice", "one request twice"),
        ("strange", "not in the batch"),
        ("fail", r"ValueError: a bad clip \(model.py, line \d+\)"),
        ("leave", "SystemExit: enough"),
        ("number", "answered with a float"),
    ],
)
def test_a_batch_without_usable_answers_raises_and_the_process_lives(
    model: IsolatedAdapter, tmp_path: Path, what: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        model.generate(ask(None, what, None))
    assert texts(model.generate(ask(None))) == right(0)
    assert marks(tmp_path).count("load") == 1


def test_a_model_can_refuse_one_request_of_a_batch(model: IsolatedAdapter) -> None:
    answers = model.generate(ask(None, "refuse"))
    assert [(a.text, a.error) for a in answers] == [(right(0)[0], None), ("", "not this one")]


def test_half_a_surrogate_pair_breaks_nothing(model: IsolatedAdapter) -> None:
    assert texts(model.generate(ask("surrogate"))) == ["half ?"]


def test_what_the_model_prints_is_in_its_log_and_not_in_its_answers(model: IsolatedAdapter) -> None:
    assert texts(model.generate(ask("talk"))) == right(0)
    assert model._child is not None
    origins = ("print", "a descriptor", "C", "a program", "the first stdout", "print to stderr")
    expected = {f"from {origin}" for origin in origins}
    # A thread reads what the model printed; the answer comes on another channel and may overtake it.
    log = model._child.log
    assert until(lambda: expected <= set(log.last_lines())), log.text()


def test_a_flood_on_stderr_neither_blocks_nor_fills_memory(model: IsolatedAdapter) -> None:
    assert texts(model.generate(ask("flood"))) == right(0)
    assert model._child is not None
    log = model._child.log
    assert until(lambda: log.last_lines()[-1:] == ["end of the flood"])
    assert len(log.text()) <= 64 * 1024
    assert sum(map(len, log._chunks)) <= 2 * 64 * 1024


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("exit", "ended with status 3; it wrote last: about to leave"),
        ("sigkill", "ended with SIGKILL"),
        ("segfault", "ended with SIGSEGV; it wrote last: Fatal Python error: Segmentation fault"),
    ],
)
def test_a_request_that_kills_the_process_twice_fails_alone(
    model: IsolatedAdapter, tmp_path: Path, what: str, how: str
) -> None:
    answers = model.generate(ask(None, what, None))
    assert [a.text for a in answers] == [right(0)[0], "", right(2)[0]]
    assert how in (answers[1].error or "")
    assert "\n" not in (answers[1].error or "")
    assert marks(tmp_path).count(f"did {what}") == 2  # once in the batch, once alone
    assert model.describe()["restarts"] == 2


def test_after_a_crash_that_does_not_come_back_the_batch_is_answered_in_full(
    model: IsolatedAdapter, tmp_path: Path
) -> None:
    assert texts(model.generate(ask(None, "sigkill 1", None))) == right(0, 1, 2)
    assert marks(tmp_path).count("load") == 2
    assert texts(model.generate(ask(None, None))) == right(0, 1)
    assert marks(tmp_path).count("load") == 2


def test_a_process_that_died_between_two_batches_is_started_again(model: IsolatedAdapter, tmp_path: Path) -> None:
    assert model._child is not None
    model._child._process.kill()
    assert texts(model.generate(ask(None, None))) == right(0, 1)
    assert marks(tmp_path).count("load") == 2


def test_a_model_that_hangs_is_stopped_at_its_deadline(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"batch_timeout": "2"})  # it hangs for ten minutes; the second try is in time
    adapter.load()
    assert adapter._child is not None
    first = adapter._child.pid
    started = time.monotonic()
    try:
        answers = adapter.generate(ask("hang 1", None))
    finally:
        adapter.close()
    assert texts(answers) == right(0, 1)
    assert 2 <= time.monotonic() - started < HANGS_S
    assert not lives(first)


def test_a_frozen_process_is_stopped_long_before_its_deadline(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"heartbeat_timeout": "2"})
    adapter.load()
    try:
        (answer,) = adapter.generate(ask("freeze"))
    finally:
        adapter.close()
    assert "stopped after 2 s without a sign of life" in (answer.error or "")


def test_a_model_that_works_for_longer_than_the_heartbeat_is_left_alone(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"heartbeat_timeout": "2"}, sleep="3")
    adapter.load()
    adapter.close()
    assert marks(tmp_path) == ["load", "close"]


def test_a_batch_that_is_interrupted_in_its_thread_costs_the_process_and_nothing_else(
    model: IsolatedAdapter, tmp_path: Path
) -> None:
    def steps() -> Iterator[list[Answer]]:
        yield model.generate(ask(None))
        yield model.generate(ask("hang"))

    stream = Ahead(steps())
    assert texts(next(stream)) == right(0)
    assert until(lambda: "did hang" in marks(tmp_path))
    stream.stop()  # the batch would take ten minutes
    assert texts(model.generate(ask(None, None))) == right(0, 1), "in a process of its own, not as a second try"
    assert marks(tmp_path).count("load") == 2
    assert model._deaths == 0


def test_a_model_that_always_dies_is_given_up(model: IsolatedAdapter, tmp_path: Path) -> None:
    answers = model.generate(ask(*["exit"] * 8))
    assert [a.text for a in answers] == [""] * 8
    assert "ended with status 3" in (answers[0].error or "")
    assert "given up after 5 deaths in a row" in (answers[-1].error or "")
    with pytest.raises(ModelError, match="given up"):
        model.generate(ask(None))
    assert marks(tmp_path).count("load") == 5


def test_a_restart_that_cannot_load_is_an_error_of_the_batch(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, load="second")
    adapter.load()
    try:
        answers = adapter.generate(ask("exit", None))
    finally:
        adapter.close()
    assert all("no weights any more" in (a.error or "") for a in answers)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raise", r"'fake' cannot be loaded: RuntimeError: no weights here \(model.py, line \d+\)"),
        ("exit", "(?s)'fake', loading: its process ended with status 7.*cannot go on"),
    ],
)
def test_loading_that_fails_says_why_and_leaves_no_process(tmp_path: Path, how: str, message: str) -> None:
    adapter = isolated(tmp_path, load=how)
    with pytest.raises(ModelError, match=message):
        adapter.load()
    assert adapter._child is None
    adapter.close()


def test_loading_has_a_deadline(tmp_path: Path) -> None:
    adapter = isolated(tmp_path, {"load_timeout": "0.3"}, sleep="600")
    with pytest.raises(ModelError, match=r"loading: it was stopped after 0\.3 s"):
        adapter.load()


def test_closing_twice_or_unloaded_does_nothing(tmp_path: Path) -> None:
    adapter = isolated(tmp_path)
    adapter.close()
    adapter.load()
    assert adapter._child is not None
    pid = adapter._child.pid
    adapter.close()
    adapter.close()
    assert not lives(pid)
    assert marks(tmp_path) == ["load", "close"]


def test_asked_before_it_is_loaded_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="asked before it was loaded"):
        isolated(tmp_path).generate(ask(None))


def reply(number: int | None, text: str = "") -> dict[str, Any]:
    return {"id": number, "text": text, "error": None, "meta": "{}"}


@given(st.permutations(list(range(100, 108))))
def test_any_order_is_matched(order: list[int]) -> None:
    answers = match_answers(range(100, 108), [reply(i, str(i)) for i in order])
    assert [a.text for a in answers] == [str(i) for i in range(100, 108)]


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=6))
def test_ids_are_matched_exactly_or_refused(named: list[int | None]) -> None:
    replies = [reply(name, str(position)) for position, name in enumerate(named)]
    if sorted(n for n in named if n is not None) == [0, 1, 2] and len(named) == 3:
        assert [a.text for a in match_answers(range(3), replies)] == [str(named.index(i)) for i in range(3)]
    elif named == [None] * 3:
        assert [a.text for a in match_answers(range(3), replies)] == ["0", "1", "2"]
    else:
        with pytest.raises(ModelError):
            match_answers(range(3), replies)


def test_the_identity_changes_with_what_the_answers_depend_on_and_with_nothing_else(tmp_path: Path) -> None:
    base = isolated(tmp_path).identity()
    assert isolated(tmp_path, {"batch_timeout": "5", "transport": "bytes"}).identity() == base
    assert isolated(tmp_path, beam="5").identity() != base
    assert isolated(tmp_path, {"sample_rate": "8000"}).identity() != base
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "model.py").write_text(SOURCE)
    assert with_runtime(entry=f"{elsewhere}/model.py:Model", python="running").identity()["entry"] == base["entry"]
    (elsewhere / "model.py").write_text(SOURCE + "\n# another\n")
    assert with_runtime(entry=f"{elsewhere}/model.py:Model", python="running").identity()["entry"] != base["entry"]


def test_requirements_python_and_variables_are_part_of_the_identity() -> None:
    base = with_runtime(requirements=("a==1",)).identity()
    for other in (
        {"requirements": ("a==2",)},
        {"requirements": ("a==1",), "env": {"A": "b"}},
        {"requirements": ("a==1",), "python": "3.8"},
    ):
        assert with_runtime(**other).identity() != base
    assert with_runtime(requirements=("a==1  # pinned", "")).identity() == base


def test_a_module_of_the_running_interpreter_is_identified_by_its_file() -> None:
    entry = with_runtime(entry="hypothesis.strategies._internal.core:Model", python="running").identity()["entry"]
    assert entry["file"].startswith("sha256:")


def with_runtime(**fields: Any) -> IsolatedAdapter:
    runtime = RuntimeSpec(**{"kind": "isolated", "entry": "package.module:Model", **fields})
    adapter = create(ModelSpec("m", adapter="isolated", runtime=runtime), {})
    assert isinstance(adapter, IsolatedAdapter)
    return adapter


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"kind": "docker"}, CatalogError, "kind 'docker' is unknown"),
        ({"entry": "no_class"}, CatalogError, "neither file.py:Class nor module:Class"),
        ({"python": "running", "requirements": ("a",)}, CatalogError, "leave 'requirements' out"),
        ({"python": "three"}, CatalogError, "no version"),
        ({"python": "2.7"}, CatalogError, "too old"),
        ({"entry": "missing.py:Model"}, ModelError, "there is no file .*missing.py"),
        ({"entry": "not_there.at_all:Model", "python": "running"}, ModelError, "no module 'not_there.at_all'"),
        ({"requirements": ("-r other.txt",)}, ModelError, "'-r other.txt' is not allowed"),
        ({"requirements": ("./folder",)}, ModelError, "'./folder' is no file"),
    ],
)
def test_a_wrong_runtime_is_refused_before_anything_starts(
    fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        with_runtime(**fields)


def test_an_entry_without_a_runtime_is_refused() -> None:
    with pytest.raises(CatalogError, match="runtime is missing"):
        create(ModelSpec("m", adapter="isolated"), {})


def test_a_timeout_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"batch_timeout=0\.0 .* must be above 0"):
        isolated(tmp_path, {"batch_timeout": "0"})


def test_arguments_of_the_model_itself_may_be_set_by_the_user() -> None:
    runtime = RuntimeSpec("isolated", entry="json:JSONDecoder", python="running")
    spec = ModelSpec("tiny", adapter="isolated", runtime=runtime, args={"beam": "5", "batch_timeout": "9"})
    as_written, other = create(spec, {}), create(spec, {"beam": "2", "batch_timeout": "8"})
    assert as_written.identity()["model_args"] == {"beam": "5"}
    assert other.identity()["model_args"] == {"beam": "2"}
    with pytest.raises(UsageError, match=r"takes no argument 'beem'.*did you mean beam"):
        create(spec, {"beem": "2"})


def test_weights_at_a_path_count_by_what_they_hold(tmp_path: Path) -> None:
    """Other weights under the same path are another model; the same ones elsewhere are not."""
    (tmp_path / "model.py").write_text(SOURCE)
    runtime = RuntimeSpec("isolated", f"{tmp_path}/model.py:Model", python="running")

    def identity(weights: Path, source: Path | None = None) -> dict[str, Any]:
        spec = ModelSpec("mine", "isolated", source=source and str(source), args={"w": str(weights)}, runtime=runtime)
        return {k: v for k, v in create(spec, {}).identity().items() if k not in ("model", "args")}

    for name, text in (("a.pt", "one"), ("b.pt", "one"), ("c.pt", "other")):
        (tmp_path / name).write_text(text)
    assert identity(tmp_path / "a.pt") == identity(tmp_path / "b.pt")
    assert identity(tmp_path / "a.pt") != identity(tmp_path / "c.pt")
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "weights.bin").write_text("one")
    before = identity(tmp_path / "a.pt", folder)
    (folder / "weights.bin").write_text("two")
    assert identity(tmp_path / "a.pt", folder) != before
