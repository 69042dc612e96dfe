"""What exists, as data: datasets, models and recipes in YAML, typed and checked."""
