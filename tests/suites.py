"""What `make check` runs: each suite is a list of jobs, some of which need others first."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path.append(str(TESTS / "e2e"))

import mpirun  # noqa: E402

ROOT = TESTS.parent
RANKS = (1, 2, 3, 4)  # of the MPI tests

JOB_ENVIRONMENT = {
    **mpirun.ENVIRONMENT,
    "CMOCKA_MESSAGE_OUTPUT": "TAP",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass
class Job:
    """One process to run."""

    name: str
    command: list[str]
    kind: str = "command"  # what its output is: tap, unittest, command
    limit_seconds: int = 300
    environment: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # jobs that have to succeed first
    places: int = 1  # that it takes of those that jobs wait for: as many as it keeps cores busy


def programs(folder: str, build: Path) -> list[Path]:
    """The test programs that the sources in tests/FOLDER make."""
    return [build / "tests" / folder / source.stem
            for source in sorted((TESTS / folder).glob("test_*.c"))]


def make(name: str, parallel: int, *arguments: str, **options) -> Job:
    command = ["make", "--no-print-directory", f"-j{parallel}", "WERROR=-Werror", *arguments]
    return Job(name, command, limit_seconds=900, places=parallel, **options)


def after(build: Job, jobs: list[Job]) -> list[Job]:
    """A build, and the jobs that need it."""
    for job in jobs:
        job.needs = (*job.needs, build.name)
    return [build, *jobs]


def build_job(build: Path, parallel: int) -> Job:
    return make("build", parallel, f"BUILD={build}", "fedmpi", "tests")


def unit_jobs(build: Path, prefix: tuple[str, ...] = (), label: str = "unit", **options) -> list[Job]:
    return [Job(f"{label}/{program.name}", [*prefix, f"./{program}"], "tap", **options)
            for program in programs("unit", build)]


def mpi_jobs(build: Path, ranks=RANKS, label: str = "mpi", **options) -> list[Job]:
    return [Job(f"{label}/{program.name} -np {n}", ["mpirun", "-np", str(n), f"./{program}"],
                "tap", **options)
            for program in programs("mpi", build) for n in ranks]


def python_jobs(folder: str, limit_seconds: int) -> list[Job]:
    """Each file of unittest tests is a job; what those of e2e share, others use as well."""
    path = {"PYTHONPATH": f"{ROOT}:{TESTS / folder}:{TESTS / 'e2e'}"}
    return [Job(f"{folder}/{file.stem}", [sys.executable, "-m", "unittest", "-v", str(file)],
                "unittest", limit_seconds, path)
            for file in sorted((TESTS / folder).glob("test_*.py"))]


def unit(build: Path, parallel: int) -> list[Job]:
    return after(build_job(build, parallel), unit_jobs(build))


def mpi(build: Path, parallel: int) -> list[Job]:
    return after(build_job(build, parallel), mpi_jobs(build))


def with_program(folder: str, limit_seconds: int, build: Path, parallel: int) -> list[Job]:
    """Python tests that run the program, after it is built."""
    jobs = python_jobs(folder, limit_seconds)
    for job in jobs:
        job.environment["FEDMPI"] = str(build / "fedmpi")
    return after(build_job(build, parallel), jobs)


def e2e(build: Path, parallel: int) -> list[Job]:
    return with_program("e2e", 600, build, parallel)


def python(build: Path, parallel: int) -> list[Job]:
    """The analysis; its results files have the layout of one that the program makes."""
    return with_program("analysis", 600, build, parallel)


def slurm(build: Path, parallel: int) -> list[Job]:
    """The job scripts on a Slurm of their own; skipped where none is installed."""
    jobs = with_program("slurm", 600, build, parallel)
    for job in jobs:
        if "PYTHONPATH" in job.environment:
            job.environment["PYTHONPATH"] += f":{TESTS / 'cluster'}"  # its nodes
    return jobs


def cluster(build: Path, parallel: int) -> list[Job]:
    """Several nodes, made of namespaces; skipped where none can be made."""
    return with_program("cluster", 600, build, parallel)


def tool(name: str, program: str, *command: str, limit_seconds: int = 600) -> Job:
    """A checking tool; skipped where it is not installed."""
    if not shutil.which(program):
        command = ("sh", "-c", f"echo 'skipped: {program} is not installed'; exit 77")
    return Job(f"static/{name}", list(command), limit_seconds=limit_seconds)


def static(build: Path, parallel: int) -> list[Job]:
    def target(name: str, program: str) -> Job:
        return tool(name, program, "make", "--no-print-directory", f"-j{parallel}",
                    f"BUILD={build}", name)
    tidy = target("tidy", "clang-tidy")
    tidy.places, tidy.limit_seconds = parallel, 1800
    circles = tool("circles", sys.executable, sys.executable,
                   str(TESTS / "static" / "circles.py"), str(build))
    runner = Job("static/test_run", [sys.executable, "-m", "unittest", "-v",
                                     str(TESTS / "static" / "test_run.py")], "unittest")
    scripts = [tool(name, sys.executable, sys.executable, str(TESTS / "static" / f"{name}.py"))
               for name in ("layers", "headers")]
    return [tidy, runner, *scripts,
            target("format-check", "clang-format"), target("cppcheck", "cppcheck"),
            target("shellcheck", "shellcheck"), *after(build_job(build, parallel), [circles])]


def short_run(build: Path, ranks: int, prefix: tuple[str, ...] = ()) -> list[str]:
    """A whole run that takes a moment, on data of its own."""
    return [sys.executable, str(TESTS / "e2e" / "short_run.py"), str(build / "fedmpi"), str(ranks),
            *prefix]


def sanitize(build: Path, parallel: int) -> list[Job]:
    folder = build / "asan"
    environment = {
        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
        "LSAN_OPTIONS": f"suppressions={TESTS / 'static' / 'lsan.supp'}:print_suppressions=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    # Open MPI's leaks come from components that it has closed: only a full unwinding shows who.
    # It makes each allocation many times as dear.
    with_mpi = {**environment, "ASAN_OPTIONS": "fast_unwind_on_malloc=0:" + environment["ASAN_OPTIONS"]}
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1"
    return after(
        make("sanitize/build", parallel, f"BUILD={folder}", f"SANITIZE={flags}", "CFLAGS=-O1",
             f"{folder}/fedmpi", "tests"),
        [Job(f"sanitize/run -np {n}", short_run(folder, n), environment=with_mpi)
         for n in (1, 3)]
        + unit_jobs(folder, label="sanitize", environment=environment)
        + mpi_jobs(folder, ranks=(3,), label="sanitize", environment=with_mpi))


def valgrind(build: Path, parallel: int) -> list[Job]:
    if not shutil.which("valgrind"):
        return [tool("valgrind", "valgrind")]
    prefix = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full",
              "--keep-debuginfo=yes", "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
              "--num-callers=30", f"--suppressions={TESTS / 'static' / 'valgrind.supp'}")
    return after(build_job(build, parallel),
                 [Job("valgrind/run", short_run(build, 1, prefix))]
                 + unit_jobs(build, prefix, "valgrind", environment={"FEDMPI_TEST_SHORT": "1"}))


def clang(build: Path, parallel: int) -> list[Job]:
    if not shutil.which("clang"):
        return [tool("clang", "clang")]
    folder = build / "clang"
    return after(make("clang/build", parallel, f"BUILD={folder}", f"{folder}/fedmpi", "tests",
                      environment={"OMPI_CC": "clang", "MPICH_CC": "clang"}),
                 unit_jobs(folder, label="clang"))


def fuzz(build: Path, parallel: int) -> list[Job]:
    """Ten seconds a target; `make fuzz` takes longer."""
    if not shutil.which("clang"):
        return [tool("fuzz", "clang")]
    targets = [source.stem.removeprefix("fuzz_")
               for source in sorted((TESTS / "fuzz").glob("fuzz_*.c"))]
    example = f"{build}/fuzz/tests/fuzz/fuzz_ini.o"
    newer_header = Job("fuzz/a newer header", [
        "sh", "-c", f"make -q BUILD={build}/fuzz {example} && "
                    f"! make -q BUILD={build}/fuzz -W tests/fuzz/input.h {example}"])
    return after(make("fuzz/build", parallel, f"BUILD={build}", "fuzz-build"),
                 [Job(f"fuzz/{target}", ["make", "--no-print-directory", f"BUILD={build}",
                                         "FUZZ_SECONDS=10", f"fuzz-{target}"])
                  for target in targets] + [newer_header])


SUITES: dict[str, Callable[[Path, int], list[Job]]] = {
    "unit": unit,
    "mpi": mpi,
    "static": static,
    "slurm": slurm,
    "cluster": cluster,
    "e2e": e2e,
    "python": python,
    "sanitize": sanitize,
    "valgrind": valgrind,
    "clang": clang,
    "fuzz": fuzz,
}
