"""The script of the report is a script."""

import shutil
import subprocess
from importlib import resources

import pytest


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node to read the script")
def test_the_script_of_the_report_can_be_read():
    with resources.as_file(resources.files("audiobench_pytest.report.html") / "assets" / "report.js") as script:
        done = subprocess.run(["node", "--check", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
