"""Tiny random checkpoints in the layout of the real ones, built without a network, and what to ask them.

Their weights are random but not small: the text must depend on the sound, and the best token must win by more than the
rounding that differs between batches.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.models.transformers.torchaudio_compat import preseed
from audiobench_pytest.types import Audio, Prompt, Request

preseed()  # as an adapter's load() does, before transformers is imported below

RATE = 16_000
WHISPER_LANGUAGES = ("en", "de", "zh", "jw")


def speechlike(seconds: float, seed: int = 0, rate: int = RATE) -> NDArray[np.float32]:
    """Return noise whose pitch and loudness wander, `(samples,) float32` at `rate` Hz."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * rate)
    knots = max(2, int(seconds * 4))
    at = np.linspace(0, knots - 1, samples)
    pitch = np.interp(at, np.arange(knots), rng.uniform(80, 3000, knots))
    loud = np.interp(at, np.arange(knots), rng.uniform(0.02, 0.6, knots))
    wave = np.sin(2 * np.pi * np.cumsum(pitch) / rate) + 0.3 * rng.standard_normal(samples)
    return (loud * wave).astype(np.float32)


def build_whisper(folder: Path, *, multilingual: bool = True, mels: int = 80, seed: int = 0) -> Path:
    """Save a Whisper that answers a few letters, and no timestamp but the one that opens a window of a long clip."""
    import torch
    import transformers as tf

    torch.manual_seed(seed)
    end = "<|endoftext|>"
    vocab = {c: i for i, c in enumerate([*string.ascii_lowercase, "\u0120", end])}
    tokenizer = tf.WhisperTokenizer(vocab=vocab, merges=[])
    codes = [f"<|{code}|>" for code in WHISPER_LANGUAGES]
    marks = ["<|startoftranscript|>", *codes, "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    marks += ["<|nospeech|>", "<|notimestamps|>", *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]
    tokenizer.add_tokens([tf.AddedToken(mark, special=True) for mark in marks], special_tokens=True)
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in [end, *marks]}
    times = [ids["<|0.00|>"], ids["<|30.00|>"]]
    ends = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), ids[end])
    ends["decoder_start_token_id"] = ids["<|startoftranscript|>"]
    config = tf.WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=mels,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=72,
        init_std=0.3,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        **ends,
    )
    model = tf.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        # The decoder listens here and there, instead of to the average of 30 s, and takes it to heart.
        hearing = model.model.decoder.layers[0].encoder_attn
        hearing.q_proj.weight.mul_(3)
        hearing.k_proj.weight.mul_(3)
        hearing.out_proj.weight.mul_(6)
        # The end comes near two of the letters, so that texts are of different length.
        letters = model.model.decoder.embed_tokens.weight
        letters[ids[end]] = 0.6 * (letters[vocab["n"]] + letters[vocab["t"]])
        letters[times] = 0.0  # said only where nothing else is allowed
    said = {*range(26), ids[end], *times}
    unsaid = [token for token in range(len(tokenizer)) if token not in said]
    told: dict[str, Any] = {"is_multilingual": multilingual, "suppress_tokens": unsaid}
    if multilingual:
        told["lang_to_id"] = {code: ids[code] for code in codes}
        told["task_to_id"] = {task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")}
    # Made anew: one that is derived from the model's configuration loses the entries it does not know.
    model.generation_config = tf.GenerationConfig(
        **ends,
        **told,
        max_length=12,
        begin_suppress_tokens=[ids[end]],
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        return_timestamps=False,
    )
    model.save_pretrained(folder)
    tf.WhisperProcessor(tf.WhisperFeatureExtractor(feature_size=mels), tokenizer).save_pretrained(folder)
    return folder


def build_ctc(folder: Path, *, family: str = "Wav2Vec2", mask: bool = True, norm: str = "layer", seed: int = 0) -> Path:
    """Save a CTC model of `Wav2Vec2`, `Hubert`, ... over capital letters.

    Args:
        folder: Where to.
        family: What its classes are called in transformers.
        mask: Its feature extractor gives an attention mask (as wav2vec2-large-960h-lv60's does; base-960h's does not).
        norm: `layer`, or `group` as in the base models.
        seed: Of the weights.
    """
    import torch
    import transformers as tf

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", *string.ascii_uppercase, "'"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    tokenizer = tf.Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), unk_token="<unk>", pad_token="<pad>", word_delimiter_token="|"
    )
    config = getattr(tf, f"{family}Config")(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[16] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm=norm,
        conv_bias=norm == "layer",
        do_stable_layer_norm=norm == "layer",
        initializer_range=0.1,
        pad_token_id=0,
    )
    model = getattr(tf, f"{family}ForCTC")(config).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(10)
        getattr(model, model.base_model_prefix).feature_projection.projection.weight.mul_(5)
        model.lm_head.bias[1:5] = -1e4  # no sentence marks, and no word ends, so that no text is stripped to nothing
    model.save_pretrained(folder)
    extractor = tf.Wav2Vec2FeatureExtractor(return_attention_mask=mask)
    tf.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return folder


CHAT_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'audio' %}"
    "<|AUDIO|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_audio_chat(
    folder: Path,
    *,
    family: str = "qwen2_audio",
    seed: int = 0,
    width: int = 32,
    layers: int = 1,
    heard_width: int = 32,
    **generation: Any,
) -> Path:
    """Save a Qwen2-Audio (or an `audioflamingo3`) that answers a few letters about what it hears and is told.

    Args:
        folder: Where to.
        family: Model type.
        seed: Of the weights.
        width: Of the decoder.
        layers: Of the decoder.
        heard_width: Of the encoder, which has one layer.
        generation: Entries of its generation configuration.
    """
    import torch
    import transformers as tf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(seed)
    base = Tokenizer(
        models.BPE(vocab={c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[])
    )
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    base.add_special_tokens(list(CHAT_SPECIALS))
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=base, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left"
    )
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in CHAT_SPECIALS}
    ends = [ids["<|endoftext|>"], ids["<|im_end|>"]]
    text = {
        "model_type": "qwen2",
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 8192,
        "pad_token_id": ids["<|endoftext|>"],
        "initializer_range": 0.2,
    }
    heard = {"num_mel_bins": 128, "max_source_positions": 1500}
    if family == "qwen2_audio":
        heard |= {
            "d_model": heard_width,
            "encoder_layers": 1,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 2 * heard_width,
        }
        config = tf.Qwen2AudioConfig(audio_config=heard, text_config=text, audio_token_index=ids["<|AUDIO|>"])
        model = tf.Qwen2AudioForConditionalGeneration(config).eval()
        projector = model.model.multi_modal_projector.linear
        features = tf.WhisperFeatureExtractor(feature_size=128)
        processor = tf.Qwen2AudioProcessor(features, tokenizer)
    else:
        heard |= {"hidden_size": heard_width, "num_hidden_layers": 1, "num_attention_heads": 4}
        heard |= {"intermediate_size": 2 * heard_width}
        config = tf.AudioFlamingo3Config(audio_config=heard, text_config=text, audio_token_id=ids["<|AUDIO|>"])
        model = tf.AudioFlamingo3ForConditionalGeneration(config).eval()
        projector = model.model.multi_modal_projector.linear_2
        features = tf.WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
        processor = tf.AudioFlamingo3Processor(
            features, tokenizer, chat_template=CHAT_TEMPLATE, audio_token="<|AUDIO|>", max_audio_len=60
        )
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in string.ascii_lowercase]
    with torch.no_grad():
        projector.weight.mul_(8)  # what is heard weighs as much as what is read
        head = model.lm_head.weight
        # The end comes near two of the letters, so that texts are of different length.
        head[ends[1]] = 0.6 * (head[letters[12]] + head[letters[18]])
    model.generation_config = tf.GenerationConfig(
        eos_token_id=ends,
        pad_token_id=ends[0],
        suppress_tokens=[token for token in range(len(tokenizer)) if token not in {*letters, ends[1]}],
        **generation,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def talker(folder: Path, *, load: bool = True, **args: str) -> ModelAdapter:
    """Return the adapter of an audio chat checkpoint on the CPU."""
    spec = ModelSpec("chat", "transformers-audio-chat", source=str(folder))
    adapter = create(spec, {"device": "cpu", "threads": "1", "max_new_tokens": "12", **args})
    if load:
        adapter.load()
    return adapter


def unloaded(folder: Path, **args: str) -> ModelAdapter:
    """Return the adapter of a checkpoint folder on the CPU."""
    # One thread: several per worker of a parallel run would wait for each other far longer than they work.
    return create(spec_from(f"hf:{folder}"), {"device": "cpu", "threads": "1", **args})


def loaded(folder: Path, **args: str) -> ModelAdapter:
    """Return the adapter of a checkpoint folder on the CPU, ready to be asked."""
    adapter = unloaded(folder, **args)
    adapter.load()
    return adapter


def request(seconds: float, seed: int = 0, language: str | None = "en") -> Request:
    return Request(f"s{seed}", Audio(speechlike(seconds, seed), 16_000), Prompt(language=language))


def requests(*seconds: float) -> list[Request]:
    return [request(length, seed) for seed, length in enumerate(seconds)]


def rewrite(folder: Path, name: str, **entries: Any) -> Path:
    """Set entries of a JSON file of a checkpoint folder, making it if need be."""
    path = folder / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **entries}))
    return folder
