"""Rows of one parquet file."""

import datetime
import decimal
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import parquet, row

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.datasets.hub.parquet import DamagedFileError, ParquetRows
from audiobench_pytest.errors import DatasetError

SOURCE = HubSource("org/set", split="test", id_column="id")


@pytest.fixture(scope="module")
def data() -> bytes:
    return parquet([row(n) for n in range(25)], row_group=10)


@pytest.mark.parametrize("wanted", [[], [0], [24], [9, 10], [3, 4, 17], list(range(25))])
def test_wanted_rows_come_in_order_whatever_their_row_groups(data: bytes, wanted: list[int]) -> None:
    read = list(ParquetRows(io.BytesIO(data), "file", SOURCE).read(wanted))
    assert [(at, raw.key, raw.text) for at, raw in read] == [(n, f"id-{n}", f"text {n}") for n in wanted]
    assert [(raw.audio, raw.path) for _, raw in read] == [(row(n)["audio"]["bytes"], f"{n}.flac") for n in wanted]


class Counting(io.BytesIO):
    """A file that counts the bytes taken from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        out = super().read(size)
        self.taken += len(out)
        return out


def test_ids_are_read_without_audio(data: bytes) -> None:
    file = Counting(data)
    rows = ParquetRows(file, "file", SOURCE)
    after_footer = file.taken
    assert list(rows.id_columns()) == [(f"id-{n}", f"{n}.flac") for n in range(25)]
    assert file.taken - after_footer < 10_000


def test_first_rows_of_a_large_row_group_do_not_cost_all_of_its_audio() -> None:
    rng = random.Random(0)
    rows = [row(n, audio={"bytes": rng.randbytes(100_000), "path": None}) for n in range(80)]
    whole = io.BytesIO()
    table = pq.read_table(pa.BufferReader(parquet(rows, row_group=80)))
    pq.write_table(table, whole, row_group_size=80, write_batch_size=4)  # pages of about 1 MB
    file = Counting(whole.getvalue())
    read = list(ParquetRows(file, "file", SOURCE).read([0, 1]))
    assert [raw.audio for _, raw in read] == [r["audio"]["bytes"] for r in rows[:2]]
    assert file.taken < 3_000_000 < len(whole.getvalue()) / 2


def test_other_columns_are_kept_as_json_values_and_the_rest_is_told() -> None:
    columns = {
        "when": pa.timestamp("us"),
        "price": pa.decimal128(5, 2),
        "score": pa.float64(),
        "kind": pa.dictionary(pa.int8(), pa.string()),
        "tags": pa.list_(pa.string()),
        "blob": pa.binary(),
    }
    values = {
        "when": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "price": decimal.Decimal("1.50"),
        "score": float("nan"),
        "kind": "x",
        "tags": ["x"],
        "blob": b"x",
    }
    file = ParquetRows(io.BytesIO(parquet([row(0, **values)], **columns)), "file", SOURCE)
    (_, raw), *_ = file.read([0])
    expected = {"speaker_id": 0, "when": "2026-01-02T03:04:05", "price": "1.50", "score": None, "kind": "x"}
    expected["tags"] = ["x"]
    assert dict(raw.meta) == json.loads(json.dumps(raw.meta)) == expected
    assert file.dropped == ["blob (bytes)"]


def classes(rows: list[dict[str, object]], **names: list[str]) -> bytes:
    """Return a file whose metadata names classes as the `datasets` library does."""
    table = pa.Table.from_pylist(rows)
    features = {name: {"names": found, "_type": "ClassLabel"} for name, found in names.items()}
    known = json.dumps({"info": {"features": features}})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": known}), out)
    return out.getvalue()


def test_a_class_is_its_name_and_nested_columns_and_further_sounds_are_kept() -> None:
    rows = [
        {
            "id": "a",
            "audio": {"bytes": b"one", "path": "1.wav"},
            "audio2": {"bytes": b"two", "path": "2.wav"},
            "text": 1,
            "tone": 0,
            "dialogue": [{"role": "user", "said": ["x"]}],
        }
    ]
    file = ParquetRows(io.BytesIO(classes(rows, text=["sad", "glad"], tone=["high"])), "file", SOURCE)
    ((_, raw),) = file.read([0])
    assert raw.text == "glad"
    assert raw.meta == {"tone": "high", "dialogue": [{"role": "user", "said": ["x"]}]}
    assert raw.sounds == {"audio2": (b"two", "2.wav")}


def test_a_number_is_a_class_only_where_the_entry_says_so() -> None:
    rows = [{"id": "a", "audio": {"bytes": b"one", "path": "1.wav"}, "digit": 7}]
    data = classes(rows)
    with pytest.raises(DatasetError, match=r"holds int64, not text.*write columns: \{text: digit\}"):
        ParquetRows(io.BytesIO(data), "file", HubSource("org/set", "test", text_column="digit"))
    source = HubSource("org/set", "test", columns=(("text", ("digit",)),))
    ((_, raw),) = ParquetRows(io.BytesIO(data), "file", source).read([0])
    assert raw.text == 7


@pytest.mark.parametrize(
    "broken",
    [b"", b"PAR1", b"not parquet at all" * 10, None],
)
def test_damaged_files_are_named(data: bytes, broken: bytes | None) -> None:
    with pytest.raises(DamagedFileError, match=r"the-file\.parquet"):
        ParquetRows(io.BytesIO(data[:-1] if broken is None else broken), "the-file.parquet", SOURCE)


def test_audio_struct_without_bytes_is_refused() -> None:
    table = pa.table({"audio": [{"path": "a.flac"}], "text": ["x"], "id": ["a"]})
    file = io.BytesIO()
    pq.write_table(table, file)
    with pytest.raises(DatasetError, match=r"'audio' holds struct<path: string>, not bytes or a struct with bytes"):
        ParquetRows(file, "file", SOURCE)
