# SPDX-License-Identifier: MIT
# Reads the headers that users include, and fails where a type, or a function that a user can call, has
# no documentation of its own. It knows C++ as clang-format leaves it there, not more.

function fail(what) {
    print FILENAME ":" FNR ": " what
    failed = 1
}

# What a line opens or closes. Scopes: "public" and "private" for those of declarations, "body" for
# those of statements.
function track(code,    i, letter, kind) {
    for (i = 1; i <= length(code); ++i) {
        letter = substr(code, i, 1)
        if (letter == "{") {
            kind = kind_of(declaration)
            scope[++depth] = kind
        } else if (letter == "}") {
            --depth
        }
    }
}

function kind_of(of) {
    if (scope[depth] == "body" || scope[depth] == "private") {
        return scope[depth]
    }
    if (of ~ /namespace detail/) {
        return "private"
    }
    if (of ~ /(^| )(namespace|struct)( |$)/ && of !~ /[(]/) {
        return "public"
    }
    return of ~ /(^| )class( |$)/ && of !~ /[(]/ ? "private-class" : "body"
}

# Deleted functions say all by that; what has a qualified name was declared, and documented, before.
function end_of_declaration(    front) {
    front = declaration
    gsub(/operator *(==|\+=|=|\(\))/, "operator_", front)
    sub(/^template <[^(]*> /, "", front)
    sub(/[={].*/, "", front)
    sub(/[(]/, "\t", front) # ends the name of a function
    if (is_documented || declaration ~ /= delete/ || front ~ /^(static_assert|friend [^\t]*$)/) {
        # nothing to say
    } else if (front ~ /^(class|struct|enum class|using [a-z_]+) / &&
               declaration !~ /^(class|struct) [a-z_]+;/) {
        fail("no documentation: " declaration)
    } else if (front ~ /\t/ && front !~ /[a-z_>]::[a-z_]+\t/) {
        fail("no documentation: " declaration)
    }
    declaration = ""
    is_documented = 0
}

FNR == 1 {
    depth = 0
    scope[0] = "public"
    declaration = ""
    is_documented = 0
}

/^ *\/\/\// { is_documented = 1; next }
/^ *\/\// || /^ *#/ { next }
/^ *$/ { if (declaration == "") is_documented = 0; next }
/^ *(public|protected|private):$/ {
    scope[depth] = $1 == "public:" ? "public" : "private-class"
    next
}

{
    code = $0
    gsub(/\[\[[a-z:]*\]\]/, "", code)
    gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
    sub(/ *\/\/.*$/, "", code)
    was_public = scope[depth] == "public"
    if (was_public && code !~ /^ *}/) {
        sub(/^ +/, "", code)
        declaration = declaration (declaration == "" ? "" : " ") code
    }
    track(code)
    if (was_public && (code ~ /[;{}]$/)) {
        if (declaration ~ /^(inline )?namespace/) {
            declaration = ""
        }
        end_of_declaration()
    }
}

END { exit failed }
