"""What all tests need."""

from __future__ import annotations

import os
import signal

# A job that a shell starts in the background ignores Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is installed beside the tests is none of theirs.
for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
    os.environ.pop(name, None)
