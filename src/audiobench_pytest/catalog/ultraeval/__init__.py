"""The registry of an UltraEval-Audio checkout as it is: its data sets, prompts, tasks and models as entries of ours.

`checkout.py` is the way in; `files.py` reads the YAML, `classes.py` says which class is what here.
"""
