"""Completion: from a place in a text to what is likely meant to stand there."""
