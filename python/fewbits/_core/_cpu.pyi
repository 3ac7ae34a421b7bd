# Written by tools/stubs.py; do not edit.
"""Instruction sets of this machine."""



def supported_isas() -> list[str]:
    """Instruction sets this machine can run, best first."""
