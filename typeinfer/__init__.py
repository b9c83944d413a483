"""typeinfer: static code analysis with neural type inference. See docs/architecture.md for the flow."""

__version__ = "0.1.0"
