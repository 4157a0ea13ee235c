"""What Lava's own Dense can hold: the rules that the sub-process model of a node obeys, checked before it is built.

Dense stores mixed-sign weights in 9 bits and drops the lowest one, so that w goes in as 2w and comes out exact; it adds up in
int32 and wraps silently; it has no batch axis.

Source: Lava 0.10.0, `proc/dense/models.py` (`AbstractPyDenseModelBitAcc`) and `utils/weightutils.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...base.errors import Violation
from ...network.quantized import AnyNode
from ...network.quantized_nodes import QuantizedOutput, QuantizedPopulation
from .schedule import Schedule

DENSE_WEIGHT_BITS = 8
"""Longest weight that survives doubling and Dense's clip to [-256, 255]."""
DENSE_SUM = 1 << 31
"""Sums of doubled weights must stay below this."""


def dense_violations(node: AnyNode, schedule: Schedule) -> Iterator[Violation]:
    """Yield what keeps the connections of a node from being computed by Dense exactly."""
    where = f"Dense model of layer {node.name!r}"
    if schedule.batch_size is not None:
        repair = "Use LavaMode.FAITHFUL, or LayerModel.FUSED for batches."
        yield Violation(where, "get one sample at a time, because Dense has no batch axis", schedule.batch_size, repair)
    if not isinstance(node, (QuantizedPopulation, QuantizedOutput)):
        return
    bits = node.affine.weight_bits
    if bits > DENSE_WEIGHT_BITS:
        repair = "Quantize with shorter weights, or use LayerModel.FUSED."
        yield Violation(where, f"have weights of at most {DENSE_WEIGHT_BITS} bits", bits, repair)
    for each in node.affine.connections:
        bound = 2 * int(each.product_bound().max())
        if bound >= DENSE_SUM:
            place = where if len(node.affine.connections) == 1 else f"{where}, connection from {each.source!r}"
            rule = f"keep 2 * sum |w| * highest payload below Dense's int32, {DENSE_SUM}"
            repair = "Quantize with shorter payloads, split the layer, or use LayerModel.FUSED."
            yield Violation(place, rule, bound, repair)
