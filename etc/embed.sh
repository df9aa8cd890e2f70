#!/bin/sh
# Text files as a table in C, for what is compiled into the program:
#
#   etc/embed.sh NAME FILE...     prints `const char *const NAME[][2]`: name without folder, text; ended by a row of NULL
set -eu
export LC_ALL=C
name=$1
shift
echo "/* Made by etc/embed.sh from the files named below. */"
echo "#include <stddef.h>"
echo "extern const char *const $name[][2];"
echo "const char *const $name[][2] = {"
for file; do
	printf '{ "%s",\n' "$(basename "$file")"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/?/\\?/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
	echo "},"
done
echo "{ NULL, NULL } };"
