#!/bin/sh
# Prints into how many bytes xz squeezes the digits. Its arguments are options of LZMA2: lc=4 pb=0 …
set -eu
IFS=,
gzip -dc ../digits/digits.csv.gz | xz -c --lzma2="$*" > "$NEEDLETAIL_DIR/digits.xz"
echo "bytes=$(wc -c < "$NEEDLETAIL_DIR/digits.xz")"
