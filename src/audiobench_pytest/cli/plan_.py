"""`audiobench plan` and `audiobench prompts show`: what would be asked; no model is loaded, nothing is fetched."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from audiobench_pytest.cli import add_cache, add_catalog
from audiobench_pytest.errors import DatasetError, UsageError

_JSON = '{"audiobench_plan": '


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    plan = commands.add_parser(
        "plan", help="what a pytest command would run, and what it lacks", description="pytest ARGS... --plan"
    )
    plan.add_argument("--json", action="store_true", help="as JSON")
    plan.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="arguments of pytest")
    plan.set_defaults(run=_plan)
    prompts = commands.add_parser("prompts", help="in which words a task is asked")
    verbs = prompts.add_subparsers(required=True, metavar="VERB")
    show = verbs.add_parser("show", help="what would be sent for the first sample of a data set")
    show.add_argument("name", nargs="?", help="a prompt, @FILE or words; default: the one that would be picked")
    show.add_argument("--dataset", required=True, metavar="NAME|PATH", help="as for pytest")
    show.add_argument("--model", metavar="NAME", help="as for pytest; a model may have prompts of its own")
    add_cache(show, "where sets of the hub are kept")
    add_catalog(show)
    show.set_defaults(run=_show)


def _plan(given: argparse.Namespace) -> int:
    # What stands behind the first argument of pytest is read as one of its own, this option of ours included.
    arguments = [text for text in given.arguments if text != "--json"]
    as_json = given.json or len(arguments) < len(given.arguments)
    command = [sys.executable, "-m", "pytest", *arguments, f"--audiobench-plan={'json' if as_json else 'text'}"]
    if not as_json:
        return subprocess.call(command)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith(_JSON)), None)
    if line is None:
        sys.stderr.write(done.stdout)
        return done.returncode or 4
    found = json.loads(line)
    cells = found.pop("audiobench_plan")
    # A plan is a list of cells; that of a suite is an object, since most of its numbers may be no cell here.
    print(json.dumps({"cells": cells, **found} if found else cells, indent=2, ensure_ascii=False))
    return done.returncode


def _show(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.datasets import LoadSettings, is_path_like, load_known, spec_for_path
    from audiobench_pytest.models.options import checked_args
    from audiobench_pytest.models.registry import adapter_class
    from audiobench_pytest.models.ways import find
    from audiobench_pytest.prompts.asked import Asked
    from audiobench_pytest.prompts.profiles import given_prompt, profile_for, prompt_for
    from audiobench_pytest.types import Sound

    catalog, text = load_catalog(), given.dataset
    spec = spec_for_path(text, cwd=Path.cwd()) if is_path_like(text) else catalog.datasets.get(text)
    words = given_prompt(given.name, spec.task, Path.cwd()) if given.name else None
    model = find(given.model, catalog.models.get, {}) if given.model else None
    adapter = adapter_class(model.adapter) if model else None
    if model is not None and adapter is not None and not adapter.follows(model, checked_args(adapter, model, {})):
        raise UsageError(f"model '{model.name}' writes down speech and is told nothing")
    asked = Asked(spec.task, spec.prompt, spec.name, model.name if model else "", words)
    profile = profile_for(asked, spec.language)
    try:
        data = load_known(spec, LoadSettings(given.cache, limit=1))
    except DatasetError as exc:
        print(f"audiobench: {exc}", file=sys.stderr)
        data = None
    if data is None or data.samples[0].problem is not None:
        print(f"prompt {profile.name}; no sample of {spec.name} is here, so this is its template")
        for turn in profile.turns:
            print(f"{turn.role}: {turn.text.strip()}")
        return 0
    (sample,) = data.samples
    prompt = prompt_for(sample, asked, takes_instruction=True)
    print(f"prompt {prompt.profile}; sample {sample.id} of {spec.name}")
    for tool in prompt.tools:
        print(f"tool: {json.dumps(dict(tool), ensure_ascii=False)}")
    if not prompt.messages:
        print(f"user: {prompt.text}\n(the sound stands where the model's own format has it)")
    for message in prompt.messages:
        parts = [f"<{part.name}>" if isinstance(part, Sound) else part for part in message.parts]
        calls = [f"{call.name}({json.dumps(dict(call.arguments), ensure_ascii=False)})" for call in message.calls]
        print(f"{message.role}: {' '.join([*parts, *calls])}")
    return 0
