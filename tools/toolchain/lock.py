"""Makes requirements/*.txt from requirements/*.in: `.venv/bin/python -m tools.toolchain.lock`.

Each package gets one version, for every Python from the oldest on and every system, with the
hashes of all its archives; what is locked already keeps its version, unless `--upgrade` or
`--upgrade-package NAME` is given. Calls uv, which it needs on PATH.
"""

import shutil
import subprocess
import sys

from tools.toolchain.place import say
from tools.toolchain.stages import ROOT, STAGES, lockfile, wishes
from tools.toolchain.venv import OLDEST


def main() -> int:
    """Lock every stage, to fit those before it. Returns the exit status."""
    uv = shutil.which("uv")
    if uv is None:
        say("uv is needed on PATH to lock the requirements; get it with `pip install uv`")
        return 1
    before: list[str] = []
    for stage in STAGES:
        target = str(lockfile(stage).relative_to(ROOT))
        command = [uv, "pip", "compile", str(wishes(stage).relative_to(ROOT)), "--quiet"]
        command += ["--universal", "--python-version", ".".join(map(str, OLDEST))]
        command += ["--generate-hashes", "--no-annotate", "--output-file", target]
        command += ["--custom-compile-command", "python -m tools.toolchain.lock"]
        command += [*before, *sys.argv[1:]]
        status = subprocess.call(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        if status:
            return status
        before += ["--constraint", target]
    say(f"locked: {', '.join(f'requirements/{stage}.txt' for stage in STAGES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
