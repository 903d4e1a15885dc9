"""A certificate authority of a test's own, by the openssl command."""

import os

from . import lab


class Authority:
    """A CA in a folder; `certificate` is the file that clients trust."""

    def __init__(self, folder: str, name: str = "Test CA"):
        lab.need("openssl")
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.certificate, self._key = f"{folder}/ca.pem", f"{folder}/ca.key"
        self._make_key(self._key)
        lab.run(
            *("openssl", "req", "-x509", "-new", "-key", self._key, "-out", self.certificate),
            *("-days", "3650", "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )

    def issue(self, name: str, *others: str, expired: bool = False, client: bool = False):
        """Issues a certificate for a name and further names or addresses.

        Returns the paths of certificate and key. An expired one ended in 2001.
        """
        path = f"{self.folder}/{name}{'-expired' if expired else ''}"
        self._make_key(f"{path}.key")
        lab.run(
            *("openssl", "req", "-new", "-key", f"{path}.key", "-out", f"{path}.csr"),
            *("-subj", f"/CN={name}"),
        )
        kinds = [("IP" if each[:1].isdigit() else "DNS") + f":{each}" for each in (name, *others)]
        with open(f"{path}.ext", "w") as file:
            file.write(f"subjectAltName={','.join(kinds)}\n")
            file.write(f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n")
        # `openssl ca` is the command that takes dates of its own choice.
        with open(f"{path}.index", "w"):
            pass
        with open(f"{path}.cnf", "w") as file:
            file.write(
                f"[ca]\ndefault_ca=own\n[own]\ndatabase={path}.index\nnew_certs_dir={self.folder}\n"
                "rand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
                "[any]\ncommonName=supplied\n"
            )
        dates = ("20000101000000Z", "20010101000000Z") if expired else (
            "20200101000000Z", "20491231000000Z")
        lab.run(
            *("openssl", "ca", "-batch", "-notext", "-config", f"{path}.cnf"),
            *("-cert", self.certificate, "-keyfile", self._key, "-extfile", f"{path}.ext"),
            *("-in", f"{path}.csr", "-out", f"{path}.pem"),
            *("-startdate", dates[0], "-enddate", dates[1]),
        )
        return f"{path}.pem", f"{path}.key"

    @staticmethod
    def _make_key(path: str) -> None:
        lab.run(
            *("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-out", path),
        )
        os.chmod(path, 0o600)
