#!/bin/sh
# The two steps of an image, on Debian or Ubuntu, for Dockerfile and fedmpi.def:
#
#     in-container.sh build STAGED   from the source tree: install below STAGED what belongs to fedmpi
#     in-container.sh prepare        in the image: install what the program there runs with
#
# The first writes down for the second which packages the program's libraries came from, so
# that their names, which change from release to release, stand nowhere.
set -eu

share=/usr/local/share/fedmpi

# PROGRAM: the packages of its shared libraries.
packages_of() {
    ldd "$1" | sed -n 's|.*=> \(/[^ ]*\).*|\1|p' | while read -r library; do
        # Since /lib is a link into /usr, the list of a package may have either.
        dpkg -S "$(readlink -f "$library")" 2>/dev/null || dpkg -S "$(readlink -f "$library" | sed 's|^/usr||')"
    done | cut -d: -f1 | sort -u
}

case ${1-} in
    build)
        jobs/setup/packages.sh build
        make -j"$(nproc)"
        make install DESTDIR="$2" PREFIX=/usr/local
        { echo openmpi-bin && packages_of build/fedmpi; } >"$2$share/packages.txt"
        cp "$0" "$2$share/in-container.sh"
        ;;
    prepare)
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update
        # shellcheck disable=SC2046 # names are words
        apt-get -qq install -y --no-install-recommends $(cat "$share/packages.txt")
        rm -rf /var/lib/apt/lists/*
        fedmpi --version
        ;;
    *)
        echo "usage: $0 build STAGED | prepare" >&2
        exit 2
        ;;
esac
