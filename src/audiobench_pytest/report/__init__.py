"""Cell results as terminal text, Markdown, JSON and CSV; computes nothing."""
