"""Opts in to the short options (`--model`, `--dataset`, ...); everything else is the plugin's."""

pytest_plugins = ["audiobench_pytest.plugin.short_options"]
