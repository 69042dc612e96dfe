"""From answers to numbers, with the help of other models where a recipe needs it."""
