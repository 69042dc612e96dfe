"""One name, several ways to run it: `qwen2.5-omni` takes the best that is here, `qwen2.5-omni@vllm` names one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec, WaySpec
from audiobench_pytest.errors import UnknownNameError, UsageError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.own.reading import spec_from_class
from audiobench_pytest.models.registry import adapter_class, forms, row_name, spec_from
from audiobench_pytest.models.series import each
from audiobench_pytest.models.transformers.devices import gpu_shows

ISOLATED, TRANSFORMERS, API = "isolated", "transformers", "api"

WAYS: Mapping[str, str] = {
    "vllm": "a server that is started here: vLLM",
    "sglang": "a server that is started here: SGLang",
    "funasr": "a server that is started here: FunASR",
    "faster-whisper": "CTranslate2 in this process",
    TRANSFORMERS: "torch in this process",
    ISOLATED: "a process and an environment of its own",
    API: "a server of somebody else",
    "gemini": "Gemini by its vendor's own protocol",
    "attention": "WeNet: a beam search of its attention decoder",
    "attention_rescoring": "WeNet: the decoder chooses among what CTC found",
    "ctc_prefix_beam_search": "WeNet: a beam search of CTC alone",
    "ctc_greedy_search": "WeNet: the best path of CTC",
}
"""What may stand behind an `@`, the best way where there is a GPU first; at the end those that somebody has to name."""

_BEST_ON_CPU = ("faster-whisper", TRANSFORMERS, ISOLATED, "funasr", "vllm", "sglang", API, "gemini")


def own_way(spec: ModelSpec) -> str:
    """Return what the way is called that an entry itself describes, or "" where it has no name."""
    if spec.adapter.startswith(f"{TRANSFORMERS}-"):
        return TRANSFORMERS
    if spec.adapter in WAYS:
        return spec.adapter
    return API if spec.adapter == "openai" else ""


def ways_of(spec: ModelSpec) -> dict[str, ModelSpec]:
    """Return an entry once for each way to run it, its own first; the model's name is the same in all of them."""
    own = replace(spec, ways=(), way=own_way(spec))
    return {own.way: own} | {way.name: _with(spec, way) for way in spec.ways}


def find_each(text: str, known: Callable[[str], ModelSpec], given: Mapping[str, str]) -> dict[str, ModelSpec]:
    """Return the entries that a text of `--model` names, each by what would name it alone; else as `find`.

    Raises:
        UsageError: As `find`; the message says how a model can be named.
    """
    try:
        return {one: find(one, known, given) for one in each(text)}
    except UnknownNameError as exc:
        raise UsageError(f"--model: {exc}; or {forms()}; with @WAY behind it to say how it is run") from None


def find(text: str, known: Callable[[str], ModelSpec], given: Mapping[str, str], *, chooses: bool = True) -> ModelSpec:
    """Return the entry that a text of `--model` names, run in the way that it names or in the best that is here.

    Args:
        text: What the user wrote: a name or one of the forms that need no entry, maybe with `@` and a way behind it.
        known: Finds an entry of the catalogue by name.
        given: The arguments that the user has given for the model, as text: a way that does not take them is passed by.
        chooses: Whether the best way is taken where the text names none; else the entry's own is.

    Raises:
        UsageError: There is no such model, or it has no such way; the message says which it has, and what each needs.
    """
    name, way = _split(text)
    if way and (own := spec_from_class(text)) is not None:  # `./file.py:Class@isolated`
        return own
    spec = spec_from(name)
    spec = known(name) if spec is None else spec
    if not way:
        return best(spec, given) if chooses else spec
    found = ways_of(spec).get(way)
    if found is None:
        raise UsageError(f"--model {text}: model '{spec.name}' cannot be run by '{way}'; it can by {_told(spec)}")
    return found if _names_it(name) else replace(found, name=f"{spec.name}@{way}")


def row(text: str) -> str:
    """Return what a model is called on the board, given what is typed; see `registry.row_name`."""
    name, way = _split(text)
    called = row_name(name)
    return called if not way or _names_it(name) else f"{called}@{way}"


def best(spec: ModelSpec, given: Mapping[str, str]) -> ModelSpec:
    """Return an entry in the best way to run it that is here and takes some arguments; its own where none is."""
    ways = {way.name for way in spec.ways if not way.named_only}
    if not ways:
        return replace(spec, ways=())
    has_gpu = gpu_shows(os.environ)
    found = {name: one for name, one in ways_of(spec).items() if name in ways or name == own_way(spec)}
    for name in WAYS if has_gpu else _BEST_ON_CPU:
        if name in found and _is_here(found[name], given, has_gpu):
            return found[name]
    return next(iter(found.values()))


def needs(spec: ModelSpec) -> list[str]:
    """Return what one way to run a model lacks here, in words."""
    adapter = adapter_class(spec.adapter)
    lacks = [what for what, _ in adapter.lacks(spec, checked_args(adapter, spec, {}))]
    if spec.gpus and not gpu_shows(os.environ):
        lacks.append(f"{spec.gpus} GPU{'s' * (spec.gpus > 1)}")
    return lacks


def _is_here(spec: ModelSpec, given: Mapping[str, str], has_gpu: bool) -> bool:
    adapter = adapter_class(spec.adapter)
    options = adapter.options_for(spec)
    if (spec.gpus and not has_gpu) or any(name not in options for name in given):
        return False
    try:
        return adapter.at_hand(spec, checked_args(adapter, spec, given))
    except UsageError:  # a value that this way does not take
        return False


def _with(spec: ModelSpec, way: WaySpec) -> ModelSpec:
    adapter = way.adapter or way.name
    runtime = RuntimeSpec("server", "", way.requirements, way.python) if way.requirements else None
    if adapter == spec.adapter == ISOLATED:  # the same class, told otherwise
        runtime = spec.runtime
    return replace(
        spec,
        adapter=adapter,
        source=way.source or spec.source,
        # A repository of its own has commits of its own.
        revision=way.revision or (None if way.source else spec.revision),
        args=way.args,
        gpus=way.gpus,
        runtime=runtime,
        batch_rows=way.batch_rows,
        batch_seconds=None,
        memory_gb=None,
        verified=False,
        ways=(),
        way=way.name,
    )


def _split(text: str) -> tuple[str, str]:
    name, at, way = text.strip().rpartition("@")
    return (name, way) if at and name and way in WAYS else (text, "")


def _names_it(name: str) -> bool:
    """Whether the user has given the model a name of their own (`NAME=hf:...`)."""
    called, equals, _ = name.partition("=")
    return bool(equals and called) and not set(called) & set("/:")


def _told(spec: ModelSpec) -> str:
    told = []
    for name, one in ways_of(spec).items():
        lacks = needs(one)
        told.append(f"{name or 'its own way'} ({'needs ' + ' and '.join(lacks) if lacks else 'all it needs is here'})")
    return ", ".join(told)
