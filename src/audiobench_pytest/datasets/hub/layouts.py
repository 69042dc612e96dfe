"""Which parquet files of a hub repository hold one split; names only, no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.errors import DatasetError, did_you_mean

_SHARD = r"(?:[-_.](?P<at>\d+)(?:-of-(?P<of>\d+))?(?:-[0-9a-f]{6,})?)?\.parquet"
_LISTED = 12


def parquet_files(source: HubSource, listing: Iterable[str], card: Mapping[str, Any] | None = None) -> list[str]:
    """Return the files of the source's split, in the set's order.

    The source's own patterns are taken if it has any, else what the repository's card says (`configs`), else the
    layouts that repositories usually have, with and without a folder `data` or one named like the configuration.

    Args:
        source: What is looked for.
        listing: All files of the repository.
        card: The metadata of the repository's card.

    Raises:
        DatasetError: No file matches (lists the parquet files and splits there are), or a numbered shard is missing.
    """
    parquet = sorted(name for name in listing if name.endswith(".parquet"))
    if source.files:
        found = [name for name in parquet if any(fnmatchcase(name, pattern) for pattern in source.files)]
    else:
        found = _by_card(source, parquet, card or {}) or _by_layout(source, parquet)
    if not found:
        raise DatasetError(_not_found(source, parquet))
    _check_complete(source, found)
    return found


def _by_card(source: HubSource, parquet: Sequence[str], card: Mapping[str, Any]) -> list[str]:
    """Read the `configs` of a dataset card: `[{config_name, data_files: [{split, path}]}]`."""
    configs = [c for c in card.get("configs") or () if isinstance(c, Mapping)]
    if source.config is not None:
        configs = [c for c in configs if c.get("config_name") == source.config]
    if len(configs) != 1:
        return []
    patterns: list[str] = []
    data_files = configs[0].get("data_files")
    for entry in data_files if isinstance(data_files, list) else ():
        if isinstance(entry, Mapping) and str(entry.get("split")) == source.split:
            path = entry.get("path")
            patterns += [path] if isinstance(path, str) else [p for p in path or () if isinstance(p, str)]
    return [name for name in parquet if any(fnmatchcase(name, pattern.removeprefix("./")) for pattern in patterns)]


def _by_layout(source: HubSource, parquet: Sequence[str]) -> list[str]:
    split = re.escape(source.split)
    folders = ["", "data/", "default/", "data/default/"]
    if source.config is not None:
        config = re.escape(source.config)
        named = [f"{config}/", f"data/{config}/"]
        folders = named + folders if source.config == "default" else named
    for folder in folders:
        for pattern in (rf"{folder}{split}{_SHARD}", rf"{folder}{split}/[^/]+\.parquet"):
            if found := [name for name in parquet if re.fullmatch(pattern, name)]:
                return found
    return []


def _check_complete(source: HubSource, found: Sequence[str]) -> None:
    """Compare the shards with the number that their own names state (`test-00000-of-00003.parquet`)."""
    stated: dict[str, tuple[int, set[int]]] = {}
    for name in found:
        if (match := re.search(_SHARD + "$", name)) and match["of"]:
            stated.setdefault(name[: match.start()], (int(match["of"]), set()))[1].add(int(match["at"]))
    for prefix, (total, numbers) in stated.items():
        if lacking := sorted(set(range(total)) - numbers):
            raise DatasetError(
                f"{source.repo}: {prefix}-*.parquet should be {total} files, number {lacking[0]:05d} is missing; "
                "the copy is incomplete"
            )


def _not_found(source: HubSource, parquet: Sequence[str]) -> str:
    wanted = f"files matching {', '.join(source.files)}" if source.files else f"split '{source.split}'"
    if source.config is not None and not source.files:
        wanted += f" of configuration '{source.config}'"
    splits = sorted({_split_name(name) for name in parquet})
    near = source.split if source.config is None else f"{source.config}/{source.split}"
    shown = ", ".join(parquet[:_LISTED]) + (f", ... ({len(parquet)} in all)" if len(parquet) > _LISTED else "")
    return (
        f"{source.repo}: no {wanted} among its parquet files; splits there seem to be: {', '.join(splits)}"
        f"{did_you_mean(near, splits, show_all_below=0)}; parquet files: {shown}"
    )


def _split_name(name: str) -> str:
    """Return `config/split` as the file's name suggests it."""
    stem = re.sub(_SHARD + "$", "", name.removeprefix("data/"))
    folder, _, last = stem.rpartition("/")
    return folder if last.isdigit() or last == "" else stem
