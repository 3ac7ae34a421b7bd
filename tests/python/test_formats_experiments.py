"""The experiments of examples/python whose figures stand on the pages: slow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/python"


def example(name: str) -> Any:
    sys.path.insert(0, str(EXAMPLES))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(EXAMPLES))


@pytest.mark.slow
def test_training_in_dynamic_fixed_point_is_as_good_as_in_float32() -> None:
    pytest.importorskip("sklearn")
    results = example("dfp_digits").compare(600, 5, (16,))
    (loss, accuracy), (fixed_loss, fixed_accuracy) = results["float32"], results["DFP-16"]
    assert accuracy > 0.9
    assert abs(fixed_accuracy - accuracy) <= 0.005
    assert fixed_loss == pytest.approx(loss, rel=0.05)


@pytest.mark.slow
def test_more_precision_gets_further_on_moderate_tasks() -> None:
    module = example("single_versus_double")
    table = module.compare(module.FORMATS, 5000, 10, 400, 1.0)
    error = {name: row[0] for name, row in table.items()}
    failed = {name: row[1] for name, row in table.items()}
    assert error["float64"] < error["float32"] < error["tf32"] < error["bfloat16"]
    assert error["float64"] < -20
    assert -15 < error["float32"] < -8
    # The line search is what ends a run, and the earlier the fewer bits there are.
    assert failed["bfloat16"] < failed["tf32"] < failed["float32"] < failed["float64"]
