"""Training: pinned projects and examples in, weights out: those of the rules, and those of the neural model."""
