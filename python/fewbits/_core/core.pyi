# Written by tools/stubs.py; do not edit.
"""Checksums, random numbers, files."""
