"""Audio language models: Kimi-Audio through its own package, in text or speech, others through ms-swift, in text."""

from __future__ import annotations

import re
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_GREEDY = {
    "audio_temperature": 0.8,
    "audio_top_k": 10,
    "text_temperature": 0.0,
    "text_top_k": 5,
    "audio_repetition_penalty": 1.0,
    "audio_repetition_window_size": 64,
    "text_repetition_penalty": 1.0,
    "text_repetition_window_size": 16,
}
"""Text is greedy; the rest is how its speech is drawn, as the package's own examples have it."""

_SPOKEN_HZ = 24_000


class KimiAudio:
    """Asks one clip at a time: the package has no batches.

    Arguments: `speech` (`yes` loads what turns tokens into speech, too).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights; what turns tokens into speech only where that is wanted."""
        from kimia_infer.api.kimia import KimiAudio as Model  # type: ignore[import-not-found]

        self._model = Model(model_path=args["source"], load_detokenizer=args.get("speech") == "yes")
        return {"package": "kimia_infer", "decoding": "greedy text"}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> Any:
        spoken = request.get("answer") == "speech"
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "clip.wav")
            _write(path, request)
            messages = [{"role": "user", "message_type": "audio", "content": path}]
            if request["prompt"]:
                messages.insert(0, {"role": "user", "message_type": "text", "content": request["prompt"]})
            if spoken:
                import torch

                torch.manual_seed(request.get("draw", 0))
            sound, text = self._model.generate(messages, **_GREEDY, output_type="both" if spoken else "text")
        if not spoken:
            return str(text)
        samples = [] if sound is None else sound.detach().float().cpu().reshape(-1).tolist()
        return {"text": str(text), "speech": samples, "sample_rate": _SPOKEN_HZ}


class SwiftModel:
    """Asks a batch at a time, greedily.

    Arguments: `model_type` (ms-swift's name of the family), `adapters` (hub id of adapters laid over the weights, or
    ""), `adapter_folder` (where in that repository they lie), `max_new_tokens`, `max_batch`, `remote_code` (`yes` where
    the checkpoint brings code of its own: it then needs a pinned commit).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16, and the adapters where there are any."""
        revision = args.get("revision")
        if args.get("remote_code") == "yes" and not re.fullmatch("[0-9a-f]{40}", revision or ""):
            raise ValueError(
                f"{args['source']} brings code of its own, which runs only at a commit that somebody has looked at: "
                "copy the catalogue entry and give it that revision"
            )
        import torch
        from swift.llm import PtEngine, RequestConfig  # type: ignore[import-not-found]

        adapters = [_adapters(args)] if args.get("adapters") else []
        self._engine = PtEngine(
            args["source"],
            torch_dtype=torch.bfloat16,
            adapters=adapters,
            max_batch_size=int(args.get("max_batch", "8")),
            model_type=args["model_type"],
            use_hf=True,
            revision=revision,
        )
        self._config = RequestConfig(max_tokens=int(args.get("max_new_tokens", "512")), temperature=0.0)
        return {"package": "ms-swift", "dtype": "bfloat16", "decoding": "greedy", "adapters": " ".join(adapters)}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer all requests at once; the sound stands before the words."""
        from swift.llm import InferRequest

        with tempfile.TemporaryDirectory() as folder:
            asked = []
            for number, request in enumerate(batch):
                path = str(Path(folder) / f"{number}.wav")
                _write(path, request)
                content = "<audio>" + (request["prompt"] or "")
                asked.append(InferRequest(messages=[{"role": "user", "content": content}], audios=[path]))
            replies = self._engine.infer(asked, self._config, use_tqdm=False)
        answers = []
        for reply in replies:
            choice = reply.choices[0]
            answers.append({"text": str(choice.message.content or ""), "meta": {"finish_reason": choice.finish_reason}})
        return answers


def _adapters(args: Mapping[str, str]) -> str:
    """Return the folder of the adapters, fetched where they are on the hub."""
    from huggingface_hub import snapshot_download

    folder = args.get("adapter_folder", "")
    patterns = [f"{folder}/*"] if folder else None
    return str(Path(snapshot_download(args["adapters"], allow_patterns=patterns)) / folder)


def _write(path: str, request: Mapping[str, Any]) -> None:
    import numpy as np

    samples = np.clip(np.asarray(request["samples"], dtype=np.float32), -1.0, 1.0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(request["sample_rate"]))
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
