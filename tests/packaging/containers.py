"""Images and containers of buildah, on a Debian that debootstrap brings: no registry is asked."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

BASE = "localhost/fedmpi-base"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
NEEDED = ("buildah", "debootstrap")


class Container:
    def __init__(self, store: "Store", image: str) -> None:
        self.store, self.name = store, store.buildah("from", f"localhost/{image}").strip()

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *_) -> None:
        self.store.buildah("rm", self.name)

    def run(self, *line: str) -> str:
        """In the container, with this machine's network."""
        return self.store.buildah("run", "--network", "host", self.name, "--", *line)


class Store:
    """Images below a folder. As root, without a file system of layers and without namespaces: it
    works in a container, too."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in NEEDED if not any(
            (Path(place) / name).exists() for place in ("/usr/bin", "/usr/sbin"))]
        assert not missing, f"apt install {' '.join(missing)}"
        assert os.geteuid() == 0, "only root makes containers here"
        self.options = ("--storage-driver", "vfs", "--root", str(folder / "images"),
                        "--runroot", str(folder / "images-run"))
        if BASE not in self.buildah("images", "--format", "{{.Name}}"):
            self.make_base(folder / "bookworm")

    def buildah(self, *line: object) -> str:
        done = subprocess.run(
            ["buildah", *self.options, *(str(part) for part in line)], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"})
        assert done.returncode == 0, f"buildah {shlex.join(map(str, line))}:\n{done.stdout[-3000:]}"
        return done.stdout

    def make_base(self, folder: Path) -> None:
        if not (folder / "etc/debian_version").exists():
            subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder, MIRROR],
                           check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        container = self.buildah("from", "scratch").strip()
        self.buildah("copy", container, f"{folder}/", "/")
        self.buildah("commit", "-q", "--rm", container, BASE)

    def container(self, image: str) -> Container:
        return Container(self, image)

    def build(self, dockerfile: Path, context: Path, image: str) -> None:
        self.buildah("bud", "--network", "host", "--build-arg", f"BASE={BASE}", "-f", dockerfile,
                     "-t", f"localhost/{image}", context)

    def build_definition(self, definition: Path, context: Path, image: str) -> None:
        """What apptainer does with a definition, stage by stage."""
        folders: dict[str, str] = {}
        for stage in stages_of(definition.read_text()):
            assert stage.header["From"] == "debian:12-slim", stage.header
            container = self.buildah("from", BASE).strip()
            folders[stage.header["Stage"]] = self.buildah("mount", container).strip()
            for origin, source, target in stage.files():
                place = Path(folders[origin]) if origin else context
                self.copy(place / source.lstrip("/"), Path(folders[stage.header["Stage"]]), target)
            for section in ("post", "test"):
                if section in stage.sections:
                    self.buildah("run", "--network", "host", container, "--", "/bin/sh", "-ec",
                                 stage.sections[section])
            for name, value in stage.environment():
                self.buildah("config", "--env", f"{name}={value}", container)
        # As root here, which apptainer's users are not.
        for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
            self.buildah("config", "--env", f"{name}=1", container)
        self.buildah("commit", "-q", container, f"localhost/{image}")
        self.buildah("rm", "--all")

    @staticmethod
    def copy(source: Path, root: Path, target: str) -> None:
        place = root / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-rL", source, place], check=True)


class Stage:
    """A stage of an Apptainer definition: its header, and the text of its sections."""

    def __init__(self, text: str) -> None:
        head, *sections = re.split(r"(?m)^%", text)
        self.header = dict(re.findall(r"(?m)^(\w+): (.*)$", head))
        self.sections = {}
        for section in sections:
            name, _, body = section.partition("\n")
            self.sections[name.strip()] = body

    def files(self) -> Iterator[tuple[str, str, str]]:
        """(stage that it comes from or "", source, target)"""
        for name, body in self.sections.items():
            if name.split()[0] == "files":
                for line in filter(str.strip, body.splitlines()):
                    source, target = line.split()
                    yield name.removeprefix("files").removeprefix(" from").strip(), source, target

    def environment(self) -> list[tuple[str, str]]:
        return re.findall(r"export (\w+)=(\S+)", self.sections.get("environment", ""))


def stages_of(text: str) -> list[Stage]:
    text = re.sub(r"(?m)^#.*\n", "", text)
    return [Stage(f"Bootstrap: {part}") for part in re.split(r"(?m)^Bootstrap: ", text)[1:]]
