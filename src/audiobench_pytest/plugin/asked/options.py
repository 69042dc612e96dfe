"""Command line options and ini keys. The entry point owns `--audiobench-*` only.

`--model` is a common option of other projects' conftests, and two owners of one option end every pytest run of that
environment in an error at start-up; so the short forms exist only where a conftest asks for them (`short_options`).
"""

from __future__ import annotations

from typing import Any

import pytest

from audiobench_pytest.plugin.asked.rare import RARE


class CommandOption:
    """One option.

    Attributes:
        name: `model` becomes `--audiobench-model`, and `--model` where the short options are opted in.
        help: For `pytest --help`.
        metavar: For `pytest --help`.
        repeat: May be given several times.
        type: Of its value.
        short: Whether it has a short form.
    """

    # No dataclass: making one takes a millisecond, in every pytest run of the environment.
    __slots__ = ("help", "metavar", "name", "repeat", "short", "type")

    def __init__(
        self, name: str, help: str, metavar: str, *, repeat: bool = False, type: type = str, short: bool = True
    ) -> None:
        self.name, self.help, self.metavar = name, help, metavar
        self.repeat, self.type, self.short = repeat, type, short

    @property
    def dest(self) -> str:
        """The attribute that holds its value; one for both forms, so that the two spellings accumulate."""
        return "audiobench_" + self.name.replace("-", "_")


OPTIONS = (
    CommandOption(
        "model",
        "model to benchmark: a name of the catalogue, hf:<hub id or folder>[@revision], or openai:<name on a server>; "
        "repeatable, or a,b,c",
        "NAME",
        repeat=True,
    ),
    CommandOption(
        "dataset",
        "run only this dataset: a name of the catalogue, or [NAME=]path/to/manifest.jsonl; repeatable",
        "NAME|PATH",
        repeat=True,
    ),
    CommandOption(
        "model-args",
        "arguments for the model's adapter, KEY=VALUE,...; MODEL:KEY=VALUE,... for one of several; repeatable",
        "ARGS",
        repeat=True,
    ),
    CommandOption(
        "recipe",
        "score by this recipe instead of the dataset's own (`audiobench list recipes`); repeatable, or a,b: one set of "
        "answers under several",
        "NAME",
        repeat=True,
    ),
    CommandOption(
        "suite",
        "plan the protocols behind published numbers (`audiobench list suites`); --model puts yours in their place",
        "NAME",
    ),
    CommandOption("gates", "file of limits (default: gates.toml beside the benchmarks)", "FILE"),
    CommandOption("limit", "only the first N samples of each dataset", "N", type=int),
    CommandOption("sample", "only N samples of each dataset, picked by sample id and --seed", "N", type=int),
    CommandOption("seed", "seed of --sample (default: 0)", "S", type=int),
    CommandOption("batch-size", "most samples in one batch (default: the model's own)", "N", type=int),
    CommandOption(
        "batch-seconds",
        "most seconds of padded audio in one batch (default: the model's own)",
        "S",
        type=float,
    ),
    CommandOption(
        "probe",
        "ask K samples of each dataset, picked by sample id and --seed, a second time, and report how many answers "
        "differ; the second answers enter no score",
        "K",
        type=int,
    ),
    CommandOption(
        "part",
        "run a K-th of the plan; `audiobench gate` merges and judges (default: this task of a Slurm array)",
        "K/N",
    ),
    CommandOption("engine", "what runs the shards: pytest (default; with -n, xdist) or ray (extra `ray`)", "NAME"),
    CommandOption("run", "directory of this run (default: a new one under .audiobench/runs/)", "DIR", short=False),
    CommandOption(
        "cache",
        "where answers are kept, DIR[,READ_ONLY_DIR...] (default: .audiobench/cache)",
        "DIR",
        short=False,
    ),
    CommandOption(
        "set",
        "a rarer setting, see `pytest --help` under ini-options; repeatable",
        "KEY=VALUE",
        repeat=True,
        short=False,
    ),
)

INI_KEYS = {
    "audiobench_models": ("args", "models to benchmark when --model is not given"),
    "audiobench_gates": ("string", "file of limits, as --audiobench-gates"),
    "audiobench_run_dir": ("string", "directory of the run, as --audiobench-run"),
    "audiobench_cache": ("string", "where answers are kept, as --audiobench-cache"),
    "audiobench_set": ("linelist", "rarer settings, one KEY=VALUE a line, as --audiobench-set"),
}


def is_active(config: pytest.Config) -> bool:
    """Whether this pytest run has anything to do with benchmarks; if not, nothing of the package is imported."""
    return (
        config.pluginmanager.has_plugin("audiobench_pytest.plugin.short_options")
        or any(config.getoption(option.dest) is not None for option in OPTIONS)
        or any(config.getini(key) for key in INI_KEYS)
    )


def add_options(parser: pytest.Parser) -> None:
    """Register the long options and the ini keys."""
    group = parser.getgroup("audiobench", "audiobench: benchmark audio models and gate their releases")
    for option in OPTIONS:
        group.addoption(f"--audiobench-{option.name}", **_arguments(option))
    for name, (kind, text) in INI_KEYS.items():
        if name == "audiobench_set":
            text += ": " + "; ".join(f"{rare.name} ({rare.help}; default {rare.default})" for rare in RARE)
        parser.addini(name, text, type=kind)  # type: ignore[arg-type]


def add_short_options(parser: pytest.Parser) -> None:
    """Register the short forms; they share their value with the long ones."""
    group = parser.getgroup("audiobench")
    for option in OPTIONS:
        if option.short:
            group.addoption(
                f"--{option.name}", **{**_arguments(option), "help": f"short for --audiobench-{option.name}"}
            )


def _arguments(option: CommandOption) -> dict[str, Any]:
    # No default here: with two options of one `dest`, argparse applies the default of whichever was added first.
    common: dict[str, Any] = {"dest": option.dest, "metavar": option.metavar, "help": option.help, "default": None}
    return {**common, "action": "append"} if option.repeat else {**common, "type": option.type}
