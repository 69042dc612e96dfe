"""All that a user may set, each declared once: name, type, default, check, help, and where it can be written.

The entry point owns `--audiobench-*` only. `--model` is a common option of other projects' conftests, and two owners of
one option end every pytest run of that environment in an error at start-up; so the short forms exist only where a
conftest asks for them (`plugin.short_options`).

Imported by every pytest run of the environment: standard library only, and little.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from audiobench_pytest.plugin.asked.parts import Part

T = TypeVar("T")


class Setting(Generic[T]):
    """One thing that may be set; as an attribute of `Settings`, its value.

    Attributes:
        name: Its key. `batch-size` becomes `--audiobench-batch-size`, and `--batch-size` where it has a short form.
        default: Its value when nobody says anything.
        help: For `pytest --help`.
        check: Turns what was written into its value; raises ValueError with what it must be.
        metavar: Of its option; "" for what is only a key of `--audiobench-set`, ini or audiobench.toml.
        short: Whether its option has a short form.
        repeat: Whether its option may be given several times; `check` then gets a list.
        type: What its option's text is converted to, before it is checked.
        ini: Its ini key and that key's type, or "" for none.
        bare: What its option stands for where nothing is written behind it, or None where something has to be.
    """

    # No dataclass: making one takes a millisecond, in every pytest run of the environment.
    __slots__ = ("bare", "check", "default", "help", "ini", "ini_type", "metavar", "name", "repeat", "short", "type")

    def __init__(
        self,
        name: str,
        default: T,
        help: str,
        check: Callable[[Any], T],
        *,
        metavar: str = "",
        short: bool = True,
        repeat: bool = False,
        type: type = str,
        ini: str = "",
        ini_type: str = "string",
        bare: str | None = None,
    ) -> None:
        self.name, self.default, self.help, self.check = name, default, help, check
        self.metavar, self.short, self.repeat, self.type = metavar, short, repeat, type
        self.ini, self.ini_type, self.bare = ini, ini_type, bare

    @property
    def dest(self) -> str:
        """The attribute that holds its option's value; one for both forms, so that the two spellings accumulate."""
        return "audiobench_" + self.name.replace("-", "_")

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> Setting[T] | T:
        if settings is None:
            return self
        found: T = settings.values[self.name]
        return found


def _whole(least: int) -> Callable[[Any], int]:
    def check(given: Any) -> int:
        value = int(given)
        if value < least:
            raise ValueError(f"must be a whole number, {least} or more")
        return value

    return check


def _above_zero(given: Any) -> float:
    value = float(given)
    if not value > 0:
        raise ValueError("must be above 0")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(given: Any) -> str:
        if given not in choices:
            raise ValueError(f"must be {' or '.join(choices) if len(choices) == 2 else 'one of ' + ', '.join(choices)}")
        return str(given)

    return check


def _many(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _names(given: Any) -> tuple[str, ...]:
    """Split at commas, drop what is empty and what was there before."""
    parts = [part.strip() for text in _many(given) for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def _word(given: Any) -> str:
    text = str(given).strip()
    if not text:
        raise ValueError("must name something")
    return text


def _path(given: Any) -> Path | None:
    return Path(str(given)).expanduser() if given else None


def _paths(given: Any) -> tuple[Path, ...]:
    return tuple(Path(name).expanduser() for name in _names(given))


def _language(given: Any) -> str:
    if not given:
        return ""
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.languages import known_language

    try:
        return known_language(str(given))
    except UsageError as exc:
        raise ValueError(str(exc)) from None


def _part(given: Any) -> Part:
    from audiobench_pytest.plugin.asked.parts import parse_part

    return parse_part(given)


class Settings:
    """What the user asked for, checked and typed; each attribute says what it is in its `help`.

    Attributes:
        values: Of every setting, by name.
        model_args: Arguments per model as given; the key "" means "the only model, or all of them".
        root: pytest's root folder; `.audiobench/` lies in it, and the relative paths of the catalogue start there.
        data_folder: Where relative paths among `datasets` start.
    """

    def __init__(
        self, values: Mapping[str, Any], model_args: Mapping[str, Mapping[str, str]], root: Path, data_folder: Path
    ) -> None:
        self.values, self.model_args, self.root, self.data_folder = values, model_args, root, data_folder

    def having(self, **values: Any) -> Settings:
        """Return these settings with other values, by name."""
        return Settings({**self.values, **values}, self.model_args, self.root, self.data_folder)

    models = Setting[tuple[str, ...]](
        "model",
        (),
        "model to benchmark: a name of the catalogue, [NAME=]hf:<hub id or folder>[@revision], [NAME=]openai:<name on "
        "a server>, or ./file.py:Class, a class of your own; repeatable, or a,b,c",
        _names,
        metavar="NAME",
        repeat=True,
        ini="audiobench_models",
        ini_type="args",
    )
    datasets = Setting[tuple[str, ...]](
        "dataset",
        (),
        "run only this dataset: a name of the catalogue, or [NAME=][TASK:]path/to/manifest.jsonl; repeatable",
        _many,
        metavar="NAME|PATH",
        repeat=True,
    )
    model_args_texts = Setting[tuple[str, ...]](
        "model-args",
        (),
        "arguments for the model's adapter, KEY=VALUE,...; MODEL:KEY=VALUE,... for one of several; repeatable",
        _many,
        metavar="ARGS",
        repeat=True,
    )
    prompt = Setting[str | None](
        "prompt",
        None,
        "ask in these words instead: a name (`audiobench list prompts`), @FILE, or a template such as "
        "'{{ audio }}What is said?'",
        str,
        metavar="NAME|@FILE|TEXT",
    )
    recipes = Setting[tuple[str, ...]](
        "recipe",
        (),
        "score by this recipe instead of the dataset's own (`audiobench list recipes`); repeatable, or a,b: one set of "
        "answers under several",
        _names,
        metavar="NAME",
        repeat=True,
    )
    suite = Setting[str | None](
        "suite",
        None,
        "plan the protocols behind published numbers (`audiobench list suites`); --model puts yours in their place",
        str,
        metavar="NAME",
    )
    gates = Setting[Path | None](
        "gates",
        None,
        "file of limits (default: gates.toml beside the benchmarks)",
        _path,
        metavar="FILE",
        ini="audiobench_gates",
    )
    limit = Setting[int | None](
        "limit", None, "only the first N samples of each dataset", _whole(1), metavar="N", type=int
    )
    sample = Setting[int | None](
        "sample",
        None,
        "only N samples of each dataset, picked by sample id and --seed",
        _whole(1),
        metavar="N",
        type=int,
    )
    seed = Setting[int]("seed", 0, "seed of --sample (default: 0)", int, metavar="S", type=int)
    batch_size = Setting[int | None](
        "batch-size", None, "most samples in one batch (default: the model's own)", _whole(1), metavar="N", type=int
    )
    batch_seconds = Setting[float | None](
        "batch-seconds",
        None,
        "most seconds of padded audio in one batch (default: the model's own)",
        _above_zero,
        metavar="S",
        type=float,
    )
    cluster = Setting[str](
        "cluster",
        "",
        "meta key whose samples err together and are resampled as a whole (speaker), or none; default: what the data "
        "set names, else speaker, session or recording where a manifest has them",
        _word,
        metavar="KEY|none",
    )
    probe = Setting[int | None](
        "probe",
        None,
        "ask K samples of each dataset, picked by sample id and --seed, a second time, and report how many answers "
        "differ; the second answers enter no score",
        _whole(1),
        metavar="K",
        type=int,
    )
    remeasure = Setting[int | None](
        "remeasure",
        None,
        "ask K samples of each dataset afresh whose answers are of an earlier run, for their time alone, which a limit "
        "on speed then judges",
        _whole(1),
        metavar="K",
        short=False,
        type=int,
    )
    part = Setting["Part"](
        "part",
        None,  # type: ignore[arg-type]  # read from the environment where nobody says anything
        "run a K-th of the plan; `audiobench gate` merges and judges (default: this task of a Slurm array)",
        _part,
        metavar="K/N",
    )
    engine = Setting[str](
        "engine",
        "pytest",
        "what runs the shards: pytest (default; with -n, xdist) or ray (extra `ray`)",
        _one_of("pytest", "ray"),
        metavar="NAME",
    )
    plan = Setting[str | None](
        "plan",
        None,
        "run nothing; print what would be run, what is missing and the command that brings it (text or json)",
        _one_of("text", "json"),
        metavar="text|json",
        bare="text",
    )
    html = Setting[str | None](
        "html",
        None,
        "write a report of the run, to read and to listen to, into DIR (default: report in the run's directory)",
        str,
        metavar="DIR",
        short=False,
        bare="",
    )
    exit_kinds = Setting[bool](
        "exit-kinds",
        False,
        "end with status 10 where all that is red is a harness error, 11 where it is the data, so that CI may retry",
        bool,
        metavar="FLAG",
        short=False,
        type=bool,
    )
    run = Setting[Path | None](
        "run",
        None,
        "directory of this run (default: a new one under .audiobench/runs/)",
        _path,
        metavar="DIR",
        short=False,
        ini="audiobench_run_dir",
    )
    cache = Setting[tuple[Path, ...]](
        "cache",
        (),
        "where answers are kept, DIR[,READ_ONLY_DIR...] (default: .audiobench/cache)",
        _paths,
        metavar="DIR",
        short=False,
        ini="audiobench_cache",
    )
    rarer = Setting[tuple[str, ...]](
        "set",
        (),
        "a rarer setting, see `pytest --help` under ini-options; repeatable",
        _many,
        metavar="KEY=VALUE",
        short=False,
        repeat=True,
        ini="audiobench_set",
        ini_type="linelist",
    )

    shard_size = Setting[int](
        "shard_size", 128, "samples per pytest item under xdist and Ray; 0 never shards", _whole(0)
    )
    gpus_per_worker = Setting[int](
        "gpus_per_worker", 1, "GPUs each worker sees (xdist, Ray); 0 leaves CUDA_VISIBLE_DEVICES alone", _whole(0)
    )
    ray_address = Setting[str](
        "ray_address", "", "of a Ray cluster; else RAY_ADDRESS, else one is started on this machine", str
    )
    ray_actors = Setting[int](
        "ray_actors", 0, "Ray actors; 0: one per lease of GPUs, or per CPU where no model takes a GPU", _whole(0)
    )
    decode_threads = Setting[int](
        "decode_threads", min(4, os.cpu_count() or 1), "threads that decode audio ahead", _whole(1)
    )
    max_audio_seconds = Setting[float]("max_audio_seconds", 7200.0, "longer clips are data errors", _above_zero)
    give_up_after = Setting[int](
        "give_up_after", 20, "failures in a row, with one error, after which a model is given up; 0 never is", _whole(0)
    )
    hub_mode = Setting[str](
        "hub_mode", "auto", "how parquet files of the hub are read", _one_of("auto", "stream", "download")
    )
    librispeech_dir = Setting[str](
        "librispeech_dir", "", "folder of OpenSLR's LibriSpeech; then nothing is asked of the hub", str
    )
    language = Setting[str](
        "language", "", "language of your own data where its lines name none (default: en)", _language
    )
    catalog = Setting[str](
        "catalog", "", "folder of your own recipes/*.yaml, labels/*.yaml, ..., beside the built-in ones", str
    )
    slices = Setting[tuple[str, ...]](
        "slices", (), "meta keys that results are also given by, as in gender,accent,duration", _names
    )
    judge_url = Setting[str](
        "judge_url", "", "OpenAI-compatible endpoint of the judge that recipes like judge/... ask", str
    )
    judge_model = Setting[str]("judge_model", "", "the judge's model name there; else the rubric's", str)
    judge_key_env = Setting[str](
        "judge_key_env", "", "environment variable that holds the judge's key; else OPENAI_API_KEY", str
    )
    judge_concurrency = Setting[int]("judge_concurrency", 16, "questions that a judge is asked at once", _whole(1))
    transcriber = Setting[str]("transcriber", "", "model that writes spoken answers down; else the recipe's", str)
    progress = Setting[str]("progress", "auto", "how progress is shown", _one_of("auto", "live", "lines", "off"))
    progress_seconds = Setting[float]("progress_seconds", 30.0, "seconds between progress lines in a log", _above_zero)


def declared() -> Iterator[Setting[Any]]:
    """Yield every setting, in the order of `pytest --help`."""
    return (value for value in vars(Settings).values() if isinstance(value, Setting))


OPTIONS = tuple(setting for setting in declared() if setting.metavar)
"""Those with an option of their own."""

RARER = tuple(setting for setting in declared() if not setting.metavar)
"""Those without: keys of `--audiobench-set`, of the ini key `audiobench_set` and of audiobench.toml."""
