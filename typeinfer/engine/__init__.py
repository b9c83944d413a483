"""Engine: where work is done and what is remembered of it. Knows nothing of slots or types."""
