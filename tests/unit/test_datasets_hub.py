"""Loads from the hub, in fresh interpreters (its client reads the environment once) against a loopback server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import (
    COMMIT_1,
    COMMIT_2,
    HubServer,
    Loads,
    Repository,
    clip,
    finish_loads,
    parquet,
    row,
    start_loads,
)

SET = {"repo": "org/set", "split": "test", "id_column": "id"}
FIRST, SECOND = "data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"

FOOTER_READ = 1 << 16
"""Bytes that pyarrow reads from the end of a file before it knows how long the footer is."""


class Bench:
    """A server, a hub cache and an own cache."""

    def __init__(self, hub: HubServer, folder: Path) -> None:
        self.hub, self.home, self.cache = hub, folder / "home", folder / "cache"

    def load(self, *steps: dict, without: tuple[str, ...] = (), **environment: str) -> Loads:
        return finish_loads(self.start(*steps, without=without, **environment))

    def start(self, *steps: dict, without: tuple[str, ...] = (), **environment: str):
        return start_loads(self.hub.environment(self.home, **environment), self.cache, list(steps), without)

    def stored(self) -> list[Path]:
        return [p for p in (self.cache / "audio").rglob("*") if p.is_file()]

    def index_lines(self) -> list[dict]:
        return [json.loads(line) for p in self.cache.rglob("*.jsonl") for line in p.read_text().splitlines()]

    def downloaded(self) -> list[Path]:
        return [p for p in self.home.rglob("blobs/*") if p.is_file()]


@pytest.fixture(scope="module")
def two_files() -> dict[str, bytes]:
    return {FIRST: parquet([row(n) for n in range(30)]), SECOND: parquet([row(n) for n in range(30, 50)])}


@pytest.fixture
def bench(tmp_path: Path, two_files: dict[str, bytes]) -> Iterator[Bench]:
    with HubServer({"org/set": Repository({COMMIT_1: dict(two_files)}, {"main": COMMIT_1})}) as hub:
        yield Bench(hub, tmp_path)


def serve(bench: Bench, rows: list[dict], **columns: object) -> None:
    bench.hub.repositories["org/set"].commits[COMMIT_1] = {"data/test-00000-of-00001.parquet": parquet(rows, **columns)}


def test_five_samples_store_five_and_read_only_their_row_group(bench: Bench, two_files: dict[str, bytes]) -> None:
    answer = bench.load({"source": SET, "settings": {"limit": 5}}).one
    assert answer["ids"] == [f"id-{n}" for n in range(5)]
    assert answer["texts"] == [f"text {n}" for n in range(5)]
    assert answer["seconds"] == [0.3] * 5
    assert answer["meta"][4] == {"speaker_id": 1}
    assert answer["revision"] == COMMIT_1
    assert COMMIT_1 in answer["source"]
    assert "org/set" in answer["source"]
    assert [Path(p).read_bytes() for p in answer["audio"]] == [clip(n) for n in range(5)]
    assert len(bench.stored()) == 5
    assert len(bench.index_lines()) == 5
    assert bench.downloaded() == []
    spans = [r.span for r in bench.hub.log if r.path.endswith(".parquet")]
    assert spans
    assert all(spans), "a whole file was fetched"
    first_group = pq.ParquetFile(pa.BufferReader(two_files[FIRST])).metadata.row_group(0)
    size = sum(first_group.column(i).total_compressed_size for i in range(first_group.num_columns))
    assert bench.hub.sent_of(FIRST) <= FOOTER_READ + size < len(two_files[FIRST])
    assert bench.hub.sent_of(SECOND) == 0


def test_second_load_reads_no_parquet_and_a_larger_one_only_the_new_rows(bench: Bench) -> None:
    first, again, more = bench.load(
        {"source": SET, "settings": {"limit": 5}},
        {"source": SET, "settings": {"limit": 5}},
        {"source": SET, "settings": {"limit": 12}},
    ).answers
    assert first == again
    assert more["ids"][:5] == first["ids"]
    lines = bench.index_lines()
    assert sorted(line["row"] for line in lines) == list(range(12))


def test_whole_set_is_downloaded_once_and_pinned_needs_no_network_nor_client(bench: Bench) -> None:
    pinned = {**SET, "revision": COMMIT_1}
    whole, subset, count = bench.load(
        {"source": pinned, "samples": 50},
        {"source": pinned, "settings": {"sample": 7, "seed": 3}},
        {"source": pinned, "count_only": True},
    ).answers
    assert whole["ids"] == [f"id-{n}" for n in range(50)]
    assert len(subset["ids"]) == 7
    assert set(subset["ids"]) < set(whole["ids"])
    assert count == {"count": 50}
    assert sum(r.method == "GET" and r.path.endswith(FIRST) for r in bench.hub.log) == 1
    served = len(bench.hub.log)
    later = bench.load({"source": pinned}, {"source": pinned, "settings": {"sample": 7, "seed": 3}})
    assert later.answers == [whole, subset]
    assert len(bench.hub.log) == served
    assert later.modules.isdisjoint({"huggingface_hub", "pyarrow", "datasets"})


def test_offline_uses_what_was_fetched_and_says_so_when_nothing_was(bench: Bench) -> None:
    nothing = bench.load({"source": SET}, HF_HUB_OFFLINE="1").one
    assert "HF_HUB_OFFLINE" in nothing["error"]
    online = bench.load({"source": SET, "settings": {"limit": 5}}).one
    served = len(bench.hub.log)
    same, beyond = bench.load(
        {"source": SET, "settings": {"limit": 5}}, {"source": SET, "settings": {"limit": 9}}, HF_HUB_OFFLINE="1"
    ).answers
    assert same == online
    assert "HF_HUB_OFFLINE" in beyond["error"]
    bench.load({"source": SET})
    served = len(bench.hub.log)
    other_text = {**SET, "text_column": "id"}  # never extracted, but the parquet files are in the hub's cache
    whole = bench.load({"source": other_text}, HF_HUB_OFFLINE="1").one
    assert whole["texts"] == [f"id-{n}" for n in range(50)]
    assert len(bench.hub.log) == served


def test_branch_that_moves_is_followed_and_a_pinned_commit_is_not(bench: Bench) -> None:
    repository = bench.hub.repositories["org/set"]
    before = bench.load({"source": SET, "settings": {"limit": 2}}).one
    repository.commits[COMMIT_2] = {"data/test-00000-of-00001.parquet": parquet([row(n, text="new") for n in range(4)])}
    repository.branches["main"] = COMMIT_2
    after, pinned = bench.load(
        {"source": SET, "settings": {"limit": 2}},
        {"source": {**SET, "revision": COMMIT_1}, "settings": {"limit": 2}},
    ).answers
    assert (before["revision"], after["revision"], pinned["revision"]) == (COMMIT_1, COMMIT_2, COMMIT_1)
    assert after["texts"] == ["new", "new"]
    assert pinned == before
    assert after["digest"] != before["digest"]


def test_subset_by_id_streams_ids_and_the_chosen_rows_only(bench: Bench) -> None:
    answer = bench.load({"source": SET, "settings": {"sample": 3, "seed": 1}}).one
    assert len(bench.stored()) == 3
    whole = bench.load({"source": SET}, {"source": SET, "settings": {"sample": 3, "seed": 1}}).answers
    assert whole[1] == answer
    positions = [whole[0]["ids"].index(i) for i in answer["ids"]]
    assert positions == sorted(positions)


def test_ids_come_from_key_column_else_path_else_digest(bench: Bench) -> None:
    rows = [row(0), row(1, audio={"bytes": clip(1), "path": None}), row(2, id=None)]
    serve(bench, rows)
    without_key = {k: v for k, v in SET.items() if k != "id_column"}
    by_key, by_path, subset = bench.load(
        {"source": SET}, {"source": without_key}, {"source": without_key, "settings": {"sample": 2}}
    ).answers
    assert by_key["ids"] == ["id-0", "id-1", "2.flac"]
    digest = Path(by_path["audio"][1]).stem
    assert by_path["ids"] == ["0.flac", digest, "2.flac"]
    assert set(subset["ids"]) < set(by_path["ids"])


def test_plain_binary_audio_column_is_read_and_named_by_digest(bench: Bench) -> None:
    serve(bench, [row(n, audio=clip(n)) for n in range(3)], audio=pa.binary(), id=None)
    answer = bench.load({"source": {"repo": "org/set", "split": "test"}}).one
    assert answer["ids"] == [Path(p).stem for p in answer["audio"]]
    assert len(set(answer["ids"])) == 3


def test_bad_rows_become_problems_that_name_the_row(bench: Bench) -> None:
    rows = [
        row(0),
        row(1, text="  "),
        row(2, text=None),
        row(3, audio={"bytes": None, "path": "3.flac"}),
        row(4, id="id-0"),
        row(5, audio={"bytes": b"", "path": "5.flac"}),
        row(6, audio=None),
    ]
    serve(bench, rows)
    answer = bench.load({"source": SET}).one
    assert answer["ids"] == ["id-0", "id-1", "id-2", "id-3", "id-0#row4", "id-5", "id-6"]
    problems = answer["problems"]
    assert set(problems) == set(answer["ids"][1:])
    assert "test row 1: empty reference" in problems["id-1"]
    assert "reference is missing" in problems["id-2"]
    assert "no audio (path '3.flac')" in problems["id-3"]
    assert "duplicate id 'id-0', first seen in row 0" in problems["id-0#row4"]
    assert "0 bytes" in problems["id-5"]
    assert "no audio" in problems["id-6"]


def test_wrong_columns_are_named_with_what_is_there(bench: Bench) -> None:
    steps = [
        {"source": {**SET, "text_column": "txt"}},
        {"source": {**SET, "audio_column": "speaker_id"}},
        {"source": {**SET, "text_column": "speaker_id"}},
        {"source": {**SET, "id_column": "utterance"}},
    ]
    text, audio, kind, key = [a["error"] for a in bench.load(*steps).answers]
    assert "no column 'txt'" in text
    assert "did you mean text?" in text
    assert "columns: audio, text, id, speaker_id" in text
    assert "'speaker_id' holds int64, not bytes" in audio
    assert "'speaker_id' holds int64, not text" in kind
    assert "no column 'utterance' (id)" in key


def test_split_that_is_not_there_lists_splits_and_files(bench: Bench) -> None:
    error = bench.load({"source": {**SET, "split": "tset"}}).one["error"]
    assert "no split 'tset'" in error
    assert "did you mean test?" in error
    assert FIRST in error


def test_count_that_differs_from_the_catalogue_stops_the_load(bench: Bench) -> None:
    wrong, partial = bench.load(
        {"source": SET, "samples": 51}, {"source": SET, "samples": 51, "settings": {"limit": 3}}
    ).answers
    assert "50 samples" in wrong["error"]
    assert "says 51" in wrong["error"]
    assert len(partial["ids"]) == 3


def test_count_reads_footers_only(bench: Bench) -> None:
    whole, some = bench.load(
        {"source": SET, "count_only": True}, {"source": SET, "count_only": True, "settings": {"sample": 20, "limit": 8}}
    ).answers
    assert (whole["count"], some["count"]) == (50, 8)
    assert bench.stored() == []
    assert bench.hub.sent_of(FIRST) <= FOOTER_READ


@pytest.mark.parametrize("mode", ["download", "stream"])
def test_broken_transfer_names_the_file_keeps_nothing_and_can_be_tried_again(bench: Bench, mode: str) -> None:
    step = {"source": SET, "settings": {"hub_mode": mode, "limit": 12}}
    bench.hub.short_by[FIRST] = 1000
    error = bench.load(step).one["error"]
    assert FIRST in error
    assert "try again" in error
    assert bench.downloaded() == []
    assert bench.index_lines() == []
    bench.hub.short_by.clear()
    assert len(bench.load(step).one["ids"]) == 12


def test_damaged_file_is_taken_out_of_the_hubs_cache(bench: Bench, two_files: dict[str, bytes]) -> None:
    step = {"source": SET, "settings": {"hub_mode": "download", "limit": 12}}
    bench.hub.swap[FIRST] = b"\0" * len(two_files[FIRST])
    error = bench.load(step).one["error"]
    assert f"{COMMIT_1[:8]}/{FIRST}" in error
    assert "run again" in error
    assert bench.downloaded() == []
    bench.hub.swap.clear()
    assert len(bench.load(step).one["ids"]) == 12


def test_damage_inside_a_streamed_file_keeps_the_rows_before_it(bench: Bench, two_files: dict[str, bytes]) -> None:
    data = two_files[FIRST]
    bench.hub.swap[FIRST] = (
        data[: len(data) // 2] + b"\xff" * (len(data) // 4) + data[len(data) // 2 + len(data) // 4 :]
    )
    step = {"source": SET, "settings": {"hub_mode": "stream", "limit": 30}}
    error = bench.load(step).one["error"]
    assert FIRST in error
    done = len(bench.index_lines())
    assert 10 <= done < 30
    bench.hub.swap.clear()
    assert bench.load(step).one["ids"] == [f"id-{n}" for n in range(30)]
    assert sorted(line["row"] for line in bench.index_lines()) == list(range(30))


def test_two_processes_share_one_extraction(bench: Bench, two_files: dict[str, bytes]) -> None:
    step = {"source": SET, "settings": {"limit": 30}}
    both = [bench.start(step), bench.start(step)]
    one, other = (finish_loads(p).one for p in both)
    assert one == other
    assert bench.hub.sent_of(FIRST) <= FOOTER_READ + len(two_files[FIRST])
    assert len(bench.index_lines()) == 30


def test_errors_of_the_hub_say_endpoint_repository_and_what_to_do(bench: Bench) -> None:
    bench.hub.repositories["org/gated"] = Repository({COMMIT_1: {}}, {"main": COMMIT_1}, gated=True)
    unknown, gated, revision, name = bench.load(
        {"source": {**SET, "repo": "org/nowhere"}},
        {"source": {**SET, "repo": "org/gated"}},
        {"source": {**SET, "revision": "v9"}},
        {"source": {**SET, "repo": "not a repository"}},
    ).answers
    assert bench.hub.url in unknown["error"]
    assert "Check the name 'org/nowhere'" in unknown["error"]
    assert "hf auth login" in gated["error"]
    assert "org/gated" in gated["error"]
    assert "no such revision" in revision["error"]
    assert "'v9'" in revision["error"]
    assert "not a repository" in name["error"]
    endpoint = "http://127.0.0.1:1"
    unreachable = bench.load({"source": SET}, HF_ENDPOINT=endpoint).one["error"]
    for part in (endpoint, "org/set", "HF_ENDPOINT", "HF_HUB_OFFLINE=1"):
        assert part in unreachable


def test_missing_package_names_the_extra(bench: Bench) -> None:
    for package in ("huggingface_hub", "pyarrow"):
        answer = bench.load({"source": SET}, without=(package,)).one
        assert answer["kind"] == "MissingExtraError"
        assert "audiobench-pytest[hub]" in answer["error"]
        assert package in answer["error"]
