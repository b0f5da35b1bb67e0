# SPDX-License-Identifier: MIT
# awk -f single_file.awk HEADER...: the headers, and all of the library that they
# include, as one file. Each stands where it is first included, and the engine at the end. Includes of
# the standard library and of the system stay as they are, for they may depend on a condition. So may
# those of a header: it stands there for those who meet the condition, and once more for the others.

# "a/b/../c" is "a/c".
function shortened(path) {
    while (sub(/[^\/]+\/\.\.\//, "", path)) {
    }
    return path
}

function include(path) {
    if (path ~ /[.]ipp$/ && !at_end) {
        engine[++parts] = path
    } else if (conditions > 0) {
        if (!(path in seen)) {
            print_guarded(path)
        }
    } else if (!(path in seen)) {
        seen[path] = 1
        if (path in guarded) {
            print_guarded(path)
        } else {
            print_file(path)
        }
    }
}

function print_guarded(path,    guard) {
    guarded[path] = 1
    guard = toupper(path)
    sub(/.*\/INCLUDE\//, "", guard)
    gsub(/[^A-Z0-9]/, "_", guard)
    print "#ifndef " guard
    print "#define " guard
    print_file(path)
    print "#endif"
}

function print_file(path,    line, folder, name, got) {
    folder = path
    sub(/[^\/]*$/, "", folder)
    while ((got = (getline line <path)) > 0) {
        if (line ~ /^#include "[^"]*[.][hi]pp"/) {
            split(line, name, "\"")
            include(shortened(folder name[2]))
        } else if (line !~ /^#pragma once|^\/\/ SPDX/) {
            conditions += (line ~ /^# *if/) - (line ~ /^# *endif/)
            print line
        }
    }
    if (got < 0) {
        print "there is no " path >"/dev/stderr"
        failed = 1
        exit
    }
    close(path)
}

BEGIN {
    print "// SPDX-License-Identifier: MIT"
    print "// fire_and_forget: all of the library in one file, which is made from the headers: change these."
    print "//"
    print "// Where many files include it, define FIRE_AND_FORGET_SEPARATE_COMPILATION for all of them, and in one"
    print "// of them FIRE_AND_FORGET_IMPLEMENTATION as well: then the engine is compiled there, once."
    print "#pragma once"
    for (i = 1; i < ARGC; ++i) {
        include(ARGV[i])
    }
    print "#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION) || defined(FIRE_AND_FORGET_IMPLEMENTATION)"
    at_end = 1
    for (i = 1; i <= parts; ++i) {
        include(engine[i])
    }
    print "#endif"
    exit
}
END { exit failed }
