# Nix's recipe: nix-build -E 'with import <nixpkgs> {}; callPackage ./needletail.nix {}'.
# `make dist` fills in where the source is and its digest.
{ stdenv, lib, fetchurl, swift, swiftpm, pkg-config, curl, gnutls, libmicrohttpd, librsvg, libyaml
, nghttp2, openblas, pcre2, postgresql, sqlite, zlib, makeWrapper }:

stdenv.mkDerivation rec {
  pname = "needletail";
  version = "@VERSION@";

  src = fetchurl {
    url = "@URL@";
    sha256 = "@SHA256@";
  };

  nativeBuildInputs = [ swift swiftpm pkg-config makeWrapper ];
  buildInputs = [ curl gnutls libmicrohttpd libyaml nghttp2 openblas pcre2 postgresql sqlite zlib ];

  buildPhase = "swift build --configuration release --product needletail";

  # Some libraries are opened when they are needed.
  installPhase = ''
    install -D .build/release/needletail $out/bin/needletail
    wrapProgram $out/bin/needletail --prefix LD_LIBRARY_PATH : \
      ${lib.makeLibraryPath [ curl gnutls libmicrohttpd librsvg nghttp2 postgresql ]}
    mkdir -p $out/share/man/man1
    $out/bin/needletail help --man > $out/share/man/man1/needletail.1
  '';

  meta = {
    description = "Tunes the hyperparameters of any program";
    license = lib.licenses.asl20;
    platforms = lib.platforms.unix;
    mainProgram = "needletail";
  };
}
