"""The frozen values that cross every seam. Knows nothing of parsers, projects or files on disk."""
