"""Tiny checkpoints with random weights that speak or code, saved as real ones are."""

from __future__ import annotations

import json
from pathlib import Path

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat

CODECS = ("encodec", "encodec-48k", "mimi", "dac", "wavtokenizer", "xcodec")


MIMI = {
    "hidden_size": 64,
    "num_filters": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 16,
    "intermediate_size": 128,
    "codebook_size": 64,
    "codebook_dim": 16,
    "vector_quantization_hidden_dimension": 16,
    "num_quantizers": 4,
    "num_semantic_quantizers": 1,
    "upsample_groups": 64,
}


def build_codec(folder: Path, kind: str, attends: int = 250) -> Path:
    """Save a codec of a kind of `CODECS`; Mimi sees so many steps of its attention back."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    small = {"num_filters": 4, "hidden_size": 32, "codebook_dim": 32, "codebook_size": 64}
    if kind == "encodec":
        model = tf.EncodecModel(tf.EncodecConfig(num_lstm_layers=1, **small))
    elif kind == "encodec-48k":
        stereo = {
            "sampling_rate": 48_000,
            "audio_channels": 2,
            "normalize": True,
            "chunk_length_s": 1.0,
            "overlap": 0.01,
        }
        rates = {"target_bandwidths": (3.0, 6.0, 12.0, 24.0), "use_causal_conv": False, "norm_type": "time_group_norm"}
        model = tf.EncodecModel(tf.EncodecConfig(num_lstm_layers=1, **small, **stereo, **rates))
    elif kind == "mimi":
        model = tf.MimiModel(tf.MimiConfig(**MIMI, sliding_window=attends)).eval()
    elif kind == "dac":
        codes = {"n_codebooks": 3, "codebook_size": 64, "codebook_dim": 8}
        config = tf.DacConfig(encoder_hidden_size=8, decoder_hidden_size=64, sampling_rate=16_000, **codes)
        model = tf.DacModel(config)
    elif kind == "wavtokenizer":
        if not hasattr(tf, "WavTokenizerModel"):
            import pytest

            pytest.skip("this version of transformers has no WavTokenizer")
        decoder = {"decoder_hidden_size": 32, "decoder_intermediate_size": 64, "decoder_num_layers": 1}
        model = tf.WavTokenizerModel(tf.WavTokenizerConfig(**small, **decoder, decoder_attention_num_groups=8))
    else:
        model = tf.XcodecModel(tf.XcodecConfig(codebook_size=64))
    with torch.no_grad():
        for name, values in model.named_buffers():
            if name.endswith("embed"):  # zeros until it is trained: every sound would have one code
                values.normal_(std=0.3)
        if kind == "encodec":  # around what its encoder gives of noise, else all of that has one code
            latents = model.encoder(torch.randn(1, 1, 24_000))[0].T
            near = latents[torch.randint(len(latents), (64,))]
            model.quantizer.layers[0].codebook.embed.copy_(near + 0.05 * torch.randn_like(near) * latents.std(0))
        if kind == "mimi":
            learn_codes(model, 0.3 * torch.randn(1, 1, 48_000))
    model.save_pretrained(folder)
    return folder


def build_vits(folder: Path, speakers: int = 4) -> Path:
    """Save a VITS voice with its tokenizer of letters."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    letters = ["<pad>", "<unk>", *"abcdefghijklmnopqrstuvwxyz' ,.?!-"]
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    tokenizer = tf.VitsTokenizer(str(folder / "vocab.json"), phonemize=False, normalize=True)
    rates = {"upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4], "upsample_initial_channel": 64}
    blocks = {"resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3]], "prior_encoder_num_flows": 2}
    layers = {"posterior_encoder_num_wavenet_layers": 2, "prior_encoder_num_wavenet_layers": 2}
    durations = {"duration_predictor_num_flows": 2, "depth_separable_num_layers": 2}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 64, "flow_size": 32}
    voices = {"num_speakers": speakers, "speaker_embedding_size": 16} if speakers > 1 else {}
    config = tf.VitsConfig(
        vocab_size=len(letters), spectrogram_bins=129, **rates, **blocks, **layers, **durations, **sizes, **voices
    )
    tf.VitsModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_speecht5(folder: Path) -> Path:
    """Save SpeechT5 with its processor, and a vocoder in the folder `vocoder` beside it."""
    torchaudio_compat.preseed()
    import sentencepiece
    import torch
    import transformers as tf

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    texts = folder / "texts.txt"
    texts.write_text("the quick brown fox jumps over the lazy dog\npack my box with five dozen liquor jugs\n" * 30)
    ids = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3}
    sentencepiece.SentencePieceTrainer.train(
        input=str(texts),
        model_prefix=str(folder / "spm_char"),
        model_type="char",
        vocab_size=34,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
    )
    texts.unlink()
    tokenizer = tf.SpeechT5Tokenizer(str(folder / "spm_char.model"))
    layers = {"encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
    sizes = {"hidden_size": 48, "encoder_ffn_dim": 96, "decoder_ffn_dim": 96, "speaker_embedding_dim": 64}
    units = {"speech_decoder_prenet_units": 32, "speech_decoder_postnet_units": 32}
    config = tf.SpeechT5Config(vocab_size=len(tokenizer), num_mel_bins=80, **layers, **sizes, **units)
    tf.SpeechT5ForTextToSpeech(config).save_pretrained(folder)
    tf.SpeechT5Processor(tf.SpeechT5FeatureExtractor(), tokenizer).save_pretrained(folder)
    vocoder = tf.SpeechT5HifiGan(tf.SpeechT5HifiGanConfig(upsample_initial_channel=32))
    vocoder.save_pretrained(folder.with_name("vocoder"))
    return folder


def build_fastspeech2(folder: Path, speakers: int = 0) -> Path:
    """Save FastSpeech2Conformer with its vocoder and the vocabulary of its tokenizer."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    letters = ["<blank>", "<unk>", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ ", "<sos/eos>"]
    stacks = {"encoder_layers": 1, "decoder_layers": 1, "encoder_linear_units": 32, "decoder_linear_units": 32}
    narrow = dict.fromkeys(("duration_predictor_channels", "energy_predictor_channels", "pitch_predictor_channels"), 16)
    voices = {"num_speakers": speakers} if speakers else {}
    speaks = tf.FastSpeech2ConformerConfig(
        hidden_size=24, vocab_size=len(letters), speech_decoder_postnet_units=16, **stacks, **narrow, **voices
    )
    sounds = tf.FastSpeech2ConformerHifiGanConfig(upsample_initial_channel=32)
    whole = {"model_config": speaks.to_dict(), "vocoder_config": sounds.to_dict()}
    model = tf.FastSpeech2ConformerWithHifiGan(tf.FastSpeech2ConformerWithHifiGanConfig(**whole))
    with torch.no_grad():  # a few frames for each letter; else most random ones take none
        model.model.duration_predictor.linear.bias.fill_(1.5)
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "FastSpeech2ConformerTokenizer"}')
    return folder


def build_moshi(folder: Path) -> Path:
    """Save Moshi with a tokenizer of a few words; it draws at random, as the published settings have it."""
    torchaudio_compat.preseed()
    import tokenizers
    import torch
    import transformers as tf

    torch.manual_seed(0)
    words = ["<unk>", "<s>", "</s>", "<pad>", *(f"w{number}" for number in range(36))]
    spelt = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    tf.PreTrainedTokenizerFast(tokenizer_object=spelt, **special).save_pretrained(folder)
    sizes = {"num_codebooks": 4, "vocab_size": len(words), "max_position_embeddings": 60}
    depth = {"hidden_size": 32, "input_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 64}
    config = tf.MoshiConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=96,
        sliding_window=60,
        audio_encoder_config=tf.MimiConfig(**MIMI).to_dict(),
        depth_decoder_config={**depth, **sizes, "audio_vocab_size": 64, "max_position_embeddings": 5},
        **sizes,
    )
    model = tf.MoshiForConditionalGeneration(config).eval()
    with torch.no_grad():
        learn_codes(model.audio_encoder, 0.2 * torch.randn(1, 1, 24_000))
        for table in model.embed_tokens:  # what is heard must weigh, or nothing of it is seen in the answer
            table.weight.mul_(50)
    model.generation_config.do_sample = True
    model.save_pretrained(folder)
    return folder


def learn_codes(mimi, sound):
    """Set each codebook around what it is handed of a sound, else all sounds have one code."""
    import torch

    def learning(book, encode):
        def learn(hidden):
            flat = hidden.reshape(-1, hidden.shape[-1])
            near = flat[torch.randint(len(flat), (len(book.embed_sum),))]
            book.embed_sum.copy_(near + 0.05 * torch.randn_like(near) * flat.std(0))
            book.cluster_usage.fill_(1.0)
            book._embed = None
            return encode(hidden)

        return learn

    books = [module for module in mimi.modules() if hasattr(module, "embed_sum")]
    for book in books:
        book.encode = learning(book, book.encode)
    mimi.encode(sound)
    for book in books:
        del book.encode


def codec(folder: Path, **args: str):
    """Return a codec, loaded."""
    model = create(ModelSpec("codec", "transformers-codec", source=str(folder), tasks=("codec",)), args)
    model.load()
    return model


def voice(folder: Path, **args: str):
    """Return a voice, loaded."""
    model = create(ModelSpec("voice", "transformers-tts", source=str(folder), tasks=("tts",)), args)
    model.load()
    return model
