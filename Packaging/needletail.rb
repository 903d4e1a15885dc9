# Homebrew's recipe. `make dist` fills in where the source is and its digest.
class Needletail < Formula
  desc "Tunes the hyperparameters of any program"
  url "@URL@"
  version "@VERSION@"
  sha256 "@SHA256@"
  license "Apache-2.0"

  depends_on "pkgconf" => :build
  depends_on "swift" => :build
  depends_on "curl"
  depends_on "gnutls"
  depends_on "libmicrohttpd"
  depends_on "libnghttp2"
  depends_on "libpq"
  depends_on "librsvg"
  depends_on "libyaml"
  depends_on "openblas"
  depends_on "pcre2"
  depends_on "sqlite"

  def install
    system "swift", "build", "--configuration", "release", "--disable-sandbox", "--product", "needletail"
    bin.install ".build/release/needletail"
    generate_completions_from_executable(bin/"needletail", "completion", shells: [:bash, :zsh])
    (man1/"needletail.1").write Utils.safe_popen_read(bin/"needletail", "help", "--man")
  end

  test do
    (testpath/"study.yaml").write <<~YAML
      name: bowl
      direction: minimize
      metric: loss
      trials: 5
      command: [sh, -c, 'echo loss={x}']
      parameters: {x: {low: 0.0, high: 1.0}}
    YAML
    system bin/"needletail", "run", "study.yaml"
    assert_match "loss", shell_output("#{bin}/needletail study show bowl")
  end
end
