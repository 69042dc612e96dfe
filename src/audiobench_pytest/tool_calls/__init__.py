"""What a tool is and how a call of one is spelt: `schemas.py` checks tools, `spelt.py` reads calls out of a text."""
