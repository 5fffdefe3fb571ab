"""Build `.venv` from requirements.lock and see that Qt finds its system libraries.

Run by `make`; needs nothing but Python 3.11 or newer and the network. A second run with an
unchanged lock file does nothing but look at a stamp.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "lock.sha256"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")

LARGE = "torch, torchvision.models.detection, cv2, contourpy, shapely, PySide6, qtawesome"
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}

# What Qt's xcb and offscreen platforms and the font database load, by Debian package.
QT_PACKAGES = (
    "libegl1 libgl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 "
    "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 "
    "libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 "
    "fonts-dejavu-core"
)


def main() -> int:
    """Set up what is missing; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file meets whatever Python there is
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"MaskGUI needs Python 3.11 or newer; this is {found}. Try: make PYTHON=python3.12")
        return 2
    try:
        _build_environment()
        _install_system_libraries()
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd[:4]))
        print(f"Setting up stopped: “{command} …” ended with code {error.returncode} (see above).")
        return 1
    return 0


def _build_environment() -> None:
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info[:2]}"
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    if not (BIN / "python").exists() and not (BIN / "python.exe").exists():
        _make_venv()
    print("Installing the packages of requirements.lock into .venv ...", flush=True)
    if not any(BIN.glob("uv*")):
        _install_uv()
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    command = [BIN / "uv", "pip", "sync", "--require-hashes", "--quiet", LOCK]
    subprocess.run(command, check=True, env=environment)
    _compile_what_runs()
    STAMP.write_text(wanted)


def _compile_what_runs() -> None:
    """Import the large packages once, so that Python keeps their bytecode and starts are quick.

    Compiling holds the interpreter lock: left to the first run, the window would stutter.
    """
    print("Preparing the packages for a quick start ...", flush=True)
    environment = {key: value for key, value in os.environ.items() if key not in NO_BYTECODE}
    subprocess.run([BIN / "python", "-c", f"import {LARGE}"], check=False, env=environment)


def _make_venv() -> None:
    made = subprocess.run([sys.executable, "-m", "venv", VENV], check=False)
    if made.returncode:
        # Debian ships Python without its venv module.
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        _apt_install([version])
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def _install_uv() -> None:
    """Install uv from its own entry of the lock file, hashes checked by pip."""
    lines = LOCK.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("uv=="))
    entry = [lines[start]]
    while entry[-1].endswith("\\"):
        entry.append(lines[start + len(entry)])
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder) / "uv.txt"
        only_uv.write_text("\n".join(entry) + "\n")
        pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", only_uv], check=True)


def _install_system_libraries() -> None:
    if sys.platform.startswith("linux") and _qt_lacks_something():
        _apt_install(QT_PACKAGES.split())


def _qt_lacks_something() -> bool:
    """Ask the loader, not Qt: Qt's message names xcb-cursor0 whatever is missing."""
    if shutil.which("ldd") is None:
        return False
    qt = next(VENV.glob("lib/python*/site-packages/PySide6/Qt"))
    wanted = [*qt.glob("plugins/platforms/libq*.so"), *qt.glob("lib/libQt6Widgets.so.6")]
    wanted = [
        path for path in wanted if path.stem in {"libqxcb", "libqoffscreen", "libQt6Widgets.so"}
    ]
    report = subprocess.run(["ldd", *wanted], capture_output=True, text=True, check=False).stdout
    fonts = any(Path(place).is_dir() for place in ("/usr/share/fonts", Path.home() / ".fonts"))
    return "not found" in report or not fonts


def _apt_install(packages: list[str]) -> None:
    """Install Debian packages as root or through sudo; else print the one line to run."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        print("System libraries are missing; on Debian or Ubuntu they come with:", line, sep="\n")
        return
    prefix: list[str] = []
    if os.geteuid() != 0:
        sudo = shutil.which("sudo")
        allowed = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
        if not allowed or allowed.returncode:
            print(
                "System libraries are missing. Please run this line once:", f"sudo {line}", sep="\n"
            )
            return
        prefix = ["sudo", "-n"]
    print("Installing the system libraries that Qt needs ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*prefix, "apt-get", "update", "-qq"], check=True, env=quiet)
    install = [*prefix, *line.replace("install -y", "install -y -qq").split()]
    subprocess.run(install, check=True, env=quiet, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
