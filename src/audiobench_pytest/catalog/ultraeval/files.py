"""The YAML files of a registry: named entries, each with a class and its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import CatalogError

KINDS = ("dataset", "prompt", "eval_task", "evaluator", "agg", "process", "model")
"""Folders of a registry."""

_PACKAGE = "audio_evals."


@dataclass(frozen=True, slots=True)
class Registered:
    """One entry as it is written.

    Attributes:
        name: Its name.
        kind: The folder it stands in.
        file: Its file, relative to the registry.
        cls: Its class without the package's name: `dataset.huggingface.Huggingface`.
        args: What the class is made with; all scalars are texts.
    """

    name: str
    kind: str
    file: str
    cls: str
    args: Mapping[str, Any] = field(default_factory=dict)


class RegistryFiles:
    """The entries of a registry by kind and name; a kind is read when it is first asked for.

    Attributes:
        checkout: The folder that paths in it are relative to.
    """

    def __init__(self, folder: Path) -> None:
        """Find the registry: in `folder/registry`, or in the folder itself.

        Raises:
            CatalogError: It is in neither.
        """
        places = (folder / "registry", folder)
        found = next((place for place in places if (place / "dataset").is_dir()), None)
        if found is None:
            raise CatalogError(
                f"--catalog ultraeval:{folder}: holds no registry: name the folder of an UltraEval-Audio checkout, "
                "which has registry/dataset/*.yaml"
            )
        self._folder, self.checkout = found, found.parent

    def of(self, kind: str) -> dict[str, Registered]:
        """Return the entries of a kind by name; a later file's entry replaces an earlier one's, as it does there.

        Raises:
            CatalogError: A file is no YAML, or an entry has no class.
        """
        return self._all.setdefault(kind, {entry.name: entry for entry in self._read(kind)})

    @cached_property
    def _all(self) -> dict[str, dict[str, Registered]]:
        return {}

    def _read(self, kind: str) -> Iterator[Registered]:
        import yaml

        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        for path in sorted((self._folder / kind).rglob("*.yaml")):
            shown = path.relative_to(self._folder).as_posix()
            try:
                content = yaml.load(path.read_bytes(), Loader=loader)
            except (OSError, yaml.YAMLError) as exc:
                raise CatalogError(f"{path}: {exc}") from exc
            for name, entry in content.items() if isinstance(content, dict) else ():
                if not isinstance(entry, dict) or not isinstance(entry.get("class"), str):
                    raise CatalogError(f"{path}: '{name}': expected a mapping with `class` and `args`, found {entry!r}")
                args = entry.get("args") or {}
                if not isinstance(args, dict):
                    raise CatalogError(f"{path}: '{name}': args: expected a mapping, found {args!r}")
                yield Registered(str(name), kind, shown, entry["class"].removeprefix(_PACKAGE), args)
