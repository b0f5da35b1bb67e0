# SPDX-License-Identifier: MIT
# shown.awk EXAMPLES... XML...: prints each public name that doxygen has found and no example says.

# Types and members that users have without writing them: what functions answer with, what braces
# and defaults stand for, what the compiler or a coroutine looks for, and what is deleted.
BEGIN {
    split("as_ever cancellable_executor completer_type execution_order keyed manual_options own_thread_t promise_type remove_suffix scope_stats thread_hook " \
          "weak_call try_keep_owner let_owner_go is_empty", unsaid)
    for (i in unsaid) {
        said[unsaid[i]] = 1
    }
}

FILENAME !~ /[.]xml$/ {
    count = split($0, words, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= count; ++i) {
        said[words[i]] = 1
    }
    next
}

function public_name(name) {
    sub(/.*::/, "", name)
    if (name !~ /^(operator|~)/ && !(name in said)) {
        print compound " has " name
        said[name] = 1
    }
}

/<compounddef / {
    is_public = /kind="(class|struct|namespace)"/ && !/prot="private"/
}
/<compoundname>/ {
    compound = $0
    gsub(/.*<compoundname>|<.*/, "", compound)
    is_public = is_public && compound ~ /^faf/ && compound !~ /detail/
    is_member = 0
    if (is_public && compound !~ /^faf(::testing)?$/) {
        public_name(compound)
    }
}
/<memberdef |<enumvalue / { is_member = is_public && /prot="public"/ && !/kind="friend"/ }
/<\/memberdef>/ { is_member = 0 }
/^ *<name>/ && is_member {
    name = $0
    gsub(/.*<name>|<.*/, "", name)
    public_name(name)
}
