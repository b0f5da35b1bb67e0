#!/usr/bin/env bash
# Breaks the library, one line at a time, and sees whether the test that is there for that line fails:
# the mutants of list.txt, or those whose names hold one of the words given. Names the survivors.
#
#   tests/mutants/run.sh [-k] [WORD...]      -k: only whether each mutant can still be made
#
# CXX and CXXFLAGS as for make; ccache is used if it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
root=$(dirname "$tests")
work=${WORK:-$root/build-mutants}
cxx=${CXX:-g++}
command -v ccache >/dev/null && cxx="ccache $cxx"

only_check=false
if [ "${1:-}" = -k ]; then
    only_check=true
    shift
fi
mkdir -p "$work"

# fresh: the library as it is, in $work/include
fresh() {
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
}

# mutate FILE OLD NEW: replaces the one place where OLD stands
mutate() {
    local path=$work/include/fire_and_forget/$1 text rest
    text=$(cat "$path" && echo .)
    rest=${text#*"$2"}
    if [ "$rest" = "$text" ] || [ "${rest#*"$2"}" != "$rest" ]; then
        return 1
    fi
    text=${text%%"$2"*}$3$rest
    printf '%s' "${text%.}" >"$path"
}

# build SOURCE: the test as $work/test
build() {
    local libraries=(-ldl)
    if [ ! -f "$work/main.o" ]; then
        $cxx -std=c++20 -O1 -I"$tests/support" -c "$tests/support/main.cpp" -o "$work/main.o"
    fi
    # shellcheck disable=SC2086
    $cxx -std=c++20 -O1 -g -w -pthread ${CXXFLAGS:-} -DFAF_TEST_PATIENCE=5 -I"$work/include" \
        -I"$tests/support" -I"$tests/fuzz" "$tests/$1" "$work/main.o" "${libraries[@]}" -o "$work/test"
}

# holds TEST...: whether the test passes with what is in $work/include
holds() {
    case $1 in
    model) # of the model MODEL with DEFINE, which stands for the line: it must fail because of WHAT
        ! cmake -DMODEL="$tests/models/$2.pml" "-DDEFINES=$3" -DEXPECT=fails -DBECAUSE="$4" \
            -DWORK="$work/model" -P "$tests/models/check.cmake" >"$work/log" 2>&1
        ;;
    *)
        is_built=false
        build "$1" >"$work/log" 2>&1 || return 1
        is_built=true
        timeout 300 "$work/test" "${@:2}" >"$work/log" 2>&1 && ! grep -q '^No test' "$work/log"
        ;;
    esac
}

# can_judge TEST...: whether the test passes with the library as it is; asked once for each
declare -A judges
can_judge() {
    [ "$1" = model ] && return 0 # that one is a mutant by itself
    if [ -z "${judges[$*]:-}" ]; then
        judges[$*]=no
        fresh
        holds "$@" && judges[$*]=yes
    fi
    [ "${judges[$*]}" = yes ]
}

is_built=true
killed=0
survivors=()
stale=()

# consider: the mutant that has been read
consider() {
    [ -n "$name" ] || return 0
    if [ ${#words[@]} -gt 0 ]; then
        local word is_wanted=false
        for word in "${words[@]}"; do [[ $name == *"$word"* ]] && is_wanted=true; done
        $is_wanted || return 0
    fi
    if ! $only_check && ! can_judge "${test[@]}"; then
        note_stale "its test does not pass without it"
        return 0
    fi
    fresh
    if ! mutate "$file" "$old" "$new"; then
        note_stale "its text does not stand once in $file"
        return 0
    fi
    $only_check && return 0
    if holds "${test[@]}"; then
        survivors+=("$name")
        echo "SURVIVES  $name"
    elif ! $is_built; then
        note_stale "it does not compile"
    else
        killed=$((killed + 1))
        echo "killed    $name"
    fi
}

note_stale() {
    stale+=("$name")
    echo "stale     $name: $1"
}

words=("$@")
name= file= old= new= test=()
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    "= "*) consider; name=${line#= } file= old= new= test=() ;;
    "file "*) file=${line#file } ;;
    "- "*) old=${old:+$old$'\n'}${line#- } ;;
    "+ "*) new=${new:+$new$'\n'}${line#+ } ;;
    "test "*) eval "test=(${line#test })" ;;
    esac
done <"$here/list.txt"
consider

echo "$killed killed, ${#survivors[@]} survived, ${#stale[@]} stale"
[ ${#survivors[@]} = 0 ] && [ ${#stale[@]} = 0 ]
