"""A small registry in the layout of UltraEval-Audio, written by tests: classes we know and some nobody does."""

from pathlib import Path

FILES = {
    "dataset/hub.yaml": """
read-en:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: write-down, name: acme/read, subset: plain, split: test, ref_col: Words}
pocketsphinx-said:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: write-down-zh, name: acme/said, ref_col: Words}
aishell-1:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: write-down-zh, name: TwinkStart/AISHELL-1, split: test, ref_col: text}
talk-de-en:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: translate, name: acme/talk, split: de_en, ref_col: english}
talk:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: translate, name: acme/talk, split: test, ref_col: english}
moods:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: emo_of_voice, name: acme/moods, split: test, ref_col: Mood}
open_chat:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: chat_open, name: acme/chat, split: test, ref_col: question, col_aliases: {prompt: question}}
quiz:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: quiz, name: acme/quiz, split: test, ref_col: right}
spoken-quiz:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: quiz-aloud, name: acme/quiz, split: test, ref_col: right}
strange:
  class: audio_evals.dataset.martian.Martian
  args: {default_task: write-down, ref_col: x}
lost:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: nobody-knows, name: acme/lost, split: test, ref_col: x}
saved:
  class: audio_evals.dataset.huggingface.Huggingface
  args: {default_task: write-down, name: acme/saved, local_path: there, ref_col: x}
""",
    "dataset/own.yaml": """
calls:
  class: audio_evals.dataset.dataset.JsonlFile
  args: {default_task: write-down, f_name: calls.jsonl, ref_col: Transcript}
calls-elsewhere:
  class: audio_evals.dataset.dataset.RelativePath
  args: {default_task: write-down, f_name: calls.jsonl, file_path_prefix: sounds, ref_col: Transcript}
""",
    "eval_task/all.yaml": """
write-down:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: read-en, prompt: write, model: m, post_process: [content], evaluator: words, agg: rate}
write-down-zh:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: read-en, prompt: write, model: m, evaluator: signs, agg: rate}
translate:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: talk, prompt: into-english, model: m, evaluator: bleu, agg: bleu}
emo_of_voice:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: moods, prompt: mood, model: m, evaluator: begins, agg: acc}
chat_open:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: open_chat, prompt: sound-alone, model: m, evaluator: judged, agg: mean}
quiz:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: quiz, prompt: pick, model: m, post_process: [text, option], evaluator: same, agg: acc}
quiz-aloud:
  class: audio_evals.base.EvalTaskCfg
  args: {dataset: quiz, prompt: sound-alone, model: m, post_process: [sound, heard, option], evaluator: same, agg: acc}
""",
    "evaluator/all.yaml": """
words: {class: audio_evals.evaluator.wer.WER, args: {ignore_case: true}}
signs: {class: audio_evals.evaluator.wer.CER, args: {}}
bleu: {class: audio_evals.evaluator.bleu.BLEU, args: {}}
begins: {class: audio_evals.evaluator.base.PrefixMatch, args: {}}
same: {class: audio_evals.evaluator.base.EM, args: {}}
judged: {class: audio_evals.evaluator.voice_bench.VoiceBenchQaOpenEvaluator, args: {model_name: judge}}
""",
    "agg/all.yaml": "rate: {class: audio_evals.agg.base.PracticeWER, args: {}}\n",
    "process/all.yaml": """
content: {class: audio_evals.process.base.ContentExtract, args: {}}
text: {class: audio_evals.process.base.JsonExtract, args: {extract_key: text}}
sound: {class: audio_evals.process.base.JsonExtract, args: {extract_key: audio}}
heard: {class: audio_evals.process.speech.Speech2text, args: {model_name: whisper}}
option: {class: audio_evals.process.firstoption.FirstOption, args: {options: ABCD}}
""",
    "prompt/all.yaml": """
write:
  class: audio_evals.prompt.base.Prompt
  args:
    template:
      - role: user
        contents:
          - {type: text, value: "Write what you hear. "}
          - {type: audio, value: "{{WavPath}}"}
into-english:
  class: audio_evals.prompt.base.Prompt
  args:
    template:
      - {role: user, contents: [{type: audio, value: "{{WavPath}}"}, {type: text, value: Say it in English.}]}
mood:
  class: audio_evals.prompt.base.Prompt
  args: {template: [{role: user, contents: [{type: audio, value: "{{ WavPath }}"}, {type: text, value: Which mood?}]}]}
sound-alone:
  class: audio_evals.prompt.base.Prompt
  args: {template: {audio: "{{WavPath}}"}}
pick:
  class: audio_evals.prompt.base.Prompt
  args:
    template:
      - role: system
        contents: [{type: text, value: You pick.}]
      - role: user
        contents:
          - {type: audio, value: "{{WavPath}}"}
          - {type: text, value: "{{question}} {% for choice in choices %}{{ choice }} {% endfor %}"}
tags:
  class: audio_evals.prompt.base.Prompt
  args: {template: [{role: user, contents: [{type: text, value: "<sound>{{WavPath}}</sound>"}]}]}
""",
    "model/all.yaml": """
hears: {class: audio_evals.models.whisper.WhisperModel, args: {path: acme/hears, sample_params: {}}}
MiniCPMo2_6-audio:
  class: audio_evals.models.mini_cpm.MiniCPMo
  args: {path: openbmb/MiniCPM-o-2_6, speech: false, sample_params: {num_beams: 5, max_new_tokens: 128}}
omni:
  class: audio_evals.models.qwen2_5.QwenOmni
  args: {path: Qwen/Qwen2.5-Omni-7B, sample_params: {max_new_tokens: 64}}
talks: {class: audio_evals.models.mini_cpm.MiniCPMo, args: {path: openbmb/MiniCPM-o-2_6, speech: True}}
unheard: {class: audio_evals.models.mini_cpm.MiniCPMo, args: {path: acme/nothing}}
gpt4o_audio:
  class: audio_evals.models.openai_realtime.GPT4oAudio
  args: {model_name: gpt-4o-realtime-preview-2024-10-01, modalities: [text]}
gpt4o_speech_ms:
  class: audio_evals.models.openai_realtime.GPT4oAudio
  args: {model_name: gpt-4o-realtime-preview-2024-10-01, modalities: [audio, text], is_azure: True}
alien: {class: audio_evals.models.alien.Alien, args: {}}
""",
}


def write(folder: Path) -> Path:
    """Write it below a folder, which is returned."""
    for name, text in FILES.items():
        path = folder / "registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
