"""Activity of neurons, steps and recorded samples as an object for the script of the page."""

from __future__ import annotations

from typing import Any

from ...costs.activity import ActivitySection
from .library import encode_array


def activity_data(section: ActivitySection) -> dict[str, Any]:
    """Return activity of each neuron, operations and energy of each step, and the recorded samples."""
    probe = section.probe
    recorded = {node.name: node for node in probe.nodes} if probe else {}
    nodes = [
        {
            "name": node.name,
            "events": encode_array(node.events),
            "membrane": encode_array(recorded[node.name].membrane) if node.name in recorded else None,
            "payload": encode_array(recorded[node.name].payload) if node.name in recorded else None,
        }
        for node in section.nodes
    ]
    joules = section.joules_per_step
    return {
        "nodes": nodes,
        "operations": section.operations_per_step.tolist(),
        "joules": None if joules is None else joules.tolist(),
        "model": section.model,
        "labels": list(section.labels),
    }
