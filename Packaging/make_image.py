#!/usr/bin/env python3
"""Makes an image for podman, docker and Kubernetes from the Debian package in dist/.

    make_image.py ROOT

makes a bare Debian in the folder ROOT, installs the package and Python there, and imports it as
`needletail:VERSION`, which is written to dist/ as an OCI archive. Needs to be root.
"""

import pathlib
import shutil
import subprocess
import sys

import bare_root
from bundle import ROOT, run, version, write_sums

PODMAN = ["podman", "--storage-driver", "vfs"]


def main():
    [package] = (ROOT / "dist").glob("needletail_*.deb")
    root = pathlib.Path(sys.argv[1])
    shutil.rmtree(root, ignore_errors=True)
    bare_root.make(root, "ca-certificates", "python3")
    shutil.copy(package, root / "tmp")
    bare_root.run(
        root,
        f"apt-get -qq update; apt-get -qq install /tmp/{package.name} fonts-dejavu-core >/dev/null; apt-get clean; "
        f"rm -rf /tmp/{package.name} /var/lib/apt/lists/* /var/log/*")
    image = f"needletail:{version()}"
    archive = subprocess.Popen(
        ["tar", "--create", "--sort=name", "--numeric-owner", "--directory", root, "."], stdout=subprocess.PIPE)
    run(*PODMAN, "import", "--quiet", "--change", 'ENTRYPOINT ["/usr/bin/needletail"]', "--change", "WORKDIR /work",
        "-", image, stdin=archive.stdout, stdout=subprocess.DEVNULL)
    if archive.wait():
        sys.exit("tar failed")
    target = ROOT / "dist" / f"needletail-{version()}-image.tar"
    target.unlink(missing_ok=True)
    run(*PODMAN, "save", "--quiet", "--format", "oci-archive", "--output", target, image)
    write_sums(target.parent)
    print(f"dist/{target.name}: {target.stat().st_size / 1e6:.0f} MB; {image}")


if __name__ == "__main__":
    main()
