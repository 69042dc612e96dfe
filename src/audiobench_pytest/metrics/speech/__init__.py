"""What is said of answers that are sounds: over transcripts, ratings, bit rates and shapes; none hears by itself."""
