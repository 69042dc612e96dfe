"""What the adapter of every native family has to pass, on any device, with a tiny random checkpoint.

Random weights can make such tests pass emptily: with tied embeddings a model repeats the last token of its question,
whatever it hears, and texts are equal where scores are not. So the scores themselves are compared, two clips must get
different ones, and the checkpoints must not be tied.
"""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tiny_checkpoints import rewrite, speechlike
from tiny_families import FAMILIES, Family

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Answer, Audio, Message, Prompt, Request, Sound

pytest.register_assert_rewrite("answers_conformance")
from answers_conformance import AnswersConformance, ClipOf  # noqa: E402

QUESTION = "what is said?"
_STEPS = 4
LENGTHS = (1.0, 3.34567, 0.6, 2.2)


def model_of(adapter: Any) -> Any:
    """Return the torch module of a loaded adapter."""
    recognizer = getattr(adapter, "_recognizer", None)
    return recognizer.model if recognizer is not None else adapter._model


def labels_frames(model: Any) -> bool:
    """Whether it labels what it hears frame by frame, and reads nothing of what it wrote."""
    return type(model).__name__.endswith("ForCTC")


def scores_of(adapter: ModelAdapter, batch: Sequence[Request]) -> list[Any]:
    """Return the scores given to each row, `(steps, vocabulary)`: of the first steps, under CTC of all frames."""
    import torch

    kept: list[Any] = []

    def keep(module: Any, args: Any, output: Any) -> None:
        if len(kept) < _STEPS:
            kept.append(output.logits.detach().float().cpu())

    handle = model_of(adapter).register_forward_hook(keep)
    try:
        adapter.generate(batch)
    finally:
        handle.remove()
    if labels_frames(model_of(adapter)):
        return list(kept[0])
    return list(torch.stack([step[:, -1] if step.dim() == 3 else step[:, -1, -1] for step in kept], dim=1))


def apart(one: Any, other: Any) -> float:
    """Return by how much two rows of scores differ at most, as far as both go; a token that is ruled out in neither."""
    steps = min(len(one), len(other))
    return float((one[:steps] - other[:steps]).abs().max())


class AdapterConformance(AnswersConformance):
    """Mixed into a class of tests that says on which device."""

    device: ClassVar[str] = "cpu"

    @pytest.fixture(scope="class", params=FAMILIES, ids=lambda family: family.name)
    @classmethod
    def family(cls, request: pytest.FixtureRequest) -> Family:
        return request.param

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, family: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return family.build(tmp_path_factory.mktemp(family.name) / "checkpoint")

    @pytest.fixture(scope="class")
    @classmethod
    def adapter(cls, family: Family, folder: Path) -> Iterator[ModelAdapter]:
        adapter = family.create(folder, cls.device)
        adapter.load()
        gc.freeze()  # as the pool does: closing walks over all objects, of which transformers alone brings very many
        yield adapter
        gc.unfreeze()
        adapter.close()

    @pytest.fixture
    def clip_of(self, family: Family, adapter: ModelAdapter) -> ClipOf:
        return lambda seconds, seed: self.clip(family, adapter, seconds, seed)

    @pytest.fixture
    def clips(self, clip_of: ClipOf) -> list[Request]:
        return [clip_of(seconds, seed) for seed, seconds in enumerate(LENGTHS)]

    @staticmethod
    def clip(family: Family, adapter: ModelAdapter, seconds: float, seed: int = 0) -> Request:
        rate = adapter.sample_rate
        assert rate is not None
        prompt = Prompt(QUESTION if family.talks else None, language="en")
        return Request(f"s{seed}", Audio(speechlike(seconds, seed, rate), rate), prompt)

    # --- what the tests rest on -----------------------------------------------------------------

    def test_the_checkpoint_does_not_repeat_its_question(self, family: Family, adapter: ModelAdapter) -> None:
        model = model_of(adapter)
        if family.tied:
            assert model.config.is_encoder_decoder, "what it hears reaches each token through attention of its own"
            return
        try:
            ins, outs = model.get_input_embeddings(), model.get_output_embeddings()
        except NotImplementedError:  # it reads nothing of what it wrote, or not as tokens
            return
        if hasattr(ins, "weight") and outs is not None:
            assert ins.weight.data_ptr() != outs.weight.data_ptr(), "tied random weights echo what they read"

    # --- answers do not depend on the batch -----------------------------------------------------

    def test_the_scores_of_a_clip_do_not_feel_its_batch(
        self, family: Family, adapter: ModelAdapter, clips: list[Request]
    ) -> None:
        if adapter.equal_length:
            clips = [self.clip(family, adapter, 1.7, seed) for seed in range(3)]
        together = scores_of(adapter, clips)
        alone = [scores_of(adapter, [clip])[0] for clip in clips]
        felt = max(apart(one, own) for one, own in zip(together, alone, strict=True))
        least = min(apart(one, other) for row, one in enumerate(alone) for other in alone[:row])
        assert felt < 0.01 * least

    def test_half_precision_answers_too(self, family: Family, folder: Path, clips: list[Request]) -> None:
        adapter = family.create(folder, self.device, dtype="bfloat16")
        adapter.load()
        assert [answer.error for answer in adapter.generate(clips)] == [None] * len(clips)
        assert adapter.describe()["dtype"] == "bfloat16"
        adapter.close()

    # --- odd batches ----------------------------------------------------------------------------

    def test_sound_of_another_rate_is_refused(self, adapter: ModelAdapter, clips: list[Request]) -> None:
        rate = (adapter.sample_rate or 0) // 2
        other = Request("x", Audio(speechlike(1.0, 0, rate), rate), clips[0].prompt)
        with pytest.raises(ModelError, match=rf"sample 'x': model .* wants {adapter.sample_rate} Hz, got {rate} Hz"):
            adapter.generate([other])

    # --- what is asked --------------------------------------------------------------------------

    def test_several_sounds_are_heard_in_order_or_refused(
        self, family: Family, adapter: ModelAdapter, clips: list[Request]
    ) -> None:
        def two(first: str, second: str) -> Request:
            prompt = Prompt(messages=(Message("user", (Sound(first), "and", Sound(second), QUESTION)),))
            return Request("two", clips[0].audio, prompt, sounds={"more": clips[1].audio})

        there, back = two("audio", "more"), two("more", "audio")
        if not family.several:
            assert "hears 1 sound at once; the question has 2" in str(adapter.refuses(there.prompt))
            return
        assert adapter.refuses(there.prompt) is None
        together = adapter.generate([there, clips[0], back])
        assert together == [adapter.generate([one])[0] for one in (there, clips[0], back)]
        assert apart(scores_of(adapter, [there])[0], scores_of(adapter, [back])[0]) > 1e-3

    def test_instructions_and_system_messages_matter_or_are_refused(
        self, family: Family, adapter: ModelAdapter, clips: list[Request]
    ) -> None:
        def asked(*system: str, question: str = QUESTION) -> Request:
            messages = (*(Message("system", (text,)) for text in system), Message("user", (Sound(), question)))
            return Request("s", clips[0].audio, Prompt(messages=messages))

        if not family.talks:
            assert "takes one instruction about one sound" in str(adapter.refuses(asked("be brief").prompt))
            return
        different = [asked(), asked(question="who is it?")]
        if family.system:
            different.append(asked("be brief"))
        else:
            assert "no system message beside a sound" in str(adapter.refuses(asked("be brief").prompt))
        scores = [scores_of(adapter, [one])[0] for one in different]
        for row, one in enumerate(scores):
            assert all(apart(one, other) > 1e-3 for other in scores[:row])

    # --- coming and going -----------------------------------------------------------------------

    def test_what_ran_is_described_and_identified(self, family: Family, folder: Path, adapter: ModelAdapter) -> None:
        told = adapter.describe()
        assert (told["device"].partition(":")[0], told["dtype"]) == (self.device, "float32")
        json.dumps([told, adapter.identity()])
        assert family.create(folder, self.device, dtype="bfloat16").identity() != adapter.identity()

    def test_closing_frees_the_memory_and_loading_again_answers_the_same(
        self, family: Family, folder: Path, clips: list[Request]
    ) -> None:
        adapter = family.create(folder, self.device)
        before = self.held()
        adapter.load()
        said: Sequence[Answer] = adapter.generate(clips[:2])
        weights = weakref.ref(next(model_of(adapter).parameters()))
        adapter.close()
        gc.collect()
        assert weights() is None
        assert self.held() <= before
        with pytest.raises(ModelError, match="asked before it was loaded"):
            adapter.generate(clips[:1])
        adapter.load()
        assert adapter.generate(clips[:2]) == said
        adapter.close()

    def held(self) -> int:
        """Return the bytes of the device that torch holds tensors in; 0 on a CPU."""
        if self.device == "cpu":
            return 0
        import torch

        return int(torch.cuda.memory_allocated())

    def test_missing_weights_are_no_random_numbers(self, family: Family, folder: Path, tmp_path: Path) -> None:
        from safetensors.torch import load_file, save_file

        whole = shutil.copytree(folder, tmp_path / "torn")
        weights = load_file(whole / "model.safetensors")
        lost = sorted(name for name in weights if "layers.0." in name)[0]
        save_file(
            {name: one for name, one in weights.items() if name != lost}, whole / "model.safetensors", {"format": "pt"}
        )
        with pytest.raises(ModelError, match=r"lacks \d+ weight\(s\) that .* needs"):
            family.create(whole, self.device).load()
        (whole / "model.safetensors").unlink()
        with pytest.raises(ModelError, match="holds no weights"):
            family.create(whole, self.device)

    def test_code_that_a_checkpoint_brings_is_not_run(self, family: Family, folder: Path, tmp_path: Path) -> None:
        bringing = shutil.copytree(folder, tmp_path / "bringing")
        (bringing / "modeling_own.py").write_text(
            f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nclass Own: ...\n"
        )
        own = dict.fromkeys(
            ("AutoConfig", "AutoModel", "AutoModelForCTC", "AutoModelForSpeechSeq2Seq"), "modeling_own.Own"
        )
        rewrite(bringing, "config.json", auto_map=own)
        rewrite(bringing, "processor_config.json", auto_map={"AutoProcessor": "modeling_own.Own"})
        rewrite(bringing, "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_own.Own", None]})
        adapter = family.create(bringing, self.device)
        adapter.load()
        adapter.close()
        assert not (tmp_path / "ran").exists()
