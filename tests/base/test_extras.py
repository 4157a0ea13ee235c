"""A missing optional package is named with the extra that brings it; one that fails inside is not called missing."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from neuropinn_lava.base.errors import NeuroPinnError
from neuropinn_lava.base.extras import MissingPackageError, import_extra


def test_what_is_there_is_imported() -> None:
    assert import_extra("json.decoder", "report").__name__ == "json.decoder"


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(
        MissingPackageError, match=r"no_such_package.*\n*.*pip install 'neuropinn-lava\[nir\]'"
    ) as caught:
        import_extra("no_such_package.inner", "nir")
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, NeuroPinnError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_package_that_fails_inside_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import something_that_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_that_it_needs") as caught:
        import_extra("half_there", "nir")
    assert not isinstance(caught.value, NeuroPinnError)
