#!/bin/sh
# Put a data set's four IDX files into a folder, each checked by its SHA-256.
#
#     jobs/setup/data.sh mnist|fashion-mnist [FOLDER]     default: data/NAME, of the
#                                                          sources, or of where the user is
#
# Taken from the first of these that has a file with the right content:
#   $FEDMPI_DATA or $FEDMPI_DATA/NAME, a folder
#   ../shared/data/NAME beside the repository
#   Debian's package of the data set, if there is one
#   $FEDMPI_MIRRORS, addresses with spaces between; default: the public mirrors below
# A file appears whole and checked, or not at all.
set -eu

# Sums are of the uncompressed content: mirrors compress differently.
describe() {
    case $1 in
        mnist)
            sums='train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'
            mirrors='https://ossci-datasets.s3.amazonaws.com/mnist
https://storage.googleapis.com/cvdf-datasets/mnist'
            package=
            ;;
        fashion-mnist)
            sums='train-images-idx3-ubyte c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
train-labels-idx1-ubyte bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
t10k-images-idx3-ubyte 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
t10k-labels-idx1-ubyte 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34'
            mirrors='http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
https://storage.googleapis.com/tensorflow/tf-keras-datasets
https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion'
            package='dataset-fashion-mnist'
            ;;
        *) usage ;;
    esac
}

usage() {
    echo "usage: $0 mnist|fashion-mnist [FOLDER]" >&2
    exit 2
}

say() {
    echo "fedmpi: $*" >&2
}

# FILE: SHA-256 of what is in it, plain or gzipped.
content_sum() {
    gzip -dcf <"$1" 2>/dev/null | {
        if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
    } | cut -d' ' -f1
}

# FILE SUM
has_sum() {
    [ -f "$1" ] && [ "$(content_sum "$1")" = "$2" ]
}

is_gzipped() {
    [ "$(head -c 2 "$1" | od -An -tx1 | tr -d ' \n')" = 1f8b ]
}

# The name of a file that the program finds and that has the right content, if any.
present() {
    for candidate in "$folder/$1" "$folder/$1.gz"; do
        if [ -e "$candidate" ]; then
            has_sum "$candidate" "$2"
            return
        fi
    done
    return 1
}

# TEMPORARY NAME SUM: the file takes its place if its content is right.
accept() {
    has_sum "$1" "$3" || return 1
    final=$2
    if is_gzipped "$1"; then final=$2.gz; fi
    chmod 644 "$1"
    mv -f "$1" "$folder/$final"
    # The program prefers the plain file: a wrong one must not stand beside it.
    if [ "$final" != "$2" ]; then rm -f "$folder/$2"; fi
}

# FOLDER NAME SUM
take_from_folder() {
    for candidate in "$1/$2.gz" "$1/$2"; do
        if has_sum "$candidate" "$3"; then
            cp "$candidate" "$part" && accept "$part" "$2" "$3" && return
        fi
    done
    return 1
}

# ADDRESS FILE
download() {
    if command -v curl >/dev/null; then
        curl -fsSL --connect-timeout 10 --speed-limit 1000 --speed-time 30 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q --tries=1 --timeout=30 -O "$2" "$1"
    else
        "${PYTHON:-/usr/bin/python3}" -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=30) as source, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(source, file)' "$1" "$2"
    fi 2>/dev/null
}

# NAME SUM: from the mirrors that have answered so far.
take_from_mirrors() {
    for mirror in $mirrors; do
        say "$folder/$1.gz from $mirror"
        if ! download "$mirror/$1.gz" "$part"; then
            say "$mirror cannot be reached or does not have it"
            mirrors=$(echo "$mirrors" | tr ' ' '\n' | grep -vxF "$mirror" || true)
        elif ! accept "$part" "$1" "$2"; then
            say "$mirror gives another content than expected"
        else
            return 0
        fi
    done
    return 1
}

# Debian's package, unpacked beside: that needs no root.
unpack_package() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    say "unpacking Debian's package $package"
    (cd "$scratch" && apt-get -qq download "$package") >/dev/null 2>&1 || return 1
    dpkg-deb -x "$scratch/$package"_*.deb "$scratch"
}

# NAME SUM
take_from_package() {
    [ -n "$package" ] || return 1
    take_from_folder "/usr/share/datasets/$dataset" "$@" && return
    if [ -z "${unpacked-}" ]; then
        unpacked=yes
        unpack_package || return 1
    fi
    take_from_folder "$scratch/usr/share/datasets/$dataset" "$@"
}

# NAME SUM
take() {
    if [ -n "${FEDMPI_DATA-}" ]; then
        take_from_folder "$FEDMPI_DATA" "$@" && return
        take_from_folder "$FEDMPI_DATA/$dataset" "$@" && return
    fi
    take_from_folder "$root/../shared/data/$dataset" "$@" && return
    take_from_package "$@" && return
    take_from_mirrors "$@"
}

give_up() {
    say "$1 of $dataset could not be had. Choices:"
    {
        echo "  - connect to the internet and repeat: $get"
        echo "  - FEDMPI_DATA=FOLDER $get, where FOLDER or FOLDER/$dataset holds"
        echo "$sums" | sed 's/^\([^ ]*\) .*/      \1, plain or .gz/'
        echo "  - FEDMPI_MIRRORS=ADDRESS $get, an address below which the .gz files lie"
        [ -z "$package" ] || echo "  - on Debian or Ubuntu: apt install $package, and repeat"
        echo "  - leave the files where they are and set data.path in the configuration"
    } >&2
    exit 1
}

clean_up() {
    rm -rf "$scratch" "$part"
    rmdir "$folder" 2>/dev/null || true
}

[ $# = 1 ] || [ $# = 2 ] || usage
dataset=$1
describe "$dataset"
mirrors=${FEDMPI_MIRRORS:-$mirrors}
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${2:-data/$dataset}
get="make data DATASET=$dataset"
if [ ! -f "$root/Makefile" ]; then # installed: data go where the user is
    get="sh $0 $dataset"
elif [ $# = 1 ] && [ "$PWD" != "$root" ]; then
    folder=$root/$folder
fi

mkdir -p "$folder"
part=$folder/.part.$$
scratch=$(mktemp -d)
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

got=0
while read -r name sum; do
    if ! present "$name" "$sum"; then
        take "$name" "$sum" || give_up "$name"
        got=$((got + 1))
    fi
done <<END
$sums
END
if [ $got = 0 ]; then
    say "$folder is complete"
else
    say "$folder is complete, $got files checked and put there"
fi
