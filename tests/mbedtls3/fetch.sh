#!/usr/bin/env bash
# Fetches mbedTLS 3.6 as Debian 13 packages it, into a folder of the build: fetch.sh FOLDER [LOG]. Nothing is
# installed, nobody needs to be root: apt works on lists of its own, with the archive's signatures, and the packages
# are only unpacked. Their libraries want glibc 2.33, so they run on Debian 12 too. A folder that is there is reused.
set -euo pipefail

folder=$1
packages=(libmbedtls-dev libmbedtls21 libmbedx509-7 libmbedcrypto16)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

if [[ -e $folder/usr/include/mbedtls/ssl.h ]]; then
    exit
fi
for tool in apt-get dpkg-deb; do
    if ! command -v "$tool" >/dev/null; then
        echo "there is no $tool"
        exit 1
    fi
done
if [[ ! -e $keyring ]]; then
    echo "there is no $keyring (package debian-archive-keyring)"
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,unpacked}
echo "deb [signed-by=$keyring] http://deb.debian.org/debian trixie main" >"$work/sources.list"
apt() {
    apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$work/state" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" -o Acquire::Languages=none \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Update::Error-Mode=any \
        -o APT::Sandbox::User= -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::= "$@"
}
cd "$work"
if ! apt update >log 2>&1 || ! apt download "${packages[@]}" >>log 2>&1; then
    cat log >&2
    echo "Debian 13's mbedTLS cannot be fetched: $(grep -E -m 1 '^  |^E:' log || tail -n 1 log)"
    exit 1
fi
for package in ./*.deb; do
    dpkg-deb -x "$package" unpacked
done
cd - >/dev/null
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mv "$work/unpacked" "$folder"
