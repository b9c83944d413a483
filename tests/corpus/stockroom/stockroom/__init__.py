"""A small stockroom, without a single annotation: what the README's first command annotates."""
