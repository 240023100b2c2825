/** Small texts of every kind that the parsers read: what the fuzz test makes worse. */

export const paragraphs = `Package: libc6
Status: install ok installed
Source: glibc (2.36)
Version: 2.36-9+deb12u13
Architecture: amd64
Depends: libgcc-s1, libx (>= 1:2~) | liby [amd64] <!nocheck>
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
Filename: pool/main/g/glibc/libc6_2.36-9+deb12u13_amd64.deb
Size: 2757016
SHA256: ${'7a'.repeat(32)}

Package: bash
Version: 5.2
Architecture: amd64
`;
export const armored = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Label: Debian
Suite: stable
Codename: bookworm
Date: Sat, 11 Jul 2026 10:16:37 UTC
NotAutomatic: yes
SHA256:
 ${'ab'.repeat(32)} 123 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

iQIzBAEBCgAdFiEETKv6xfOlmA8gDGkScTaqPVnJmUkFAmZ9
=abcd
-----END PGP SIGNATURE-----
`;
export const calls = `7 execve("/bin/sh", ["sh", "-c", "a\\nb"], 0x7ffd /* 20 vars */) = 0
7 openat(AT_FDCWD</w>, "b\\303", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/b>
7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 8
8 chdir("/etc" <unfinished ...>
7 rename("/w/b", "/w/c") = 0
8 <... chdir resumed>) = 0
8 mount("/a", "/b", NULL, MS_BIND, NULL) = 0
8 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0
9 +++ superseded by execve in pid 8 +++
8 name_to_handle_at(AT_FDCWD</w>, "x", {handle_bytes=128}, [12], 0) = 0
8 +++ killed by SIGKILL +++
7 +++ exited with 3 +++
`;
export const tcl = `#%Module1.0
module-whatis "a tool"
set root /opt/tool/1.0
if { [info exists env(HOME)] } { prepend-path PATH $root/bin }
foreach x {a b} { setenv VAR_$x [file join $root $x] }
conflict other
proc f {a} { return [expr {$a * 2}] }
setenv N [f 21]
`;
export const lua = `whatis("a tool")
local root = pathJoin("/opt", "tool", "1.0")
prepend_path("PATH", root .. "/bin")
if (os.getenv("HOME")) then setenv("A", "b") else load("x") end
for i = 1, 3 do append_path{"P", "q" .. i, delimiter = ";"} end
`;
export const npmLock = `{"name":"a","lockfileVersion":3,"packages":{"":{"dependencies":{"b":"^1"}},"node_modules/b":{"version":"1.0.0","resolved":"https://r.example.org/b.tgz","integrity":"sha512-${'A'.repeat(86)}==","bin":{"b":"b.js"}},"node_modules/c":{"resolved":"../c","link":true}}}`;
export const pnpmLock = `lockfileVersion: '9.0'
packages:
  b@1.0.0:
    resolution: {integrity: sha512-${'A'.repeat(86)}==}
snapshots:
  b@1.0.0: {}
`;
export const yarnLock = `# yarn lockfile v1

"b@^1", b@1:
  version "1.0.0"
  resolved "https://r.example.org/b.tgz#abc"
  integrity sha512-${'A'.repeat(86)}==
  dependencies:
    c "*"
`;
export const bucket = `{"key":"k","integrity":"sha512-${'A'.repeat(86)}=="}`;
export const facts = { name: 'tool/1.0', file: '/m/tool/1.0', env: { HOME: '/root', PATH: '/bin' } };
export const lock = `lock:
  distributions:
    debian: {of: "sha256:${'a'.repeat(64)}", packages: [{name: a, version: "1", architecture: all, size: 1, sha256: ${'b'.repeat(64)}, why: used}]}
  files:
  - {path: /home/u/.config/study.ini, mode: "0644", size: 1, sha256: ${'c'.repeat(64)}}
`;

/** By gpg: an ed25519 key, and the signature of a text by it. */
export const key =
  'mDMEawWEPxYJKwYBBAHaRw8BAQdAIcBfBBJTZfUGxnCbQ+L0XmvoBHEdBH1DmlRNzgYPm+a0EWEgPGFAZXhhbXBsZS5vcmc+iJAEExYIADgWIQT4' +
  'nFIY0i7qbXArGQHJJD75QuMn0gUCawWEPwIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRDJJD75QuMn0n92AQD0U20JqlOD1a4AY4GDzM+u' +
  'YQcbWJ5bApY0AbghLm/cYQD9HG4Yna67zM7cevY5p2m95utH0WgLhELW2pinR3PfBAk=';
export const signature = `-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQT4nFIY0i7qbXArGQHJJD75QuMn0gUCawWEPwAKCRDJJD75QuMn
0t2/AP9S99qOnZEoLqT5Oajexi1bBdVHy1+NPeM+VIaRHlM+aAD+J8yTwah0FXb4
za5wDSPfvs3swFlA0vAUtzopF4nw4Mwc=
=gLv4
-----END PGP SIGNATURE-----
`;
