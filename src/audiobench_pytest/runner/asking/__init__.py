"""From the samples of a shard to the model's answers: batches, decoding ahead, streaming, retries.

`shard.py` is the way in.
"""
