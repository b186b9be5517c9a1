"""Makes a wheel of the installed module for pip (PEP 517, PEP 427). The wheel names the library by its path, since it leaves the
library's prefix."""

import base64
import hashlib
import pathlib
import re
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
METADATA = """Metadata-Version: 2.1
Name: cohort
Version: {version}
Summary: Legion-style tasks beside NumPy and mpi4py
Requires-Python: >=3.9
Requires-Dist: numpy
"""
WHEEL = """Wheel-Version: 1.0
Generator: cohort
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """The hook that pip calls; returns the wheel's file name."""
    installed = HERE / "cohort" / "installed.py"
    if not installed.exists():
        raise SystemExit("cohort: install Cohort with CMake first, then pip install <prefix>/share/cohort/python")
    text = installed.read_text()
    library, version = (re.search(rf'^{name} = "(.*)"$', text, re.MULTILINE).group(1) for name in ("LIBRARY", "VERSION"))
    sources = sorted(path for path in (HERE / "cohort").iterdir() if path.suffix in (".py", ".typed"))
    files = {f"cohort/{path.name}": path.read_text() for path in sources}
    files["cohort/installed.py"] = text.replace(library, str((HERE / "cohort" / library).resolve()))
    info = f"cohort-{version}.dist-info"
    files[f"{info}/METADATA"] = METADATA.format(version=version)
    files[f"{info}/WHEEL"] = WHEEL
    record = f"{info}/RECORD"
    rows = [f"{name},{_hash(content)},{len(content.encode())}\n" for name, content in files.items()]
    files[record] = "".join(rows) + f"{record},,\n"
    name = f"cohort-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)
    return name


def build_sdist(sdist_directory, config_settings=None):
    """The other mandatory hook."""
    raise SystemExit("cohort: the module comes with the library; there is no source distribution of it alone")


def _hash(content):
    digest = hashlib.sha256(content.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
