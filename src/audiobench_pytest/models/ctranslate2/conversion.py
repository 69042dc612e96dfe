"""A checkpoint of transformers becomes one of CTranslate2: made once, found again by what it was made of."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.isolated.environment import environments_folder
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.devices import Placement

_LOCK_S = 7200.0
_WEIGHTS = "model.bin"
_WHOLE = "complete.json"


def is_converted(source: str | None) -> bool:
    """Whether a source is a folder that CTranslate2 reads as it is."""
    folder = Path(source).expanduser() if source else None
    return folder is not None and (folder / _WEIGHTS).is_file() and (folder / "config.json").is_file()


def told_by_tokenizer(folder: Path) -> dict[str, Any]:
    """Return of a converted checkpoint what `generation_config.json` says of one of transformers.

    Raises:
        ModelError: It has no tokenizer.
    """
    path = folder / "tokenizer.json"
    try:
        added = json.loads(path.read_bytes())["added_tokens"]
        ids = {str(token["content"]): int(token["id"]) for token in added}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(f"{path} cannot be read ({exc}): copy it from the checkpoint that was converted") from exc
    # Between the start and the tasks stand the languages.
    start, task = ids.get("<|startoftranscript|>", 0), ids.get("<|translate|>", 0)
    languages = {name: number for name, number in ids.items() if start < number < task}
    found: dict[str, Any] = {
        "is_multilingual": len(languages) > 1,
        "decoder_start_token_id": start,
        "no_timestamps_token_id": ids.get("<|notimestamps|>"),
    }
    if len(languages) > 1:
        found["lang_to_id"] = languages
        found["task_to_id"] = {name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")}
    return found


def converted(checkpoint: Checkpoint) -> Path:
    """Return the folder of a checkpoint as CTranslate2 reads it, converted now if that was not done before.

    The weights are kept in float32; the precision they are computed with is decided when they are loaded.

    Raises:
        ModelError: It cannot be converted, or the folder cannot be written.
    """
    if is_converted(checkpoint.source):
        return Path(checkpoint.source)
    import filelock

    home, made_of = _described(checkpoint)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{home}.lock", timeout=_LOCK_S):
            if not (home / _WHOLE).is_file():
                _convert(checkpoint, home, made_of)
    except (OSError, filelock.Timeout) as exc:
        raise ModelError(f"model '{checkpoint.model}': it cannot be converted into {home}: {exc}") from exc
    return home


def was_converted(checkpoint: Checkpoint) -> bool:
    """Whether `converted` would find it done."""
    return is_converted(checkpoint.source) or (_described(checkpoint)[0] / _WHOLE).is_file()


def _described(checkpoint: Checkpoint) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a conversion, and what it is made of."""
    made_of = {**checkpoint.identity(), "ctranslate2": importlib.metadata.version("ctranslate2")}
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    return environments_folder().with_name("ctranslate2") / digest, made_of


def _convert(checkpoint: Checkpoint, home: Path, made_of: Mapping[str, Any]) -> None:
    torchaudio_compat.preseed()
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, source: str, **_: Any) -> Any:
            """Load it as it is loaded to be run: what lacks weights is refused, not filled with random numbers."""
            return checkpoint.load_model(model_class.__name__, Placement("cpu", "float32", chosen=True), "auto")

    temporary = home.with_name(f"{home.name}-{secrets.token_hex(4)}")
    try:
        try:
            Converter(_local(checkpoint), trust_remote_code=False).convert(str(temporary))
        except (OSError, ModelError):
            raise
        except Exception as exc:  # of whatever class the converter, transformers or torch may raise
            raise ModelError(
                f"model '{checkpoint.model}': CTranslate2 cannot convert {checkpoint.where} ({type(exc).__name__}: "
                f"{exc}); another way to run it is transformers"
            ) from exc
        checkpoint.load("AutoTokenizer").save_pretrained(temporary)
        features = {name: checkpoint.features[name] for name in _FEATURES if name in checkpoint.features}
        (temporary / "preprocessor_config.json").write_text(json.dumps(features))
        (temporary / _WHOLE).write_text(json.dumps(made_of, indent=1))
        shutil.rmtree(home, ignore_errors=True)
        temporary.rename(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _local(checkpoint: Checkpoint) -> str:
    """Return a folder with the small files of a checkpoint: the converter itself would take those of another commit."""
    if checkpoint.commit is None:
        return checkpoint.source
    import huggingface_hub

    wanted = ["*.json", "*.txt"]
    return str(huggingface_hub.snapshot_download(checkpoint.source, revision=checkpoint.commit, allow_patterns=wanted))


_FEATURES = ("feature_size", "sampling_rate", "hop_length", "chunk_length", "n_fft")
"""What faster-whisper's own feature extractor has to know."""
