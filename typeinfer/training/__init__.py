"""Training: examples in, weights out. Today the weights of rules; the neural model is trained here."""
