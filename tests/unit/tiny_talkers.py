"""Tiny random checkpoints of models that are told what to do, beside those of `tiny_checkpoints`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tiny_checkpoints import CHAT_TEMPLATE
from tiny_recognizers import TEXT, letters_first, only_letters

CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SPELLED = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A chat format that takes texts only."""


def chat_tokenizer(*sounds: str) -> Any:
    """Return a tokenizer of bytes that knows turns, and tokens for sound."""
    return letters_first([*CHATML, *sounds], eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left")


def ids_of(tokenizer: Any) -> dict[str, int]:
    """Return the special tokens by their text."""
    return {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.get_vocab() if token.startswith("<|")}


def finish(model: Any, tokenizer: Any, folder: Path, projector: str) -> None:
    """Let what is heard weigh as much as what is read; set what may be said, and save the model."""
    import torch

    ids = ids_of(tokenizer)
    with torch.no_grad():
        next(part for name, part in model.named_modules() if name.endswith(projector)).weight.mul_(8)
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    only_letters(model, tokenizer, len(tokenizer), ends, pad_token_id=ids["<|endoftext|>"])
    model.save_pretrained(folder)


TEKKEN_MARKS = [
    *["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]"],
    *["[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"],
    *["[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"],
    *[f"<SPECIAL_{rank}>" for rank in range(20, 24)],
    *["[AUDIO]", "[BEGIN_AUDIO]"],
    *[f"<SPECIAL_{rank}>" for rank in range(26, 32)],
    *["[ARGS]", "[CALL_ID]", "[TRANSCRIBE]"],
]
"""Special tokens of Voxtral in the order of their numbers."""


def write_tekken(path: Path) -> Path:
    """Write a vocabulary of bytes and one pair of letters in Mistral's own layout."""
    marks = [{"rank": rank, "token_str": mark, "is_control": True} for rank, mark in enumerate(TEKKEN_MARKS)]
    pieces = [bytes([byte]) for byte in range(256)] + [b"is"]
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(piece).decode(), "token_str": None}
        for rank, piece in enumerate(pieces)
    ]
    config = {
        "pattern": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "num_vocab_tokens": len(pieces),
        "default_vocab_size": len(pieces) + len(marks),
        "default_num_special_tokens": len(marks),
        "version": "v7",
    }
    spectrogram = {"num_mel_bins": 128, "hop_length": 160, "window_size": 400}
    audio = {
        "sampling_rate": 16_000,
        "frame_rate": 12.5,
        "audio_encoding_config": spectrogram,
        "chunk_length_s": 30.0,
    }
    path.write_text(json.dumps({"config": config, "vocab": vocabulary, "special_tokens": marks, "audio": audio}))
    return path


def build_voxtral(folder: Path) -> Path:
    """Save a Voxtral as it is published: `tekken.json`, no tokenizer of transformers and no chat format."""
    import torch
    import transformers as tf

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    write_tekken(folder / "tekken.json")
    tokenizer = tf.TokenizersBackend.from_pretrained(folder)
    config = tf.VoxtralConfig(
        audio_config={
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "num_mel_bins": 128,
            "initializer_range": 0.2,
        },
        text_config={"model_type": "llama", "vocab_size": len(tokenizer), **TEXT},
        audio_token_id=24,
        tie_word_embeddings=False,
    )
    model = tf.VoxtralForConditionalGeneration(config).eval()
    with torch.no_grad():
        # It listens here and there: all but a few of the 375 tokens of a short clip are of silence.
        model.model.multi_modal_projector.linear_1.weight.mul_(4)
        model.model.multi_modal_projector.linear_2.weight.mul_(8)
        reading = model.model.language_model.layers[0].self_attn
        reading.q_proj.weight.mul_(3)
        reading.k_proj.weight.mul_(3)
    only_letters(model, tokenizer, len(tokenizer), 2, pad_token_id=11, bos_token_id=1)
    model.save_pretrained(folder)
    tf.WhisperFeatureExtractor(feature_size=128).save_pretrained(folder)
    return folder


GEMMA_MARKS = {
    "boa_token": "<start_of_audio>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
    "image_token": "<image_soft_token>",
    "eoa_token": "<end_of_audio>",
    "audio_token": "<audio_soft_token>",
}
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'audio' %}<audio_soft_token>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def build_gemma3n(folder: Path) -> Path:
    """Save a Gemma 3n as it is published, but for the weights of the part that sees, which timm would have to build."""
    import torch
    import transformers as tf

    from audiobench_pytest.models.transformers.checkpoints import Checkpoint
    from audiobench_pytest.models.transformers.families.gemma3n import without_pictures

    torch.manual_seed(0)
    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    pieces = [*marks, *(f"<0x{byte:02X}>" for byte in range(256)), "\n\n", *map(chr, range(33, 127)), "\u2581"]
    pieces += GEMMA_MARKS.values()
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = tf.GemmaTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=GEMMA_MARKS)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]})
    seen, heard = vocabulary["<end_of_image>"], vocabulary["<end_of_audio>"]
    size = heard + 8
    text = {**TEXT, "intermediate_size": [64] * 2, "num_hidden_layers": 2, "vocab_size": size}
    config = {
        "model_type": "gemma3n",
        "architectures": ["Gemma3nForConditionalGeneration"],
        "text_config": {
            **text,
            "model_type": "gemma3n_text",
            "layer_types": ["sliding_attention", "full_attention"],
            "num_key_value_heads": 2,
            "num_kv_shared_layers": 0,
            "activation_sparsity_pattern": [0.0, 0.0],
            "hidden_size_per_layer_input": 8,
            "vocab_size_per_layer_input": seen,
            "laurel_rank": 4,
            "altup_num_inputs": 2,
        },
        "audio_config": {
            "model_type": "gemma3n_audio",
            "vocab_size": size - heard,
            "vocab_offset": heard,
            "hidden_size": 32,
            "conf_num_attention_heads": 2,
            "conf_num_hidden_layers": 1,
            "sscp_conv_channel_size": [8, 4],
            "initializer_range": 0.2,
        },
        "vision_config": {
            "model_type": "gemma3n_vision",
            "vocab_size": heard - seen,
            "vocab_offset": seen,
            "hidden_size": 16,
            "label_names": ["LABEL_0", "LABEL_1"],
        },
        **{f"{name}_id": vocabulary[mark] for name, mark in GEMMA_MARKS.items()},
        "initializer_range": 0.2,
        "tie_word_embeddings": False,
    }
    model = tf.Gemma3nForConditionalGeneration(without_pictures(Checkpoint("tiny", "", None, config))).eval()
    only_letters(model, tokenizer, size, [vocabulary["<end_of_turn>"], 1], pad_token_id=0)
    model.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer.chat_template = GEMMA_TEMPLATE
    tokenizer.save_pretrained(folder)
    tf.Gemma3nAudioFeatureExtractor().save_pretrained(folder)
    return folder


PHI_MARKS = ["<|endoftext|>", "<|end|>", "<|user|>", "<|system|>", "<|assistant|>", "<|image|>", "<|audio|>"]
PHI_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% for c in m['content'] %}{% if c['type'] == 'audio' %}<|audio|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_phi4(folder: Path, *, speech: bool = False) -> Path:
    """Save a Phi-4-multimodal as transformers' own format has it.

    Args:
        folder: Where.
        speech: Whether the adapter that hears lies in a folder below the weights.
    """
    import torch
    import transformers as tf
    from safetensors.torch import save_file

    torch.manual_seed(0)
    tokenizer = letters_first(
        PHI_MARKS,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        extra_special_tokens={"image_token": "<|image|>", "audio_token": "<|audio|>"},
    )
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in PHI_MARKS}
    ends = [ids["<|end|>"], ids["<|endoftext|>"]]
    config = tf.Phi4MultimodalConfig(
        vocab_size=len(tokenizer),
        **{name: value for name, value in TEXT.items() if name != "head_dim"},
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ends,
        pad_token_id=ids["<|endoftext|>"],
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_blocks": 2,
            "num_attention_heads": 2,
            "ext_pw_out_channel": 32,
            "depthwise_separable_out_channel": 32,
            "nemo_conv_channels": 8,
            "initializer_range": 0.2,
            "audio_token_id": ids["<|audio|>"],
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "crop_size": 28,
            "image_token_id": ids["<|image|>"],
        },
    )
    model = tf.Phi4MultimodalForCausalLM(config).eval()
    with torch.no_grad():
        model.model.embed_tokens_extend.audio_embed.down_proj_for_speech.weight.mul_(8)
    only_letters(model, tokenizer, len(tokenizer), ends, pad_token_id=ids["<|endoftext|>"])
    model.save_pretrained(folder)
    tokenizer.chat_template = PHI_TEMPLATE
    tokenizer.save_pretrained(folder)
    tf.Phi4MultimodalFeatureExtractor().save_pretrained(folder)
    if speech:
        (folder / "speech-lora").mkdir()
        layer = "base_model.model.model.layers.0.self_attn.o_proj"
        halves = {f"{layer}.lora_A.weight": torch.randn(4, 32), f"{layer}.lora_B.weight": torch.randn(32, 4)}
        save_file(halves, folder / "speech-lora" / "adapter_model.safetensors")
        told = {
            "peft_type": "LORA",
            "r": 4,
            "lora_alpha": 8,
            "bias": "none",
            "target_modules": r"model\.layers\..*o_proj",
        }
        (folder / "speech-lora" / "adapter_config.json").write_text(json.dumps(told))
    return folder


def build_granite_speech(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    tokenizer = chat_tokenizer("<|audio|>")
    tokenizer.chat_template = SPELLED
    ids = ids_of(tokenizer)
    config = tf.GraniteSpeechConfig(
        text_config={"model_type": "granite", "vocab_size": len(tokenizer), **TEXT},
        encoder_config={"num_layers": 1, "hidden_dim": 32, "num_heads": 2, "dim_head": 16, "output_dim": 16},
        projector_config={
            "model_type": "blip_2_qformer",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "encoder_hidden_size": 32,
        },
        audio_token_index=ids["<|audio|>"],
        has_lora_adapter=False,
        tie_word_embeddings=False,
    )
    model = tf.GraniteSpeechForConditionalGeneration(config).eval()
    finish(model, tokenizer, folder, "projector.linear")
    tf.GraniteSpeechProcessor(tf.GraniteSpeechFeatureExtractor(), tokenizer, chat_template=SPELLED).save_pretrained(
        folder
    )
    return folder


def build_music_flamingo(folder: Path) -> Path:
    import torch
    import transformers as tf

    torch.manual_seed(0)
    tokenizer = chat_tokenizer("<|sound|>", "<|sound_bos|>", "<|sound_eos|>")
    ids = ids_of(tokenizer)
    config = tf.MusicFlamingoConfig(
        audio_config={
            "model_type": "audioflamingo3_encoder",
            "num_mel_bins": 128,
            "max_source_positions": 1500,
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
        },
        text_config={"model_type": "qwen2", "vocab_size": len(tokenizer), **TEXT},
        audio_token_id=ids["<|sound|>"],
        audio_bos_token_id=ids["<|sound_bos|>"],
        audio_eos_token_id=ids["<|sound_eos|>"],
        tie_word_embeddings=False,
    )
    model = tf.MusicFlamingoForConditionalGeneration(config).eval()
    finish(model, tokenizer, folder, "multi_modal_projector.linear_2")
    tf.MusicFlamingoProcessor(
        tf.WhisperFeatureExtractor(feature_size=128, return_attention_mask=True),
        tokenizer,
        chat_template=CHAT_TEMPLATE.replace("<|AUDIO|>", "<|sound_bos|><|sound|><|sound_eos|>"),
        audio_token="<|sound|>",
        max_audio_len=60,
    ).save_pretrained(folder)
    return folder


def build_qwen25_omni(folder: Path) -> Path:
    """Save a Qwen2.5-Omni as it is published: the part that writes below `thinker`, its chat format apart."""
    import torch
    import transformers as tf
    from safetensors.torch import load_file, save_file

    torch.manual_seed(0)
    marks = [
        "<|AUDIO|>",
        "<|audio_bos|>",
        "<|audio_eos|>",
        "<|IMAGE|>",
        "<|VIDEO|>",
        "<|vision_bos|>",
        "<|vision_eos|>",
    ]
    tokenizer = chat_tokenizer(*marks)
    ids = ids_of(tokenizer)
    config = tf.Qwen2_5OmniThinkerConfig(
        audio_config={
            "num_mel_bins": 128,
            "d_model": 32,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "n_window": 100,
            "output_dim": 32,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
        text_config={
            "vocab_size": len(tokenizer),
            **{name: value for name, value in TEXT.items() if name != "head_dim"},
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
            "pad_token_id": ids["<|endoftext|>"],
        },
        audio_token_id=ids["<|AUDIO|>"],
        image_token_id=ids["<|IMAGE|>"],
        video_token_id=ids["<|VIDEO|>"],
        audio_start_token_id=ids["<|audio_bos|>"],
        audio_end_token_id=ids["<|audio_eos|>"],
        vision_start_token_id=ids["<|vision_bos|>"],
        vision_end_token_id=ids["<|vision_eos|>"],
        user_token_id=ids["<|im_start|>"],
        pad_token_id=ids["<|endoftext|>"],
        tie_word_embeddings=False,
    )
    model = tf.Qwen2_5OmniThinkerForConditionalGeneration(config).eval()
    finish(model, tokenizer, folder, "audio_tower.proj")
    weights = load_file(folder / "model.safetensors")
    save_file({f"thinker.{name}": one for name, one in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    thinker = json.loads((folder / "config.json").read_text())
    whole = {"model_type": "qwen2_5_omni", "architectures": ["Qwen2_5OmniForConditionalGeneration"]}
    (folder / "config.json").write_text(json.dumps({**whole, "enable_audio_output": False, "thinker_config": thinker}))
    tf.WhisperFeatureExtractor(feature_size=128, return_attention_mask=True).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    sound = "<|audio_bos|><|AUDIO|><|audio_eos|>"
    template = CHAT_TEMPLATE.replace("<|AUDIO|>", sound)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    return folder


def build_qwen3_omni(folder: Path) -> Path:
    """Save the part of a Qwen3-Omni that writes."""
    import torch
    import transformers as tf

    torch.manual_seed(0)
    marks = [
        "<|audio_pad|>",
        "<|audio_start|>",
        "<|audio_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
        "<|vision_start|>",
        "<|vision_end|>",
    ]
    tokenizer = chat_tokenizer(*marks)
    ids = ids_of(tokenizer)
    config = tf.Qwen3OmniMoeThinkerConfig(
        audio_config={
            "num_mel_bins": 128,
            "d_model": 32,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "output_dim": 32,
            "downsample_hidden_size": 8,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": 32,
            "deepstack_visual_indexes": [0],
            "num_position_embeddings": 16,
        },
        text_config={
            "vocab_size": len(tokenizer),
            **TEXT,
            "moe_intermediate_size": 32,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
            "pad_token_id": ids["<|endoftext|>"],
        },
        audio_token_id=ids["<|audio_pad|>"],
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        audio_start_token_id=ids["<|audio_start|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        user_token_id=ids["<|im_start|>"],
        tie_word_embeddings=False,
    )
    model = tf.Qwen3OmniMoeThinkerForConditionalGeneration(config).eval()
    finish(model, tokenizer, folder, "audio_tower.proj2")
    tf.WhisperFeatureExtractor(feature_size=128, return_attention_mask=True).save_pretrained(folder)
    tokenizer.chat_template = CHAT_TEMPLATE.replace("<|AUDIO|>", "<|audio_start|><|audio_pad|><|audio_end|>")
    tokenizer.save_pretrained(folder)
    return folder
