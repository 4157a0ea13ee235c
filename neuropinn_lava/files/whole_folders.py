"""Writing of result folders, whole or not at all.

A new folder is made beside the target and takes its name in one rename. An earlier result of the same kind is replaced, and
what else a user put there is kept. Any other folder that is not empty is refused; when forced, the files are put in it one by
one, and nothing else is touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.arrays import Record
from ..base.errors import SpecError
from .atomic import exchange_names, write_text
from .result_folders import check_result_folder, is_result_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderKind(Record):
    """A kind of result folder."""

    kind: str
    """Kind of the result in one word: report, firmware."""
    json_name: str
    """Name of the JSON file that names the schema, by which an earlier result is recognized."""
    schema_family: str
    """How the schema begins, whatever its version."""
    our_names: tuple[str, ...]
    """Names of files and folders that belong to the result; an earlier one's are not kept."""

    def is_result(self, directory: Path) -> bool:
        """Return whether a folder holds an earlier result of this kind, of any version."""
        return is_result_folder(directory, self.json_name, self.schema_family)

    def check(self, directory: str | Path, force: bool = False) -> Path:
        """Return the resolved path if a result may be written there; meant to be called before the work for it.

        Args:
            directory: The folder; its parent must exist.
            force: Whether to write into a folder that is neither empty nor such a result.

        Raises:
            SpecError: If it is a file, another folder that is not empty (without `force`), or in a place that takes no folder.
        """
        target = Path(directory).resolve()
        where = f"{self.kind} directory {directory}"
        check_result_folder(target, where, self.kind, self.is_result(target), force)
        try:
            tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.").cleanup()
            if target.is_dir():
                tempfile.TemporaryDirectory(dir=target).cleanup()
        except OSError as error:
            repair = "Create its parent, or choose another folder."
            raise SpecError(where, "be a place that takes new folders", error.strerror or error, repair) from error
        return target

    def write(self, target: Path, files: Mapping[str, str]) -> None:
        """Write the files of a result into a folder that was checked.

        Args:
            target: The folder.
            files: Text of each file by its name, which may have folders in it.
        """
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as aside:
            made = Path(aside) / "new"
            _fill(made, files)
            if self._may_be_renamed(target):
                self._replace(target, made, Path(aside) / "old")
            else:
                self._write_into(target, made, files)

    def _may_be_renamed(self, target: Path) -> bool:
        """Return whether the folder may be taken away from under its name: ours or empty, no mount, no working directory."""
        if not target.exists():
            return True
        ours = not any(target.iterdir()) or self.is_result(target)
        return ours and not os.path.ismount(target) and not Path.cwd().resolve().is_relative_to(target)

    def _replace(self, target: Path, made: Path, old: Path) -> None:
        """Rename the new folder to the target's name, together with what a user had put into the old one.

        At every moment the name leads to the old folder or to the new one, where the system can exchange names; elsewhere
        there is a moment between two renames at which it leads nowhere.
        """
        if not target.exists():
            os.rename(made, target)
            return
        shutil.copymode(target, made)
        for entry in target.iterdir():
            if entry.name not in self.our_names:
                _link_beside(entry, made / entry.name)
        if exchange_names(made, target):
            return
        os.rename(target, old)
        try:
            os.rename(made, target)
        except OSError:
            os.rename(old, target)
            raise

    def _write_into(self, target: Path, made: Path, files: Iterable[str]) -> None:
        """Move the new files, one by one, into a folder that stays; the JSON file, which makes it a result, comes last."""
        for name in sorted(files, key=lambda name: name == self.json_name):
            (target / name).parent.mkdir(exist_ok=True)
            os.replace(made / name, target / name)


def _fill(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def _link_beside(entry: Path, to: Path) -> None:
    """Link a user's file or folder under a second name; copy it where the file system has no second names."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.copytree(entry, to, symlinks=True, copy_function=_link_or_copy)
    else:
        _link_or_copy(entry, to)


def _link_or_copy(entry: str | Path, to: str | Path) -> None:
    try:
        os.link(entry, to, follow_symlinks=False)
    except OSError:
        shutil.copy2(entry, to, follow_symlinks=False)
