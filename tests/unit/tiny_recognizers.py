"""Tiny random checkpoints of recognisers that write token by token, or under CTC through a processor of their own.

As in `tiny_checkpoints`, nothing is fetched, and weights are large enough for texts to depend on the sound.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_checkpoints import CHAT_TEMPLATE

MEL = {"num_mel_bins": 128}
ENCODER = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "subsampling_conv_channels": 16,
    "initializer_range": 0.2,
    "layerdrop": 0.0,
    "dropout": 0.0,
}
"""A FastConformer, as in Parakeet and Canary."""


def letters_first(specials: Sequence[str], **options: Any) -> Any:
    """Return a tokenizer of bytes with these special tokens behind them."""
    import transformers as tf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    base = Tokenizer(
        models.BPE(vocab={c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[])
    )
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    base.add_special_tokens(list(specials))
    return tf.PreTrainedTokenizerFast(tokenizer_object=base, **options)


def only_letters(model: Any, tokenizer: Any, vocabulary: int, end: int | list[int] | None, **options: Any) -> None:
    """Let a model say lower-case letters and its end, which comes near two of them."""
    import torch
    import transformers as tf

    letters = tokenizer.convert_tokens_to_ids(list(string.ascii_lowercase))
    ends = [] if end is None else [end] if isinstance(end, int) else end
    head = model.get_output_embeddings()
    if head is not None and ends:
        with torch.no_grad():
            head.weight[ends[0]] = 0.6 * (head.weight[letters[12]] + head.weight[letters[18]])
    said = {*letters, *ends}
    model.generation_config = tf.GenerationConfig(
        eos_token_id=end,
        begin_suppress_tokens=ends or None,
        suppress_tokens=[token for token in range(vocabulary) if token not in said],
        **options,
    )


def build_moonshine(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    tokenizer = letters_first(["<s>", "</s>", "<pad>"], bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in ("<s>", "</s>", "<pad>")}
    config = tf.MoonshineConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        initializer_range=0.3,
        decoder_start_token_id=ids["<s>"],
        bos_token_id=ids["<s>"],
        eos_token_id=ids["</s>"],
        pad_token_id=ids["<pad>"],
        tie_word_embeddings=False,
    )
    model = tf.MoonshineForConditionalGeneration(config).eval()
    with torch.no_grad():
        model.model.decoder.layers[0].encoder_attn.o_proj.weight.mul_(6)
    starts = {"decoder_start_token_id": ids["<s>"], "bos_token_id": ids["<s>"], "pad_token_id": ids["<pad>"]}
    only_letters(model, tokenizer, len(tokenizer), ids["</s>"], max_length=12, **starts)
    model.save_pretrained(folder)
    features = tf.Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True)
    tf.Wav2Vec2Processor(features, tokenizer).save_pretrained(folder)
    return folder


def build_parakeet(folder: Path, *, decoder: str = "ctc") -> Path:
    """Save a Parakeet of `ctc`, `rnnt` or `tdt`."""
    import torch
    import transformers as tf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(0)
    vocabulary = {"<unk>": 0, "<pad>": 1, "\u2581": 2, **{c: i + 3 for i, c in enumerate(string.ascii_lowercase)}}
    base = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    base.pre_tokenizer = pre_tokenizers.Metaspace()
    base.decoder = decoders.Metaspace()
    tokenizer = tf.ParakeetTokenizer(tokenizer_object=base, unk_token="<unk>", pad_token="<pad>")
    if decoder != "ctc":
        tokenizer.add_tokens([tf.AddedToken("<blank>", special=True)], special_tokens=True)
    size = len(tokenizer)
    encoder = {**ENCODER, "num_mel_bins": 80}
    own = {"encoder_config": encoder, "vocab_size": size, "pad_token_id": 1}
    if decoder == "ctc":
        model = tf.ParakeetForCTC(tf.ParakeetCTCConfig(**own)).eval()
    else:
        own |= {
            "blank_token_id": size - 1,
            "decoder_hidden_size": 32,
            "num_decoder_layers": 1,
            "max_symbols_per_step": 2,
        }
        name = decoder.upper()
        model = getattr(tf, f"ParakeetFor{name}")(getattr(tf, f"Parakeet{name}Config")(**own)).eval()
        model.generation_config.decoder_start_token_id = size - 1
        if decoder == "tdt":
            with torch.no_grad():
                model.joint.head.bias[size] = -1e4  # no token that takes no time, which could be said for ever
    model.save_pretrained(folder)
    features = tf.ParakeetFeatureExtractor(feature_size=80)
    tf.ParakeetProcessor(features, tokenizer, decoder_type=decoder).save_pretrained(folder)
    return folder


CANARY_MARKS = ("<|startofcontext|>", "<|startoftranscript|>", "<|emo:undefined|>", "<|pnc|>", "<|nopnc|>", "<|noitn|>",
                "<|notimestamp|>", "<|nodiarize|>", "<|en|>", "<|de|>", "<|fr|>", "<|es|>")  # fmt: skip
CANARY_TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'text' %}"
    "<|startofcontext|><|startoftranscript|><|emo:undefined|>"
    "<|{{ c['source_language'] }}|><|{{ c['target_language'] }}|>"
    "{% if c['punctuation'] %}<|pnc|>{% else %}<|nopnc|>{% endif %}<|noitn|><|notimestamp|><|nodiarize|>"
    "{% endif %}{% endfor %}{% endfor %}"
)


def build_canary(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    specials = ["<unk>", "<pad>", "<|endoftext|>", *CANARY_MARKS]
    tokenizer = letters_first(specials, unk_token="<unk>", pad_token="<pad>", eos_token="<|endoftext|>")
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    size = len(tokenizer)
    tokens = {
        "pad_token_id": ids["<pad>"],
        "eos_token_id": ids["<|endoftext|>"],
        "bos_token_id": ids["<|startoftranscript|>"],
        "decoder_start_token_id": ids["<|startofcontext|>"],
    }
    config = tf.CanaryConfig(
        encoder_config={"model_type": "parakeet_encoder", **ENCODER, **MEL},
        decoder_config={
            "vocab_size": size,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "initializer_range": 0.3,
        },
        vocab_size=size,
        tie_word_embeddings=False,
        initializer_range=0.3,
        **tokens,
    )
    model = tf.CanaryForConditionalGeneration(config).eval()
    end = tokens.pop("eos_token_id")
    only_letters(model, tokenizer, size, end, max_new_tokens=12, **tokens)
    model.save_pretrained(folder)
    features = tf.ParakeetFeatureExtractor(feature_size=128)
    tf.CanaryProcessor(features, tokenizer, chat_template=CANARY_TEMPLATE).save_pretrained(folder)
    return folder


def build_seamless(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    specials = ["<pad>", "<unk>", "<s>", "</s>", "__eng__", "__deu__", "__cmn__"]
    tokenizer = letters_first(specials, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    size = len(tokenizer)
    tokens = {
        "pad_token_id": ids["<pad>"],
        "bos_token_id": ids["<s>"],
        "decoder_start_token_id": ids["</s>"],
    }
    config = tf.SeamlessM4Tv2Config(
        vocab_size=size,
        hidden_size=32,
        speech_encoder_layers=1,
        speech_encoder_attention_heads=2,
        speech_encoder_intermediate_size=64,
        num_adapter_layers=1,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=64,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=64,
        initializer_range=0.3,
        speech_encoder_layerdrop=0.0,
        tie_word_embeddings=False,
        eos_token_id=ids["</s>"],
        **tokens,
    )
    model = tf.SeamlessM4Tv2ForSpeechToText(config).eval()
    languages = {name.strip("_"): ids[name] for name in specials[4:]}
    only_letters(
        model, tokenizer, size, ids["</s>"], max_new_tokens=12, text_decoder_lang_to_code_id=languages, **tokens
    )
    model.save_pretrained(folder)
    tf.SeamlessM4TFeatureExtractor().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_kyutai(folder: Path) -> Path:
    """Save a Kyutai STT that takes sound in frame by frame, as the published ones do."""
    import torch
    import transformers as tf

    torch.manual_seed(0)
    tokenizer = letters_first(["<unk>", "<pad>", "</s>", "<s>"], unk_token="<unk>", pad_token="<pad>", bos_token="<s>")
    size = len(tokenizer) + 1
    config = tf.KyutaiSpeechToTextConfig(
        codebook_vocab_size=65,
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=64,
        num_codebooks=4,
        audio_bos_token_id=64,
        audio_pad_token_id=size + 4 * 65,
        bos_token_id=size - 1,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
        codec_config={
            "model_type": "mimi",
            "hidden_size": 32,
            "num_filters": 4,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "intermediate_size": 64,
            "codebook_size": 64,
            "codebook_dim": 16,
            "vector_quantization_hidden_dimension": 16,
            "num_quantizers": 4,
            "num_semantic_quantizers": 1,
            "upsample_groups": 32,
        },
    )
    model = tf.KyutaiSpeechToTextForConditionalGeneration(config).eval()
    for name, codebook in model.named_buffers():
        if name.endswith("embed_sum"):
            codebook.normal_(std=0.1)  # they begin as zeros: every sound would have the same codes
    only_letters(
        model,
        tokenizer,
        size,
        None,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=size - 1,
        use_cache=True,
        audio_window_size=1,
        cache_implementation="sliding_window",
    )
    codec = model.codec_model.generation_config
    codec.cache_implementation, codec.use_cache = "sliding_window", True
    model.save_pretrained(folder)
    features = tf.KyutaiSpeechToTextFeatureExtractor(
        sampling_rate=24_000, audio_delay_seconds=0.5, audio_silence_prefix_seconds=0.0
    )
    tf.KyutaiSpeechToTextProcessor(features, tokenizer).save_pretrained(folder)
    return folder


TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 8192,
    "initializer_range": 0.2,
    "tie_word_embeddings": False,
}
"""A decoder-only language model."""


def build_qwen3_asr(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_pad|>", "<|audio_start|>", "<|audio_end|>",
                "<timestamp>", "<asr_text>"]  # fmt: skip
    own = {"audio_token": "<|audio_pad|>", "audio_bos_token": "<|audio_start|>", "audio_eos_token": "<|audio_end|>"}
    tokenizer = letters_first(
        specials, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left", extra_special_tokens=own
    )
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'audio' %}"
        "<|audio_start|><|audio_pad|><|audio_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    config = tf.Qwen3ASRConfig(
        audio_config={
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "d_model": 32,
            "output_dim": 32,
            "downsample_hidden_size": 8,
            "initializer_range": 0.2,
        },
        text_config={"model_type": "qwen3", "vocab_size": len(tokenizer), **TEXT},
        audio_token_id=ids["<|audio_pad|>"],
        timestamp_token_id=ids["<timestamp>"],
        pad_token_id=ids["<|endoftext|>"],
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]],
        tie_word_embeddings=False,
    )
    model = tf.Qwen3ASRForConditionalGeneration(config).eval()
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    only_letters(model, tokenizer, len(tokenizer), ends, pad_token_id=ids["<|endoftext|>"])
    model.save_pretrained(folder)
    features = tf.Qwen3ASRFeatureExtractor(feature_size=128, return_attention_mask=True)
    tf.Qwen3ASRProcessor(features, tokenizer, chat_template=template).save_pretrained(folder)
    return folder


def build_glm_asr(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(2)
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
    tokenizer = letters_first(specials, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left")
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    config = tf.GlmAsrConfig(
        audio_config={
            "model_type": "glmasr_encoder",
            "hidden_size": 32,
            "intermediate_size": 128,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "initializer_range": 0.2,
        },
        text_config={"model_type": "llama", "vocab_size": len(tokenizer), "eos_token_id": [ids["<|im_end|>"]], **TEXT},
        audio_token_id=ids["<|pad|>"],
        tie_word_embeddings=False,
    )
    model = tf.GlmAsrForConditionalGeneration(config).eval()
    with torch.no_grad():
        model.model.multi_modal_projector.linear_2.weight.mul_(8)  # what is heard weighs as much as what is read
    only_letters(
        model, tokenizer, len(tokenizer), [ids["<|im_end|>"], ids["<|endoftext|>"]], pad_token_id=ids["<|endoftext|>"]
    )
    model.save_pretrained(folder)
    features = tf.WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
    template = CHAT_TEMPLATE.replace("<|AUDIO|>", "<|pad|>")
    tf.GlmAsrProcessor(features, tokenizer, chat_template=template, audio_token="<|pad|>").save_pretrained(folder)
    return folder
