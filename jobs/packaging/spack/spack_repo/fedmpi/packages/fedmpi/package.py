"""fedmpi for Spack 1.0 and later, from the repository that this file lies in:

    spack repo add jobs/packaging/spack/spack_repo/fedmpi
    spack install fedmpi
"""

from pathlib import Path

from spack_repo.builtin.build_systems.makefile import MakefilePackage

from spack.package import *

SOURCE = Path(__file__).resolve().parents[7]


class Fedmpi(MakefilePackage):
    """Federated learning, simulated on MPI, beside training the same network on pooled data."""

    homepage = SOURCE.as_uri()
    git = SOURCE.as_uri()

    license("BSD-3-Clause")

    version("main", branch="main")

    depends_on("c", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5@1.10: ~mpi")
    depends_on("openblas")
    depends_on("fftw ~mpi")
    depends_on("random123")
    depends_on("libsodium")
    depends_on("zlib-api")

    @property
    def variables(self):
        """What make is told: the compiler's wrapper, and where each library is."""
        spec = self.spec
        return [
            f"CC={spec['mpi'].mpicc}",
            f"PREFIX={self.prefix}",
            f"HDF5_DIR={spec['hdf5'].prefix}",
            f"OPENBLAS_DIR={spec['openblas'].prefix}",
            f"FFTW_DIR={spec['fftw'].prefix}",
            f"RANDOM123_DIR={spec['random123'].prefix}",
            f"SODIUM_DIR={spec['libsodium'].prefix}",
            f"ZLIB_DIR={spec['zlib-api'].prefix}",
        ]

    @property
    def build_targets(self):
        return self.variables

    @property
    def install_targets(self):
        return [*self.variables, "install"]

    def check(self):
        """`make check` would install what tests need: it is for those who work on fedmpi."""
