#!/bin/bash
# Process substitution: names of descriptors.
truth() { printf '{"%s": "%s/%s"}\n' "$1" "$PWD" "$2"; }
diff <(sort given/data) <(sort given/other) >/dev/null
truth read given/data
truth read given/other
exec 7<given/log
cat /dev/fd/7 /proc/self/fd/7 >out
truth read given/log
truth written out
coproc cat
exit 0
