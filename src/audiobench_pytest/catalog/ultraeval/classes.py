"""Which class of a registry is what here; whatever is not in these tables has no counterpart."""

from __future__ import annotations

from collections.abc import Mapping

SPOKEN = "its answers are spoken, and transcribed or rated before they are scored"

EVALUATORS: Mapping[str, tuple[str, str]] = {
    "evaluator.wer.WER": ("asr", "wer/ultraeval@1.1"),
    "evaluator.wer.CER": ("asr", "wer/ultraeval@1.1"),
    "evaluator.bleu.BLEU": ("translation", "bleu/covost2@ultraeval"),
    "evaluator.base.PrefixMatch": ("", "match/prefix@ultraeval"),
    "evaluator.base.EM": ("", "match/em"),
    "evaluator.base.ExistMatch": ("", "match/exist"),
    "evaluator.qa_exact_match.QAExistMatchEvaluator": ("spoken-qa", "match/qa-exist"),
    "evaluator.string_match.ChoiceStringMatch": ("audio-qa", "choice/mmau-official@v05.15.25"),
    "evaluator.choices.ChoicesEval": ("audio-qa", "choice/mmsu@ultraeval"),
    "evaluator.mcq.MCQ": ("spoken-qa", "choice/voicebench@2025-06"),
    "evaluator.bbh.BBH": ("spoken-qa", "bbh/voicebench"),
    "evaluator.harm.Harm": ("safety", "refusal/advbench"),
    "evaluator.ifeval.IFEval": ("instruction", "ifeval/voicebench"),
    "evaluator.voice_bench.VoiceBenchQaOpenEvaluator": ("chat", "judge/voicebench-open"),
    "evaluator.voice_bench.QaReferenceEvaluator": ("spoken-qa", "judge/sd-qa@voicebench"),
    "evaluator.alpaca_eval.ChatbotEvaluator": ("chat", "judge/mtbench-single"),
    "evaluator.alpaca_eval.AlpacaEvaluator": ("chat", "judge/alpaca-pairwise"),
    "evaluator.ref_qa_geval.RefQAGEval": ("audio-qa", "judge/kimi-refqa"),
    "evaluator.air_chat.AIRChatEvaluator": ("chat", "airbench/chat"),
}
"""Our task ("" where the task's own name has to say) and recipe."""

WITHOUT_REFERENCE = ("chat", "instruction", "safety")
"""Tasks of ours whose rows name the question where a reference is asked for."""

SPEAKING = frozenset(
    {
        "evaluator.seed_tts_eval_asr_wer.SeedTTSEvalASRWER",
        "evaluator.long_tts_eval_asr_wer.LongTTSEvalASRWER",
        "evaluator.instruct_tts_eval.InstructTTSEvalGemini",
        "evaluator.cv3_emotion.CV3EmotionEval",
        "evaluator.dnsmos.DNSMOS",
        "evaluator.utmos.UTMOS",
        "evaluator.simo.Simo",
        "evaluator.simo.CV3SpeakerSim",
        "process.speech.Speech2text",
    }
)

PASSED_OVER = frozenset({"process.base.ContentExtract", "process.normalization.TextNormalization"})
"""What is done to an answer that the recipes here do as well."""

FIRST_OPTION = ("process.firstoption.FirstOption", "choice/first-option@ultraeval")

CAPTIONS = ("evaluator.base.Dump", "agg.base.Coco", "caption/coco-nojava@1")
"""Captions are scored where all answers are there: evaluator, aggregator, and our recipe."""

LANGUAGES = {"jp": "ja", "kr": "ko"}
"""Codes of theirs that are no codes of languages."""

BLEU_OF = {"": "bleu/covost2@ultraeval", "zh": "bleu/covost2@ultraeval", "jp": "bleu/covost2@ja-mecab"}
"""Recipe by the tokenizer that is asked for."""

TASK_WORDS: tuple[tuple[str, str], ...] = (
    ("sentiment", "sentiment"),
    ("emo", "emotion"),
    ("gender", "speaker"),
    ("instrument", "music"),
    ("chord", "music"),
    ("music", "music"),
    ("digit", "keyword"),
    ("covid", "medical"),
    ("heartbeat", "medical"),
    ("respiratory", "medical"),
    ("medic", "medical"),
    ("sound", "sound"),
    ("catdog", "sound"),
)
"""Our task by a word in the name of theirs, in this order, where an evaluator serves many."""

DATASETS = ("dataset.huggingface.Huggingface", "dataset.giga.GigaSpeechDataset")
FILES = ("dataset.dataset.JsonlFile", "dataset.dataset.RelativePath")

MODELS: Mapping[str, tuple[str, str]] = {
    "models.whisper.WhisperModel": ("path", "transformers-asr"),
    "models.qwen.Qwen2audio": ("path", "transformers-audio-chat"),
    "models.qwen.Qwen2audioPretrain": ("path", ""),
    "models.offline_model.OfflineModel": ("path", ""),
    "models.offline_model.OfflinePretrainModel": ("path", ""),
    "models.moonshot.KimiAudioModel": ("model_path", ""),
    "models.qwen2_5.QwenOmni": ("path", ""),
    "models.qwen3_omni.Qwen3Omni": ("path", ""),
    "models.mini_cpm.MiniCPMo": ("path", ""),
    "models.step_audio_r1.StepAudioR1": ("model_path", ""),
    "models.UltraVOX.UltraVOX": ("path", ""),
    "models.asr.paraformer.Paraformer": ("path", ""),
    "models.asr.qwen3_asr.Qwen3ASR": ("path", ""),
    "models.google.Gemini": ("model_name", ""),
    "models.openai.AudioTranscribe": ("model_name", ""),
    "models.openai_realtime.GPT4oAudio": ("model_name", ""),
    "models.ali.AliApi": ("model_name", ""),
    "models.AudioEncoder.mimi.MIMI": ("path", ""),
}
"""The argument that says which weights, and the adapter of ours for weights that no entry of ours has, or ""."""

REALTIME = "models.openai_realtime.GPT4oAudio"
"""Of whose models further arguments say whether it speaks, and whether it is Azure's."""
