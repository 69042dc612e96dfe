"""Settings that have no option of their own: `--audiobench-set`, ini or audiobench.toml.

Imported by every pytest run of the environment, for the help text of the ini key: standard library only, and little.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


class RareSetting:
    """A setting without an option of its own.

    Attributes:
        name: Its key.
        type: Turns its text into its value; raises `ValueError` with what is wrong.
        default: Used when nobody says anything.
        help: For `pytest --help`.
    """

    # No dataclass: making one takes a millisecond, in every pytest run of the environment.
    __slots__ = ("default", "help", "name", "type")

    def __init__(self, name: str, type: Callable[[str], Any], default: Any, help: str) -> None:
        self.name, self.type, self.default, self.help = name, type, default, help


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be 1 or more")
    return value


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("must be 0 or more")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError("must be above 0")
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return check


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


RARE = (
    RareSetting("shard_size", _natural, 128, "samples per pytest item under xdist and Ray; 0 never shards"),
    RareSetting(
        "gpus_per_worker", _natural, 1, "GPUs each worker sees (xdist, Ray); 0 leaves CUDA_VISIBLE_DEVICES alone"
    ),
    RareSetting("ray_address", str, "", "of a Ray cluster; else RAY_ADDRESS, else one is started on this machine"),
    RareSetting(
        "ray_actors", _natural, 0, "Ray actors; 0: one per lease of GPUs, or per CPU where no model takes a GPU"
    ),
    RareSetting("decode_threads", _positive, min(4, os.cpu_count() or 1), "threads that decode audio ahead"),
    RareSetting("max_audio_seconds", _seconds, 7200.0, "longer clips are data errors"),
    RareSetting(
        "give_up_after", _natural, 20, "failures in a row, with one error, after which a model is given up; 0 never is"
    ),
    RareSetting("hub_mode", _one_of("auto", "stream", "download"), "auto", "how parquet files of the hub are read"),
    RareSetting("librispeech_dir", str, "", "folder of OpenSLR's LibriSpeech; then nothing is asked of the hub"),
    RareSetting("catalog", str, "", "folder of your own recipes/*.yaml, labels/*.yaml, ..., beside the built-in ones"),
    RareSetting("slices", _names, (), "meta keys that results are also given by, as in gender,accent,duration"),
    RareSetting("judge_url", str, "", "OpenAI-compatible endpoint of the judge that recipes like judge/... ask"),
    RareSetting("judge_model", str, "", "the judge's model name there; else the rubric's"),
    RareSetting("judge_key_env", str, "", "environment variable that holds the judge's key; else OPENAI_API_KEY"),
    RareSetting("judge_concurrency", _positive, 16, "questions that a judge is asked at once"),
    RareSetting("progress", _one_of("auto", "live", "lines", "off"), "auto", "how progress is shown"),
    RareSetting("progress_seconds", _seconds, 30.0, "seconds between progress lines in a log"),
)
