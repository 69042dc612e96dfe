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


def coded_voice(folder: Path, **args: str):
    """Return a voice, loaded."""
    model = create(ModelSpec("voice", "transformers-tts-coded", source=str(folder), tasks=("tts",)), args)
    model.load()
    return model
