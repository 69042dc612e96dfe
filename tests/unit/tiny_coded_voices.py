"""Tiny random checkpoints of voices that write the codes of a codec, saved as real ones are."""

from __future__ import annotations

from pathlib import Path

from tiny_speech import MIMI, learn_codes

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat

CSM_TEMPLATE = (
    "{% for message in messages %}<|begin_of_text|>[{{ message.role }}]{% for part in message.content %}"
    "{% if part.type == 'text' %}{{ part.text }}<|end_of_text|>{% else %}<|AUDIO|><|audio_eos|>{% endif %}"
    "{% endfor %}{% endfor %}"
)


def bytes_tokenizer(special: list[str], pad: str, **kwargs):
    """Return a tokenizer of bytes without merges."""
    import tokenizers
    import transformers as tf

    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    spelt = tokenizers.Tokenizer(tokenizers.models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    spelt.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    spelt.decoder = tokenizers.decoders.ByteLevel()
    spelt.add_special_tokens(special)
    return tf.PreTrainedTokenizerFast(tokenizer_object=spelt, pad_token=pad, **kwargs)


def build_csm(folder: Path) -> Path:
    """Save CSM with Mimi in it; it says a dozen frames, drawn at random."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    marks = ["<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>"]
    tokenizer = bytes_tokenizer(marks, "<|AUDIO|>", bos_token=marks[0], eos_token=marks[1])
    ids = dict(zip(marks, tokenizer.convert_tokens_to_ids(marks), strict=True))
    sizes = {"num_codebooks": 4, "vocab_size": 64, "num_hidden_layers": 1, "num_key_value_heads": 2}
    sizes |= {"num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.3}
    config = tf.CsmConfig(
        text_vocab_size=len(tokenizer),
        hidden_size=32,
        pad_token_id=ids["<|AUDIO|>"],
        bos_token_id=ids["<|begin_of_text|>"],
        audio_token_id=ids["<|AUDIO|>"],
        audio_eos_token_id=ids["<|audio_eos|>"],
        codebook_pad_token_id=63,
        codebook_eos_token_id=0,
        depth_decoder_config={**sizes, "hidden_size": 32, "backbone_hidden_size": 32, "max_position_embeddings": 5},
        codec_config=tf.MimiConfig(**MIMI).to_dict(),
        **sizes,
    )
    model = tf.CsmForConditionalGeneration(config).eval()
    with torch.no_grad():
        learn_codes(model.codec_model, 0.2 * torch.randn(1, 1, 24_000))
    settings = {"do_sample": True, "temperature": 0.9, "top_k": 50}
    model.generation_config.update(max_new_tokens=12, **settings)
    depth = {"depth_decoder_max_new_tokens": 3, "depth_decoder_min_new_tokens": 3}
    model.generation_config.update(**depth, **{f"depth_decoder_{name}": value for name, value in settings.items()})
    model.save_pretrained(folder)
    tf.CsmProcessor(tf.EncodecFeatureExtractor(), tokenizer, chat_template=CSM_TEMPLATE).save_pretrained(folder)
    return folder


def build_dia(folder: Path) -> Path:
    """Save Dia, and its codec in a folder beside it; it says two dozen frames, drawn at random."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    beside = folder.with_name(f"{folder.name}-codec")
    codes = {"n_codebooks": 9, "codebook_size": 1024, "codebook_dim": 8}
    codec = tf.DacModel(tf.DacConfig(encoder_hidden_size=4, decoder_hidden_size=32, sampling_rate=44_100, **codes))
    codec.save_pretrained(beside)
    sizes = {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 64, "initializer_range": 0.3}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    across = {"cross_num_attention_heads": 2, "cross_num_key_value_heads": 2, "cross_head_dim": 16}
    config = tf.DiaConfig(
        encoder_config={**sizes, **heads},
        decoder_config={**sizes, **heads, **across, "cross_hidden_size": 32},
        initializer_range=0.3,
    )
    model = tf.DiaForConditionalGeneration(config).eval()
    ids = {"bos_token_id": 1026, "eos_token_id": 1024, "pad_token_id": 1025, "decoder_start_token_id": 1026}
    draws = {"do_sample": True, "temperature": 1.8, "top_p": 0.9, "top_k": 45, "guidance_scale": 3.0}
    model.generation_config = tf.GenerationConfig(max_new_tokens=40, **ids, **draws)
    model.save_pretrained(folder)
    features = tf.DiaFeatureExtractor(sampling_rate=44_100, hop_length=512)
    saved = tf.DacModel.from_pretrained(beside)  # the processor keeps where its codec was loaded from
    tf.DiaProcessor(features, tf.DiaTokenizer(), saved).save_pretrained(folder)
    return folder


HIGGS_TEMPLATE = (
    "<|begin_of_text|>{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>"
    "{% for part in message.content %}{% if part.type == 'text' %}{{ part.text }}{% else %}"
    "<|audio_out_bos|><|AUDIO_OUT|><|audio_eos|>{% endif %}{% endfor %}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|><|audio_out_bos|>{% endif %}"
)


def build_higgs(folder: Path) -> Path:
    """Save HiggsAudio, and its codec in a folder beside it; it says two dozen frames, drawn at random."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    beside = folder.with_name(f"{folder.name}-codec")
    acoustic = {"encoder_hidden_size": 4, "decoder_hidden_size": 64, "hidden_size": 64, "codebook_size": 64}
    acoustic |= {name: [8, 5, 4, 2, 3] for name in ("downsampling_ratios", "upsampling_ratios")}
    hubert = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    convolved = {"conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    config = tf.HiggsAudioV2TokenizerConfig(
        codebook_size=64,
        codebook_dim=16,
        acoustic_model_config={"model_type": "dac", **acoustic},
        semantic_model_config={"model_type": "hubert", **hubert, **convolved},
        target_bandwidths=[0.6],
    )
    codec = tf.HiggsAudioV2TokenizerModel(config)
    with torch.no_grad():
        for name, values in codec.named_buffers():
            if name.endswith("embed"):  # zeros until it is trained: every sound would have one code
                values.normal_(std=0.3)
    codec.save_pretrained(beside)
    marks = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|AUDIO_OUT|>"]
    marks += ["<|audio_out_bos|>", "<|audio_eos|>", "<|reserved_special_token_6|>", "<pad>"]
    tokenizer = bytes_tokenizer(marks, "<pad>", bos_token=marks[0], eos_token="<|eot_id|>")
    ids = dict(zip(marks, tokenizer.convert_tokens_to_ids(marks), strict=True))
    tokens = {"pad_token_id": ids["<pad>"], "eos_token_id": ids["<|eot_id|>"], "bos_token_id": ids[marks[0]]}
    stream = {"audio_stream_bos_id": 64, "audio_stream_eos_id": 65}
    config = tf.HiggsAudioV2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        num_codebooks=codec.config.num_quantizers,
        codebook_size=66,
        initializer_range=0.3,
        audio_token_id=ids["<|AUDIO_OUT|>"],
        audio_bos_token_id=ids["<|audio_out_bos|>"],
        audio_delay_token_id=ids["<|reserved_special_token_6|>"],
        **tokens,
        **stream,
    )
    model = tf.HiggsAudioV2ForConditionalGeneration(config).eval()
    draws = {"do_sample": True, "temperature": 1.0, "top_p": 0.95, "top_k": 50}
    model.generation_config = tf.GenerationConfig(max_new_tokens=24, **tokens, **draws)
    model.save_pretrained(folder)
    saved = tf.HiggsAudioV2TokenizerModel.from_pretrained(beside)
    features = tf.DacFeatureExtractor(sampling_rate=24_000, hop_length=960)
    tf.HiggsAudioV2Processor(features, tokenizer, saved, chat_template=HIGGS_TEMPLATE, **stream).save_pretrained(folder)
    return folder


POCKET_TEMPLATE = (
    "{% for message in messages %}{% for part in message.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% else %}<voice_bos><voice>{% endif %}{% endfor %}{% endfor %}<audio_bos>"
)


def build_pocket(folder: Path) -> Path:
    """Save Pocket-TTS, and its codec in a folder beside it; it says two dozen frames, drawn at random."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    beside = folder.with_name(f"{folder.name}-codec")
    small = {"hidden_size": 32, "num_filters": 4, "upsample_groups": 32, "num_hidden_layers": 1, "latent_dim": 8}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 32}
    tf.PocketTTSAudioTokenizerModel(tf.PocketTTSAudioTokenizerConfig(**small, **heads)).save_pretrained(beside)
    marks = {"audio_prompt_token": "<voice>", "audio_latent_token": "<latent>"}
    marks |= {"audio_prompt_bos_token": "<voice_bos>", "audio_bos_token": "<audio_bos>"}
    special = [*marks.values(), "<pad>", "<unk>"]
    tokenizer = bytes_tokenizer(special, "<pad>", unk_token="<unk>", padding_side="left", extra_special_tokens=marks)
    ids = {f"{name}_id": tokenizer.convert_tokens_to_ids(mark) for name, mark in marks.items()}
    config = tf.PocketTTSConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        latent_dim=8,
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
        flow_head_config={"hidden_size": 32, "num_hidden_layers": 1, "condition_dim": 32, "latent_dim": 8},
        **ids,
    )
    model = tf.PocketTTSForConditionalGeneration(config).eval()
    model.generation_config = tf.GenerationConfig(
        do_sample=True, temperature=0.7, max_new_tokens=24, eos_threshold=100.0, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    saved = tf.PocketTTSAudioTokenizerModel.from_pretrained(beside)
    features = tf.PocketTTSFeatureExtractor()
    tf.PocketTTSProcessor(features, tokenizer, saved, chat_template=POCKET_TEMPLATE).save_pretrained(folder)
    return folder


def coded_voice(folder: Path, **args: str):
    """Return a voice, loaded."""
    model = create(ModelSpec("voice", "transformers-tts-coded", source=str(folder), tasks=("tts",)), args)
    model.load()
    return model
