"""All that a user may set, each declared once: name, type, default, check, help, and where it can be written.

The entry point owns `--audiobench-*` only. `--model` is a common option of other projects' conftests, and two owners of
one option end every pytest run of that environment in an error at start-up; so the short forms exist only where a
conftest asks for them (`plugin.short_options`).

Imported by every pytest run of the environment: standard library only, and little.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.plugin.asked.setting import (
    Setting,
    above_zero,
    many,
    names,
    one_of,
    path,
    paths,
    to_language,
    to_part,
    whole,
    word,
)

if TYPE_CHECKING:
    from audiobench_pytest.plugin.asked.parts import Part


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
        names,
        metavar="NAME",
        repeat=True,
        ini="audiobench_models",
        ini_type="args",
    )
    datasets = Setting[tuple[str, ...]](
        "dataset",
        (),
        "run only this dataset: a name of the catalogue, or [NAME=][TASK:][FORMAT:]path/to/manifest.jsonl; repeatable",
        many,
        metavar="NAME|PATH",
        repeat=True,
    )
    model_args_texts = Setting[tuple[str, ...]](
        "model-args",
        (),
        "arguments for the model's adapter, KEY=VALUE,...; MODEL:KEY=VALUE,... for one of several; repeatable",
        many,
        metavar="ARGS",
        repeat=True,
    )
    prompts = Setting[tuple[str, ...]](
        "prompt",
        (),
        "ask in these words instead: a name (`audiobench list prompts`), @FILE, or a template such as "
        "'{{ audio }}What is said?'; repeatable, or names as a,b: a cell for each, and the spread of the score",
        many,
        metavar="NAME|@FILE|TEXT",
        repeat=True,
    )
    recipes = Setting[tuple[str, ...]](
        "recipe",
        (),
        "score by this recipe instead of the dataset's own (`audiobench list recipes`); repeatable, or a,b: one set of "
        "answers under several",
        names,
        metavar="NAME",
        repeat=True,
    )
    answer = Setting[str](
        "answer",
        "",
        "ask for answers in this channel: speech, of a task whose answers are texts (spoken-qa, chat), has what is "
        "said transcribed and scored by the same recipe (`asr-NAME`)",
        one_of("text", "speech"),
        metavar="text|speech",
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
        path,
        metavar="FILE",
        ini="audiobench_gates",
    )
    limit = Setting[int | None](
        "limit", None, "only the first N samples of each dataset", whole(1), metavar="N", type=int
    )
    sample = Setting[int | None](
        "sample",
        None,
        "only N samples of each dataset, picked by sample id and --seed",
        whole(1),
        metavar="N",
        type=int,
    )
    seed = Setting[int]("seed", 0, "seed of --sample (default: 0)", int, metavar="S", type=int)
    batch_size = Setting[int | None](
        "batch-size", None, "most samples in one batch (default: the model's own)", whole(1), metavar="N", type=int
    )
    batch_seconds = Setting[float | None](
        "batch-seconds",
        None,
        "most seconds of padded audio in one batch (default: the model's own)",
        above_zero,
        metavar="S",
        type=float,
    )
    cluster = Setting[str](
        "cluster",
        "",
        "meta key whose samples err together and are resampled as a whole (speaker), or none; default: what the data "
        "set names, else speaker, session or recording where a manifest has them",
        word,
        metavar="KEY|none",
    )
    repeats = Setting[int](
        "repeats",
        1,
        "answer each sample K times, from seeds of their own, where the model draws at random: values are over all "
        "answers, intervals resample samples with all of theirs",
        whole(1),
        metavar="K",
        type=int,
    )
    probe = Setting[int | None](
        "probe",
        None,
        "ask K samples of each dataset, picked by sample id and --seed, a second time, and report how many answers "
        "differ; the second answers enter no score",
        whole(1),
        metavar="K",
        type=int,
    )
    remeasure = Setting[int | None](
        "remeasure",
        None,
        "ask K samples of each dataset afresh whose answers are of an earlier run, for their time alone, which a limit "
        "on speed then judges",
        whole(1),
        metavar="K",
        short=False,
        type=int,
    )
    part: Setting[Part] = Setting(
        "part",
        None,  # type: ignore[arg-type]  # read from the environment where nobody says anything
        "run a K-th of the plan; `audiobench gate` merges and judges (default: this task of a Slurm array)",
        to_part,
        metavar="K/N",
    )
    stage = Setting[str](
        "stage",
        "",
        "run one stage alone, here or on another machine with the same cache: predict asks the model under test, "
        "derive asks transcribers, raters and judges about what is kept, score computes and judges without a model",
        one_of("predict", "derive", "score"),
        metavar="predict|derive|score",
    )
    engine = Setting[str](
        "engine",
        "pytest",
        "what runs the shards: pytest (default; with -n, xdist) or ray (extra `ray`)",
        one_of("pytest", "ray"),
        metavar="NAME",
    )
    plan = Setting[str | None](
        "plan",
        None,
        "run nothing; print what would be run, what is missing and the command that brings it (text or json)",
        one_of("text", "json"),
        metavar="text|json",
        bare="text",
    )
    max_cost = Setting[float | None](
        "max-cost",
        None,
        "ask no more when the answers of this run have cost so many US dollars (models with a price: "
        "`audiobench list models`); what is done is kept, the rest is missing",
        above_zero,
        metavar="USD",
        type=float,
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
        path,
        metavar="DIR",
        short=False,
        ini="audiobench_run_dir",
    )
    cache = Setting[tuple[Path, ...]](
        "cache",
        (),
        "where answers are kept, DIR[,READ_ONLY_DIR...] (default: .audiobench/cache)",
        paths,
        metavar="DIR",
        short=False,
        ini="audiobench_cache",
    )
    rarer = Setting[tuple[str, ...]](
        "set",
        (),
        "a rarer setting, see `pytest --help` under ini-options; repeatable",
        many,
        metavar="KEY=VALUE",
        short=False,
        repeat=True,
        ini="audiobench_set",
        ini_type="linelist",
    )

    shard_size = Setting[int](
        "shard_size", 128, "samples per pytest item under xdist and Ray; 0 never shards", whole(0)
    )
    gpus_per_worker = Setting[int](
        "gpus_per_worker", 1, "GPUs each worker sees (xdist, Ray); 0 leaves CUDA_VISIBLE_DEVICES alone", whole(0)
    )
    ray_address = Setting[str](
        "ray_address", "", "of a Ray cluster; else RAY_ADDRESS, else one is started on this machine", str
    )
    ray_actors = Setting[int](
        "ray_actors", 0, "Ray actors; 0: one per lease of GPUs, or per CPU where no model takes a GPU", whole(0)
    )
    load_ahead = Setting[str](
        "load_ahead",
        "on",
        "on: the next model is loaded while the last batches of the one before are answered, where memory allows; off: "
        "in its turn",
        one_of("on", "off"),
    )
    decode_threads = Setting[int](
        "decode_threads", min(4, os.cpu_count() or 1), "threads that decode audio ahead", whole(1)
    )
    max_audio_seconds = Setting[float]("max_audio_seconds", 7200.0, "longer clips are data errors", above_zero)
    give_up_after = Setting[int](
        "give_up_after", 20, "failures in a row, with one error, after which a model is given up; 0 never is", whole(0)
    )
    hub_mode = Setting[str](
        "hub_mode", "auto", "how parquet files of the hub are read", one_of("auto", "stream", "download")
    )
    librispeech_dir = Setting[str](
        "librispeech_dir", "", "folder of OpenSLR's LibriSpeech; then nothing is asked of the hub", str
    )
    stepeval_toolcall_dir = Setting[str](
        "stepeval_toolcall_dir", "", "folder of StepEval-Audio-Toolcall, its wav.tar unpacked", str
    )
    minimax_tts_dir = Setting[str](
        "minimax_tts_dir", "", "folder of MiniMax's TTS-Multilingual-Test-Set, downloaded as it is", str
    )
    uro_dir = Setting[str]("uro_dir", "", "folder of URO-Bench, its archive of February 2025 unpacked", str)
    language = Setting[str](
        "language", "", "language of your own data where its lines name none (default: en)", to_language
    )
    catalog = Setting[str](
        "catalog",
        "",
        "folder of your own recipes/*.yaml, labels/*.yaml, ..., beside the built-in ones; ultraeval:DIR for a checkout "
        "of UltraEval-Audio",
        str,
    )
    slices = Setting[tuple[str, ...]](
        "slices", (), "meta keys that results are also given by, as in gender,accent,duration", names
    )
    judge_url = Setting[str](
        "judge_url", "", "OpenAI-compatible endpoint of the judge that recipes like judge/... ask", str
    )
    judge_model = Setting[str]("judge_model", "", "the judge's model name there; else the rubric's", str)
    judge_key_env = Setting[str](
        "judge_key_env", "", "environment variable that holds the judge's key; else OPENAI_API_KEY", str
    )
    judge_concurrency = Setting[int]("judge_concurrency", 16, "questions that a judge is asked at once", whole(1))
    listener_url = Setting[str](
        "listener_url", "", "endpoint of the judge that hears answers, as uro/srt asks it; else judge_url", str
    )
    listener_model = Setting[str]("listener_model", "", "that judge's model name there; else the rubric's", str)
    transcriber = Setting[str]("transcriber", "", "model that writes spoken answers down; else the recipe's", str)
    progress = Setting[str]("progress", "auto", "how progress is shown", one_of("auto", "live", "lines", "off"))
    progress_seconds = Setting[float]("progress_seconds", 30.0, "seconds between progress lines in a log", above_zero)


def declared() -> Iterator[Setting[Any]]:
    """Yield every setting, in the order of `pytest --help`."""
    return (value for value in vars(Settings).values() if isinstance(value, Setting))


CORPORA = ("librispeech_dir", "stepeval_toolcall_dir", "minimax_tts_dir", "uro_dir")
"""Settings that name the folder of a corpus in its publisher's layout, see `catalog.schema.FolderSource`."""

OPTIONS = tuple(setting for setting in declared() if setting.metavar)
"""Those with an option of their own."""

RARER = tuple(setting for setting in declared() if not setting.metavar)
"""Those without: keys of `--audiobench-set`, of the ini key `audiobench_set` and of audiobench.toml."""
