"""The commands `problems`, `models` and `inspect`: lists of problems and shipped networks, and the content of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from ..terminal.console import out, print_json, show_table
from ..terminal.show_target import show_check
from ..verbs.convert import DEFAULT_TARGET
from ..verbs.networks import find_network, float_network, list_models
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
    """Show what a network file holds: layers, scales, provenance, digest.

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
    layers = summary.pop("layers")
    show_table(
        f"Network {summary['name']}", ("property", "value"), [(key, str(value)) for key, value in summary.items()]
    )
    show_table("Layers", tuple(layers[0]), [tuple(layer.values()) for layer in layers])
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
        "activation": source.populations[0].activation,
        "domain": [source.lower.tolist(), source.upper.tolist()],
        "built_in_conditions": source.ansatz is not None,
        "problem": provenance.problem,
        "seed": provenance.seed,
        "package_version": provenance.package_version,
        "command": provenance.command,
        "layers": _summarize_integers(network) if isinstance(network, QuantizedNetwork) else _summarize_floats(network),
    }


def _summarize_floats(network: NetworkSpec) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for layer in network.populations:
        rows.append(
            {
                "layer": layer.name,
                "inputs": layer.n_in,
                "neurons": layer.n_out,
                "phi": layer.activation,
                "fires": layer.polarity.value,
                "beta": f"{layer.beta.min():g} … {layer.beta.max():g}",
                "theta": f"{layer.theta.min():g} … {layer.theta.max():g}",
            }
        )
    read_out = network.output
    blank = dict.fromkeys(("phi", "fires", "beta", "theta"))
    return [*rows, {"layer": read_out.name, "inputs": read_out.n_in, "neurons": read_out.n_out} | blank]


def _summarize_integers(network: QuantizedNetwork) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for layer in (*network.populations, None):
        affine = layer.affine if layer else network.output.affine
        exponents = affine.weight_exponent
        rows.append(
            {
                "layer": layer.name if layer else network.output.name,
                "inputs": affine.n_in,
                "neurons": affine.n_out,
                "weight bits": affine.weight_bits,
                "weight scale": f"2^{exponents.min()} … 2^{exponents.max()}",
                "state scale": f"2^{affine.state_exponent}",
                "payload bits": layer.table.payload_bits if layer else None,
                "payload scale": f"2^{layer.table.payload_exponent}" if layer else None,
                "phi": layer.table.activation if layer else None,
            }
        )
    return rows
