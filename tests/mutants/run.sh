#!/usr/bin/env bash
# Breaks the library, one line at a time, and sees whether the test that is there for that line fails:
# the mutants of list.txt, or those whose names hold one of the words given. Names the survivors, and
# fails if there is one. A test that takes much longer than without the mutant has failed.
#
#   tests/mutants/run.sh [-k] [WORD...]      -k: only whether each mutant can still be made
#
# When all were run, result.txt says who has killed whom. CXX and CXXFLAGS as for make; ccache is used if
# it is there. The mutants are made in a copy, in $WORK.
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

# with_mutant FILE OLD NEW: the text of FILE with NEW in the one place where OLD stands; fails if there
# is none, or another
with_mutant() {
    local text marked
    text=$(cat "$root/include/fire_and_forget/$1" && echo .)
    marked=${text/"$2"/$'\1'} # ${text#*"$2"} takes twenty times as long
    if [ "$marked" = "$text" ] || [[ $marked == *"$2"* ]]; then
        return 1
    fi
    text=${marked/$'\1'/"$3"}
    printf '%s' "${text%.}"
}

# restore FILE: as it is in the tree
restore() { cp "$root/include/fire_and_forget/$1" "$work/include/fire_and_forget/$1"; }

# build SOURCE FLAG...: the test as $work/test
build() {
    local level=-O1
    [[ $1 == unit/* ]] && level=-O0 # where what takes long is the compiler
    if [ ! -f "$work/main.o" ]; then
        $cxx -std=c++20 -O1 -I"$tests/support" -c "$tests/support/main.cpp" -o "$work/main.o"
    fi
    local flags=("$level" -w -pthread "${@:2}")
    # shellcheck disable=SC2086
    $cxx -std=c++20 ${CXXFLAGS:-} "${flags[@]}" -DFAF_TEST_PATIENCE=10 -I"$work/include" \
        -I"$tests/support" -I"$tests/fuzz" -c "$tests/$1" -o "$work/test.o" &&
        $cxx "${flags[@]}" "$work/test.o" "$work/main.o" -ldl -o "$work/test"
}

# holds TEST...: whether the test passes with what is in $work/include
holds() {
    local flags=()
    case $1 in
    model) # of the model MODEL with DEFINE, which stands for the line: it must fail because of WHAT
        ! cmake -DMODEL="$tests/models/$2.pml" "-DDEFINES=$3" -DEXPECT=fails -DBECAUSE="$4" \
            -DWORK="$work/model" -P "$tests/models/check.cmake" >"$work/log" 2>&1
        return
        ;;
    thread | address)
        flags=("-fsanitize=$1" -O1)
        shift
        ;;
    esac
    local cases=("${@:2}")
    cases=("${cases[@]//,/\\,}")
    is_built=false
    build "$1" "${flags[@]}" >"$work/log" 2>&1 || return 1
    is_built=true
    began=$SECONDS
    # In a subshell, whose word on a crash goes into the log, too; a comma would end a name.
    (timeout -k 5 "$limit" "$work/test" "${cases[@]}" || exit) >"$work/log" 2>&1 &&
        ! grep -q '^No test' "$work/log"
}

# can_judge TEST...: whether the test passes with the library as it is, asked once for each; and how
# long it may take, in $limit
declare -A judges
can_judge() {
    [ "$1" = model ] && return 0 # that one is a mutant by itself
    if [ -z "${judges[$*]:-}" ]; then
        judges[$*]=no
        limit=120
        if holds "$@"; then
            judges[$*]=$((15 + 5 * (SECONDS - began)))
        fi
    fi
    limit=${judges[$*]}
    [ "$limit" != no ]
}

# is_there TEST...: whether there is such a test
is_there() {
    local word
    case $1 in
    model)
        for word in ${3//;/ }; do
            grep -qw "${word#-D}" "$tests/models/$2.pml" "$tests"/models/*.inc || return 1
        done
        return
        ;;
    thread | address) shift ;;
    esac
    for word in "${@:2}"; do
        grep -qF "${word%%\**}" "$tests/$1" || return 1
    done
    [ -f "$tests/$1" ]
}

is_built=true
killed=0
survivors=()
stale=()
table=

# consider: the mutant that has been read
consider() {
    [ -n "$name" ] || return 0
    if [ ${#words[@]} -gt 0 ]; then
        local word is_wanted=false
        for word in "${words[@]}"; do [[ $name == *"$word"* ]] && is_wanted=true; done
        $is_wanted || return 0
    fi
    local mutant started=$SECONDS
    if ! mutant=$(with_mutant "$file" "$old" "$new" && echo .); then
        note_stale "its text does not stand once in $file"
    elif ! is_there "${test[@]}"; then
        note_stale "there is no such test"
    elif $only_check; then
        killed=$((killed + 1))
    elif ! can_judge "${test[@]}"; then
        note_stale "its test does not pass without it"
    else
        printf '%s' "${mutant%.}" >"$work/include/fire_and_forget/$file"
        judge
        restore "$file"
    fi
}

# judge: the mutant in $work/include
judge() {
    if holds "${test[@]}"; then
        survivors+=("$name")
        echo "SURVIVES  $name"
        table+="NONE"$'\n'"    $name"$'\n'
    elif ! $is_built; then
        note_stale "it does not compile"
    else
        killed=$((killed + 1))
        echo "killed    $name ($((SECONDS - started)) s)"
        table+="${test[*]}"$'\n'"    $name"$'\n'
    fi
}

note_stale() {
    stale+=("$name")
    echo "stale     $name: $1"
}

if ! $only_check; then
    mkdir -p "$work"
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
fi
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

if $only_check; then
    echo "$killed can be made, ${#stale[@]} stale"
else
    summary="$killed killed, ${#survivors[@]} survived, ${#stale[@]} stale"
    echo "$summary"
    if [ ${#words[@]} = 0 ]; then
        printf '%s\n\nEach test, and the mutant that it has killed:\n\n%s' "$summary" "$table" \
            >"$here/result.txt"
    fi
fi
[ ${#survivors[@]} = 0 ] && [ ${#stale[@]} = 0 ]
