"""Every example a reader can copy runs: the pages, the docstrings, and the site itself.

In README.md and docs/*.md, ``python`` blocks (with or without ``>>>``) and ``console`` blocks of one page run
from top to bottom in one namespace and one empty folder; only ``$ fewbits ...`` may stand in a ``console``
block, and output shown below a command is compared. What must not run stands in blocks of another name
(``sh``, ``text``, ``cpp``: C++ examples are files of examples/cpp/, built by CTest).
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fewbits
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<kind>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)(?P=fence) *$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    """Line of the page its first line stands on, from 1."""


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page. (pytest's own doctest glob takes the closing fence as output.)"""
    for match in FENCE.finditer(page):
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["body"].splitlines(keepends=True)]
        yield Block(match["kind"], "".join(lines), page.count("\n", 0, match.start("body")) + 1)


def run_python(block: Block, source: str, namespace: dict[str, Any]) -> None:
    if re.search(r"^>>> ", block.text, re.M):
        test = doctest.DocTestParser().get_doctest(block.text, namespace, source, source, block.line - 1)
        # A DocTest copies its globals; names must reach the next block of the page.
        test.globs = namespace
        failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, clear_globs=False).failed
        assert not failed, f"{source}:{block.line}: output differs (above)"
    else:
        code = compile("\n" * (block.line - 1) + block.text, source, "exec", dont_inherit=True)
        exec(code, namespace)


def run_console(block: Block, source: str, folder: Path) -> None:
    """Runs `$ fewbits ...` lines and compares the output shown; lines that end in a backslash go on."""
    parts = re.split(r"^\$ ", block.text, flags=re.M)
    assert not parts[0].strip(), f"{source}:{block.line}: a console block starts with '$ fewbits ...'"
    for part in parts[1:]:
        command, _, shown = re.sub(r"\\\n\s*", " ", part).partition("\n")
        words = shlex.split(command, comments=True)
        assert words[0] == "fewbits", (
            f"{source}:{block.line}: only fewbits runs in a console block: {command}"
        )
        program = [sys.executable, "-c", "import sys; from fewbits.cli import main; sys.exit(main())"]
        done = subprocess.run([*program, *words[1:]], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source}:{block.line}: {command}\n{done.stdout}{done.stderr}"
        if shown.strip():
            matches = doctest.OutputChecker().check_output(shown, done.stdout, FLAGS)
            assert matches, f"{source}:{block.line}: {command} printed\n{done.stdout}"


def run_page(page: str, source: str, folder: Path) -> int:
    """Runs a page and returns how many blocks it ran."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    ran = 0
    for block in blocks(page):
        if block.kind == "python":
            run_python(block, source, namespace)
        elif block.kind == "console":
            run_console(block, source, folder)
        else:
            continue
        ran += 1
    return ran


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_examples(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(path.read_text(), str(path.relative_to(ROOT)), tmp_path)


@pytest.mark.parametrize("path", sorted((ROOT / "examples/python").glob("*.py")), ids=lambda path: path.name)
def test_python_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module.rpartition(".")[2]) is not None


def public_modules() -> list[str]:
    found = pkgutil.walk_packages(fewbits.__path__, "fewbits.")
    names = [info.name for info in found if "._core" not in info.name and info.name != "fewbits.__main__"]
    # Wrappers for a framework are named after it, and import it.
    names = [
        n for n in names if n.count(".") < 2 or n.startswith(f"{n.rpartition('.')[0]}._") or _installed(n)
    ]
    return ["fewbits", *sorted(names)]


def docstring_tests() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = []
    for name in public_modules():
        # A private file of a package shows its examples under the public names of the package.
        public = importlib.import_module(re.sub(r"(\._\w+)+$", "", name))
        module = importlib.import_module(name)
        names = {n: getattr(public, n) for n in getattr(public, "__all__", ())}
        tests += finder.find(module, name, extraglobs=names)
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("test", docstring_tests(), ids=lambda test: test.name)
def test_docstring_examples(test: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test)
    assert result.failed == 0, f"{test.name}: output differs (above)"


def test_readme_opens_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    commands = [line for block in blocks(text) if block.kind == "sh" for line in block.text.splitlines()]
    assert [line.partition("  #")[0].strip() for line in commands[:2]] == [
        "pip install . && fewbits demo",
        'pip install -e ".[test]" && pytest',
    ]


def test_cpp_blocks_are_examples() -> None:
    """C++ on a page is a program of examples/cpp, which the tests build and run."""
    programs = {path.read_text() for path in (ROOT / "examples/cpp").glob("*.cpp")}
    for path in PAGES:
        for block in blocks(path.read_text()):
            assert block.kind != "cpp" or block.text in programs, f"{path.name}:{block.line}"


def test_links_between_pages_hold() -> None:
    broken = []
    for path in [*PAGES, ROOT / "CHANGELOG.md"]:
        text = FENCE.sub("", path.read_text())
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file = target.partition("#")[0]
            if re.match(r"[a-z]+:", target) or not file:
                continue
            if not (path.parent / file).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)


def test_included_examples_exist() -> None:
    included = []
    for path in PAGES:
        for target in re.findall(r"```\{literalinclude\} *(\S+)", path.read_text()):
            included.append(target)
            assert (path.parent / target).is_file(), f"{path.name}: {target}"
    assert any(target.endswith(".cpp") for target in included)


# The page runner itself.

PAGE = """Text

```python
x = 20
```

- item

  ```python
  >>> x + 1
  {output}
  ```

```text
not run
```
"""


def test_runner_shares_the_namespace(tmp_path: Path) -> None:
    assert run_page(PAGE.format(output=21), "page.md", tmp_path) == 2


def test_runner_sees_wrong_output(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:10: output differs"):
        run_page(PAGE.format(output=22), "page.md", tmp_path)


def test_runner_reports_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_page("# A\n\n```python\nx = 1\nx / 0\n```\n", "page.md", tmp_path)
    assert caught.traceback[-1].lineno == 4  # from 0


@pytest.mark.parametrize(
    ("body", "message"),
    [("ls\n", "starts with"), ("$ ls\n", "only fewbits runs"), ("$ fewbits --version\n7.7.7\n", "printed")],
)
def test_runner_checks_console_blocks(body: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=message):
        run_page(f"```console\n{body}```\n", "page.md", tmp_path)


def test_runner_compares_console_output(tmp_path: Path) -> None:
    page = f"```console\n$ fewbits --version   # a comment\nfewbits {fewbits.__version__}...\n```\n"
    assert run_page(page, "page.md", tmp_path) == 1


@pytest.mark.slow
def test_site_builds_without_warnings(tmp_path: Path) -> None:
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="pip install '.[docs]'")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
