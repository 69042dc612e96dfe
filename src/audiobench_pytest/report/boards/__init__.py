"""A named board in the terminal, as Markdown, as files and as pictures. `content.py` says what all of them show."""
