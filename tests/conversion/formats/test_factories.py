"""`package.module:factory` with safetensors weights: found, called, filled; and everything that goes wrong, by name."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from neuropinn_lava.base.errors import FileFormatError, SpecError  # noqa: E402
from neuropinn_lava.conversion.formats.factories import load_module  # noqa: E402

SOURCE = """
import torch

def make():
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))

def fail():
    raise RuntimeError("no licence")

def number():
    return 7

def needs(n):
    return make()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a module of the user's, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users_net.py").write_text(SOURCE)
    monkeypatch.delitem(__import__("sys").modules, "users_net", raising=False)
    return tmp_path


def test_weights_are_loaded_and_dropout_is_off(folder) -> None:
    weights = {name: torch.rand_like(value) for name, value in load_module("users_net:make").state_dict().items()}
    save_file(weights, folder / "w.safetensors")
    module = load_module("users_net:make", folder / "w.safetensors")
    np.testing.assert_array_equal(module[0].weight.detach().numpy(), weights["0.weight"].numpy())
    assert not module.training


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("users_net:fail", "got RuntimeError: no licence"),
        ("users_net:number", "a function that returns one; got int"),
        ("users_net:needs", "got TypeError"),
        ("users_net:nothing", "name must be one of"),
        ("no_such_package:make", "got ModuleNotFoundError"),
        ("users_net", "have the form .*; got 'users_net'"),
    ],
)
def test_factories_that_cannot_be_called_are_refused(folder, factory, message) -> None:
    with pytest.raises(SpecError, match=re.escape(f"factory {factory!r}") + f".*{message}"):
        load_module(factory)


def test_weights_that_do_not_match_are_listed(folder) -> None:
    weights = load_module("users_net:make").state_dict()
    wrong = {
        "0.weight": weights["0.weight"].T.contiguous(),
        "0.bias": torch.full((3,), float("nan")),
        "3.weight": weights["3.weight"],
        "4.bias": weights["3.bias"],
    }
    save_file(wrong, folder / "w.safetensors")
    with pytest.raises(SpecError) as caught:
        load_module("users_net:make", folder / "w.safetensors")
    found = [str(violation) for violation in caught.value.violations]
    assert len(found) == 4
    assert "3.bias must be in the file; got nothing" in found[0]
    assert "4.bias must be in the module; got only in the file" in found[1]
    assert "0.bias must hold only finite numbers; got 3 that are not" in found[2]
    assert "0.weight must have the shape (3, 2); got (2, 3)" in found[3]


@pytest.mark.parametrize("content", [b"", b"not weights", b"\xff" * 64])
def test_damaged_weights_are_refused(folder, content) -> None:
    path = folder / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="a readable safetensors file"):
        load_module("users_net:make", path)


def test_missing_weights_are_refused(folder) -> None:
    with pytest.raises(FileFormatError, match="a readable safetensors file"):
        load_module("users_net:make", folder / "none.safetensors")
