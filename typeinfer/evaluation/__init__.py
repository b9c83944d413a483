"""Evaluation: how good the tool is, by the definitions of evaluation.md. Shares no code with what it judges."""
