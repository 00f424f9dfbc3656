"""Memory that ends anywhere: nothing lost, nothing repeated, a page that says so, no restart."""

import host_tests.crash  # noqa: F401 (the stand-ins of the chip's modules)
