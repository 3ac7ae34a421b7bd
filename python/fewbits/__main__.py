"""``python -m fewbits`` is the command ``fewbits``."""

from __future__ import annotations

import sys

from fewbits.cli import main

if __name__ == "__main__":
    sys.exit(main())
