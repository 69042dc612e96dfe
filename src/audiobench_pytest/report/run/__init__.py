"""One run in the terminal, as Markdown, JSON and CSV. `content.py` says what all of them show."""
