#!/bin/sh
# Redirections, here-documents, pipelines and subshells; standard input is a file that somebody else opened.
truth() { printf '{"%s": "%s/%s"}\n' "$1" "$PWD" "$2"; }
read -r line
truth read given/stdin
cat <given/data >copy
truth read given/data
truth written copy
cat >doc <<END
$line
END
truth written doc
(cd given && cat other | tr a b >../tr && truth read other)
truth written tr
echo more >>given/log
truth written given/log
. given/sourced
truth read given/sourced
cd given/ && test -d . && printf '{"directory": "%s"}\n' "$PWD"
exit 3
