"""The class that answers for an isolated model: where it is, and what identifies its code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import CatalogError, ModelError, SampleError
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.isolated.environment import RUNNING, requirement_lines
from audiobench_pytest.models.isolated.interpreters import check_version, module_file
from audiobench_pytest.records.digests import file_digest

_BUNDLED = Path(__file__).parent / "bundled"
"""Classes of the catalogue's own isolated models."""

_FURTHER = ("adapters", "speech_tokenizer", "encoders")
"""Arguments of theirs that name a repository beside the source."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What `runtime.entry` names.

    Attributes:
        where: Absolute path of a file, or dotted name of a module.
        name: The class.
        file: The file, where there is one on this side to look at.
    """

    where: str
    name: str
    file: Path | None

    def __str__(self) -> str:
        return f"{self.where}:{self.name}"

    def identity(self) -> dict[str, str]:
        """Return what tells this code from another: the digest of its file, else its name.

        A module that the requirements install is told by them. What a file imports from beside itself is not looked
        at: keep such code in one file, or in a package that has a version.

        Raises:
            ModelError: The file cannot be read.
        """
        if self.file is None:
            return {"module": self.where, "class": self.name}
        try:
            return {"file": f"sha256:{file_digest(self.file)}", "class": self.name}
        except SampleError as exc:
            raise ModelError(str(exc)) from exc


def checked_runtime(spec: ModelSpec, kind: str = "isolated") -> RuntimeSpec:
    """Return the runtime of a catalogue entry after checking all that can be checked without making it.

    Raises:
        CatalogError: The entry has none, or a field of it is wrong.
        ModelError: A requirement is not allowed.
    """
    runtime = spec.runtime
    where = f"model '{spec.name}': runtime"
    if runtime is None:
        raise CatalogError(f"{where} is missing: the adapter '{spec.adapter}' needs kind, entry and requirements")
    if runtime.kind != kind:
        raise CatalogError(f"{where}: kind '{runtime.kind}' is unknown; the only one is '{kind}'")
    module, colon, name = runtime.entry.rpartition(":")
    if not (colon and module and name.isidentifier()):
        raise CatalogError(f"{where}: entry '{runtime.entry}' is neither file.py:Class nor module:Class")
    if runtime.python == RUNNING:
        if runtime.requirements:
            raise CatalogError(f"{where}: python 'running' has the packages it has; leave 'requirements' out")
    elif runtime.python is not None and (wrong := check_version(runtime.python)):
        raise CatalogError(f"{where}: {wrong}")
    requirement_lines(spec.name, runtime)
    return runtime


def repositories(spec: ModelSpec) -> list[Weights]:
    """Return the repositories that the model's own code loads: what it reads of them, only it knows."""
    elsewhere = "ModelScope" if spec.args.get("hub") == "ms" else ""
    return [
        *weights_of(spec.source, spec.revision, whole=True, elsewhere=elsewhere),
        *(one for name in _FURTHER for one in weights_of(spec.args.get(name), whole=True)),
    ]


def find_entry(model: str, runtime: RuntimeSpec, *, here: bool = False) -> Entry:
    """Return the class that a runtime names, importing nothing.

    Args:
        model: Name of the model, for messages.
        runtime: What its entry says.
        here: The class runs in this very process.

    Raises:
        ModelError: The file does not exist, or the running interpreter has no such module.
    """
    where, _, name = runtime.entry.rpartition(":")
    if where.endswith(".py"):
        ours = where.startswith(f"{_BUNDLED.name}/")
        path = _BUNDLED.parent / where if ours else Path(where).expanduser().absolute()
        if not path.is_file():
            raise ModelError(f"model '{model}': there is no file {path}, which its runtime's entry names")
        return Entry(str(path), name, path)
    if not here and runtime.python != RUNNING:
        return Entry(where, name, None)
    file = module_file(where)
    if file is None:
        raise ModelError(f"model '{model}': the running interpreter has no module '{where}', which its entry names")
    return Entry(where, name, file)
