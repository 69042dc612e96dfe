"""The programs that serve models, each with its command line as its own documentation has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

HUGGING_FACE, MODEL_SCOPE = "hf", "ms"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server is started with.

    Attributes:
        source: Hub id or folder of the checkpoint.
        revision: Commit, tag or branch, or None.
        name: What it is to call the model.
        port: Where it is to listen, on the loopback interface.
        dtype: Precision: `auto`, `bfloat16`, `float16`, `float32`.
        gpus: GPUs over which the model is spread; 0 for the CPU.
    """

    source: str
    revision: str | None
    name: str
    port: int
    dtype: str
    gpus: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program that serves a model over HTTP, the OpenAI way.

    Attributes:
        way: What it is called in `NAME@WAY`.
        start: What is run: the program and its first words.
        arguments: The rest of the command line.
        install: What brings it, for messages.
        served: What it calls the model where it cannot be told, or "".
        reads: Endings of files of a checkpoint folder that it reads beside those of transformers.
        below: Whether it reads subfolders, too.
        others: Owners whose checkpoints it fetches from ModelScope.
        revisions: Whether it can be told which revision of a repository to serve.
    """

    way: str
    start: tuple[str, ...]
    arguments: Callable[[Asked], list[str]]
    install: str
    served: str = ""
    reads: tuple[str, ...] = (".gguf", ".pt", ".pth", ".py")
    below: bool = False
    revisions: bool = True
    others: tuple[str, ...] = ()

    def hub_of(self, source: str) -> str:
        """Return who keeps a checkpoint, as FunASR calls them."""
        return MODEL_SCOPE if source.startswith(self.others) else HUGGING_FACE


def _vllm(asked: Asked) -> list[str]:
    found = [asked.source, *_where(asked), "--dtype", asked.dtype, "--served-model-name", asked.name]
    found += ["--tensor-parallel-size", str(max(1, asked.gpus))]
    return found + (["--revision", asked.revision] if asked.revision else [])


def _sglang(asked: Asked) -> list[str]:
    found = ["--model-path", asked.source, *_where(asked), "--dtype", asked.dtype, "--served-model-name", asked.name]
    found += ["--tp-size", str(max(1, asked.gpus))]
    return found + (["--revision", asked.revision] if asked.revision else [])


def _funasr(asked: Asked) -> list[str]:
    """FunASR's server knows neither a revision nor a precision."""
    device = "cuda" if asked.gpus else "cpu"
    return ["--model-path", asked.source, "--hub", FUNASR.hub_of(asked.source), *_where(asked), "--device", device]


def _where(asked: Asked) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(asked.port)]


VLLM = Program("vllm", ("vllm", "serve"), _vllm, "pip install 'vllm[audio]'")
SGLANG = Program("sglang", ("sglang", "serve"), _sglang, "pip install sglang")
FUNASR = Program(
    "funasr",
    ("funasr-server",),
    _funasr,
    "pip install funasr fastapi uvicorn python-multipart",
    served="custom",
    reads=(".pt", ".pth", ".yaml", ".mvn", ".onnx", ".py", "seg_dict"),
    below=True,
    revisions=False,
    others=("iic/",),
)
