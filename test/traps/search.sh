#!/bin/sh
# Programs found by a relative entry of PATH, by a linked one, and not at all; a text without #!.
truth() { printf '{"%s": "%s/%s"}\n' "$1" "$PWD" "$2"; }
mkdir bin
truth written bin
ln -s ../given/tool bin/linked
truth written bin/linked
printf 'cat given/data >/dev/null\n' >bin/bare
truth written bin/bare
chmod 755 bin/bare
PATH=nowhere:bin:$PATH
linked
truth executed given/tool
truth via bin/linked
bare
truth read bin/bare
truth read given/data
not-there 2>/dev/null
bin/nor-this 2>/dev/null
ln -s "$(readlink -f /bin/sh)" bin/mysh
truth written bin/mysh
bin/mysh -c :
truth via bin/mysh
exit 0
