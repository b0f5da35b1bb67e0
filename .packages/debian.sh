#!/usr/bin/env bash
# debian.sh FOLDER: makes Debian's source package of what is checked out here, and builds it, in FOLDER;
# fails on what lintian has to say, but for the request in the list of bugs that an upload would close.
# Needs dpkg-dev, debhelper, cmake and lintian.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n '1s/.*(\(.*\)-.*/\1/p' "$top/.packages/debian/changelog")
mkdir -p "$1" && cd "$1"
tree=fire-and-forget-$version
rm -rf "$tree"

git -C "$top" archive --prefix="$tree/" HEAD | tee "fire-and-forget_$version.orig.tar" | tar x
gzip -nf "fire-and-forget_$version.orig.tar"
cp -r "$top/.packages/debian" "$tree/debian"
(cd "$tree" && dpkg-buildpackage -us -uc)
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "fire-and-forget_$version-1_$(dpkg --print-architecture).changes"
