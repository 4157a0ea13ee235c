"""The commands `problems`, `models` and `inspect`: lists of problems and shipped networks, and the content of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ...network.nodes import InputSpec, NodeSpec, OutputSpec, PopulationSpec, ProductSpec
from ...network.quantized import Network, QuantizedNetwork
from ...network.quantized_nodes import QuantizedOutput, QuantizedPopulation, QuantizedProduct
from ..lookup.networks import find_network, float_network, list_models
from ..terminal.console import out, print_json, show_table
from ..terminal.show_target import show_check
from ..verbs.convert import DEFAULT_TARGET
from .options import JsonOption, TargetOption

if TYPE_CHECKING:
    from ...conversion import TargetCheck


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(problems)
    app.command()(models)
    app.command()(inspect)


def problems(as_json: JsonOption = False) -> None:
    """List the PDE problems.

    Example: `neuropinn-lava problems`
    """
    from ...problems import find_problem, list_problems

    found = [find_problem(name) for name in list_problems()]
    if as_json:
        print_json([{"name": p.name, "title": p.title, "equation": p.equation} for p in found])
    else:
        show_table("PDE problems", ("name", "title", "equation"), [(p.name, p.title, p.equation) for p in found])


def models(as_json: JsonOption = False) -> None:
    """List the trained networks shipped with the package.

    Example: `neuropinn-lava models`
    """
    summaries = [summarize(find_network(name)) | {"name": name} for name in list_models()]
    if as_json:
        print_json(summaries)
        return
    columns = ("name", "kind", "widths", "n_steps", "activation", "command")
    rows = [[str(summary[column]) for column in columns] for summary in summaries]
    show_table("Shipped networks", ("name", "kind", "widths", "T", "phi", "made by"), rows)


def inspect(
    network: Annotated[str, typer.Argument(help="A network file, .h5 or .nir, or a shipped network.")],
    target: TargetOption = DEFAULT_TARGET,
    as_json: JsonOption = False,
) -> None:
    """Show what a network file holds: nodes, scales, provenance, digest.

    Of a quantized network it also shows which rules of a hardware target it keeps, breaks, or cannot be checked against.

    Example: `neuropinn-lava inspect poisson`
    """
    found = find_network(network)
    summary = summarize(found)
    check = _check(found, target)
    if as_json:
        from ...conversion.targets.verdicts import check_object

        print_json(summary | {"target": check_object(check) if check else None})
        return
    nodes = summary.pop("layers")
    show_table(
        f"Network {summary['name']}", ("property", "value"), [(key, str(value)) for key, value in summary.items()]
    )
    show_table("Nodes", tuple(nodes[0]), [tuple(node.values()) for node in nodes])
    if check:
        show_check(check)
    else:
        out.print("A float network. `neuropinn-lava convert` quantizes it.")


def _check(network: Network, target: str) -> TargetCheck | None:
    """Check a quantized network against a target; None for a float network, which has no word lengths."""
    from ...conversion import check_network, find_target

    limits = find_target(target)
    return check_network(network, limits) if isinstance(network, QuantizedNetwork) else None


def summarize(network: Network) -> dict[str, Any]:
    """Return the object that `inspect --json` prints."""
    source = float_network(network)
    provenance = source.provenance
    return {
        "name": source.name,
        "kind": "quantized" if isinstance(network, QuantizedNetwork) else "float",
        "digest": network.digest(),
        "source_digest": source.digest(),
        "widths": list(source.widths),
        "n_steps": source.n_steps,
        "readout": source.readout.value,
        "inputs": list(map(_shown, source.inputs)),
        "activation": ", ".join(dict.fromkeys(node.activation for node in source.populations)),
        "domain": [source.lower.tolist(), source.upper.tolist()],
        "built_in_conditions": source.ansatz is not None,
        "problem": provenance.problem,
        "seed": provenance.seed,
        "package_version": provenance.package_version,
        "command": provenance.command,
        "layers": _summarize_nodes(network),
    }


def _shown(each: InputSpec) -> str:
    """Return name, width and kind of an input as text."""
    kind = ", sequence" if each.is_sequence else ", held" if each.is_held else ""
    return f"{each.name} ({each.width}{kind})"


def _summarize_nodes(network: Network) -> list[dict[str, Any]]:
    """Return one row for each node in order, the read-out last: what it is, what it reads, and its own values."""
    source = float_network(network)
    details = _integers if isinstance(network, QuantizedNetwork) else _floats
    rows = zip((*source.nodes, source.output), (*network.nodes, network.output), strict=True)
    return [
        {
            "node": node.name,
            "kind": _kind(node),
            "reads": ", ".join(map(_reads, node.edges)),
            "inputs": sum(source.source_widths[name] for name, _ in node.edges),
            "neurons": node.n_out,
            **details(held),
        }
        for node, held in rows
    ]


def _kind(node: NodeSpec | OutputSpec) -> str:
    """Return what a node is in one word."""
    if isinstance(node, PopulationSpec):
        return "relay" if node.is_relay else "population"
    return "product" if isinstance(node, ProductSpec) else "read-out"


def _reads(edge: tuple[str, int]) -> str:
    """Return a source as text, with the number of steps that it is read late."""
    name, delay = edge
    return name if not delay else f"{name} {delay} step{'s' if delay > 1 else ''} late"


def _floats(node: Any) -> dict[str, Any]:
    """Return activation and parameters of a float population; nothing of other nodes."""
    if not isinstance(node, PopulationSpec):
        return dict.fromkeys(("phi", "fires", "beta", "theta"))
    return {
        "phi": node.activation,
        "fires": node.polarity.value,
        "beta": f"{node.beta.min():g} … {node.beta.max():g}",
        "theta": f"{node.theta.min():g} … {node.theta.max():g}",
    }


def _integers(node: Any) -> dict[str, Any]:
    """Return words, scales and activation of a quantized node."""
    row = dict.fromkeys(("weight bits", "weight scale", "state scale", "payload bits", "payload scale", "phi"))
    if not isinstance(node, QuantizedProduct):
        connections = node.affine.connections
        exponents = np.concatenate([each.weight_exponent for each in connections])
        row["weight bits"] = node.affine.weight_bits
        row["weight scale"] = f"2^{exponents.min()} … 2^{exponents.max()}"
        row["state scale"] = f"2^{node.affine.state_exponent}"
    if not isinstance(node, QuantizedOutput):
        row["payload bits"], row["payload scale"] = node.sends.bits, f"2^{node.sends.exponent}"
    return row | {"phi": node.table.activation if isinstance(node, QuantizedPopulation) else None}
