"""Network files: they give back what was written, and refuse everything else with a FileFormatError.

Two ladders of damage. Whatever changes a byte is caught by the header, before any parser runs. What carries a header that is
right and contents that are not (`tampered`) is caught while the records are built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import builders
from disks import full_beyond
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.files import network_file as files
from neuropinn_lava.files.network_file import read_network, write_network
from neuropinn_lava.files.sealed_file import HEADER_BYTES, MAX_FILE_BYTES, Seal
from neuropinn_lava.geometry.fields.boundary_fields import PolygonFactor, RadialLevelSet
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial, Trigonometric
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec, ProblemParameter, Provenance, Readout
from neuropinn_lava.network.transforms import Ansatz, Field, Link
from neuropinn_lava.testing import assert_networks_equal
from small_graphs import with_held

TOLD = Provenance(
    problem="heat",
    parameters=(ProblemParameter(name="diffusivity", value=0.5), ProblemParameter(name="strength", value=2)),
    seed=-(2**63),
    package_version="0.1.0",
    command="neuropinn-lava train heat — with a dash",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.h5"


def small_quantized() -> QuantizedNetwork:
    return builders.random_quantized(1, widths=(1, 2, 1), activation="tanh", index_size=3)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "float.h5"
    write_network(builders.random_spec(1, widths=(1, 2, 1), ansatz=True), path)
    return path


@pytest.fixture(scope="module")
def quantized_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "quantized.h5"
    write_network(small_quantized(), path)
    return path


def round_trip(network: NetworkSpec | QuantizedNetwork, path: Path) -> NetworkSpec | QuantizedNetwork:
    write_network(network, path)
    again = read_network(path)
    assert_networks_equal(network, again)
    assert again.digest() == network.digest()
    return again


class TestRoundTrips:
    @pytest.mark.parametrize("activation", builders.ACTIVATIONS)
    @pytest.mark.parametrize("polarity", builders.POLARITIES)
    def test_quantized(self, activation: str, polarity: Polarity, path: Path) -> None:
        network = builders.random_quantized(2, activation=activation, polarity=polarity, index_size=4, n_steps=8)
        again = round_trip(network, path)
        points = builders.random_points(network, 20)
        np.testing.assert_array_equal(run_integer(again, points).outputs, run_integer(network, points).outputs)

    @pytest.mark.parametrize("ansatz", [False, True])
    @pytest.mark.parametrize("readout", builders.READOUTS)
    def test_float(self, ansatz: bool, readout: Readout, path: Path) -> None:
        again = round_trip(builders.random_spec(3, widths=(3, 4, 2), ansatz=ansatz, readout=readout), path)
        assert isinstance(again, NetworkSpec)
        assert (again.ansatz is None) != ansatz

    def test_provenance(self, path: Path) -> None:
        network = replace(builders.random_spec(4), provenance=TOLD)
        again = round_trip(network, path)
        assert isinstance(again, NetworkSpec)
        assert again.provenance == TOLD
        assert again.digest() == builders.random_spec(4).digest()

    def test_the_source_of_a_quantized_network_keeps_its_provenance(self, path: Path) -> None:
        network = small_quantized()
        again = round_trip(replace(network, source=replace(network.source, provenance=TOLD)), path)
        assert isinstance(again, QuantizedNetwork)
        assert again.source.provenance == TOLD

    def test_a_quantized_file_of_schema_1_is_read(self) -> None:
        old = (
            Path(__file__).parent / "quantized_schema_1.h5"
        )  # `small_quantized()`, written before networks were graphs
        assert old.read_bytes().startswith(b"neuropinn-lava network\nschema 1\n")
        assert_networks_equal(read_network(old), small_quantized())

    @pytest.mark.parametrize("link", Link)
    def test_every_kind_of_field(self, link: Link, path: Path) -> None:
        fields = (
            Polynomial.constant(0.5, 2),
            Trigonometric(coefficients=[1.0], exponents=[[0, 2]], frequencies=[[np.pi, 0.0]], phases=[[0.1, 0.0]]),
            PolygonFactor(vertices=[[0, 0], [1, 0], [0, 1]], ring_sizes=[3], scale=2, corner_exponent=0.5),
            RadialLevelSet(centres=[[0, 0]], radii=[0.75], amplitudes=[0.2], petals=[5]),
            ExpressionField(text="sin(3.141592653589793 * x) * (1 - y ** 2)", coordinates="x y"),
        )
        assert {type(field) for field in fields} == set(typing.get_args(Field))
        network = builders.random_spec(8, widths=(2, 3, 5))
        ansatz = Ansatz(offset=fields, factor=fields[::-1], link=link)
        round_trip(replace(network, ansatz=ansatz), path)

    def test_extreme_numbers(self, path: Path) -> None:
        weight = [[5e-324, -0.0], [1.7976931348623157e308, np.pi]]
        network = builders.random_spec(5, widths=(2, 2, 1))
        again = round_trip(builders.with_layer(network, 0, weight=weight, theta=[0.0, 1e300], beta=[0.0, 1.0]), path)
        assert isinstance(again, NetworkSpec)
        assert again.populations[0].weight.tobytes() == np.array(weight).tobytes()  # the sign of zero too

    def test_names_of_any_script(self, path: Path) -> None:
        network = builders.random_spec(6)
        name = "Schicht «1»/α β"
        (second,) = network.populations[1].connections
        nodes = (
            replace(network.populations[0], name=name),
            replace(network.populations[1], connections=(replace(second, source=name),)),
        )
        again = round_trip(replace(network, name="ψ", nodes=nodes), path)
        assert isinstance(again, NetworkSpec)
        assert (again.name, again.populations[0].name) == ("ψ", "Schicht «1»/α β")

    def test_long_texts(self, path: Path) -> None:
        told = Provenance(command="x" * 200_000)
        again = round_trip(replace(builders.random_spec(7), provenance=told), path)
        assert isinstance(again, NetworkSpec)
        assert again.provenance == told

    def test_arrays_of_a_read_network_are_read_only(self, float_file: Path) -> None:
        network = read_network(float_file)
        assert isinstance(network, NetworkSpec)
        assert not network.populations[0].weight.flags.writeable

    def test_the_same_network_makes_the_same_bytes(self, tmp_path: Path) -> None:
        for name in ("a.h5", "b.h5"):
            write_network(small_quantized(), tmp_path / name)
        assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()

    def test_a_path_may_be_a_string(self, path: Path) -> None:
        write_network(small_quantized(), str(path))
        assert read_network(str(path)).digest() == small_quantized().digest()


class TestHeader:
    def test_what_it_says(self, float_file: Path) -> None:
        contents = float_file.read_bytes()
        body = contents[HEADER_BYTES:]
        sha = hashlib.sha256(body).hexdigest()
        header = f"neuropinn-lava network\nschema 2\nlength {len(body)}\nsha256 {sha}\n".encode()
        assert contents[:HEADER_BYTES] == header.ljust(HEADER_BYTES, b"\0")
        assert body.startswith(b"\x89HDF\r\n\x1a\n")

    @pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.slow)])
    def test_every_flipped_byte_is_refused(self, every: int, float_file: Path, path: Path) -> None:
        shutil.copy(float_file, path)
        good = path.read_bytes()
        survived = []
        with open(path, "r+b", buffering=0) as file:
            for index in [*range(HEADER_BYTES), *range(HEADER_BYTES, len(good), every)]:
                file.seek(index)
                file.write(bytes([good[index] ^ (1 << index % 8)]))
                if not is_refused(path):
                    survived.append(index)
                file.seek(index)
                file.write(good[index : index + 1])
        assert not survived
        read_network(path)

    @pytest.mark.parametrize("length", [0, 1, 22, 100, 511, 512, 513, 1000])
    def test_truncated(self, length: int, float_file: Path, path: Path) -> None:
        path.write_bytes(float_file.read_bytes()[:length])
        with pytest.raises(
            FileFormatError,
            match=r"net.h5 must (begin with|have a schema out of 1, 2|have the contents that its header states)",
        ):
            read_network(path)

    def test_truncated_by_one_byte(self, float_file: Path, path: Path) -> None:
        path.write_bytes(float_file.read_bytes()[:-1])
        with pytest.raises(
            FileFormatError, match=r"the contents that its header states, length \d+, sha256 .*; it is damaged"
        ):
            read_network(path)

    def test_longer_than_it_says(self, float_file: Path, path: Path) -> None:
        path.write_bytes(float_file.read_bytes() + b"\0")
        with pytest.raises(FileFormatError, match="it is damaged"):
            read_network(path)

    @pytest.mark.parametrize("schema", ["0", "3", "10", "2.0", " 2", "", "two"])
    def test_older_and_newer(self, schema: str, float_file: Path, path: Path) -> None:
        path.write_bytes(float_file.read_bytes().replace(b"\nschema 2\n", f"\nschema {schema}\n".encode(), 1))
        with pytest.raises(
            FileFormatError, match=r"schema out of 1, 2; got 'schema .*'. Use the version of neuropinn-lava that wrote"
        ):
            read_network(path)

    @pytest.mark.parametrize(
        "contents", [b"", b"\0" * 600, b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" * 200, "ü".encode() * 600]
    )
    def test_foreign(self, contents: bytes, path: Path) -> None:
        path.write_bytes(contents)
        with pytest.raises(
            FileFormatError, match=r"net.h5 must begin with 'neuropinn-lava network'; got .* Give a file written"
        ):
            read_network(path)

    def test_another_hdf5_file(self, path: Path) -> None:
        with h5py.File(path, "w") as file:
            file["weight"] = np.zeros(3)
        with pytest.raises(FileFormatError, match="begin with"):
            read_network(path)

    def test_missing(self, path: Path) -> None:
        with pytest.raises(
            FileFormatError, match=r"net.h5 must be a file that can be read; got No such file .* Check the path"
        ):
            read_network(path)

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(FileFormatError, match="a regular file; got something else"):
            read_network(tmp_path)

    def test_a_pipe_does_not_block(self, path: Path) -> None:
        os.mkfifo(path)
        with pytest.raises(FileFormatError, match="a regular file"):
            read_network(path)

    def test_too_large(self, path: Path) -> None:
        with open(path, "wb") as file:
            file.truncate(MAX_FILE_BYTES + 1)  # sparse: takes no room
        with pytest.raises(FileFormatError, match=r"at most 1073741824 bytes; got 1073741825"):
            read_network(path)


def is_refused(path: Path) -> bool:
    try:
        read_network(path)
    except FileFormatError:
        return True
    return False


Change = Callable[[h5py.File], object]


def tampered(source: Path, path: Path, change: Change) -> Path:
    """Copy a file, change its contents, and give it a header that fits them."""
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        change(file)
    body = path.read_bytes()[HEADER_BYTES:]
    path.write_bytes(files.SEAL.header(len(body), hashlib.sha256(body).hexdigest()) + body)
    return path


def set_attribute(where: str, name: str, value: object) -> Change:
    def change(file: h5py.File) -> None:
        file[where].attrs[name] = value

    return change


def replace_data(where: str, **how: object) -> Change:
    """Replace a dataset by another one of the same name."""

    def change(file: h5py.File) -> None:
        del file[where]
        file.create_dataset(where, **how)

    return change


def set_first(where: str, value: float) -> Change:
    def change(file: h5py.File) -> None:
        file[where][(0,) * file[where].ndim] = value

    return change


def remove(where: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[where]

    return change


def remove_attribute(where: str, name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[where].attrs[name]

    return change


def link_instead(where: str, link: object) -> Change:
    def change(file: h5py.File) -> None:
        del file[where]
        file[where] = link

    return change


def move(where: str, to: str) -> Change:
    return lambda file: file.move(where, to)


class TestContents:
    def test_an_untouched_copy_passes(self, float_file: Path, path: Path) -> None:
        tampered(float_file, path, lambda file: None)
        assert_networks_equal(read_network(path), read_network(float_file))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                set_first("network/nodes/0/connections/0/weight", np.nan),
                r"connection from 'input': weight must have only finite entries; got nan",
            ),
            (set_first("network/output/bias", np.inf), r"OutputSpec 'output'.bias must have only finite entries"),
            (
                set_first("network/nodes/0/theta", -1.0),
                r"PopulationSpec 'hidden0'.theta must satisfy theta >= 0; got -1.0",
            ),
            (set_first("network/nodes/0/beta", 1.5), r"PopulationSpec 'hidden0'.beta must lie in \[0, 1\]"),
            (set_first("network/nodes/0/connections/0/weight", 0.25), r"the digest of its network; got"),
            (set_attribute("network", "n_steps", 0), r"n_steps must lie in \[1, 4096\]; got 0"),
            (set_attribute("network", "n_steps", 2.0), r"/network.n_steps must be a value of type .*int.*; got 2.0"),
            (set_attribute("network", "n_steps", [1, 2]), r"/network.n_steps must be a value of type"),
            (set_attribute("network", "n_steps", h5py.Empty("i8")), r"/network.n_steps must be a value of type"),
            (set_attribute("network", "name", 7), r"/network.name must be a value of type .*str.*; got 7"),
            (set_attribute("network", "readout", "median"), r"'median' is not a valid Readout"),
            (set_attribute("network/nodes/0", "polarity", "up"), r"'up' is not a valid Polarity"),
            (set_attribute("network/nodes/0", "activation", "cos"), r"elementwise function .*got 'cos'"),
            (set_attribute("network/nodes/0", "activation", "swish"), r"be one of .*; got 'swish'"),
            (
                set_attribute("network", "type", "QuantizedNetwork"),
                r"group /network must be a record of type NetworkSpec; got Quant",
            ),
            (
                set_attribute("network/nodes/0", "type", "OutputSpec"),
                r"a record out of \['PopulationSpec', 'ProductSpec'\]; got OutputSpec",
            ),
            (
                set_attribute("network/ansatz/factor/0", "type", "Anything"),
                r"a record out of \[.*'Polynomial'.*\]; got Any",
            ),
            (
                remove_attribute("network/nodes/0", "type"),
                r"group /network/nodes/0 must be a record out of .*; got None",
            ),
            (
                remove_attribute("network/nodes/0", "name"),
                r"group /network/nodes/0 must have a member 'name'; got none",
            ),
            (
                remove("network/nodes/0/connections/0/weight"),
                r"group /network/nodes/0/connections/0 must have a member 'weight'; got none",
            ),
            (remove("network/nodes"), r"group /network must have a member 'nodes'; got none"),
            (remove("network/provenance"), r"group /network must have a member 'provenance'; got none"),
            (remove("network"), r"members digest, kind and network; got \['digest', 'kind'\]"),
            (remove("network/nodes/0"), r"NetworkSpec 'random1'.nodes must hold at least one population; got 0"),
            (move("network/nodes/0", "network/nodes/1"), r"group /network/nodes must have a member '0'; got none"),
            (lambda file: file.create_group("network/extra"), r"members out of \[.*\]; got \['extra'\]"),
            (
                set_attribute("network/nodes/0", "extra", 1),
                r"group /network/nodes/0 must have only members out of .*; got \['extra'\]",
            ),
            (lambda file: file.create_group("extra"), r"members digest, kind and network; got .*'extra'"),
            (set_attribute("/", "extra", 1), r"members digest, kind and network; got .*'extra'"),
            (remove_attribute("/", "digest"), r"members digest, kind and network; got \['kind', 'network'\]"),
            (set_attribute("/", "digest", "0" * 64), r"the digest of its network; got 0000"),
            (set_attribute("/", "kind", "quantized"), r"a record of type QuantizedNetwork; got NetworkSpec"),
            (set_attribute("/", "kind", "spiking"), r"be of a kind out of float, quantized; got spiking"),
            (set_attribute("/", "kind", [1, 2]), r"contents that make a network; got TypeError"),
        ],
    )
    def test_float_files(self, change: Change, message: str, float_file: Path, path: Path) -> None:
        with pytest.raises(FileFormatError, match=message):
            read_network(tampered(float_file, path, change))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                set_first("network/nodes/0/affine/connections/0/weight", 128),
                r"QuantizedConnection from 'input'.weight must lie in \[-127, 127\]",
            ),
            (set_first("network/nodes/0/affine/bias", 2**40), r"QuantizedAffine.bias must lie in"),
            (set_first("network/nodes/0/theta", -1), r"QuantizedPopulation 'hidden0'.theta must lie in"),
            (set_first("network/nodes/0/beta", 4097), r"QuantizedPopulation 'hidden0'.beta must lie in"),
            (set_first("network/nodes/0/table/entries", 2**62), r"PhiTable.entries must lie in"),
            (set_first("network/nodes/0/table/entries", 1), r"the digest of its network"),
            (set_attribute("network/nodes/0/table", "index_bits", 40), r"PhiTable.index_bits must lie in"),
            (set_attribute("network/nodes/0/affine", "state_exponent", -70), r"QuantizedAffine.state_exponent"),
            (
                set_attribute("network/input_words/0", "bits", 12),
                r"'hidden0' from 'input' must receive words \(bits, exponent\) = \(12, -14\); got \(16, -14\)",
            ),
            (
                set_attribute("network/nodes/0", "name", "other"),
                r"the names, kinds, widths, sources and delays of the source's nodes",
            ),
            (
                replace_data("network/nodes/0/beta", data=[0.5, 0.5]),
                r"QuantizedPopulation.beta must be an array that fits int64",
            ),
            (lambda file: file.move("network/source", "network/sauce"), r"members out of .*; got \['sauce'\]"),
        ],
    )
    def test_quantized_files(self, change: Change, message: str, quantized_file: Path, path: Path) -> None:
        with pytest.raises(FileFormatError, match=message):
            read_network(tampered(quantized_file, path, change))

    @pytest.mark.parametrize(
        "how",
        [
            {"data": np.zeros((2, 1)), "chunks": (1, 1)},
            {"data": np.zeros((2, 1)), "compression": "gzip"},
            {"shape": (2, 1), "maxshape": (None, 1), "dtype": "f8"},
            {"data": np.zeros((2, 1), dtype=bool)},
            {"data": np.array([[b"a"], [b"b"]])},
            {"data": np.zeros((2, 1), dtype=complex)},
            {"data": np.zeros((2, 1), dtype=[("x", "f8")])},
            {"shape": (1 << 20, 1 << 20), "dtype": "f8"},  # 8 TB that are nowhere: never written, never allocated
        ],
        ids=str,
    )
    def test_other_kinds_of_datasets(self, how: dict[str, object], float_file: Path, path: Path) -> None:
        with pytest.raises(
            FileFormatError,
            match=r"dataset /network/nodes/0/connections/0/weight must (be contiguous|hold as many) numbers",
        ):
            read_network(tampered(float_file, path, replace_data("network/nodes/0/connections/0/weight", **how)))

    def test_arrays_stored_elsewhere(self, float_file: Path, path: Path) -> None:
        (path.parent / "data").write_bytes(np.zeros(2).tobytes())
        how = {"shape": (2, 1), "dtype": "f8", "external": [("data", 0, 16)]}
        with pytest.raises(FileFormatError, match="contiguous numbers in the file itself"):
            read_network(tampered(float_file, path, replace_data("network/nodes/0/connections/0/weight", **how)))

    def test_virtual_datasets(self, float_file: Path, path: Path) -> None:
        def change(file: h5py.File) -> None:
            del file["network/nodes/0/connections/0/weight"]
            layout = h5py.VirtualLayout(shape=(2, 1), dtype="f8")
            layout[:] = h5py.VirtualSource(str(float_file), "network/nodes/0/connections/0/weight", shape=(2, 1))
            file.create_virtual_dataset("network/nodes/0/connections/0/weight", layout)

        with pytest.raises(FileFormatError, match="contiguous numbers in the file itself"):
            read_network(tampered(float_file, path, change))

    @pytest.mark.parametrize(
        "where", ["network", "network/output", "network/nodes/0", "network/nodes/0/connections/0/weight"]
    )
    def test_links(self, where: str, float_file: Path, path: Path) -> None:
        for link in (h5py.SoftLink("/elsewhere"), h5py.ExternalLink(str(float_file), where)):
            with pytest.raises(FileFormatError, match=r"in the file itself; got <(Soft|External)Link"):
                read_network(tampered(float_file, path, link_instead(where, link)))

    def test_other_types_of_members(self, float_file: Path, path: Path) -> None:
        changes: list[Change] = [
            replace_data("network/ansatz", data=np.zeros(0)),
            replace_data("network/provenance", data=np.zeros(0)),
            replace_data("network/nodes", data=np.zeros(2)),
            replace_data("network/output", data=np.zeros(2)),
            replace_data("network", data=np.zeros(2)),
            lambda file: (remove("network/lower")(file), file.create_group("network/lower")),
            lambda file: (remove("network/lower")(file), set_attribute("network", "lower", [0.0])(file)),
            lambda file: (remove_attribute("network", "name")(file), file.create_dataset("network/name", data=[1.0])),
        ]
        for change in changes:
            with pytest.raises(FileFormatError, match=r"; got .*\. Export the network again"):
                read_network(tampered(float_file, path, change))

    def test_other_byte_orders_and_lengths_are_the_same_numbers(self, float_file: Path, path: Path) -> None:
        lower = np.zeros(1, dtype=">f4")
        read = read_network(tampered(float_file, path, replace_data("network/lower", data=lower)))
        assert_networks_equal(read, read_network(float_file))


class TestWriting:
    def test_a_failing_writer_leaves_the_former_file(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_network(small_quantized(), path)
        before = path.read_bytes()

        def fail(seal: Seal, length: int, sha: str) -> bytes:
            raise RuntimeError("in the middle of it")

        monkeypatch.setattr(Seal, "header", fail)
        with pytest.raises(RuntimeError, match="in the middle of it"):
            write_network(builders.random_spec(), path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == ["net.h5"]

    def test_a_full_disk_leaves_the_former_file_and_crashes_no_library(self, path: Path) -> None:
        write_network(small_quantized(), path)
        before = path.read_bytes()
        with (
            full_beyond(2048),
            pytest.raises(SpecError, match=r"net.h5 must be on a disk with room for the whole file"),
        ):
            write_network(builders.random_spec(), path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == ["net.h5"]

    def test_the_same_network_makes_the_same_bytes(self) -> None:
        assert files.network_bytes(small_quantized()) == files.network_bytes(small_quantized())

    def test_nothing_but_the_file_is_left(self, path: Path) -> None:
        write_network(small_quantized(), path)
        write_network(small_quantized(), path)
        assert os.listdir(path.parent) == ["net.h5"]

    def test_missing_directory(self, path: Path) -> None:
        with pytest.raises(
            SpecError, match=r"a directory that takes new files; got No such file.* Create the directory"
        ):
            write_network(small_quantized(), path / "deeper" / "net.h5")


# Optional fields.


def test_a_held_input_is_read_back_and_other_files_do_not_name_it(path: Path) -> None:
    plain = builders.random_graph(1, n_inputs=2)
    for network, found in ((plain, [False, False]), (with_held(plain, "x1"), [False, True])):
        again = round_trip(network, path)
        assert [each.is_held for each in again.inputs] == found
        with h5py.File(path) as file:
            assert ["is_held" in file[f"network/source/inputs/{index}"].attrs for index in range(2)] == found


@pytest.mark.parametrize(
    ("name", "digest"),
    [("laplace", "4624dc04e103d23d"), ("burgers-family", "a06ca3b637b084f1"), ("kovasznay", "899c4e5b307585e0")],
)
def test_networks_that_ship_keep_the_digests_of_version_2_0(name: str, digest: str) -> None:
    """A field that came later must not change them: this test alone follows when a network is trained anew."""
    assert find_network(name).digest().startswith(digest)
