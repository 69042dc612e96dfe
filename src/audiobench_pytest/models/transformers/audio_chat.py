"""Audio language models of the transformers library that are told what to do with a recording."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import drawn_seed, waveform_of
from audiobench_pytest.models.options import Option, TextOrFile
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.adapter import TransformersAdapter, options_with
from audiobench_pytest.models.transformers.decoding import finite_tokens
from audiobench_pytest.models.transformers.families.rows import joined
from audiobench_pytest.models.transformers.families.talking import FAMILIES
from audiobench_pytest.models.transformers.low_rank import INSIDE
from audiobench_pytest.types import Answer, Message, Prompt, Request, Sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_S = 0.1
"""A shorter clip is followed by silence up to here: it would become no audio token, or a single one, which the code of
Qwen2-Audio takes for a question of an older format."""


_NO_SYSTEM = "its chat format has no system message beside a sound"


class TransformersAudioChatAdapter(TransformersAdapter):
    """Asks a checkpoint one question about one clip, in its own chat format, in batches that are padded on the left.

    Decoding is greedy unless asked otherwise, whatever the checkpoint's own settings say of sampling; its repetition
    penalty is heeded. In float32 an answer does not depend on the batch it is given in: a penalty does not count
    padding, and where answers are sampled each clip is asked by itself, from the same seed. In half precision rounding
    differs with the shape of a batch, so that now and then a word may.

    A clip longer than the model can hear is cut, and its answer's meta says so (`heard_s`), or refused.
    """

    batch_rows = 16
    follows_instructions = True
    may_take_tools = True
    takes_messages = True
    half = "bfloat16"
    counts = ("max_new_tokens", "min_new_tokens", "num_beams", "threads", "top_k")
    options: ClassVar[Mapping[str, Option]] = options_with(
        {
            "prompt": Option(TextOrFile, None, "instruction, or @FILE; default: that of the task"),
            "system": Option(
                TextOrFile, None, "system message, or @FILE; default: what the checkpoint's template says"
            ),
            "template": Option(
                str, "chat", "the checkpoint's chat format, or sound and instruction alone", ("chat", "plain")
            ),
            "max_new_tokens": Option(int, 256, "most tokens of an answer"),
            "min_new_tokens": Option(int, None, "least tokens of an answer; for measuring"),
            "num_beams": Option(int, 1, "width of the beam search; 1 is greedy"),
            "do_sample": Option(bool, False, "draw tokens at random"),
            "temperature": Option(float, None, "of the sampling; default: the checkpoint's"),
            "top_p": Option(float, None, "of the sampling; default: the checkpoint's"),
            "top_k": Option(int, None, "of the sampling; default: the checkpoint's"),
            "repetition_penalty": Option(float, None, "1 is none; default: the checkpoint's"),
            "long_audio": Option(
                str, "cut", "what becomes of a clip that is too long for the model", ("cut", "refuse")
            ),
        },
        half=half,
        attention=("flash_attention_2", "flash_attention_3"),
    )

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether tokens are drawn at random."""
        return bool(args["do_sample"])

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check the arguments and the family of the checkpoint; see the base class."""
        super().__init__(spec, args)
        family = FAMILIES.get(self._checkpoint.model_type)
        if family is None:
            raise ModelError(
                f"model '{spec.name}': {self._checkpoint.where} is of type '{self._checkpoint.model_type}'; "
                f"this version talks to {', '.join(FAMILIES)}"
            )
        if self._checkpoint.config.get("has_lora_adapter") and importlib.util.find_spec("peft") is None:
            raise ModelError(
                f"model '{spec.name}': {self._checkpoint.where} brings an adapter that hears for it, which "
                "transformers loads by the package peft, and leaves out without it: pip install peft"
            )
        inner = family.hears_by
        if inner and self.args["adapter"] is None and self._checkpoint.find(f"{inner}/adapter_config.json"):
            raise UsageError(
                f"--model-args: model '{spec.name}': {self._checkpoint.where} brings an adapter that hears for it in "
                f"its folder {inner}, and hears badly without one: pass adapter={INSIDE}{inner}"
            )
        if self.args["system"] is not None and not family.told_apart:
            raise UsageError(f"--model-args: system of model '{spec.name}': {_NO_SYSTEM}")
        self._family = family
        room = devices.room(self._placement)
        self.batch_rows, self.batch_seconds = self.batch_rows * room, self.batch_seconds * room
        self.sample_rate: int = int(self._checkpoint.features.get("sampling_rate", 16_000))
        self.takes_tools = self._checkpoint.offers_tools and family.tools and self.args["template"] == "chat"
        self.most_sounds = family.most_sounds
        self._model: Any = None
        self._processor: Any = None
        self._rendered: dict[str, str] = {}
        self._audio_options: dict[str, Any] = {}
        self._most_samples: int | None = None
        self._ends: frozenset[int] = frozenset()

    def _check_arguments(self) -> None:
        super()._check_arguments()
        args, name = self.args, self.spec.name
        for option, most in (("temperature", math.inf), ("top_p", 1.0), ("repetition_penalty", math.inf)):
            if args[option] is not None and not (0 < args[option] <= most and math.isfinite(args[option])):
                limit = "" if most == math.inf else f", at most {most:g}"
                raise UsageError(f"--model-args: {option}={args[option]} of model '{name}' must be above 0{limit}")
        if args["min_new_tokens"] is not None and args["min_new_tokens"] > args["max_new_tokens"]:
            raise UsageError(f"--model-args: min_new_tokens of model '{name}' is above its max_new_tokens")
        for option in ("temperature", "top_p", "top_k"):
            if args[option] is not None and not args["do_sample"]:
                raise UsageError(f"--model-args: {option} of model '{name}' has an effect with do_sample=yes only")
        if args["template"] == "plain" and args["system"] is not None:
            raise UsageError(f"--model-args: model '{name}' has no system message with template=plain")

    def refuses(self, prompt: Prompt) -> str | None:
        """Return why it cannot be asked with a prompt, or None where it can."""
        if not self._family.told_apart and prompt.sounds and any(one.role == "system" for one in prompt.messages):
            return f"model '{self.spec.name}' cannot be asked with the prompt '{prompt.profile}': {_NO_SYSTEM}"
        if self.args["num_beams"] > 1 and len(prompt.sounds) > 1:
            return (
                f"model '{self.spec.name}' cannot be asked with the prompt '{prompt.profile}' by num_beams="
                f"{self.args['num_beams']}: transformers repeats each sound for the beams where it should repeat all "
                "of a question, so that one beam would hear the first sound twice and another the second"
            )
        return super().refuses(prompt)

    def load(self) -> None:
        """Bring model and processor into memory.

        Raises:
            ModelError: They cannot be loaded, lack weights, or the device is not there.
        """
        self._processor = self._family.processor(self._checkpoint)
        self._model = self._checkpoint.load_model(
            self._family.class_name,
            self._placement,
            self.args["attn"],
            config=None if self._family.config is None else self._family.config(self._checkpoint),
        )
        self.settle(self._model)
        if self._family.settle is not None:
            self._family.settle(self._model)
        features = getattr(self._processor, "feature_extractor", None)
        seconds = getattr(self._processor, "max_audio_len", None) or getattr(features, "chunk_length", None)
        self._most_samples = None if seconds is None else round(seconds * self.sample_rate)
        self._audio_options = {"sampling_rate": self.sample_rate}
        if self._placement.on_cuda:
            from transformers.processing_utils import AudioKwargs

            # Spectrograms of 30 s take 10 ms a clip on a CPU, for which the device would wait.
            if "device" in AudioKwargs.__annotations__:
                self._audio_options["device"] = self._placement.device
        ends = self._model.generation_config.eos_token_id
        self._ends = frozenset(() if ends is None else (ends,) if isinstance(ends, int) else ends)
        self._rendered = {}

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer a batch; running out of memory is torch's own error.

        Raises:
            ModelError: It was not loaded, or an instruction cannot be put into its format.
        """
        if self._model is None:
            raise ModelError(f"model '{self.spec.name}' was asked before it was loaded")
        answers: dict[int, Answer] = {}
        rows: list[int] = []
        for row, request in enumerate(batch):
            longest = max((len(sound) for sound in self._sounds(request)), default=0)
            most = self._most_samples
            if self.args["long_audio"] == "refuse" and most is not None and longest > most:
                answers[row] = Answer(error=self._too_long(longest, most))
            else:
                rows.append(row)
        # A sampled answer takes from the stream of random numbers what the others of its batch leave.
        for group in ([row] for row in rows) if self.args["do_sample"] else [rows] if rows else []:
            draw = batch[group[0]].draw if self.args["do_sample"] else 0
            with devices.steady(self._placement, drawn_seed(self.args["seed"], draw)):
                answers.update(zip(group, self._answer([batch[row] for row in group]), strict=True))
        return [answers[row] for row in range(len(batch))]

    def close(self) -> None:
        """Free the model's memory."""
        self._model = self._processor = None
        super().close()

    def describe(self) -> dict[str, Any]:
        """Return what the base class tells, and how much of a clip the model hears."""
        told = super().describe()
        if self._most_samples is not None:
            told["hears_s"] = self._most_samples / self.sample_rate
        return told

    def _answer(self, batch: Sequence[Request]) -> list[Answer]:
        sounds = [[self._heard(sound) for sound in self._sounds(request)] for request in batch]
        inputs = self._inputs([self._text(request) for request in batch], sounds)
        tokens = finite_tokens(self._model, self.spec.name, **inputs, **self._generation(inputs["attention_mask"]))
        tokens = tokens[:, inputs["input_ids"].shape[1] :].tolist()
        answers = []
        for request, sound, said in zip(batch, sounds, tokens, strict=True):
            count = next((place + 1 for place, token in enumerate(said) if token in self._ends), None)
            said = said if count is None else said[:count]
            meta: dict[str, Any] = {"tokens": len(said), "finish_reason": "length" if count is None else "stop"}
            if any(len(heard) < len(whole) for heard, whole in zip(sound, self._sounds(request), strict=True)):
                meta["heard_s"] = sum(map(len, sound)) / self.sample_rate
            answers.append(Answer(self._processor.tokenizer.decode(said, skip_special_tokens=True).strip(), meta=meta))
        return answers

    def _inputs(self, texts: Sequence[str], sounds: Sequence[list[NDArray[np.float32]]]) -> dict[str, Any]:
        """Return the model's inputs on its device, questions padded on the left.

        Each row is made by itself: a spectrogram of 30 s fits into a processor's cache where sixteen do not (8 ms
        against 16 ms a clip), and what a row becomes cannot depend on the others.
        """
        rows = [
            self._processor(text=[text], audio=sound or None, return_tensors="pt", audio_kwargs=self._audio_options)
            for text, sound in zip(texts, sounds, strict=True)
        ]
        return joined(rows, self._model, pad=self._processor.tokenizer.pad_token_id)

    def _generation(self, mask: Any) -> dict[str, Any]:
        args = self.args
        options: dict[str, Any] = {name: args[name] for name in ("max_new_tokens", "num_beams", "do_sample")}
        options |= {"min_new_tokens": args["min_new_tokens"]} if args["min_new_tokens"] is not None else {}
        for name in ("temperature", "top_p", "top_k"):
            if args[name] is not None or not args["do_sample"]:
                options[name] = args[name]
        own = getattr(self._model.generation_config, "repetition_penalty", None)
        penalty = args["repetition_penalty"] or own or 1.0
        options["repetition_penalty"] = 1.0  # transformers' own counts padding
        if penalty != 1.0:
            options["processors"] = [_Penalty(penalty, mask, args["num_beams"])]
        return options

    def _text(self, request: Request) -> str:
        """Return the question in the model's format; each instruction is put into it once."""
        if request.prompt.messages:
            return self._checked("".join(self._turns(request.prompt)), len(request.prompt.sounds))
        instruction = self.args["prompt"] if request.prompt.text is None else request.prompt.text
        if instruction is None:
            raise ModelError(f"model '{self.spec.name}' was given no instruction")
        if instruction not in self._rendered:
            self._rendered[instruction] = self._checked("".join(self._parts(instruction)), 1)
        return self._rendered[instruction]

    def _checked(self, text: str, wanted: int) -> str:
        sounds = text.count(self._processor.audio_token)
        if sounds != wanted:
            raise ModelError(
                f"model '{self.spec.name}': its format has {sounds} places for sound where it should have {wanted}; an "
                f"instruction must not hold '{self._processor.audio_token}'"
            )
        return text

    def _turns(self, prompt: Prompt) -> Iterator[str]:
        """Yield a conversation in the model's format, text and sound in the order of the prompt."""
        if self.args["template"] == "plain":
            for message in prompt.messages:
                for part in message.parts:
                    yield part if isinstance(part, str) else "".join(self._place())
            return
        yield self._formatted(prompt.messages, prompt.tools)

    def _formatted(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()) -> str:
        """Return turns in the checkpoint's chat format."""
        if self.args["system"] is not None and messages[0].role != "system":
            messages = (Message("system", (self.args["system"],)), *messages)
        conversation = [_turn(message, self._processor.audio_token, self._family.spelled) for message in messages]
        told = {"tools": [{"type": "function", "function": dict(tool)} for tool in tools]} if tools else {}
        formats = self._processor.tokenizer if self._family.spelled else self._processor
        return str(formats.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False, **told))

    def _place(self) -> Iterator[str]:
        for name in ("audio_bos_token", "audio_token", "audio_eos_token"):
            yield getattr(self._processor, name, "")

    def _parts(self, instruction: str) -> Iterator[str]:
        if self.args["template"] == "chat":
            yield self._formatted((Message("user", (Sound(), instruction)),))
        else:
            yield from self._place()
            yield instruction

    def _heard(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        sound = sound[: self._most_samples]
        return np.pad(sound, (0, max(0, round(_LEAST_S * self.sample_rate) - len(sound))))

    def _sounds(self, request: Request) -> list[NDArray[np.float32]]:
        """Return the sounds of a question in the order of its prompt."""
        return [waveform_of(request, self.sample_rate, self.spec.name, name) for name in request.prompt.sounds]

    def _too_long(self, samples: int, room: int) -> str:
        seconds, most = samples / self.sample_rate, room / self.sample_rate
        return f"a clip of {seconds:.1f} s is longer than the {most:g} s that the model hears (long_audio=cut cuts it)"


def _turn(message: Message, token: str, spelled: bool) -> dict[str, Any]:
    """Return a turn as chat templates take it; what stands for a sound is never opened.

    Args:
        message: The turn.
        token: Placeholder of a sound.
        spelled: The template takes texts only.
    """
    content: Any = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "audio", "audio": ""}
        for part in message.parts
    ]
    if spelled:
        content = "".join(part if isinstance(part, str) else token for part in message.parts)
    turn: dict[str, Any] = {"role": message.role, "content": content}
    if message.calls:
        called = [{"name": call.name, "arguments": dict(call.arguments)} for call in message.calls]
        turn["tool_calls"] = [{"type": "function", "function": one} for one in called]
    return turn


class _Penalty:
    """Makes tokens that stand in the question or in the answer so far less likely, as transformers does; not padding.

    Padding is a token too (often one that ends an answer): counted, an answer would depend on its batch.
    """

    def __init__(self, penalty: float, mask: Any, beams: int) -> None:
        """Keep which positions of the questions are padding.

        Args:
            penalty: What positive scores are divided by, and negative ones multiplied with.
            mask: `(rows, tokens)` attention mask of the questions, padded on the left.
            beams: Beams per row.
        """
        self._penalty = penalty
        self._padding = mask.repeat_interleave(beams, dim=0) == 0

    def __call__(self, tokens: Any, scores: Any) -> Any:
        """Return the scores of the next token, `(rows x beams, vocabulary)`."""
        import torch

        seen = tokens.clone()
        width = self._padding.shape[1]
        # Each padding position repeats the last token of the question, which is penalised anyway.
        seen[:, :width] = torch.where(self._padding, tokens[:, width - 1 : width], tokens[:, :width])
        score = scores.gather(1, seen)
        score = torch.where(score < 0, score * self._penalty, score / self._penalty)
        return scores.scatter(1, seen, score)
