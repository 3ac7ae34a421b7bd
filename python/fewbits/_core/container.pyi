# Written by tools/stubs.py; do not edit.
"""Tensors and the .fewbits container."""
