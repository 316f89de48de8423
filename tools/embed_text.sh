#!/bin/sh
# A text file as a string of C on stdout:   tools/embed_text.sh NAME FILE
set -eu
echo "const char $1[] ="
sed -e 's/["\\]/\\&/g' -e 's/^/    "/' -e 's/$/\\n"/' "$2"
echo "    ;"
