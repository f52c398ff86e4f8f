# shellcheck shell=bash
# bash completion for fedmpi, also behind mpirun. It asks the program itself, so it knows
# every option, key and choice that the program knows.

# The configurations that begin like this, and folders on the way to them.
_fedmpi_configurations() {
    compgen -f -X '!*.ini' -- "$1"
    compgen -d -S / -- "$1"
}

# PROGRAM CURRENT PREVIOUS
_fedmpi_complete() {
    local program=$1 current=$2 previous=$3 begun
    compopt -o nospace 2>/dev/null
    case $previous in
        -s | --set)
            mapfile -t COMPREPLY < <("$program" --complete "$current" 2>/dev/null)
            ;;
        -o | --output)
            mapfile -t COMPREPLY < <(compgen -f -X '!*.h5' -- "$current"; compgen -d -S / -- "$current")
            ;;
        -h | --help)
            begun="environment all $("$program" --complete "" 2>/dev/null | cut -d. -f1 | uniq)"
            mapfile -t COMPREPLY < <(compgen -W "$begun" -- "$current")
            ;;
        *)
            if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <("$program" --complete "$current" 2>/dev/null)
            else
                mapfile -t COMPREPLY < <(_fedmpi_configurations "$current")
            fi
            ;;
    esac
    # "=" ends a word where it stands in COMP_WORDBREAKS: bash then replaces what is behind it.
    if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
        begun=${current%"${current##*=}"}
        COMPREPLY=("${COMPREPLY[@]#"$begun"}")
    fi
    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} == *[=/] ]] || COMPREPLY=("${COMPREPLY[0]} ")
}

# The word under the cursor and the one before, as if "=" did not end words:
# _fedmpi_words FIRST sets fedmpi_current and fedmpi_previous.
_fedmpi_words() {
    local i word joined=()
    for ((i = $1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#joined[@]} > 0)) && [[ $word == = || ${joined[-1]} == *= && ${joined[-1]} != *' ' ]]; then
            joined[-1]+=$word
        else
            joined+=("$word")
        fi
    done
    fedmpi_current=${joined[-1]}
    fedmpi_previous=
    ((${#joined[@]} < 2)) || fedmpi_previous=${joined[-2]}
    # --set=KEY=VALUE is --set KEY=VALUE
    if [[ $fedmpi_current == --set=* ]]; then
        fedmpi_previous=--set
        fedmpi_current=${fedmpi_current#--set=}
    fi
}

_fedmpi() {
    local fedmpi_current fedmpi_previous
    _fedmpi_words 0
    _fedmpi_complete "${1/#\~/$HOME}" "$fedmpi_current" "$fedmpi_previous"
}

# mpirun -np 3 ./fedmpi ...: what stands behind fedmpi is fedmpi's.
_fedmpi_launched() {
    local i fedmpi_current fedmpi_previous
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]##*/} == fedmpi ]]; then
            _fedmpi_words "$i"
            _fedmpi_complete "${COMP_WORDS[i]/#\~/$HOME}" "$fedmpi_current" "$fedmpi_previous"
            return
        fi
    done
    mapfile -t COMPREPLY < <(compgen -c -- "$2"; compgen -f -- "$2")
}

complete -F _fedmpi fedmpi
complete -p mpirun >/dev/null 2>&1 || complete -F _fedmpi_launched mpirun
