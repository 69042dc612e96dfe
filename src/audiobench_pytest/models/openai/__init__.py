"""OpenAI's own protocol over HTTP: chat completions, transcriptions, speech; models, voices and judges that speak it.

`adapter.py`, `voice.py` and `chat.py` are the ways in; how a server is asked at all is `models/endpoints`.
"""
