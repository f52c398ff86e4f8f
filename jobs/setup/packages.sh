#!/bin/sh
# See that what a task needs is there, and install what is missing.
#
#     jobs/setup/packages.sh build|demo|check|notebooks   install by apt
#     jobs/setup/packages.sh --missing build|...          only say what is missing
#
# Looks for commands, headers, libraries and Python modules, not for packages, so it is
# content with what modules, Spack, conda or a prefix provide. The Makefile passes what
# it compiles and links with in CC, FEDMPI_CFLAGS and FEDMPI_LIBS; without them, what
# pkg-config says. Exit code 1 if something is missing that it could not or was not to
# install.
set -eu

CC=${CC:-mpicc}
PYTHON=${PYTHON:-/usr/bin/python3}

# tasks | what to look for | Debian and Ubuntu | Fedora | Homebrew | Spack | conda-forge
# "-": there is no package; SOURCE: it comes from its authors.
table() {
    cat <<'END'
build demo check|command cc gcc|gcc|gcc|gcc|gcc|c-compiler
build demo check|library stdlib.h|libc6-dev|glibc-devel|-|-|-
build demo check|command make|make|make|make|gmake|make
build demo check|compiler|libopenmpi-dev|openmpi-devel|open-mpi|openmpi|openmpi-mpicc
demo check|command mpirun|openmpi-bin|openmpi|open-mpi|openmpi|openmpi
build demo check|library hdf5.h H5open|libhdf5-dev|hdf5-devel|hdf5|hdf5~mpi|hdf5
build demo check|library cblas.h cblas_sgemm|libopenblas-dev|openblas-devel|openblas|openblas|openblas
build demo check|library fftw3.h fftw_execute|libfftw3-dev|fftw-devel|fftw|fftw~mpi|fftw
build demo check|library Random123/philox.h|librandom123-dev|Random123-devel|SOURCE|random123|SOURCE
build demo check|library sodium.h sodium_init|libsodium-dev|libsodium-devel|libsodium|libsodium|libsodium
build demo check|library zlib.h gzopen|zlib1g-dev|zlib-devel|zlib|zlib|zlib
build demo check|flags pkg-config|pkgconf|pkgconf-pkg-config|pkgconf|pkgconf|pkg-config
demo check notebooks|python h5py|python3-h5py|python3-h5py|-|py-h5py|h5py
demo check notebooks|python pandas|python3-pandas|python3-pandas|-|py-pandas|pandas
demo check notebooks|python matplotlib|python3-matplotlib|python3-matplotlib|python-matplotlib|py-matplotlib|matplotlib
demo check notebooks|python scipy|python3-scipy|python3-scipy|scipy|py-scipy|scipy
demo check notebooks|python jinja2|python3-jinja2|python3-jinja2|-|py-jinja2|jinja2
demo check notebooks|python tabulate|python3-tabulate|python3-tabulate|-|py-tabulate|tabulate
demo check|command curl wget|curl|curl|curl|curl|curl
demo check|file /etc/ssl/certs/ca-certificates.crt /etc/pki/tls /etc/ssl/cert.pem|ca-certificates|ca-certificates|-|ca-certificates-mozilla|ca-certificates
check notebooks|python nbconvert|python3-nbconvert|python3-nbconvert|jupyterlab|py-nbconvert|nbconvert
check notebooks|python ipykernel|python3-ipykernel|python3-ipykernel|jupyterlab|py-ipykernel|ipykernel
check|library cmocka.h|libcmocka-dev|libcmocka-devel|cmocka|cmocka|cmocka
check|command clang|clang|clang|llvm|llvm|clang
check|command clang-tidy|clang-tidy|clang-tools-extra|llvm|llvm|clang-tools
check|command clang-format|clang-format|clang-tools-extra|clang-format|llvm|clang-format
check|command cppcheck|cppcheck|cppcheck|cppcheck|cppcheck|cppcheck
check|command shellcheck|shellcheck|ShellCheck|shellcheck|shellcheck|shellcheck
check|command valgrind|valgrind|valgrind|-|valgrind|valgrind
check|command slurmctld|slurm-wlm|slurm-slurmctld|-|slurm|-
check|command munged|munge|munge|-|munge|-
check|command ip|iproute2|iproute|-|iproute2|-
END
}

# The rows of this task.
rows() {
    table | while IFS= read -r row; do
        case " ${row%%|*} " in
            *" $task "*) echo "$row" ;;
        esac
    done
}

has_command() {
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then
            return 0
        fi
    done
    # Debian keeps daemons where only root looks.
    [ -x "/usr/sbin/$1" ]
}

# What the Makefile compiles and links with, or what it would after an installation.
find_flags() {
    compiler=$CC # may be several words: ccache mpicc, gcc --sysroot=...
    has_command "${CC%% *}" || compiler=cc
    cflags=${FEDMPI_CFLAGS-$(module_flags --cflags)}
    libraries=${FEDMPI_LIBS-$(module_flags --libs)}
}

# Of each library: what pkg-config says, or how its name is given to the linker.
module_flags() {
    for module in hdf5:hdf5 openblas:openblas fftw3:fftw3 libsodium:sodium zlib:z; do
        pkg-config "$1" "${module%:*}" 2>/dev/null ||
            { [ "$1" = --cflags ] || echo "-l${module#*:}"; }
    done
}

# One run of the preprocessor says which of all headers there are.
found_headers() (
    set -f
    # shellcheck disable=SC2086 # flags are words
    rows | sed -n 's/.*|library \([^ |]*\).*/\1/p' |
        sed 's|.*|#if __has_include(<&>)\nfound "&"\n#endif|' |
        $compiler -E -P $cflags -xc - 2>/dev/null || true
)

# Does a program that calls these functions link with $linked?
links() (
    set -f
    # shellcheck disable=SC2086 # flags are words
    {
        for function in "$@"; do
            echo "char $function(void);"
        done
        printf 'int main(void) { return 0'
        for function in "$@"; do
            printf ' + %s()' "$function"
        done
        echo '; }'
    } | $compiler -fno-builtin -xc - -o "$scratch" $linked >/dev/null 2>&1
)

# $libraries without those that the linker does not find.
usable_libraries() {
    folders=$(echo "$libraries" | tr ' ' '\n' | grep '^-L' || true)
    for word in $libraries; do
        linked="$folders $word"
        case $word in -l*) links || continue ;; esac
        echo "$word"
    done
}

# One by one only if not all are there: another library's cblas.h is not OpenBLAS.
find_unlinked() {
    unlinked=
    has_command "${compiler%% *}" || return 0
    functions=$(rows | sed -n 's/.*|library [^ |]* \([^ |]*\)|.*/\1/p')
    scratch=$(mktemp)
    linked=$libraries
    # shellcheck disable=SC2086 # names are words
    if ! links $functions; then
        linked=$(usable_libraries)
        for function in $functions; do
            links "$function" || unlinked="$unlinked $function "
        done
    fi
    rm -f "$scratch"
}

found_modules() {
    # shellcheck disable=SC2046 # names are words
    "$PYTHON" -c 'import sys
from importlib.util import find_spec
print(*(name for name in sys.argv[1:] if find_spec(name)))' \
        $(rows | sed -n 's/.*|python \([^|]*\)|.*/\1/p') 2>/dev/null || true
}

# is_there KIND NAME...
is_there() {
    kind=$1
    shift
    case $kind in
        command) has_command "$@" ;;
        compiler) has_command "${CC%% *}" ;;
        file) [ -e "$1" ] || [ -e "${2-}" ] || [ -e "${3-}" ] ;;
        python) case " $modules " in *" $1 "*) ;; *) return 1 ;; esac ;;
        flags) has_command "$1" || [ "$headers_missing" = no ] ;;
        library)
            case $headers in *"\"$1\""*) ;; *) headers_missing=yes && return 1 ;; esac
            case $unlinked in *" ${2:-none} "*) return 1 ;; esac
            ;;
    esac
}

# The rows of what is not there.
missing_rows() {
    find_flags
    headers=$(found_headers)
    modules=$(found_modules)
    headers_missing=no
    find_unlinked
    rows | while IFS= read -r row; do
        what=${row#*|}
        # shellcheck disable=SC2086 # names are words
        is_there ${what%%|*} || echo "$row"
    done
}

# column N of the missing rows, as words, without repetitions
names() {
    echo "$missing" | cut -d'|' -f"$1" | tr ' ' '\n' | grep -vx -e - -e SOURCE -e '' |
        awk '!seen[$0]++' | tr '\n' ' ' || true
}

# NAME PREFIX NAMES: one line of the list of commands
offer() {
    [ -z "$3" ] || printf '  %-16s %s %s\n' "$1" "$2" "${3% }"
}

say_missing() {
    echo "fedmpi: missing for '$task':"
    echo "$missing" | while IFS='|' read -r _ what package _; do
        # shellcheck disable=SC2086 # names are words
        set -- $what
        case $1 in
            library) echo "  $2${3+, or what links $3}   (Debian package $package)" ;;
            python) echo "  Python module $2 for $PYTHON   (Debian package $package)" ;;
            flags) ;;
            compiler) echo "  $CC   (Debian package $package)" ;;
            *) echo "  $2   (Debian package $package)" ;;
        esac
    done
}

say_commands() {
    echo "Install it by one of:"
    offer "Debian, Ubuntu" "apt install" "$(names 3)"
    offer "Fedora" "dnf install" "$(names 4)"
    offer "Homebrew" "brew install" "$(names 5)"
    offer "Spack" "spack install" "$(names 6)"
    offer "conda" "conda install -c conda-forge" "$(names 7)"
    case $missing in *"|python "*)
        echo "  Python alone     $PYTHON -m pip install -r analysis/requirements.txt" ;;
    esac
    case $missing in *Random123*)
        echo "Random123 is headers only; where there is no package, clone"
        echo "https://github.com/DEShawResearch/random123 and give make RANDOM123_DIR=ITS_FOLDER." ;;
    esac
    case $missing in *"|library "*)
        echo "What is installed elsewhere: load its module, or give make HDF5_DIR=PREFIX,"
        echo "OPENBLAS_DIR, FFTW_DIR, RANDOM123_DIR, SODIUM_DIR or ZLIB_DIR." ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

can_install() {
    has_command apt-get && { [ "$(id -u)" = 0 ] || has_command sudo; }
}

install() {
    packages=$(names 3)
    echo "fedmpi: installing ${packages% }" >&2
    echo "fedmpi: this takes a minute or two" >&2
    log=$(mktemp)
    # Where the lists cannot be renewed those that are there may do.
    as_root apt-get -qq update >"$log" 2>&1 || true
    # shellcheck disable=SC2086 # names are words
    as_root apt-get -qq install -y --no-install-recommends $packages >>"$log" 2>&1 ||
        { tail -n 20 "$log" && echo "fedmpi: apt-get could not install them"; } >&2
    rm -f "$log"
}

usage() {
    echo "usage: $0 [--missing] build|demo|check|notebooks" >&2
    exit 2
}

only_say=no
if [ "${1-}" = --missing ]; then
    only_say=yes
    shift
fi
task=${1-}
case $task in build | demo | check | notebooks) [ $# = 1 ] || usage ;; *) usage ;; esac

missing=$(missing_rows)
if [ -n "$missing" ] && [ $only_say = no ] && can_install; then
    install
    missing=$(missing_rows)
fi
if [ -n "$missing" ]; then
    { say_missing && say_commands; } >&2
    exit 1
fi
