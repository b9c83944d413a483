"""Program: many files seen as one project. Knows nothing of how a language is written."""
