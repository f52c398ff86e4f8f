"""Packages of Debian and PyPI, unpacked into a folder: nothing of the system is changed."""

import subprocess
import sys
import zipfile
from pathlib import Path

# The user that apt has for downloads may not write where we do.
APT = ("apt-get", "-qq", "-o", "APT::Install-Recommends=false", "-o", "APT::Sandbox::User=root")


def call(*line: object, folder: Path | None = None) -> str:
    """What a command prints; an error with what it said where it fails."""
    words = [str(word) for word in line]
    done = subprocess.run(words, cwd=folder, check=False, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:6])} ...: {done.stderr.strip()[-500:]}")
    return done.stdout


def of_another_machine(architecture: str, folder: Path) -> tuple[str, ...]:
    """apt's options for a machine of this architecture on which nothing is installed."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    settings = {"APT::Architecture": architecture, "APT::Architectures": architecture,
                "Dir::State::lists": folder / "lists", "Dir::State::status": folder / "status",
                "Dir::Cache": folder / "cache"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    call(*APT, *options, "update")
    return tuple(map(str, options))


def unpack_debian(packages: tuple[str, ...], root: Path, architecture: str = "") -> None:
    """These packages, and what they need of what is not installed, below ROOT."""
    downloads = root.with_name(root.name + ".downloads")
    downloads.mkdir(parents=True, exist_ok=True)
    options = of_another_machine(architecture, downloads / "apt") if architecture else ()
    said = call(*APT, *options, "--simulate", "install", *packages)
    new = [line.split()[1] for line in said.splitlines() if line.startswith("Inst ")]
    call(*APT, *options, "download", *sorted({*new, *packages}), folder=downloads)
    for package in sorted(downloads.glob("*.deb")):
        call("dpkg-deb", "--extract", package, root)
        package.unlink()
    relocate_wrappers(root)


def relocate_wrappers(root: Path) -> None:
    """MPICH's compiler scripts know where they are installed by lines such as prefix=/usr."""
    for script in (root / "usr" / "bin").glob("mpi*.mpich"):
        head = script.read_bytes()
        if head.startswith(b"#!") and not script.is_symlink():
            script.write_bytes(head.replace(b"=/usr", b"=" + bytes(root / "usr")))


def unpack_wheel(name: str, root: Path) -> None:
    """What a wheel installs beside Python's files (bin, include, lib) below ROOT."""
    root.mkdir(parents=True, exist_ok=True)
    call(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", root, name)
    for wheel in root.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                below = entry.filename.partition(".data/data/")[2]
                if below and not entry.is_dir():
                    path = root / below
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.read(entry))
                    path.chmod(entry.external_attr >> 16 & 0o777 or 0o644)
        wheel.unlink()
