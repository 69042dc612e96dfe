"""BIG-Bench Hard asked aloud: the options its prompts name, and the phrases that models answer with."""
