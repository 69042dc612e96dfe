"""What an answer names: a choice, a label, a field. Each is a total function; none guesses where nothing is named."""
