"""What `run.json` says: what was asked, by which versions, on which machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.asked.declared import RARER
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.records.keys import digest
from audiobench_pytest.runner import hardware

_PACKAGES = (
    "audiobench-pytest",
    "pytest",
    "pytest-xdist",
    "jiwer",
    "whisper-normalizer",
    "zhconv",
    "sacrebleu",
    "numpy",
    "soundfile",
    "soxr",
    "pocketsphinx",
    "torch",
    "transformers",
)


def describe_run(session: BenchmarkSession) -> dict[str, Any]:
    """Return the manifest of a run, as plain JSON values; keys and tokens in the environment are not read."""
    settings = session.settings
    return {
        "started": time.time(),
        "command": [Path(sys.argv[0]).name, *session.config.invocation_params.args],
        "models": {m.name: dict(session.model_args.get(m.name, {})) for m in session.models},
        "hearers": {m.name: dict(session.model_args[m.name]) for m in session.hearers},
        "datasets": [d.name for d in session.datasets] if settings.datasets else "all",
        "recipes": [r.name for r in session.recipes] or "each dataset's own",
        "suite": settings.suite,
        "repeats": settings.repeats,
        "stage": settings.stage or "all",
        "selection": {"limit": settings.limit, "sample": settings.sample, "seed": settings.seed},
        "settings": {setting.name: settings.values[setting.name] for setting in RARER},
        "versions": _versions(),
        "git": _git(settings.root),
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            **hardware.machine(),
            "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES"),
        },
    }


def _affecting(session: BenchmarkSession, spec: ModelSpec) -> list[tuple[str, str]]:
    """Return the arguments of a model that affect what it answers."""
    options = adapter_class(spec.adapter).options_for(spec)
    args = session.model_args.get(spec.name, {})
    return sorted((name, value) for name, value in args.items() if options[name].affects_answers)


def asked(session: BenchmarkSession) -> str:
    """Return a digest of what defines the plan; a run directory is continued only by the same plan.

    Arguments that change speed only (a thread count) may change in between.
    """
    settings = session.settings
    models = [[spec.name, spec.source, spec.revision, _affecting(session, spec)] for spec in session.models]
    hearers = {spec.name: _affecting(session, spec) for spec in session.hearers}
    words = [one.text or repr(one.messages) for one in session.prompts("")]
    # Stages are of one plan: what one asked, the next scores, in one directory if wanted.
    repeats: dict[str, Any] = {"repeats": settings.repeats} if settings.repeats > 1 else {}
    repeats |= {"answer": settings.answer} if settings.answer else {}
    repeats |= {"hearers": hearers} if any(hearers.values()) else {}
    return digest(
        {
            **({} if not words else {"prompt": words[0]} if len(words) == 1 else {"prompts": words}),
            **repeats,
            "models": sorted(models, key=lambda model: str(model[0])),
            "datasets": sorted(d.name for d in session.datasets),
            "manifests": sorted(d.manifest.path for d in session.datasets if d.manifest),
            "recipes": [recipe.name for recipe in session.recipes],
            "selection": [settings.limit, settings.sample, settings.seed],
        }
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(root: Path) -> dict[str, Any] | None:
    """Return commit and state of the work tree that holds the benchmarks, or None outside git."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=root,
            capture_output=True,
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}
