"""Sphinx configuration: ``sphinx-build -W docs docs/_build/html``."""

import fewbits

project = "fewbits"
author = "the fewbits authors"
copyright = f"2026, {author}"
version = release = fewbits.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"fewbits {release}"
html_static_path: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
# Words of a parameter's description ("shape (n,)") are no links to attributes that happen to be called so.
suppress_warnings = ["ref.python"]
