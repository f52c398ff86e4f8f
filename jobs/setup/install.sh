#!/bin/sh
# Put the built program and all that belongs to it under $DESTDIR$PREFIX, or take away what
# was put there. `make install` and `make uninstall` call this with their variables.
#
#     jobs/setup/install.sh install|uninstall
#
# What was installed is written to share/fedmpi/installed.txt, a path a line below PREFIX;
# uninstall goes by that list, so it also knows what an older version installed.
set -eu

cd "$(dirname "$0")/../.."
umask 022 # all users may read what root installs
PREFIX=${PREFIX:-/usr/local}
case $PREFIX in
    /*) ;;
    \~/*) PREFIX=$HOME/${PREFIX#\~/} ;; # not every shell expands it behind PREFIX=
    *) PREFIX=$PWD/$PREFIX ;;
esac
root=${DESTDIR-}$PREFIX
list=share/fedmpi/installed.txt

# MODE SOURCE PATH: a file to its place, and onto the list.
put() {
    mkdir -p "$root/$(dirname "$3")"
    install -m "$1" "$2" "$root/$3"
    echo "$3" >>"$root/$list"
}

# FOLDER PATH: all files of a folder.
put_folder() {
    find "$1" -name __pycache__ -prune -o -type f -print | while read -r file; do
        put "$(mode_of "$file")" "$file" "$2${file#"$1"}"
    done
}

# FOLDER PATH: a folder of pages, whose links lead to the installed headers. Sources are not installed:
# what links to them keeps its text.
put_pages() {
    put_folder "$1" "$2"
    find "$root/$2" -name '*.md' -exec sed -i.before -E \
        -e 's#\[([^][]*)\]\((\.\./)+src/[^)]*\)#\1#g' \
        -e 's#\]\(\.\./\.\./include/#](../../../../../include/#g' {} +
    find "$root/$2" -name '*.before' -exec rm {} +
}

mode_of() {
    if [ -x "$1" ]; then echo 755; else echo 644; fi
}

# The flags of the libraries, as this program was built with them.
pkg_config_file() {
    cat <<END
prefix=$PREFIX
Name: fedmpi
Description: federated learning, simulated on MPI
Version: $VERSION
Cflags: -I"\${prefix}/include" ${FEDMPI_CFLAGS-}
Libs: -L"\${prefix}/lib" -lfedmpi ${FEDMPI_LIBS-}
END
}

install_all() {
    mkdir -p "$root/share/fedmpi"
    uninstall_all
    mkdir -p "$root/share/fedmpi"
    : >"$root/$list"
    put 755 "$BUILD/fedmpi" bin/fedmpi
    put 644 "$BUILD/libfedmpi.a" lib/libfedmpi.a
    pkg_config_file >"$BUILD/fedmpi.pc"
    put 644 "$BUILD/fedmpi.pc" lib/pkgconfig/fedmpi.pc
    put 644 docs/reference/fedmpi.1 share/man/man1/fedmpi.1
    put 644 src/cli/completion/fedmpi.bash share/bash-completion/completions/fedmpi
    put 644 src/cli/completion/_fedmpi share/zsh/site-functions/_fedmpi
    put 644 jobs/packaging/modulefile "share/modulefiles/fedmpi/$VERSION"
    put_folder include/fedmpi include/fedmpi
    put_folder configs share/fedmpi/configs
    put 755 jobs/setup/data.sh share/fedmpi/jobs/setup/data.sh
    put_pages docs share/doc/fedmpi/docs
    for file in README.md LICENSE CHANGELOG.md CITATION.cff CONTRIBUTING.md; do
        put 644 "$file" "share/doc/fedmpi/$file"
    done
    echo "$list" >>"$root/$list"
    echo "fedmpi: $(grep -c . "$root/$list") files below $root"
}

# Files of the list, then those of their folders that are ours alone and empty.
uninstall_all() {
    [ -f "$root/$list" ] || return 0
    listed=$(cat "$root/$list")
    echo "$listed" | while read -r file; do
        rm -f "$root/$file"
    done
    for folder in share/fedmpi share/doc/fedmpi share/modulefiles/fedmpi include/fedmpi; do
        [ ! -d "$root/$folder" ] || find "$root/$folder" -depth -type d -empty -delete
    done
}

case ${1-} in
    install) install_all ;;
    uninstall)
        [ -f "$root/$list" ] || { echo "fedmpi: nothing is installed below $root" >&2 && exit 1; }
        uninstall_all
        ;;
    *)
        echo "usage: $0 install|uninstall" >&2
        exit 2
        ;;
esac
