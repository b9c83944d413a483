"""Rewriting: from decided types to bytes on disk, with the laws that stand between."""
