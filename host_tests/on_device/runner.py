"""Runs the test functions of one file inside MicroPython; a line for each goes to stdout.

Called by conftest.py: `micropython runner.py ROOT MODULE`. What the chip's firmware has too
(cryptolib, hashlib ...) stays the interpreter's own; what this interpreter lacks or only pretends
to have (machine, network, esp32) comes from host_tests/stubs; driver libraries come from
.toolchain/lib.
"""

import gc
import sys

OWN = "binascii cryptolib errno hashlib io json os random select socket struct time tls"


def main(root, name):
    """Import the module `name` of host_tests/on_device and run its `test_*` functions."""
    for own in OWN.split():
        sys.modules[own] = __import__(own)
    sys.path[0] = root + "/host_tests/on_device"
    sys.path.insert(0, root)
    sys.path.append(root + "/.toolchain/lib")
    sys.path.append(root + "/host_tests/stubs")
    module = __import__(name)
    for entry in sorted(dir(module)):
        if not entry.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, entry)()
            print("@pass", entry)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the test failed
            sys.print_exception(trouble, sys.stdout)
            print("@fail", entry)


main(sys.argv[1], sys.argv[2])
