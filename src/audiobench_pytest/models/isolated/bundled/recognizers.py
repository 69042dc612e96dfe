"""Recognisers that are packages of their own: FunASR, FireRedASR, Dolphin."""

from __future__ import annotations

import re
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TAG = re.compile(r"<\|[^|<>]*\|>")
"""SenseVoice writes language, emotion, event and whether it wrote numbers as digits in front of the words."""


class FunASRModel:
    """Asks a batch at a time.

    Arguments: `vad` and `punctuation` (names of further FunASR models, or ""), `hub` (`hf` or `ms`), `itn` (`yes` where
    numbers are to be written as digits), `batch_seconds` (of sound after the cuts of the voice detection).
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
        return {"package": "funasr", **more}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer all requests; those of one language together, since it is an argument of the call."""
        answers: list[dict[str, Any]] = [{} for _ in batch]
        languages = [str(request["language"] or "auto") for request in batch]
        for language in sorted(set(languages)):
            rows = [row for row, one in enumerate(languages) if one == language]
            sounds = [batch[row]["samples"] for row in rows]
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
                answers[row] = {"text": _TAG.sub("", text).strip(), "meta": {"tags": _TAG.findall(text)}}
        return answers


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


def _write(path: str, request: Mapping[str, Any]) -> None:
    import numpy as np

    samples = np.clip(np.asarray(request["samples"], dtype=np.float32), -1.0, 1.0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(request["sample_rate"]))
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
