"""Google's own protocol for Gemini: `generateContent` with the sound inside the question."""
