"""From a name to an adapter: which class loads a model, and models that are named on the command line only."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import CatalogError, UsageError, did_you_mean
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args

ADAPTERS: Mapping[str, str] = {
    "pocketsphinx": "audiobench_pytest.models.pocketsphinx:PocketsphinxAdapter",
    "transformers-asr": "audiobench_pytest.models.transformers.asr:TransformersAsrAdapter",
    "transformers-audio-chat": "audiobench_pytest.models.transformers.audio_chat:TransformersAudioChatAdapter",
    "isolated": "audiobench_pytest.models.isolated.adapter:IsolatedAdapter",
    "openai": "audiobench_pytest.models.openai.adapter:OpenAIAdapter",
    "oracle": "audiobench_pytest.models.harness:OracleAdapter",
    "noisy": "audiobench_pytest.models.harness:NoisyAdapter",
    "null": "audiobench_pytest.models.harness:NullAdapter",
}
"""Where each adapter lives, as text: a module is imported when one of its models is asked for, and not before."""

HF_PREFIX = "hf:"
OPENAI_PREFIX = "openai:"
_HUB_ID = re.compile(r"(?:[A-Za-z0-9_][\w.-]*/)?[A-Za-z0-9_][\w.-]*", re.ASCII)
_LONGEST_HUB_ID = 96


def adapter_class(name: str) -> type[ModelAdapter]:
    """Return the adapter of that name, importing its module.

    Args:
        name: The `adapter` of a catalogue entry, a key of `ADAPTERS`.

    Raises:
        CatalogError: There is no such adapter; the message lists close matches.
    """
    where = ADAPTERS.get(name)
    if where is None:
        raise CatalogError(f"unknown model adapter '{name}'{did_you_mean(name, ADAPTERS)}")
    module, _, attribute = where.partition(":")
    found: type[ModelAdapter] = getattr(importlib.import_module(module), attribute)
    return found


def create(spec: ModelSpec, given: Mapping[str, str]) -> ModelAdapter:
    """Construct the adapter of a model without loading the model.

    The batch limits of the catalogue entry, where it has any, replace those of the adapter.

    Args:
        spec: The model.
        given: Its arguments from the command line, as text.

    Raises:
        CatalogError: The entry names an adapter that does not exist.
        UsageError: An argument the adapter does not take, or a value it cannot be.
        MissingExtraError: A package the adapter needs is not installed.
        ModelError: The checkpoint does not exist or is of a kind the adapter cannot run.
    """
    adapter_type = adapter_class(spec.adapter)
    adapter = adapter_type(spec, checked_args(adapter_type, spec, given))
    if spec.batch_rows is not None:
        adapter.batch_rows = spec.batch_rows
    if spec.batch_seconds is not None:
        adapter.batch_seconds = spec.batch_seconds
    return adapter


def spec_from_hf(text: str) -> ModelSpec:
    """Make up the catalogue entry of a checkpoint that is named as `hf:<hub id or folder>[@revision]`.

    A folder of that name wins over a hub id, as it does in transformers. The model is called by the last component of
    its path, followed by `@` and the revision where one is given (a commit by its first 12 digits); what a file name
    or a node id cannot hold becomes `-`. `hf:openai/whisper-tiny@main` is thus called `whisper-tiny@main`.

    Args:
        text: What the user wrote, with its `hf:`.

    Raises:
        UsageError: Neither a folder that exists nor a possible hub id, or a revision of a folder.
    """
    rest = text.strip().removeprefix(HF_PREFIX).strip()
    if Path(rest).expanduser().is_dir() and rest:
        folder = Path(rest).expanduser().resolve()
        return ModelSpec(name=_safe(folder.name), adapter="transformers-asr", source=str(folder))
    source, at, revision = rest.partition("@")
    if at and Path(source).expanduser().is_dir():
        raise UsageError(f"--model {text}: '{source}' is a folder, which has no revisions: leave out '@{revision}'")
    if at and not revision:
        raise UsageError(f"--model {text}: nothing follows the '@': write a branch, a tag or a commit, or leave it out")
    if not _is_hub_id(source):
        raise UsageError(
            f"--model {text}: '{source}' is neither an existing folder nor a hub id; "
            "write hf:OWNER/NAME, hf:OWNER/NAME@REVISION or hf:path/to/folder"
        )
    shown = revision[:12] if COMMIT.fullmatch(revision) else revision
    name = source.rsplit("/", 1)[-1] + (f"@{shown}" if revision else "")
    return ModelSpec(name=_safe(name), adapter="transformers-asr", source=source, revision=revision or None)


def spec_from_openai(text: str) -> ModelSpec:
    """Make up the catalogue entry of a model that a server offers, named as `openai:<the server's name of it>`.

    The model is called by the last component of that name; what a file name or a node id cannot hold becomes `-`.
    `openai:Qwen/Qwen2-Audio-7B-Instruct` is thus called `Qwen2-Audio-7B-Instruct`. Where the server is is an argument.

    Args:
        text: What the user wrote, with its `openai:`.

    Raises:
        UsageError: It is empty, an address, or holds spaces.
    """
    source = text.strip().removeprefix(OPENAI_PREFIX).strip()
    if "://" in source:  # not repeated: an address may hold a password
        raise UsageError(
            "--model openai:...: write the model's name there, and the server's address in --model-args url=..."
        )
    if not source or not source.isprintable() or " " in source:
        raise UsageError(
            f"--model {text}: '{source}' is no model name; write openai:NAME, with the name that the server gives it"
        )
    return ModelSpec(name=_safe(source.rstrip("/").rsplit("/", 1)[-1]), adapter="openai", source=source)


def _is_hub_id(text: str) -> bool:
    # `--` and `..` are what the hub itself refuses: it writes `/` as `--` in the names of its cache folders.
    if len(text) > _LONGEST_HUB_ID or "--" in text or ".." in text or text.endswith((".git", ".", "-")):
        return False
    return _HUB_ID.fullmatch(text) is not None


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._@-]+", "-", name).strip("-") or "model"
