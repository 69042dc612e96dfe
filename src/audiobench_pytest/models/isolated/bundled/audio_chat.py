"""Audio language models: Kimi-Audio in text or speech, others through ms-swift or their checkpoints' code, in text."""

from __future__ import annotations

import json
import os
import re
import sys
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

_OLA_PIECE, _OLA_MOST_PIECES = 480_000, 25
"""Samples that Ola hears at once, and how often it listens."""


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
        revision = _looked_at(args) if args.get("remote_code") == "yes" else args.get("revision")
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


class BaichuanAudio:
    """Asks one clip at a time, greedily, through the code that the checkpoint brings: it needs a pinned commit.

    Arguments: `turns` (`yes` where it was taught turns: the words are then what the system says, the sound what the
    user says; else the words stand before the sound), `repetition_penalty`, `max_new_tokens`.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16, and let the checkpoint's code bind what reads sounds to them."""
        pinned = {"revision": _looked_at(args), "trust_remote_code": True}
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = AutoTokenizer.from_pretrained(args["source"], **pinned)
        model = AutoModelForCausalLM.from_pretrained(args["source"], torch_dtype=torch.bfloat16, **pinned)
        self._model = model.to(self._device).eval()
        self._model.bind_processor(self._tokenizer, training=False, relative_path="/")
        marks = self._model.config.audio_config
        self._marks = self._tokenizer.convert_ids_to_tokens([marks.audio_start_token_id, marks.audio_end_token_id])
        self._turns = args.get("turns") == "yes"
        self._decoding = {
            "do_sample": False,
            "num_beams": 1,
            "repetition_penalty": float(args.get("repetition_penalty", "1.0")),
            "max_new_tokens": int(args.get("max_new_tokens", "700")),
        }
        return {"package": "transformers", "dtype": "bfloat16", "device": self._device, "decoding": "greedy"}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[str]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> str:
        import torch

        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            path = str(Path(folder) / "clip.wav")
            _write(path, request)
            read = self._model.processor([self._asked(request["prompt"] or "", json.dumps({"path": path}))])
            named = ("input_ids", "attention_mask", "audios", "encoder_length", "bridge_length")
            inputs = {name: getattr(read, name) for name in named}
            inputs = {name: value if value is None else value.to(self._device) for name, value in inputs.items()}
            found = self._model.generate(**inputs, labels=None, **self._decoding)
        texts = self._tokenizer.batch_decode(found[:, read.input_ids.shape[1] :], skip_special_tokens=True)
        return str(texts[0]).strip()

    def _asked(self, words: str, sound: str) -> str:
        sound = self._marks[0] + sound + self._marks[1]
        if not self._turns:
            return words + sound
        return ("<B_SYS>" + words if words else "") + "<C_Q>" + sound + "<C_A>"


class GLM4Voice:
    """Asks one clip at a time, greedily; of what it answers the text is kept, between which stand tokens of speech.

    Sound becomes tokens by the authors' own code, which the package of Kimi-Audio brings along; the language model is
    code of the checkpoint, which needs a pinned commit.

    Arguments: `speech_tokenizer` (hub id of the weights that turn sound into tokens), `system` (what it is told where a
    question has no words), `max_new_tokens`.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16, and those that turn sound into tokens."""
        pinned = {"revision": _looked_at(args), "trust_remote_code": True}
        import torch
        from kimia_infer.models.tokenizer.glm4_tokenizer import Glm4Tokenizer  # type: ignore[import-not-found]
        from transformers import AutoModel, AutoTokenizer

        self._sounds = Glm4Tokenizer(args["speech_tokenizer"]).to("cuda")
        self._tokenizer = AutoTokenizer.from_pretrained(args["source"], **pinned)
        self._model = AutoModel.from_pretrained(args["source"], torch_dtype=torch.bfloat16, **pinned).to("cuda").eval()
        self._first_sound, self._end = self._tokenizer.convert_tokens_to_ids(["<|audio_0|>", "<|user|>"])
        self._system = args.get("system", "")
        self._most = int(args.get("max_new_tokens", "2000"))
        return {"package": "kimia_infer, transformers", "dtype": "bfloat16", "decoding": "greedy"}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        with torch.no_grad():
            samples = torch.tensor(request["samples"]).unsqueeze(0)
            sound = self._sounds.tokenize(speech=samples, sr=int(request["sample_rate"]))[0].tolist()
            inputs = self._tokenizer([self._asked(request["prompt"] or self._system, sound)], return_tensors="pt")
            inputs = inputs.to("cuda")
            found = self._model.generate(**inputs, do_sample=False, max_new_tokens=self._most)
        tokens = found[0].tolist()[inputs["input_ids"].shape[1] :]
        tokens = tokens[: tokens.index(self._end)] if self._end in tokens else tokens
        words = [token for token in tokens if token < self._first_sound]
        text = self._tokenizer.decode(words, skip_special_tokens=True)
        return {"text": text.strip(), "meta": {"speech_tokens": len(tokens) - len(words)}}

    def _asked(self, words: str, sound: Sequence[int]) -> str:
        heard = "".join(f"<|audio_{token}|>" for token in sound)
        system = f"<|system|>\n{words}" if words else ""
        return f"{system}<|user|>\n<|begin_of_audio|>{heard}<|end_of_audio|><|assistant|>streaming_transcription\n"


class Ola:
    """Asks Ola one clip at a time, through a working copy of its repository, whose package pip no longer installs.

    Arguments: `code` (where that copy is), `encoders` (folder or hub id of the networks that hear, which lie beside its
    code otherwise), `temperature`, `max_new_tokens`.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights in bfloat16, from within the folder of the networks that hear."""
        code = Path(args.get("code") or "/nowhere").expanduser().resolve()
        if not (code / "ola" / "model").is_dir():
            raise ValueError(
                "Ola is no package that pip could install: run `git clone https://github.com/Ola-Omni/Ola`, check out "
                "the commit f681820b, and name the folder with --model-args code=FOLDER "
                f"({args.get('code') or 'none'} holds no ola/model)"
            )
        sys.dont_write_bytecode = True  # what the folder holds is part of what the answers are kept under
        sys.path.insert(0, str(code))
        source, encoders = _folder(args["source"], args.get("revision")), _folder(args["encoders"])
        os.chdir(encoders)  # the configuration names them by their file names alone
        from ola.model.builder import load_pretrained_model  # type: ignore[import-not-found]

        self._tokenizer, model, _, _ = load_pretrained_model(source, None)
        self._model = model.to("cuda").eval().bfloat16()
        self._temperature = float(args["temperature"])
        self._most = int(args["max_new_tokens"])
        return {"package": "Ola", "dtype": "bfloat16", "decoding": f"temperature {self._temperature:g}"}

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer each request."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        import torch
        import whisper  # type: ignore[import-not-found]
        from ola.constants import DEFAULT_SPEECH_TOKEN, SPEECH_TOKEN_INDEX  # type: ignore[import-not-found]
        from ola.conversation import conv_templates  # type: ignore[import-not-found]
        from ola.datasets.preprocess import tokenizer_speech_token  # type: ignore[import-not-found]
        from ola.mm_utils import KeywordsStoppingCriteria  # type: ignore[import-not-found]

        samples = request["samples"]
        starts = range(0, max(1, len(samples)), _OLA_PIECE)
        if len(starts) > _OLA_MOST_PIECES:
            return {"error": f"Ola hears {_OLA_PIECE * _OLA_MOST_PIECES // 16_000} s; this lasts longer"}
        turns = conv_templates["qwen_1_5"].copy()
        turns.append_message(turns.roles[0], f"{DEFAULT_SPEECH_TOKEN}\n{request['prompt'] or ''}")
        turns.append_message(turns.roles[1], None)
        told = tokenizer_speech_token(turns.get_prompt(), self._tokenizer, SPEECH_TOKEN_INDEX, return_tensors="pt")
        told = told.unsqueeze(0).to("cuda")
        waves = [whisper.pad_or_trim(samples[start : start + _OLA_PIECE]) for start in starts]
        mels = torch.stack([whisper.log_mel_spectrogram(one, n_mels=128).permute(1, 0) for one in waves])
        unseen = [torch.zeros(1, 3, 224, 224, dtype=torch.bfloat16, device="cuda")]
        torch.manual_seed(request.get("draw", 0))
        with torch.inference_mode():
            found = self._model.generate(
                told,
                images=unseen,
                images_highres=unseen,
                image_sizes=[(224, 224)],
                modalities=["text"],
                speech=[mels.bfloat16().to("cuda")],
                speech_lengths=[torch.LongTensor([mels.shape[1]] * len(waves)).to("cuda")],
                speech_chunks=[torch.LongTensor([len(waves)]).to("cuda")],
                speech_wav=[torch.stack([torch.from_numpy(one) for one in waves]).to("cuda")],
                attention_mask=torch.ones_like(told),
                use_cache=True,
                stopping_criteria=[KeywordsStoppingCriteria([turns.sep], self._tokenizer, told)],
                do_sample=self._temperature > 0,
                temperature=self._temperature,
                top_p=None,
                num_beams=1,
                max_new_tokens=self._most,
            )
        (text,) = self._tokenizer.batch_decode(found, skip_special_tokens=True)
        return {"text": text.strip().removesuffix(turns.sep).strip()}


def _looked_at(args: Mapping[str, str]) -> str:
    """Return the commit of a checkpoint that brings code of its own.

    Raises:
        ValueError: It has none.
    """
    revision = args.get("revision") or ""
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise ValueError(
            f"{args['source']} brings code of its own, which runs only at a commit that somebody has looked at: "
            "copy the catalogue entry and give it that revision"
        )
    return revision


def _adapters(args: Mapping[str, str]) -> str:
    """Return the folder of the adapters, fetched where they are on the hub."""
    from huggingface_hub import snapshot_download

    folder = args.get("adapter_folder", "")
    patterns = [f"{folder}/*"] if folder else None
    return str(Path(snapshot_download(args["adapters"], allow_patterns=patterns)) / folder)


def _folder(source: str, revision: str | None = None) -> str:
    """Return a folder, that of a repository of the hub where the source is none."""
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser().resolve())
    from huggingface_hub import snapshot_download

    return str(Path(snapshot_download(source, revision=revision)).resolve())


def _write(path: str, request: Mapping[str, Any]) -> None:
    import numpy as np

    samples = np.clip(np.asarray(request["samples"], dtype=np.float32), -1.0, 1.0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(request["sample_rate"]))
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
