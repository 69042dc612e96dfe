"""Short options: --model, --dataset, ..."""

pytest_plugins = ["audiobench_pytest.plugin.short_options"]
