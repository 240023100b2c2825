#!/bin/sh
# Scripts whose interpreter is a script, and one whose #! line is longer than 127 bytes.
truth() { printf '{"%s": "%s/%s"}\n' "$1" "$PWD" "$2"; }
long=$(printf 'l%.0s' $(seq 100))
mkdir "$long"
truth written "$long"
cp given/interpreter "$long/interpreter"
truth read given/interpreter
truth written "$long/interpreter"
printf '#!%s/%s/interpreter -x\n' "$PWD" "$long" >chained
truth written chained
printf '#!%s/chained\n' "$PWD" >twice
truth written twice
printf '#!given/interpreter\n' >relative
truth written relative
chmod 755 chained twice relative "$long/interpreter"
./twice
truth executed twice
truth executed chained
truth executed "$long/interpreter"
./relative
truth executed relative
truth executed given/interpreter
