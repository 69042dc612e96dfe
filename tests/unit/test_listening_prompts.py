"""A run that asks in several prompts: whose sounds are listened to, and which cell the ratings are of."""

import pytest

from audiobench_pytest.listening.chosen import choose
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.listening import (
    AB,
    MOS,
    RatedTrial,
    Ratings,
    Session,
    System,
    Trial,
    keep_ratings,
    keep_session,
)
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.records.sounds import SOUNDS
from audiobench_pytest.types import CellId, Outcome, State

CELLS = [CellId("set", "m", "x@1", prompt) for prompt in ("plain", "terse")]


@pytest.fixture
def run(tmp_path):
    """A run of one clip that was answered in speech in two prompts, and the cache of its sounds."""
    made = RunDirectory(tmp_path / "run")
    attempt = made.begin({}, asked="x")
    made.write_plan([PlannedCell(cell, "tts", "", "t.py::t", 1, (0,)) for cell in CELLS])
    writer = made.writer("main", attempt)
    for number, cell in enumerate(CELLS):
        file = f"ab/{number:064x}.flac"
        sound = tmp_path / "cache" / SOUNDS / file
        sound.parent.mkdir(parents=True, exist_ok=True)
        sound.write_bytes(b"sound")
        writer.shard(ShardReceipt(cell, 0, 1, 1, 1, 1.0, 2.0, "x@1|lang:en", {"digest": "d"}))
        writer.outcome(Outcome(cell, "clip", State.OK, "a", "a", speech={"file": file}))
    writer.close()
    return made


def test_each_prompt_is_listened_to_by_its_own_name(run, tmp_path):
    choice = choose([run.path], AB, [tmp_path / "cache"], clips=5, seed=0)
    assert [one.name for one in choice.systems] == ["m (plain) of run", "m (terse) of run"]
    assert [one.sound("clip").name[63] for one in choice.systems] == ["0", "1"]
    assert len(choose([run.path], MOS, [tmp_path / "cache"], models=["m"], clips=5, seed=0).systems) == 2


def rated(run, name, *systems):
    """Keep a session in which the first system has 1 and the second 5."""
    stimuli = {f"s{place}": str(place) for place in range(len(systems))}
    keep_session(run.path, Session(name, MOS, "set", 0, systems, (Trial("t1", "clip", stimuli),)))
    values = {stimulus: 1.0 + 4.0 * int(place) for stimulus, place in stimuli.items()}
    keep_ratings(run.path, Ratings(1, MOS, name, "x", (RatedTrial("t1", values),)))


def test_ratings_are_of_the_prompt_that_was_heard(run):
    rated(run, "s", System("run", "m", prompt="terse"), System("run", "m", prompt="plain"))
    found = {data.plan.cell.prompt: [one.value for one in data.ratings[MOS]] for data in run.cells()}
    assert found == {"terse": [1.0], "plain": [5.0]}


def test_ratings_of_a_session_that_names_no_prompt_are_of_the_first(run):
    rated(run, "s", System("run", "m"))
    assert [[one.value for one in data.ratings.get(MOS, ())] for data in run.cells()] == [[1.0], []]
    rated(run, "t", System("run", "m", prompt="plain"), System("run", "m", prompt="terse"))
    assert [[one.value for one in data.ratings.get(MOS, ())] for data in run.cells()] == [[1.0, 1.0], [5.0]]
