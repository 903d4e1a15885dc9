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
        self._sign("ca", name, self._key, False, ["basicConstraints=critical,CA:TRUE"])

    def issue(self, name: str, *others: str, expired: bool = False, client: bool = False):
        """Issues a certificate for a name and further names or addresses.

        Returns the paths of certificate and key. An expired one ended in 2001.
        """
        file = name + ("-expired" if expired else "")
        self._make_key(f"{self.folder}/{file}.key")
        kinds = [("IP" if each[:1].isdigit() else "DNS") + f":{each}" for each in (name, *others)]
        self._sign(
            file, name, f"{self.folder}/{file}.key", expired,
            [
                f"subjectAltName={','.join(kinds)}",
                f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}",
            ],
        )
        return f"{self.folder}/{file}.pem", f"{self.folder}/{file}.key"

    def _sign(self, file: str, name: str, key: str, expired: bool, extensions) -> None:
        """Makes a certificate for a key; of its own key the authority signs it itself.

        All began in 2000 or 2020, so that clocks may jump.
        """
        path = f"{self.folder}/{file}"
        lab.run("openssl", "req", "-new", "-key", key, "-out", f"{path}.csr", "-subj", f"/CN={name}")
        with open(f"{path}.ext", "w") as text:
            text.writelines(f"{line}\n" for line in extensions)
        with open(f"{path}.index", "w"):
            pass
        # `openssl ca` is the command that takes dates of its own choice.
        with open(f"{path}.cnf", "w") as text:
            text.write(
                f"[ca]\ndefault_ca=own\n[own]\ndatabase={path}.index\nnew_certs_dir={self.folder}\n"
                "rand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
                "[any]\ncommonName=supplied\n"
            )
        dates = ("20000101000000Z", "20010101000000Z") if expired else (
            "20200101000000Z", "20491231000000Z")
        signer = ["-selfsign"] if key == self._key else ["-cert", self.certificate]
        lab.run(
            *("openssl", "ca", "-batch", "-notext", "-config", f"{path}.cnf", *signer),
            *("-keyfile", self._key, "-extfile", f"{path}.ext", "-in", f"{path}.csr"),
            *("-out", f"{path}.pem", "-startdate", dates[0], "-enddate", dates[1]),
        )

    @staticmethod
    def _make_key(path: str) -> None:
        lab.run(
            *("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-out", path),
        )
        os.chmod(path, 0o600)
