"""Model: what evidence is worth. Today the calibrated weight of rules; the neural model joins here."""
