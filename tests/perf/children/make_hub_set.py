"""Write COUNT rows of LibriSpeech's hub layout as parquet: distinct clips of 6 to 8 s, row groups of 100."""

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

folder, count = Path(sys.argv[1]), int(sys.argv[2])
random = np.random.default_rng(11)
schema = pa.schema(
    [
        ("file", pa.string()),
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("text", pa.string()),
        ("speaker_id", pa.int64()),
        ("id", pa.string()),
    ]
)
with pq.ParquetWriter(folder / "test_clean-00000-of-00001.parquet", schema) as writer:
    for begin in range(0, count, 100):
        rows = []
        for i in range(begin, min(begin + 100, count)):
            steps = random.standard_normal(16_000 * (6 + i % 3)).cumsum()
            sound, buffer = 0.2 * np.sin(steps / 20), io.BytesIO()
            soundfile.write(buffer, sound, 16_000, format="FLAC", subtype="PCM_16")
            name = f"{i:04d}.flac"
            audio = {"bytes": buffer.getvalue(), "path": name}
            rows.append(
                {"file": name, "audio": audio, "text": f"TEXT NUMBER {i}", "speaker_id": i % 40, "id": f"u-{i}"}
            )
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
