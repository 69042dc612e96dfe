"""Right or wrong, one answer at a time: labels, choices, short answers, and how groups of them are averaged."""
