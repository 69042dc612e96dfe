"""Recognise every N-th of the first LIMIT clips of minispeech from K on with nothing but pocketsphinx.

Decodes the file, resets the front end, recognises the whole utterance: what the adapter does, without a harness.
"""

import json
import sys
import time
from pathlib import Path

import pocketsphinx
import soundfile

from audiobench_pytest.corpora import corpus_path

limit, k, n = (int(argument) for argument in sys.argv[1:4])
manifest = corpus_path("minispeech/manifest.jsonl")
rows = [json.loads(line) for line in manifest.read_text().splitlines()][:limit][k::n]
model = Path(pocketsphinx.__file__).parent / "model"
began = time.monotonic()
decoder = pocketsphinx.Decoder(
    hmm=str(model / "en-us/en-us"),
    lm=str(model / "en-us/en-us.lm.bin"),
    dict=str(model / "en-us/cmudict-en-us.dict"),
    beam=1e-48,
    lw=6.5,
    cmn="batch",
    loglevel="FATAL",
)
texts = []
for row in rows:
    sound = soundfile.read(manifest.parent / row["audio"], dtype="int16")[0]
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(sound.tobytes(), full_utt=True)
    decoder.end_utt()
    texts.append(decoder.hyp().hypstr if decoder.hyp() is not None else "")
print(json.dumps({"began": began, "ended": time.monotonic(), "words": sum(len(text.split()) for text in texts)}))
