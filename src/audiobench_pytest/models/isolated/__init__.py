"""Models that run in a Python environment of their own, because their dependencies clash with ours.

`environment.py` makes the environment, `process.py` starts and drives a process in it, `child.py` is what runs there,
`audio_file.py` hands the sound over, and `adapter.py` is the model's face for the runner.
"""
