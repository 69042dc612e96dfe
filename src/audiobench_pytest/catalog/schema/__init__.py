"""The types of catalogue entries, by subject; the YAML files are checked against them field by field."""

from audiobench_pytest.catalog.schema.data import ColumnMap, DatasetSpec, FolderSource, HubSource, ManifestSource
from audiobench_pytest.catalog.schema.judging import CalibrationCase, CalibrationSpec, RubricSpec
from audiobench_pytest.catalog.schema.models import ModelSpec, PriceSpec, RuntimeSpec, WaySpec
from audiobench_pytest.catalog.schema.recipes import (
    LabelSetSpec,
    LanguageRule,
    RecipeSpec,
    Steps,
    StepSpec,
    language_code,
)
from audiobench_pytest.catalog.schema.tasks import MessageSpec, PromptSpec, TaskSpec, ToolSetSpec, ToolSpec

__all__ = [
    "CalibrationCase",
    "CalibrationSpec",
    "ColumnMap",
    "DatasetSpec",
    "FolderSource",
    "HubSource",
    "LabelSetSpec",
    "LanguageRule",
    "ManifestSource",
    "MessageSpec",
    "ModelSpec",
    "PriceSpec",
    "PromptSpec",
    "RecipeSpec",
    "RubricSpec",
    "RuntimeSpec",
    "StepSpec",
    "Steps",
    "TaskSpec",
    "ToolSetSpec",
    "ToolSpec",
    "WaySpec",
    "language_code",
]
