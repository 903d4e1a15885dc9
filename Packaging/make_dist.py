#!/usr/bin/env python3
"""Makes what is handed out in dist/ from a release build.

    make_dist.py BUILD [--url URL]

- needletail-VERSION-linux-ARCHITECTURE.tar.xz: unpacked anywhere, it runs; its libraries lie beside it.
- needletail_VERSION_ARCHITECTURE.deb: uses the system's libraries, with units for systemd.
- needletail-VERSION.tar.gz: the source of this commit, with needletail.rb for Homebrew and needletail.nix
  for Nix, which fetch it from below URL.
- needletail-VERSION.spdx.json: what is in them or opened by them, with its licences.
- SHA256SUMS of all of these.

The same build makes the same bytes: times are those of the commit.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import time

from bundle import (
    OPENED, PACKAGING, ROOT, example, gather, glibc_symbols, install_program, licences, link, output, owner, run, system_libraries,
    version, write_sums)

WORK = ROOT / ".build" / "dist"
MAINTAINER = "The Needletail maintainers <maintainers@needletail.example>"
SUMMARY = "tunes the hyperparameters of any program"
DESCRIPTION = """\
Needletail runs a program again and again in parallel processes, each time with parameters chosen from
what it has learned, and stops early what is not going anywhere: on one machine, over ssh, Slurm or
Kubernetes. Its studies are Optuna databases."""
# The licences, by SPDX's names, of the Debian packages whose libraries are linked, opened or enclosed.
LICENCES = {
    "libbrotli1": "MIT", "libcom-err2": "MIT", "libcurl4": "curl", "libffi8": "MIT", "libgcrypt20": "LGPL-2.1-or-later",
    "libgfortran5": "GPL-3.0-or-later WITH GCC-exception-3.1", "libgmp10": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libgnutls30": "LGPL-2.1-or-later", "libgpg-error0": "LGPL-2.1-or-later", "libgssapi-krb5-2": "MIT",
    "libhogweed6": "LGPL-3.0-or-later OR GPL-2.0-or-later", "libidn2-0": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libk5crypto3": "MIT", "libkeyutils1": "LGPL-2.1-or-later", "libkrb5-3": "MIT", "libkrb5support0": "MIT",
    "libldap-2.5-0": "OLDAP-2.8", "libmicrohttpd12": "LGPL-2.1-or-later",
    "libnettle8": "LGPL-3.0-or-later OR GPL-2.0-or-later", "libnghttp2-14": "MIT",
    "libopenblas0": "BSD-3-Clause", "libopenblas0-pthread": "BSD-3-Clause", "libp11-kit0": "BSD-3-Clause", "libpcre2-8-0": "BSD-3-Clause",
    "libpq5": "PostgreSQL", "libpsl5": "MIT", "libquadmath0": "LGPL-2.1-or-later", "librtmp1": "LGPL-2.1-or-later",
    "libsasl2-2": "BSD-4-Clause-UC", "libsqlite3-0": "blessing", "libssh2-1": "BSD-3-Clause", "libssl3": "Apache-2.0",
    "libtasn1-6": "LGPL-2.1-or-later", "libunistring2": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libyaml-0-2": "MIT", "libzstd1": "BSD-3-Clause", "zlib1g": "Zlib",
}


def commit_time():
    return int(output("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def architecture():
    """This machine's, by Debian's name."""
    return output("dpkg", "--print-architecture").strip()


def share(command, prefix, zsh, digits):
    """What every form brings below its prefix: manual, completions, documentation, and an example."""
    manual = prefix / "share/man/man1/needletail.1"
    manual.parent.mkdir(parents=True)
    manual.write_text(output(command, "help", "--man"))
    run("gzip", "--best", "--no-name", manual)
    for shell, path in (("bash", "share/bash-completion/completions/needletail"), ("zsh", zsh)):
        target = prefix / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(output(command, "completion", shell))
    documents = prefix / "share/doc/needletail"
    example(documents / "examples" / "digits", digits)
    for unit in ("serve", "worker"):
        (documents / "examples" / f"{unit}.env").write_text(
            {"serve": "# OPTIONS=--listen head:7654 --certificate /etc/needletail/head.pem --key …\n",
             "worker": "COORDINATOR=http://127.0.0.1:7654\n# OPTIONS=--slots 4\n"}[unit])


def set_times(folder, moment):
    """Gives every file the mode and time that it has in every build."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.utime(path, (moment, moment), follow_symlinks=False)


def make_tarball(build, target, moment):
    """A folder that runs where it is unpacked; returns the Debian packages that it encloses."""
    name = f"needletail-{version()}-linux-{os.uname().machine}"
    folder = WORK / name
    for place in ("bin", "lib", "libexec", "include"):
        (folder / place).mkdir(parents=True)
    engine, command, digits = (
        folder / place for place in ("lib/libneedletail.so", "bin/needletail", "libexec/digits"))
    link(build, WORK / "libneedletail.so", WORK / "needletail")
    shutil.copy2(WORK / "libneedletail.so", engine)
    shutil.copy2(WORK / "needletail", command)
    install_program(build / "digits", digits)
    sources = gather(engine, [command, digits], folder / "lib")
    shutil.copyfile(ROOT / "Sources/CInterface/needletail.h", folder / "include/needletail.h")
    share(command, folder, "share/zsh/site-functions/_needletail", "../../../../../libexec/digits")
    packages = licences(sources.values(), folder / "share/doc/needletail/licences")
    shutil.copyfile(ROOT / "README.md", folder / "share/doc/needletail/README.md")
    set_times(folder, moment)
    archive = target / f"{name}.tar.xz"
    tar = subprocess.run(
        ["tar", "--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{moment}",
         "--directory", WORK, name], check=True, stdout=subprocess.PIPE)
    archive.write_bytes(subprocess.run(
        ["xz", "--threads=1", "-6"], check=True, input=tar.stdout, stdout=subprocess.PIPE).stdout)
    floor = max(max(glibc_symbols(file), default=(2, 0))
                for file in [command, digits, *(folder / "lib").iterdir()])
    print(f"dist/{archive.name}: {archive.stat().st_size / 1e6:.1f} MB, glibc {floor[0]}.{floor[1]}")
    return packages


def depends(files):
    """The Debian packages, with the least versions, that the files are linked with or open."""
    control = WORK / "debian"
    control.mkdir()
    (control / "control").write_text("Source: needletail\n\nPackage: needletail\nArchitecture: any\n")
    found = output_in(WORK, "dpkg-shlibdeps", "-O", "--ignore-missing-info", *files).strip()
    linked = found.removeprefix("shlibs:Depends=").split(", ")
    known = system_libraries()
    opened = sorted({owner(known[name]) for name in OPENED} - {item.split()[0] for item in linked})
    return sorted(linked + opened)


def output_in(folder, *words):
    return run(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder).stdout


def debian_changelog():
    """The released versions, the newest first, in Debian's form."""
    releases = re.findall(
        r"^## (\d+\.\d+\.\d+) . (\d{4}-\d{2}-\d{2})$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not releases or releases[0][0] != version():
        sys.exit(f"CHANGELOG.md's newest release is not {version()}, the version of the programs")
    return "\n".join(
        f"needletail ({number}) stable; urgency=medium\n\n  * NEWS.gz tells what is new.\n\n"
        f" -- {MAINTAINER}  {time.strftime('%a, %d %b %Y 00:00:00 +0000', time.strptime(date, '%Y-%m-%d'))}\n"
        for number, date in releases)


def make_package(build, target, moment):
    """The Debian package; returns the packages that it needs."""
    root = WORK / "package"
    command, library = root / "usr/bin/needletail", root / "usr/lib/needletail/libneedletail.so"
    digits = root / "usr/libexec/needletail/digits"
    for name, place in (("needletail", command), ("libneedletail.so", library), ("digits", digits)):
        install_program(build / name, place)
    # A private library, found by its header's and pkg-config's words.
    library.chmod(0o644)
    header = root / "usr/include/needletail.h"
    header.parent.mkdir()
    shutil.copyfile(ROOT / "Sources/CInterface/needletail.h", header)
    description = root / "usr/share/pkgconfig/needletail.pc"
    description.parent.mkdir(parents=True)
    description.write_text(
        f"Name: needletail\nDescription: {SUMMARY}\nVersion: {version()}\nCflags: -I/usr/include\n"
        "Libs: -L/usr/lib/needletail -Wl,-rpath,/usr/lib/needletail -lneedletail\n")
    share(build / "needletail", root / "usr", "share/zsh/vendor-completions/_needletail",
          "/usr/libexec/needletail/digits")
    units = root / "lib/systemd/system"
    units.mkdir(parents=True)
    for unit in (PACKAGING / "systemd").glob("*.service"):
        shutil.copyfile(unit, units / unit.name)
    documents = root / "usr/share/doc/needletail"
    shutil.copyfile(PACKAGING / "debian" / "copyright", documents / "copyright")
    (documents / "changelog").write_text(debian_changelog())
    shutil.copyfile(ROOT / "CHANGELOG.md", documents / "NEWS")
    for file in (documents / "changelog", documents / "NEWS"):
        run("gzip", "--best", "--no-name", file)
    needs = depends([command, library, digits])
    control = root / "DEBIAN"
    control.mkdir()
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) // 1024
    lines = textwrap.fill(" ".join(DESCRIPTION.split()), 76, initial_indent=" ", subsequent_indent=" ")
    (control / "control").write_text(
        f"Package: needletail\nVersion: {version()}\nArchitecture: {architecture()}\n"
        f"Maintainer: {MAINTAINER}\nInstalled-Size: {size}\nDepends: {', '.join(needs)}\n"
        "Recommends: librsvg2-2, fonts-dejavu-core\nSuggests: python3, openssh-client\n"
        f"Section: science\nPriority: optional\nDescription: {SUMMARY}\n{lines}\n")
    for script in ("postinst", "prerm", "postrm"):
        shutil.copyfile(PACKAGING / "debian" / script, control / script)
        (control / script).chmod(0o755)
    sums = [f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(root)}\n"
            for file in sorted(root.rglob("*")) if file.is_file() and control not in file.parents]
    (control / "md5sums").write_text("".join(sums))
    set_times(root, moment)
    archive = target / f"needletail_{version()}_{architecture()}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, archive, stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(moment)})
    print(f"dist/{archive.name}: {archive.stat().st_size / 1e6:.1f} MB")
    return [item.split()[0] for item in needs]


def make_source(target, url):
    """The source, and the recipes that build from it."""
    archive = target / f"needletail-{version()}.tar.gz"
    packed = subprocess.run(
        ["git", "-C", ROOT, "archive", "--format=tar", f"--prefix=needletail-{version()}/", "HEAD"],
        check=True, stdout=subprocess.PIPE).stdout
    archive.write_bytes(subprocess.run(
        ["gzip", "--best", "--no-name"], check=True, input=packed, stdout=subprocess.PIPE).stdout)
    places = {"@URL@": f"{url.rstrip('/')}/{archive.name}", "@VERSION@": version(),
              "@SHA256@": hashlib.sha256(archive.read_bytes()).hexdigest()}
    for name in ("needletail.rb", "needletail.nix"):
        text = (PACKAGING / name).read_text()
        for place, value in places.items():
            text = text.replace(place, value)
        (target / name).write_text(text)
    print(f"dist/{archive.name}: {archive.stat().st_size / 1e6:.1f} MB")


def make_bill(target, moment, enclosed, needed):
    """What is inside and what is used, in SPDX 2.3's form."""
    unknown = sorted({*enclosed, *needed} - set(LICENCES) - {"libc6", "libgcc-s1", "libstdc++6"})
    if unknown:
        sys.exit(f"the licences of {', '.join(unknown)} are not in {pathlib.Path(__file__).name}; add them")

    def item(name, number, licence):
        return {"SPDXID": f"SPDXRef-{name.replace('+', 'p').replace('_', '-')}", "name": name, "versionInfo": number,
                "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION"}

    installed = lambda package: output("dpkg-query", "-W", "-f", "${Version}", package)
    runtime = "Apache-2.0 WITH Swift-exception"
    swift = output("swiftc", "--version").split("Swift version ")[1].split()[0]
    main = item("needletail", version(), "Apache-2.0")
    packages = [main, item("swift-runtime", swift, runtime)]
    packages += [item(name, installed(name), LICENCES[name]) for name in sorted({*enclosed, *needed} & set(LICENCES))]
    kinds = {"swift-runtime": "STATIC_LINK", **{name: "CONTAINS" for name in enclosed}}
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                  "relatedSpdxElement": main["SPDXID"]}]
    relations += [{"spdxElementId": main["SPDXID"], "relatedSpdxElement": package["SPDXID"],
                   "relationshipType": kinds.get(package["name"], "DYNAMIC_LINK")} for package in packages[1:]]
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"needletail-{version()}", "documentNamespace": f"urn:needletail:{version()}:{moment}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
                         "creators": ["Organization: Needletail"]},
        "packages": packages, "relationships": relations}
    (target / f"needletail-{version()}.spdx.json").write_text(
        json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the folder of the release build")
    parser.add_argument("--url", default="https://needletail.example/releases", help="where the source will be")
    options = parser.parse_args()
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    target = ROOT / "dist"
    target.mkdir(exist_ok=True)
    for old in target.iterdir():
        if old.suffix != ".whl":
            old.unlink()
    moment = commit_time()
    enclosed = make_tarball(options.build.resolve(), target, moment)
    needed = make_package(options.build.resolve(), target, moment)
    make_source(target, options.url)
    make_bill(target, moment, enclosed, needed)
    write_sums(target)


if __name__ == "__main__":
    main()
