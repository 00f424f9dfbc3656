"""The bill of materials, as CycloneDX: `python -m tools.build.sbom`, after a build for the chip.

It names every file that goes onto the terminal, what is in `.toolchain`, and every Python package
that a stage of `.venv` may install, with the hashes of the archives that are accepted. What always
holds: the same build gives the same bytes, and nothing is asked of a network.
"""

import hashlib
import json
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from tools.build import report
from tools.build.tree import BuildError
from tools.toolchain import HOME
from tools.toolchain.place import write
from tools.toolchain.stages import ROOT, STAGES, packages

BUILD = ROOT / "build/xtensawin"
OUT = ROOT / "build/reports/sbom.json"

_MIT = {"license": {"id": "MIT"}}
_WENQUANYI = {"expression": "GPL-2.0-only WITH Font-exception-2.0"}
_FUSION_PIXEL = {"license": {"id": "OFL-1.1"}}
_FONT = "assets/font.bin"
_DRIVER = "lib/ssd1306.mpy"


def bill(root: Path = BUILD) -> dict:
    """Return the bill of the build in `root`. Raises `BuildError` when there is none."""
    _, files = report.load(root)
    product = {
        "type": "firmware",
        "bom-ref": "rebind",
        "name": "rebind",
        # Its version is what it is made of: what the manifest of the build says.
        "version": hashlib.sha256(files[report.MANIFEST]).hexdigest()[:16],
        "licenses": [_MIT],
    }
    parts = [_part(path, content) for path, content in sorted(files.items())]
    pieces = list(_pieces())
    tools = list(_packages())
    found = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product},
        "components": [*parts, *pieces, *tools],
        "dependencies": [
            {"ref": "rebind", "dependsOn": [part["bom-ref"] for part in parts]},
        ],
    }
    content = json.dumps(found, sort_keys=True)
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}"
    return found


def _part(path: str, content: bytes) -> dict:
    licence = {_DRIVER: _MIT, _FONT: _font_licence()}.get(path, _MIT)
    return _file(f"device:{path}", path, content, licence, "required")


def _font_licence() -> dict:
    return _WENQUANYI if any(HOME.glob("fonts/*.pcf")) else _FUSION_PIXEL


def _pieces() -> Iterator[dict]:
    """Yield every file of `.toolchain` that is run, linked or drawn with."""
    try:
        version = json.loads((HOME / "micropython.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        raise BuildError("no interpreter in .toolchain: run `make setup`") from None
    for folder in ("bin", "fonts", "lib", "micropython"):
        for path in sorted((HOME / folder).rglob("*")):
            if path.is_symlink() or not path.is_file() or "gconv" in path.parts:
                continue
            name = path.relative_to(HOME).as_posix()
            piece = _file(f"toolchain:{name}", name, path.read_bytes(), None, "excluded")
            if folder == "fonts":
                piece["licenses"] = [_font_licence()]
            elif folder == "lib" or path.name == "micropython":
                piece["licenses"] = [_MIT]
            if path.name == "micropython":
                piece["version"] = version
            yield piece


def _file(ref: str, name: str, content: bytes, licence: dict | None, scope: str) -> dict:
    digest = hashlib.sha256(content).hexdigest()
    found = {"type": "file", "bom-ref": ref, "name": name, "scope": scope}
    found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return {**found, "licenses": [licence]} if licence else found


def _packages() -> Iterator[dict]:
    """Yield every package that is locked, with the stages that it is for."""
    stages: dict[tuple, list[str]] = {}
    archives = {}
    for stage in STAGES:
        for name, (version, hashes) in packages(stage).items():
            stages.setdefault((name, version), []).append(stage)
            archives[name, version] = hashes
    for (name, version), needed in sorted(stages.items()):
        found = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "purl": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "scope": "excluded",
            "hashes": [
                {"alg": "SHA-256", "content": digest} for digest in sorted(archives[name, version])
            ],
            "properties": [{"name": "rebind:stage", "value": stage} for stage in needed],
        }
        licence = _licence(name)
        yield {**found, "licenses": [licence]} if licence else found


def _licence(name: str) -> dict | None:
    """Return the licence that an installed package states, or None."""
    try:
        facts = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None  # it is for another system
    if facts.get("License-Expression"):
        return {"expression": facts["License-Expression"]}
    classified = [
        entry.rpartition(" :: ")[2]
        for entry in facts.get_all("Classifier") or ()
        if entry.startswith("License :: OSI Approved :: ")
    ]
    stated = " OR ".join(classified) or (facts.get("License") or "").strip().partition("\n")[0]
    return {"license": {"name": stated}} if stated else None


def main() -> int:
    """Write the bill to `OUT`. Returns the exit status."""
    try:
        found = bill()
    except BuildError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    write(OUT, json.dumps(found, indent=1, sort_keys=True) + "\n")
    kinds = [component["bom-ref"].partition(":")[0] for component in found["components"]]
    print(
        f"sbom: {kinds.count('device')} files of the terminal, {kinds.count('toolchain')} of the "
        f"tools, {kinds.count('pkg')} packages: {OUT.relative_to(ROOT)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
