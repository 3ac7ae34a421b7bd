"""The experiments of examples/python whose figures stand on the pages."""

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


def test_collage_on_the_quadratic() -> None:
    outcomes = example("collage_quadratic").compare(4096, 2000)
    # An independent run gave 1.73, 0.241 and 0.0094.
    for variant, distance in (("pure", 1.73), ("light", 0.241), ("plus", 0.0094)):
        assert outcomes[variant].distance == pytest.approx(distance, rel=0.1)
    assert outcomes["pure"].lost > 0.99
    assert outcomes["pure"].quality < 0.01
    for variant in ("plus", "light", "kahan"):
        assert outcomes[variant].lost < 0.01
        assert outcomes[variant].quality == pytest.approx(1, abs=0.005)
    assert outcomes["kahan"].distance == pytest.approx(outcomes["light"].distance, rel=0.05)
    assert outcomes["stochastic"].distance < outcomes["pure"].distance / 4


def test_collage_on_the_digits() -> None:
    pytest.importorskip("sklearn")
    train = example("collage_digits").train
    for seed in (0, 1):
        (loss, accuracy, _), (plus, plus_accuracy, _), (pure, _, lost) = (
            train(variant, 1000, 1e-3, seed) for variant in ("float32", "plus", "pure")
        )
        assert accuracy > 0.9
        assert abs(plus_accuracy - accuracy) <= 0.005
        assert plus <= 1.02 * loss
        assert pure > 3 * loss
        assert lost > 0.5


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
