"""What in a model's identity says which weights answered; read wherever an identity is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHECKPOINT = ("weights", "revision")
"""What pins the checkpoint itself, the closest first."""

ADDED = ("low_rank", "speaker_embedding_content", "vocoder_content")
"""Weights that are added to a checkpoint, or put beside it."""

_NO_WEIGHTS = (".jinja", ".json", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".py")
CONTENT = "sha256:"
"""How a digest begins that stands for what a path holds."""


def pins(identity: Mapping[str, Any]) -> bool:
    """Whether an identity says which weights answer: by a revision, or by what they are."""
    return any(identity.get(name) for name in CHECKPOINT)


def added(identity: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the weights that a model has beside its checkpoint, by name.

    Files that a class of its own is given (`model_args`) are such weights too, as far as anybody can tell from here,
    and so are those that the command line of a server names, unless their name says that they are something else.
    """
    given, named = (identity.get(name) for name in ("model_args", "files"))
    files = given if isinstance(given, Mapping) else {}
    named = named if isinstance(named, Mapping) else {}
    told = {name: str(identity[name]) for name in ADDED if identity.get(name)}
    told = {name: text for name, text in told.items() if name == "low_rank" or text.startswith(CONTENT)}
    weights = sorted(str(content) for path, content in named.items() if not str(path).endswith(_NO_WEIGHTS))
    told |= {f"files.{number}": content for number, content in enumerate(weights)}
    return told | {f"model_args.{name}": text for name, text in files.items() if str(text).startswith(CONTENT)}
