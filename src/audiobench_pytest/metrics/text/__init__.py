"""What is done to a text before it is compared, step by step. A step is a total function; a recipe names it."""
