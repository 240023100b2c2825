"""Imports, subprocesses, a pool, names that are not UTF-8, and relative names below a descriptor."""
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import xml.dom.minidom


def truth(what, path):
    print(json.dumps({what: os.path.join(os.getcwd(), path)}), flush=True)


def work(number):
    with open(f"pool-{number}", "w") as file:
        file.write("x")
    return number


if __name__ == "__main__":
    truth("directory", os.getcwd())
    for path in [b"by\xffte", "gr\u00fcn \U0001f9e0".encode()]:
        open(path, "wb").close()
        open(path, "rb").close()
        truth("written", os.fsdecode(path))
        truth("read", os.fsdecode(path))
    folder = os.open("given", os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("data", os.O_RDONLY, dir_fd=folder))
    truth("directory", "given")
    truth("read", "given/data")
    with multiprocessing.Pool(4) as pool:
        for number in pool.map(work, range(20)):
            truth("written", f"pool-{number}")
    subprocess.run(["sort", "given/other"], stdout=subprocess.DEVNULL, check=True, cwd=".")
    truth("read", "given/other")
    with sqlite3.connect("base.sqlite") as base:
        base.execute("create table t (a)")
    truth("written", "base.sqlite")
    truth("removed", "base.sqlite-journal")
    with tempfile.NamedTemporaryFile(dir=".") as file:
        truth("removed", file.name)
    os.makedirs("deep/er")
    truth("written", "deep")
    truth("written", "deep/er")
    for module in list(sys.modules.values()):
        cached = getattr(module, "__cached__", None)
        file = getattr(module, "__file__", None)
        if cached and os.path.exists(cached):
            truth("read", os.path.realpath(cached))
        elif file and not file.endswith(".py") and os.path.exists(file):
            truth("read", os.path.realpath(file))
    truth("executed", os.path.realpath("/proc/self/exe"))
