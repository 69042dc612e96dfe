"""Qwen2.5-Omni and Qwen3-Omni with the part that speaks, through the transformers library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SPOKEN_HZ = 24_000


class QwenOmni:
    """Asks one clip at a time, the sound before the words; its text is greedy, its speech is drawn at random.

    Arguments: `model_class` (of transformers), `speaker`, `system` (what it is told first, without which Qwen2.5-Omni
    does not speak as it was taught; or ""), `devices` (`cuda`, or `auto` for weights that are spread over several),
    `max_new_tokens` (of its text).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16, what speaks among them."""
        import torch
        import transformers

        where = {"revision": args.get("revision")}
        kind = getattr(transformers, args["model_class"])
        self._processor = transformers.AutoProcessor.from_pretrained(args["source"], **where)
        self._model = kind.from_pretrained(args["source"], dtype=torch.bfloat16, device_map=args["devices"], **where)
        self._speaker, self._system = args["speaker"], args.get("system", "")
        self._most = int(args["max_new_tokens"])
        return {"package": "transformers", "dtype": "bfloat16", "decoding": "greedy text", "speaker": self._speaker}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        asked: list[dict[str, Any]] = [{"type": "audio", "audio": "clip.wav"}]
        if request["prompt"]:
            asked.append({"type": "text", "text": request["prompt"]})
        turns = [{"role": "user", "content": asked}]
        if self._system:
            turns.insert(0, {"role": "system", "content": [{"type": "text", "text": self._system}]})
        text = self._processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        given = self._processor(text=text, audio=[request["samples"]], return_tensors="pt", padding=True)
        given = given.to(self._model.device).to(self._model.dtype)
        aloud = request.get("answer") == "speech"
        torch.manual_seed(request.get("draw", 0))
        found = self._model.generate(
            **given,
            speaker=self._speaker,
            return_audio=aloud,
            thinker_do_sample=False,
            thinker_max_new_tokens=self._most,
        )
        # One of the two hands out its text alone where no sound is wanted, one hands it out in an object.
        said, sound = found if isinstance(found, tuple) else (found, None)
        written: Any = getattr(said, "sequences", said)
        tokens = written[:, given["input_ids"].shape[1] :]
        (told,) = self._processor.batch_decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        if not aloud:
            return {"text": told.strip()}
        samples = [] if sound is None else sound.detach().float().cpu().reshape(-1).tolist()
        return {"text": told.strip(), "speech": samples, "sample_rate": _SPOKEN_HZ}
