"""The least anybody can do: read each WAV, normalise both texts once, one jiwer call. Prints the error rate."""

import json
import sys
from pathlib import Path

import jiwer
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

manifest = Path(sys.argv[1])
normalise = EnglishTextNormalizer()
references, predictions = [], []
for line in manifest.read_text().splitlines():
    row = json.loads(line)
    samples, rate = soundfile.read(manifest.parent / row["audio"], dtype="float32")
    assert len(samples) == rate
    references.append(normalise(row["text"]))
    predictions.append(normalise(f"null {row['id']}"))
print(jiwer.process_words(references, predictions).wer)
