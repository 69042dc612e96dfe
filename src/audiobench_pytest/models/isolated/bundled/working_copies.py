"""Models that say a text, from a working copy of their repository, which is no package that pip could install.

Where that copy is says the argument `code`. What it holds is part of what the answers are kept under: nothing is added
to it.
"""

from __future__ import annotations

import abc
import os
import random
import sys
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_GLM_HZ, _MGM_HZ = 24_000, 24_000

_MGM_OWN = {
    "en": (
        "Man_EN.wav",
        '"Incredible!" Dr. Chen exclaimed, unable to contain her enthusiasm. "The quantum fluctuations we have '
        'observed in these superconducting materials exhibit completely unexpected characteristics."',
    ),
    "zh": ("Man_ZH.wav", "他疯狂寻找到能够让自己升级的办法终于有所收获，那就是炼体。"),
}
"""Voices that MGM-Omni's repository brings, and what is said in them."""

_MGM_ASKS = {"en": "Respond with the tone of the reference audio clip.", "zh": "使用提供的音频片段的语气回复。"}
_MGM_TRIES = 5
_MGM_MOST_TOKENS = 8192


class _RefusedError(Exception):
    """Why one text cannot be said."""


class _Text:
    """One text to say.

    Attributes:
        text: The text.
        draw: From which seed.
    """

    def __init__(self, request: Mapping[str, Any], folder: str) -> None:
        """Read a request; the voice it brings is written to the folder."""
        self.text = str(request["prompt"] or "")
        self.draw = int(request.get("draw", 0))
        self._words = str(request.get("voice_text") or "")
        self._sound = (request.get("sounds") or {}).get("prompt")
        self._rate, self._folder = int(request["sample_rate"]), folder

    @property
    def brings_voice(self) -> bool:
        """Whether there is a recording whose voice is to be taken."""
        return self._sound is not None

    @property
    def voice(self) -> str:
        """Path of the recording whose voice is to be taken."""
        path = Path(self._folder) / "voice.wav"
        if not path.is_file():
            _write(path, self.samples, self._rate)
        return str(path)

    @property
    def samples(self) -> Any:
        """Samples of that recording."""
        if self._sound is None:
            raise _RefusedError(
                "this model takes the voice of a recording and was handed none: ask it a data set of voice-clone, "
                "whose rows have the sound `prompt`"
            )
        return self._sound

    @property
    def words(self) -> str:
        """What is said in that recording."""
        if not self._words:
            raise _RefusedError(
                "this model needs to know what is said in the voice it takes: give the row the field `prompt_text`, or "
                "rename its column with `columns: {prompt_text: ...}`"
            )
        return self._words


class _Speaker(abc.ABC):
    """Says one text at a time, at random, from a seed that the request names."""

    def generate(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Say each text."""
        return [self._answer(request) for request in batch]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            asked = _Text(request, folder)
            _seed(asked.draw)
            try:
                samples, rate = self._say(asked)
            except _RefusedError as exc:
                return {"error": str(exc)}
        return {"speech": samples, "sample_rate": int(rate)}

    @abc.abstractmethod
    def _say(self, asked: _Text) -> tuple[Any, int]:
        """Return the samples of a text that is said, and their rate in Hz."""


class CosyVoice(_Speaker):
    """CosyVoice 2 and 3, and what others have made of CosyVoice 2.

    Arguments: `hub` (`hf` or `ms`), `lead` (words that stand before the transcript, which CosyVoice 3 wants), `voice`
    (`own` speaks in the voice that the repository brings where a request brings none), `weights` and `base` (the file
    of a language model, and the folder of all else, where the source holds several), `tag` (marks that stand before the
    text), `instruct` (how it is to be said; what the voice says is not asked for then).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Put the copy where Python finds it and load the weights."""
        needs, matcha = ("cosyvoice", "third_party/Matcha-TTS"), "third_party/Matcha-TTS"
        code = _found(args, "CosyVoice", "FunAudioLLM/CosyVoice", "ace7c47f", needs, matcha)
        from cosyvoice.cli.cosyvoice import AutoModel  # type: ignore[import-not-found]

        self._kept = tempfile.TemporaryDirectory()
        self._model = AutoModel(model_dir=self._laid_out(args))
        self._lead, self._tag = args.get("lead", ""), args.get("tag", "")
        self._instruct = args.get("instruct", "")
        self._own_voice = str(code / "asset" / "zero_shot_prompt.wav") if args.get("voice") == "own" else ""
        return {"package": "CosyVoice", "decoding": "as its AutoModel has it"}

    def _laid_out(self, args: Mapping[str, str]) -> str:
        """Return a folder as AutoModel wants it: `llm.pt` beside all else."""
        folder, weights = Path(_fetched(args)), args.get("weights")
        if not weights:
            return str(folder)
        llm, base = folder / weights, folder / args["base"]
        if not llm.is_file() or not base.is_dir():
            there = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.pt"))
            raise ValueError(f"{args['source']} has no file {weights} or no folder {args['base']}; it has {there}")
        made = Path(self._kept.name)
        for one in base.iterdir():
            if one.name != "llm.pt":
                (made / one.name).symlink_to(one.resolve())
        (made / "llm.pt").symlink_to(llm.resolve())
        return str(made)

    def _say(self, asked: _Text) -> tuple[Any, int]:
        text = self._tag + asked.text
        if self._own_voice and not asked.brings_voice:
            found = self._model.inference_cross_lingual(self._lead + text, self._own_voice, stream=False)
        elif self._instruct:
            found = self._model.inference_instruct2(text, self._instruct, asked.voice, stream=False)
        else:
            found = self._model.inference_zero_shot(text, self._lead + asked.words, asked.voice, stream=False)
        import numpy as np

        pieces = [_samples(piece["tts_speech"]) for piece in found]
        return np.concatenate(pieces) if pieces else [], self._model.sample_rate


class GlmTTS(_Speaker):
    """GLM-TTS, which takes a voice and what it says. Arguments: `phoneme` (`yes` writes rare characters as sounds)."""

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights, from a folder of links: its code reads all it needs below the folder it is started in."""
        needs = ("glmtts_inference.py", "configs", "frontend")
        code = _found(args, "GLM-TTS", "zai-org/GLM-TTS", "c5dc7aec", needs)
        self._kept = tempfile.TemporaryDirectory()
        for name, where in (("ckpt", Path(_fetched(args)).resolve()), *((n, code / n) for n in needs[1:])):
            (Path(self._kept.name) / name).symlink_to(where)
        os.chdir(self._kept.name)
        import glmtts_inference  # type: ignore[import-not-found]

        self._code, self._phoneme = glmtts_inference, args.get("phoneme") == "yes"
        made = glmtts_inference.load_models(use_phoneme=self._phoneme, sample_rate=_GLM_HZ)
        self._frontend, self._texts, _, self._llm, self._flow = made
        return {"package": "GLM-TTS", "device": str(glmtts_inference.DEVICE), "decoding": "as its generate_long has it"}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        import torch

        frontend, device = self._frontend, self._code.DEVICE
        words, text = (self._texts.text_normalize(one) for one in (asked.words, asked.text))
        with torch.no_grad():
            heard = [frontend._extract_speech_token([asked.voice]).squeeze().tolist()]
            # What was said before is kept for the pieces of one text, and for no other text.
            cache = {
                "cache_text": [words],
                "cache_text_token": [frontend._extract_text_token(f"{words} ")],
                "cache_speech_token": heard,
                "use_cache": True,
            }
            found = self._code.generate_long(
                frontend=frontend,
                text_frontend=self._texts,
                llm=self._llm,
                flow=self._flow,
                text_info=["", text],
                cache=cache,
                device=device,
                embedding=frontend._extract_spk_embedding(asked.voice),
                seed=asked.draw,
                flow_prompt_token=torch.tensor(heard, dtype=torch.int32).to(device),
                speech_feat=frontend._extract_speech_feat(asked.voice, sample_rate=_GLM_HZ),
                use_phoneme=self._phoneme,
            )
        return _samples(found[0]), _GLM_HZ


class MgmOmni(_Speaker):
    """MGM-Omni's voice, which takes a recording and what is said in it, or speaks in one of its repository.

    Arguments: `voice` (`en` or `zh`: that of the repository where a request brings none), `bits` (`16`, `8` or `4` of a
    weight), `temperature`. A text that it loses its way in is said again, as its authors do, five times at most.
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load the weights, from a folder of the name by which its code tells what it loads."""
        needs, beside = ("mgm", "third_party/Matcha-TTS/matcha"), ("third_party/Matcha-TTS", "third_party")
        code = _found(args, "MGM-Omni", "JIA-Lab-research/MGM-Omni", "5a573874", needs, *beside)
        self._kept = tempfile.TemporaryDirectory()
        folder = Path(self._kept.name) / "MGM-Omni-TTS"
        folder.symlink_to(Path(_fetched(args)).resolve())
        import torch
        from mgm.model.builder import load_pretrained_model  # type: ignore[import-not-found]
        from mgm.utils import disable_torch_init  # type: ignore[import-not-found]

        disable_torch_init()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        fewer = {"load_8bit": args.get("bits") == "8", "load_4bit": args.get("bits") == "4"}
        self._tokenizer, self._model = load_pretrained_model(str(folder), device=device, **fewer)
        self._voices, self._own = code / "assets" / "ref_audio", args.get("voice") or "en"
        self._temperature = float(args["temperature"])
        return {"package": "MGM-Omni", "device": device, "bits": args.get("bits", "16")}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        import torch
        from mgm.constants import AUDIO_END, AUDIO_START, DEFAULT_SPEECH_TOKEN  # type: ignore[import-not-found]
        from mgm.conversation import conv_templates  # type: ignore[import-not-found]
        from mgm.mm_utils import tokenizer_speech_token  # type: ignore[import-not-found]

        sound, words = (asked.samples, asked.words) if asked.brings_voice else self._voice_of_its_own()
        asks = _MGM_ASKS["zh" if any("\u4e00" <= one <= "\u9fff" for one in words) else "en"]
        turns = conv_templates["qwen2vl"].copy()
        turns.append_message(turns.roles[0], f"{asks}{AUDIO_START}{DEFAULT_SPEECH_TOKEN}{AUDIO_END}\n")
        turns.append_message(turns.roles[1], AUDIO_START + asked.text)
        tokenizer, device = self._tokenizer, self._model.device
        told = tokenizer_speech_token(turns.get_prompt(), tokenizer, return_tensors="pt").unsqueeze(0).to(device)
        spoken = torch.tensor(tokenizer(words)["input_ids"]).unsqueeze(0).to(device)
        heard = torch.tensor(sound).unsqueeze(0).to(device)
        temperature = self._temperature
        for _ in range(_MGM_TRIES):
            with torch.inference_mode():
                _, found, lost = self._model.generate(
                    told.clone(),
                    input_ids_refer=spoken.clone(),
                    audio_refer=heard,
                    do_sample=temperature > 0,
                    temperature=temperature,
                    max_new_tokens=_MGM_MOST_TOKENS,
                    bos_token_id=tokenizer.pad_token_id,
                    eos_token_id=[tokenizer.eos_token_id],
                    pad_token_id=tokenizer.pad_token_id,
                    tokenizer=tokenizer,
                    check_tts_result=True,
                    use_cache=True,
                )
            if not lost:
                return _samples(found), _MGM_HZ
            temperature = max(1.0, temperature + 0.1)
        raise _RefusedError(f"MGM-Omni lost its way in this text {_MGM_TRIES} times")

    def _voice_of_its_own(self) -> tuple[Any, str]:
        import librosa

        name, words = _MGM_OWN[self._own]
        return librosa.load(str(self._voices / name), sr=16_000)[0], words


class FishSpeech(_Speaker):
    """Fish Audio S2, which takes a voice and what it says, or makes a voice up.

    Arguments: `temperature`, `top_p`, `top_k`, `chunk_length` (bytes of text that are said at once).
    """

    def load(self, args: Mapping[str, str]) -> dict[str, str]:
        """Load language model and codec, in bfloat16 on a GPU."""
        needs = ("fish_speech/models/text2semantic", "fish_speech/configs")
        _found(args, "Fish Speech", "fishaudio/fish-speech", "3dd1f85c", needs)
        import torch
        from fish_speech.models.text2semantic import inference  # type: ignore[import-not-found]

        folder = Path(_fetched(args))
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
        self._code = inference
        self._model, self._step = inference.init_model(folder, self._device, dtype, compile=False)
        with torch.device(self._device):
            self._model.setup_caches(max_batch_size=1, max_seq_len=self._model.config.max_seq_len, dtype=dtype)
        self._codec = inference.load_codec_model(folder / "codec.pth", self._device, dtype)
        self._how = {name: float(args[name]) for name in ("temperature", "top_p")}
        self._how |= {name: int(args[name]) for name in ("top_k", "chunk_length")}
        return {"package": "fish-speech", "device": self._device, "dtype": str(dtype), "decoding": str(self._how)}

    def _say(self, asked: _Text) -> tuple[Any, int]:
        import torch

        taken: dict[str, Any] = {}
        if asked.brings_voice:
            codes = self._code.encode_audio(asked.voice, self._codec, self._device).cpu()
            taken = {"prompt_text": [asked.words], "prompt_tokens": [codes]}
        found = self._code.generate_long(
            model=self._model,
            device=self._device,
            decode_one_token=self._step,
            text=asked.text,
            num_samples=1,
            max_new_tokens=0,
            compile=False,
            iterative_prompt=True,
            **self._how,
            **taken,
        )
        pieces = [one.codes for one in found if one.action == "sample"]
        if not pieces:
            raise _RefusedError("Fish Audio S2 made no sound of this text")
        said = self._code.decode_to_audio(torch.cat(pieces, dim=1).to(self._device), self._codec)
        return _samples(said), self._codec.sample_rate


def _found(args: Mapping[str, str], name: str, address: str, commit: str, needs: Sequence[str], *further: str) -> Path:
    """Return the working copy that the arguments name, which Python then imports from, and from folders of it.

    Raises:
        ValueError: It does not hold what is needed; the message says how to come by one.
    """
    code = Path(args.get("code") or "/nowhere").expanduser().resolve()
    if any(not (code / one).exists() for one in needs):
        raise ValueError(
            f"{name} is no package that pip could install: run `git clone --recursive https://github.com/{address}`, "
            f"check out the commit {commit}, and name the folder with --model-args code=FOLDER "
            f"({args.get('code') or 'none'} holds no {' and '.join(Path(one).name for one in needs)})"
        )
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(code), *(str(code / one) for one in further)]
    return code


def _fetched(args: Mapping[str, str]) -> str:
    """Return the folder of the weights, fetched where the source is no folder."""
    source, revision = args["source"], args.get("revision")
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser())
    if args.get("hub") == "ms":
        from modelscope import snapshot_download as from_modelscope

        return str(from_modelscope(source, **({"revision": revision} if revision else {})))
    from huggingface_hub import snapshot_download

    return str(snapshot_download(source, revision=revision))


def _seed(draw: int) -> None:
    """Have everything that is drawn at random begin at one place."""
    import numpy as np
    import torch

    random.seed(draw)
    np.random.seed(draw)
    torch.manual_seed(draw)


def _samples(sound: Any) -> Any:
    """Return the numbers of an array or a tensor in one row."""
    import numpy as np

    found = sound.detach().float().cpu().numpy() if hasattr(sound, "detach") else sound
    return np.asarray(found, dtype=np.float32).reshape(-1)


def _write(path: Path, sound: Any, rate: int) -> None:
    import numpy as np

    samples = np.clip(np.asarray(sound, dtype=np.float32), -1.0, 1.0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767.0).astype("<i2").tobytes())
