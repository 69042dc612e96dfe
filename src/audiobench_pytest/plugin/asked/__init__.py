"""What the user asks for: options, ini keys, files and names in `-m`, read once and checked before anything runs."""
