"""Which parquet files of a repository hold a split."""

import pytest

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.datasets.hub.layouts import parquet_files
from audiobench_pytest.errors import DatasetError


def find(listing: list[str], split: str = "test", card: dict | None = None, **source: object) -> list[str]:
    return parquet_files(HubSource("org/set", split=split, **source), ["README.md", *listing], card)  # type: ignore[arg-type]


SHARDS = ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]
OTHERS = [
    "data/train-00000-of-00001.parquet",
    "data/test_other-00000-of-00001.parquet",
    "data/test-other-00000-of-00001.parquet",
    "other/test-00000-of-00001.parquet",
]


@pytest.mark.parametrize(
    ("files", "config"),
    [
        ([f"data/{s}" for s in SHARDS], None),
        (SHARDS, None),
        (["test.parquet"], None),
        (["data/test.parquet"], None),
        (["test/0000.parquet", "test/0001.parquet"], None),
        (["data/test/part-1.parquet"], None),
        (["default/test/0000.parquet"], None),
        ([f"data/{s}" for s in SHARDS], "default"),
        (["data/test-00000-of-00001-0123456789abcdef.parquet"], None),
        ([f"clean/{s}" for s in SHARDS], "clean"),
        (["clean/test/0000.parquet"], "clean"),
        (["clean/test.parquet"], "clean"),
        ([f"data/clean/{s}" for s in SHARDS], "clean"),
        (["data/clean/test/0000.parquet"], "clean"),
    ],
)
def test_usual_layouts_are_found_among_other_splits(files: list[str], config: str | None) -> None:
    assert find([*OTHERS, *reversed(files)], config=config) == files


def test_own_patterns_go_before_the_card_and_the_card_before_layouts() -> None:
    listing = ["data/test-00000-of-00001.parquet", "odd/a.parquet", "odd/b.parquet"]
    card = {
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": ["./odd/a*"]}, "x"]}, "broken"]
    }
    assert find(listing) == [listing[0]]
    assert find(listing, card=card) == ["odd/a.parquet"]
    assert find(listing, card=card, files=("odd/*.parquet",)) == ["odd/a.parquet", "odd/b.parquet"]
    assert find(listing, card=card, split="train", files=("odd/b*",)) == ["odd/b.parquet"]


def test_card_tells_configurations_apart() -> None:
    listing = ["audio/en-1.parquet", "audio/zh-1.parquet"]
    configs = [
        {"config_name": lang, "data_files": [{"split": "test", "path": f"audio/{lang}-*.parquet"}]}
        for lang in ("en", "zh")
    ]
    assert find(listing, config="zh", card={"configs": configs}) == ["audio/zh-1.parquet"]
    with pytest.raises(DatasetError, match="no split 'test'"):
        find(listing, card={"configs": configs})


def test_configuration_is_never_left_out_silently() -> None:
    with pytest.raises(DatasetError, match="no split 'test' of configuration 'clean'"):
        find(["data/test-00000-of-00001.parquet"], config="clean")


def test_missing_shard_is_noticed() -> None:
    with pytest.raises(DatasetError, match=r"data/test-\*.parquet should be 3 files, number 00001 is missing"):
        find(["data/test-00000-of-00003.parquet", "data/test-00002-of-00003.parquet"])


def test_what_is_not_there_lists_splits_and_files_with_close_matches() -> None:
    listing = ["clean/test-00000-of-00001.parquet", "clean/train.100-00000-of-00001.parquet", "other/test/0000.parquet"]
    with pytest.raises(DatasetError) as caught:
        find(listing, split="tests", config="clean")
    for part in ("org/set", "'tests' of configuration 'clean'", "clean/test, clean/train.100, other/test", *listing):
        assert part in str(caught.value)
    assert "did you mean clean/test" in str(caught.value)
    with pytest.raises(DatasetError, match=r"\(40 in all\)"):
        find([f"data/s{n:02d}.parquet" for n in range(40)])
