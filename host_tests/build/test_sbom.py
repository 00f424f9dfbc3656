"""The bill of materials names all there is, by its hash, in the form that readers of it expect."""

import hashlib
import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.build import report, sbom
from tools.build.tree import BuildError
from tools.toolchain import HOME, stages


@pytest.fixture
def root(tmp_path):
    """A build for the chip, of three files."""
    for path in ("main.py", "lib/ssd1306.mpy", "assets/font.bin"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    report.manifest(tmp_path, "xtensawin")
    return tmp_path


def _by_ref(bill):
    return {component["bom-ref"]: component for component in bill["components"]}


def test_the_bill_is_valid(root):
    text = json.dumps(sbom.bill(root))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_names_every_file_of_the_terminal_by_its_hash(root):
    found = _by_ref(sbom.bill(root))
    for path in ("main.py", "lib/ssd1306.mpy", "assets/font.bin", "manifest.txt"):
        digest = hashlib.sha256((root / path).read_bytes()).hexdigest()
        assert found[f"device:{path}"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
        assert found[f"device:{path}"]["licenses"]


def test_it_names_the_tools_and_every_package_that_is_locked(root):
    found = _by_ref(sbom.bill(root))
    interpreter = hashlib.sha256((HOME / "bin/micropython").read_bytes()).hexdigest()
    assert found["toolchain:bin/micropython"]["hashes"][0]["content"] == interpreter
    assert "toolchain:lib/ssd1306.py" in found
    for stage in stages.STAGES:
        for name, (version, hashes) in stages.packages(stage).items():
            package = found[f"pkg:pypi/{name}@{version}"]
            assert {entry["content"] for entry in package["hashes"]} == set(hashes)
            assert {"name": "rebind:stage", "value": stage} in package["properties"]
    assert found["pkg:pypi/cryptography@50.0.2"]["licenses"]


def test_the_same_build_gives_the_same_bill_and_another_another(root):
    first = sbom.bill(root)
    assert sbom.bill(root) == first
    (root / "main.py").write_text("more")
    report.manifest(root, "xtensawin")
    second = sbom.bill(root)
    assert second["serialNumber"] != first["serialNumber"]
    assert second["metadata"]["component"]["version"] != first["metadata"]["component"]["version"]


def test_without_a_build_it_says_what_to_do(tmp_path):
    with pytest.raises(BuildError, match="make build"):
        sbom.bill(tmp_path)
