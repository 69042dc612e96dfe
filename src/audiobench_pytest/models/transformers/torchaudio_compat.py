"""Keeps a CPU-only torch usable where torchaudio's wheel was built for CUDA.

torchaudio 2.11 comes from the package index as one Linux wheel, linked against CUDA libraries that a `+cpu` torch does
not bring; importing it next to such a torch ends in an OSError. That would be torchaudio's affair alone, were it not
for transformers, which imports torchaudio wherever the package is installed: then no model class can be imported
either. Only torchaudio's own `_extension` module loads the library, and nearly all of torchaudio works without it, so a
stand-in for that one module, put in place in time, makes both importable. What truly needs the library still fails,
when it is called, and says why.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

_EXTENSION = "torchaudio._extension"


def needs_stand_in() -> bool:
    """Tell from the installed versions, without importing anything, whether importing torchaudio would fail."""
    try:
        torch = importlib.metadata.version("torch")
        torchaudio = importlib.metadata.version("torchaudio")
    except importlib.metadata.PackageNotFoundError:
        return False
    return torch.endswith("+cpu") and not torchaudio.endswith("+cpu")


def preseed() -> bool:
    """Put the stand-in where torchaudio will look for its extension; call it before transformers is imported.

    Does nothing where torchaudio or torch is absent, where their builds match, or where torchaudio is imported already.
    Calling it again does no harm.

    Returns:
        Whether the stand-in was put in place by this call.
    """
    if "torchaudio" in sys.modules or _EXTENSION in sys.modules or not needs_stand_in():
        return False
    sys.modules[_EXTENSION] = _stand_in()
    return True


def _stand_in() -> ModuleType:
    module = ModuleType(_EXTENSION, "Stand-in for torchaudio's compiled extension, which this torch cannot load.")
    contents: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "_load_lib": lambda name: False,
        "fail_if_no_align": _unavailable,
    }
    vars(module).update(contents)
    return module


def _unavailable(function: Callable[..., Any]) -> Callable[..., NoReturn]:
    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f"torchaudio's {function.__name__} needs torchaudio's compiled extension, and the installed wheel is built "
            "for CUDA while torch is built for the CPU: install builds of torch and torchaudio that match"
        )

    return refuse
