# Written by tools/stubs.py; do not edit.
"""Entropy coders and coded blocks."""
