"""Recognisers that are packages of their own: FunASR, FireRedASR, Dolphin, WeNet."""

from __future__ import annotations

import re
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_MODES = ("attention", "attention_rescoring", "ctc_prefix_beam_search", "ctc_greedy_search")
"""How a model of WeNet with a CTC branch and a decoder can be searched for its answer."""

_TAG = re.compile(r"<\|[^|<>]*\|>")
"""SenseVoice writes language, emotion, event and whether it wrote numbers as digits in front of the words."""


class FunASRModel:
    """Asks a batch at a time.

    Arguments: `vad` and `punctuation` (names of further FunASR models, or ""), `hub` (`hf` or `ms`), `itn` (`yes` where
    numbers are to be written as digits), `batch_seconds` (of sound after the cuts of the voice detection),
    `cut_seconds` (a longer sound is asked in pieces of this length, and their texts put together; 0 for whole sounds).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the model, and what finds speech and sets points where that is asked for."""
        from funasr import AutoModel  # type: ignore[import-not-found]

        more = {name: args[key] for key, name in (("vad", "vad_model"), ("punctuation", "punc_model")) if args.get(key)}
        revision = {"model_revision": args["revision"]} if args.get("revision") else {}
        self._model = AutoModel(
            model=args["source"], hub=args.get("hub", "hf"), disable_update=True, disable_pbar=True, **more, **revision
        )
        self._itn = args.get("itn") == "yes"
        self._batch_seconds = int(args.get("batch_seconds", "300"))
        self._cut_seconds = int(args.get("cut_seconds", "0"))
        return {"package": "funasr", **more}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer all requests; those of one language together, since it is an argument of the call."""
        answers: list[dict[str, Any]] = [{} for _ in batch]
        languages = [str(request["language"] or "auto") for request in batch]
        for language in sorted(set(languages)):
            rows, sounds = [], []
            for row, one in enumerate(languages):
                pieces = self._pieces(batch[row]) if one == language else []
                rows += [row] * len(pieces)
                sounds += pieces
            found = self._model.generate(
                input=sounds,
                fs=int(batch[rows[0]]["sample_rate"]),
                language=language,
                use_itn=self._itn,
                batch_size_s=self._batch_seconds,
            )
            if len(found) != len(rows):
                raise ValueError(f"FunASR gave {len(found)} answers to {len(rows)} clips")
            for row, one in zip(rows, found):  # noqa: B905 - `strict` is newer than the Pythons this runs in
                text = str(one["text"])
                before = answers[row] or {"text": "", "meta": {"tags": []}}
                answers[row] = {
                    "text": before["text"] + _TAG.sub("", text).strip(),
                    "meta": {"tags": before["meta"]["tags"] + _TAG.findall(text)},
                }
        return answers

    def _pieces(self, request: Mapping[str, Any]) -> list[Any]:
        samples = request["samples"]
        step = self._cut_seconds * int(request["sample_rate"]) or len(samples) or 1
        return [samples[start : start + step] for start in range(0, len(samples) or 1, step)]


class FireRedASR:
    """Asks a batch at a time. Arguments: `kind` (`aed` or `llm`), `beam_size`."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the model; the package knows itself where its weights are."""
        import torch
        from fireredasr.models.fireredasr import FireRedAsr  # type: ignore[import-not-found]

        self._model = FireRedAsr.from_pretrained(args.get("kind", "aed"))
        self._decoding = {
            "use_gpu": torch.cuda.is_available(),
            "beam_size": int(args.get("beam_size", "3")),
            "nbest": 1,
            "decode_max_len": 0,
            "softmax_smoothing": 1.25,
            "aed_length_penalty": 0.6,
            "eos_penalty": 1.0,
        }
        return {"package": "fireredasr", "beam_size": str(self._decoding["beam_size"])}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[str]:
        """Answer all requests."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, request in enumerate(batch):
                paths.append(str(Path(folder) / f"{number}.wav"))
                _write(paths[-1], request)
            names = [str(number) for number in range(len(batch))]
            found = {one["uttid"]: one["text"] for one in self._model.transcribe(names, paths, self._decoding)}
        return [found[name] for name in names]


class Dolphin:
    """Asks one clip at a time: the package has no batches.

    Arguments: `size` (`base`, `small`, `small.cn`, ...), `decoding_method`, `beam_size`.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the model; the package knows itself where its weights are."""
        import dolphin  # type: ignore[import-not-found]

        self._package = dolphin
        self._model = dolphin.load_model(args.get("size", "small"))
        self._decoding = {
            "decoding_method": args.get("decoding_method", "attention_rescoring"),
            "beam_size": int(args.get("beam_size", "10")),
        }
        return {"package": "dolphin", **{name: str(value) for name, value in self._decoding.items()}}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "clip.wav")
            _write(path, request)
            language = str(request["language"]).split("-")[0] if request["language"] else None
            found = self._package.transcribe(self._model, path, lang_sym=language, **self._decoding)
        return {"text": found.text_nospecial, "meta": {"language": found.language, "region": found.region}}


class WeNet:
    """Asks a batch at a time, with the decoding of the package's `wenet/bin/recognize.py`.

    Arguments: `checkpoint` (name of the `.pt` file in the repository or folder; the configuration lies beside it),
    `config` (its name), `mode` (one of `_MODES`), `beam_size`, `ctc_weight` and `reverse_weight` (of rescoring),
    `chunk_size` (-1 for whole sounds), `blank_penalty`, `spoken` (the language that a Whisper is told, by its code).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the model, and what makes features and texts for it."""
        self._mode = args["mode"]
        if self._mode not in _MODES:
            raise ValueError(f"mode '{self._mode}' is none of WeNet's here; there are: {', '.join(_MODES)}")
        from argparse import Namespace

        import torch
        import yaml
        from wenet.utils.ctc_utils import get_blank_id  # type: ignore[import-not-found]
        from wenet.utils.init_model import init_model  # type: ignore[import-not-found]
        from wenet.utils.init_tokenizer import init_tokenizer  # type: ignore[import-not-found]

        checkpoint = _checkpoint(args)
        config = checkpoint.parent / args.get("config", "train.yaml")
        configs = _with_files_beside(yaml.safe_load(config.read_text("utf-8")), config.parent)
        self._tokenizer = init_tokenizer(configs)
        _, blank = get_blank_id(configs, self._tokenizer.symbol_table)
        # Without `jit` the package ties the weights of a Whisper as it does for a model that is exported.
        model, configs = init_model(Namespace(checkpoint=str(checkpoint), jit=False), configs)
        # The package itself only logs what it did not find, and would answer with random numbers.
        there = torch.load(str(checkpoint), map_location="cpu", mmap=True)
        if missing := [name for name, _ in model.named_parameters() if name not in there]:
            raise ValueError(
                f"{checkpoint.name} lacks {len(missing)} weights of the model that {config.name} describes, such as "
                f"{missing[0]}: copy the catalogue entry and say in `config` which file belongs to it"
            )
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.to(self._device).eval()
        self._data = configs["dataset_conf"]
        self._spoken = args.get("spoken", "zh")
        self._decoding = {
            "decoding_chunk_size": int(args.get("chunk_size", "-1")),
            "ctc_weight": float(args.get("ctc_weight", "0")),
            "reverse_weight": float(args.get("reverse_weight", "0")),
            "blank_penalty": float(args.get("blank_penalty", "0")),
            "blank_id": blank,
        }
        self._beam_size = int(args.get("beam_size", "10"))
        return {"package": "wenet", "decoding": self._mode, "device": self._device, "dtype": "float32"}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[str]:
        """Answer all requests."""
        import torch
        from wenet.dataset import processor  # type: ignore[import-not-found]

        kind = self._data.get("feats_type", "fbank")
        settings = dict(self._data.get(f"{kind}_conf", {}))
        if "dither" in settings:
            settings["dither"] = 0.0  # noise that helps in training only
        rows = []
        for number, request in enumerate(batch):
            # The package's own reader guesses the language from the reference, which no model is shown here.
            row = {"key": number, "label": [], "lang": self._spoken, "task": "transcribe"}
            row["wav"] = torch.tensor(request["samples"]).unsqueeze(0)
            row["sample_rate"] = int(request["sample_rate"])
            row = processor.resample(row, **self._data.get("resample_conf", {}))
            rows.append(getattr(processor, f"compute_{kind}")(row, **settings))
        padded = processor.padding(rows)  # the longest first
        with torch.no_grad():
            found = self._model.decode(
                [self._mode],
                padded["feats"].to(self._device),
                padded["feats_lengths"].to(self._device),
                self._beam_size,
                infos={"tasks": padded["tasks"], "langs": padded["langs"]},
                **self._decoding,
            )[self._mode]
        texts = {key: self._tokenizer.detokenize(one.tokens)[0] for key, one in zip(padded["keys"], found)}  # noqa: B905
        return [texts[number] for number in range(len(batch))]


def _checkpoint(args: Mapping[str, str]) -> Path:
    """Return the file of the weights, fetched with what may lie beside it where it is on the hub.

    Raises:
        FileNotFoundError: There is no such file, or more than one.
    """
    name, folder = args["checkpoint"], Path(args["source"])
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        beside = ["*.yaml", "*.txt", "*.model", "*cmvn*"]
        patterns = [f"*{name}", *beside]
        folder = Path(snapshot_download(args["source"], revision=args.get("revision"), allow_patterns=patterns))
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        there = ", ".join(sorted(str(one.relative_to(folder)) for one in found or folder.rglob("*.pt"))) or "none"
        raise FileNotFoundError(
            f"{args['source']} has {len(found)} files '{name}' (there is: {there}): copy the catalogue entry and say "
            "in `checkpoint` which one it is, its folder before its name"
        )
    return found[0]


def _with_files_beside(configs: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a configuration whose files are those beside it: it names them as they lay where it was trained."""
    for part in ("tokenizer_conf", "cmvn_conf"):
        named = configs.get(part) or {}
        for key, value in named.items():
            if isinstance(value, str) and (beside := folder / Path(value).name).is_file():
                named[key] = str(beside)
    return configs


def _write(path: str, request: Mapping[str, Any]) -> None:
    import numpy as np

    samples = np.clip(np.asarray(request["samples"], dtype=np.float32), -1.0, 1.0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(request["sample_rate"]))
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
