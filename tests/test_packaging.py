"""What pyproject.toml promises, against what is on disk: a module missing from the wheel shows up only at a user's."""
from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, SETUPTOOLS = PYPROJECT["project"], PYPROJECT["tool"]["setuptools"]
FOLDERS = SETUPTOOLS["package-dir"]


def package_of(folder: Path) -> str:
    """The dotted name that a folder holding modules installs as."""
    top, *rest = folder.relative_to(ROOT).parts
    name = next(package for package, directory in FOLDERS.items() if directory == top)
    return ".".join([name, *rest])


def test_every_folder_of_modules_is_a_listed_package():
    on_disk = {package_of(path.parent) for top in FOLDERS.values() for path in (ROOT / top).rglob("*.py")}
    assert sorted(SETUPTOOLS["packages"]) == sorted(on_disk)


def test_every_package_has_an_init():
    """Without one, Python makes a namespace package, which type checkers and the editable install treat differently."""
    folders = {path.parent for top in FOLDERS.values() for path in (ROOT / top).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(("package", "pattern"), [
    (package, pattern) for package, patterns in SETUPTOOLS["package-data"].items() for pattern in patterns])
def test_package_data_exists(package, pattern):
    assert list((ROOT / package.replace(".", "/")).glob(pattern)), f"nothing matches {pattern} in {package}"


@pytest.mark.parametrize("pattern", [*PROJECT["license-files"], PROJECT["readme"]])
def test_licences_and_readme_exist(pattern):
    assert any(path.stat().st_size for path in ROOT.glob(pattern)), f"nothing matches {pattern}"


def test_every_data_file_ships():
    """Data that lies between the modules, but that no pattern takes along, works here and fails once installed."""
    shipped = {path for package, patterns in SETUPTOOLS["package-data"].items() for pattern in patterns
               for path in (ROOT / package.replace(".", "/")).glob(pattern)}
    present = {path for top in FOLDERS.values() for path in (ROOT / top).rglob("*")
               if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert sorted(present - shipped) == []


def test_python_versions_agree():
    prefix = "Programming Language :: Python :: "
    versions = [text.removeprefix(prefix) for text in PROJECT["classifiers"] if text.startswith(f"{prefix}3.")]
    first, last = versions[0], versions[-1]
    assert PROJECT["requires-python"] == f">={first},<3.{int(last.split('.')[1]) + 1}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + first.replace(".", "")


def test_a_checkout_is_imported_from_its_folder(tmp_path):
    """As `python` does in the checkout once a wheel of it is installed: the folder graphflow there comes first."""
    link = tmp_path / "checkout"
    link.symlink_to(ROOT)
    program = ("import sys\n"
               "sys.meta_path = [f for f in sys.meta_path if 'Editable' not in getattr(f, '__name__', '')]\n"
               f"sys.path.insert(0, {str(link)!r})\n"
               "import graphflow, graphflow.runtime.session as session\n"
               "print(graphflow.Session is session.Session, session.__file__)")
    told = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.stdout.split() == ["True", str(link / "runtime/session.py")], told.stderr
