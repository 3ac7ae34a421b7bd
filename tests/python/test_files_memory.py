"""Large files: bounded memory, and slices that touch no more of a file than they need.

Memory is bounded by the kernel, not sampled: RLIMIT_DATA counts every private writable mapping (heap, thread
stacks, buffers) and not the read-only mapping of the input, so a command that ends well under the limit has
never held more.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fewbits
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_DATA")

BYTES_ALLOWED = 300 << 20
COLUMNS = 4096
SIZES = [
    pytest.param(512 << 20, id="512 MB"),
    pytest.param(2 << 30, id="2 GB", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=SIZES)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A safetensors file of one bfloat16 tensor; its pieces repeat, which the coder does not see."""
    nbytes = request.param
    path = tmp_path_factory.mktemp("large") / "large.safetensors"
    generator = np.random.default_rng(3)
    weights = generator.normal(0, 0.02, 1 << 24).astype(np.float32)
    piece = (weights.view(np.uint32) >> 16).astype("<u2").tobytes()
    entry = {"dtype": "BF16", "shape": [nbytes // 2 // COLUMNS, COLUMNS], "data_offsets": [0, nbytes]}
    header = json.dumps({"weight": entry}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _ in range(nbytes // len(piece)):
            file.write(piece)
    yield path
    for left in path.parent.iterdir():  # pytest keeps directories for a while: these are too large for that
        left.unlink()


def run_limited(*arguments: str | Path) -> None:
    """Runs the command line in a process that may hold BYTES_ALLOWED of memory of its own."""
    # Set before NumPy is imported: its BLAS reserves buffers for every CPU it finds.
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({BYTES_ALLOWED}, {BYTES_ALLOWED}))\n"
        "from fewbits.cli import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_commands_stay_within_their_memory(large: Path) -> None:
    packed, restored = large.with_suffix(".fewbits"), large.with_name("restored.safetensors")
    run_limited("compress", large, "-o", packed)
    run_limited("verify", packed)
    run_limited("verify", packed, "--against", large)
    run_limited("decompress", packed, "-o", restored)
    run_limited("inspect", packed)
    assert restored.stat().st_size == large.stat().st_size
    with large.open("rb") as a, restored.open("rb") as b:
        while piece := a.read(1 << 24):
            assert piece == b.read(1 << 24)


def test_the_limit_would_be_noticed(large: Path) -> None:
    """The bound is real: a process that reads the file whole does not survive it."""
    code = (
        f"import resource\nresource.setrlimit(resource.RLIMIT_DATA, ({BYTES_ALLOWED}, {BYTES_ALLOWED}))\n"
        f"len(open({str(large)!r}, 'rb').read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr


def test_one_row_touches_less_than_a_hundredth(large: Path) -> None:
    """Pages of the mapped file that a fresh process has touched, opening and reading one row."""
    packed = large.with_suffix(".fewbits")
    if not packed.exists():
        run_limited("compress", large, "-o", packed)
    code = (
        "import re, sys, numpy as np, fewbits\n"
        "with fewbits.open(sys.argv[1]) as file:\n"
        "    rows = file.tensors['weight'].shape[0]\n"
        "    row = file.read('weight', np.s_[rows // 2 : rows // 2 + 1])\n"
        "    sys.stdout.write(open('/proc/self/smaps').read())\n"
        "row.view(np.uint16).tofile(sys.argv[2])"
    )
    out = large.with_name("row.bin")
    done = subprocess.run(
        [sys.executable, "-c", code, packed, out], capture_output=True, text=True, check=True
    )
    name = re.escape(str(packed))
    resident = re.findall(rf"^\S+ r--. .* {name}\n(?:.*\n)*?Rss: +(\d+) kB", done.stdout, re.M)
    touched = 1024 * sum(map(int, resident))
    assert 0 < touched < packed.stat().st_size / 100
    rows = large.stat().st_size // 2 // COLUMNS
    with large.open("rb") as file:
        file.seek(-(rows - rows // 2) * COLUMNS * 2, 2)
        assert out.read_bytes() == file.read(COLUMNS * 2)
    assert fewbits.open(packed).tensors["weight"].shape == (rows, COLUMNS)
