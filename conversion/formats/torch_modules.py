"""The float record of a network from a torch module.

    spec = from_torch(module, lower=[0, 0], upper=[1, 1])

A copy of the module in float64 is exported by `torch.export` and read operator by operator (`torch_graphs.py`). The record
computes what the module computes in evaluation mode, and is refused where it does not (`training/network/import_check.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import nn

from ...base.arrays import FloatArray
from ...base.checks import as_member
from ...base.errors import SpecError
from ...network.nodes import InputSpec
from ...network.spec import NetworkSpec, Provenance, Readout
from ...network.transforms import AffineTransform, Ansatz
from ...training.network.export import box_of, export_network
from ...training.network.import_check import check_import, evaluation_copy, plain_module
from ...training.network.network import VsnNetwork
from .snntorch_leaky import mark_leakies
from .torch_graphs import ReadModule, read_module
from .torch_inputs import find_inputs


def from_torch(
    module: nn.Module,
    *,
    name: str | None = None,
    n_steps: int | None = None,
    readout: Readout | str | None = None,
    inputs: Mapping[str, int] | None = None,
    sequence: bool | Collection[str] = False,
    held: Collection[str] = (),
    states: Mapping[str, int] | None = None,
    input_transform: AffineTransform | None = None,
    output_transform: AffineTransform | None = None,
    ansatz: Ansatz | None = None,
    lower: Sequence[float] | FloatArray | None = None,
    upper: Sequence[float] | FloatArray | None = None,
    provenance: Provenance | None = None,
) -> NetworkSpec:
    """Return the float64 record of a torch module: a graph of populations, products and a read-out.

    Args:
        module: Any module whose forward pass consists of affine steps, products, and activations of the core or VSN layers. Its
            outputs are concatenated in their order. A `VsnNetwork` has its own T and read-out.
        name: Name in reports; the module's class if None.
        n_steps: T, how many steps a sample is presented; 1 if None. None for sequences.
        readout: How T outputs become one; the mean if None, and of a sequence what the module returns.
        inputs: Names and widths of forward's arguments, in their order; None finds them.
        sequence: Whether a sample is a sequence, (n_steps, n_in): forward gets (n_samples, n_steps, n_in), or one step of it in
            a step module. Names of arguments: these are sequences, and the others are constant over their steps.
        held: Names of arguments that many samples share, as a DeepONet's function: what depends on them alone is computed once
            for each of their values. The others vary from sample to sample.
        states: Names and widths of the states of a step module, forward(x_t, state) -> (y_t, state), which begin with zero.
        input_transform: What the host does to points before the module; nothing if None.
        output_transform: What the host does to the module's output; nothing if None.
        ansatz: Conditions built around the output.
        lower: Lower corner of the box of points, (n_in,); None for what the input transform maps to -1, without one -1.
        upper: Its upper corner, likewise.
        provenance: Where the network comes from.

    Raises:
        SpecError: If an operator cannot be deployed, a layer has hooks, widths disagree, a number is not finite or out of
            range, or the module computes something else than the record.
    """
    module = plain_module(module)
    chosen = name or type(module).__name__
    if isinstance(module, VsnNetwork):
        if held:
            repair = "Leave it out: a held input needs another one beside it, that varies."
            raise SpecError("from_torch.held", "be empty for a VsnNetwork, which has one input", tuple(held), repair)
        return export_network(
            module, name=chosen, n_steps=n_steps, readout=readout, input_transform=input_transform,
            output_transform=output_transform, ansatz=ansatz, lower=lower, upper=upper, provenance=provenance,
        )  # fmt: skip
    known = input_transform.n if input_transform else None if lower is None else len(lower)
    specs, kept, read = _read(module, inputs, known, sequence=sequence, held=held, states=states or {})
    nodes, out = read.builder.finish(read.output.value)
    host = input_transform or AffineTransform.identity(read.front.n)
    low, high = box_of(host, lower, upper)
    spec = NetworkSpec(
        name=chosen, inputs=specs, nodes=nodes, output=out, n_steps=None if sequence else 1 if n_steps is None else n_steps,
        readout=_readout(read, readout, sequence=bool(sequence), is_whole=bool(sequence) and not kept),
        input_transform=_composed(host, read.front),
        output_transform=output_transform or AffineTransform.identity(out.n_out),
        ansatz=ansatz, lower=low, upper=high, provenance=provenance or Provenance(),
    )  # fmt: skip
    check_import(module, spec, transform=host, states=kept)
    return spec


def _read(
    module: nn.Module,
    widths: Mapping[str, int] | None,
    n_in: int | None,
    *,
    sequence: bool | Collection[str],
    held: Collection[str],
    states: Mapping[str, int],
) -> tuple[tuple[InputSpec, ...], tuple[InputSpec, ...], ReadModule]:
    """Return the inputs, the states, and the graph of a module; a step module is read at one step of its sequences."""
    copied = evaluation_copy(module)
    mark_leakies(copied)
    inputs = find_inputs(copied, widths, n_in, sequence=sequence, held=held, states=states)
    kept = tuple(InputSpec(name=name, width=width) for name, width in states.items())
    at_once = tuple(InputSpec(name=each.name, width=each.width) for each in inputs) if kept else inputs
    return inputs, kept, read_module(copied, at_once, kept)


def _composed(first: AffineTransform, then: AffineTransform) -> AffineTransform:
    return AffineTransform(scale=then.scale * first.scale, offset=then.scale * first.offset + then.offset)


def _readout(read: ReadModule, wanted: Readout | str | None, *, sequence: bool, is_whole: bool) -> Readout:
    """Return how the outputs of the steps become one.

    Raises:
        SpecError: If a module that reads whole sequences does something else than is wanted.
    """
    chosen = None if wanted is None else as_member(Readout, wanted, "from_torch.readout")
    if not is_whole:
        return chosen or (Readout.EVERY if sequence else Readout.MEAN)
    own = read.output.reduced or Readout.EVERY
    if chosen not in (None, own):
        repair = "Leave readout out: the module itself says what it returns."
        raise SpecError("from_torch.readout", f"be {own.value}, as in the module", chosen.value, repair)
    return own
