import Foundation
import Serving
import Stores
import StudyModel
import Testing

/// Encryption and certificates, with curl as the client and openssl as the authority.
@Suite struct TLSTests {
  /// An authority with a server's and a client's certificate.
  struct Authority: Sendable {
    let folder: ScratchFolder

    init() throws {
      folder = try ScratchFolder()
      try openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
        "-keyout", "ca.key", "-out", "ca.pem")
      try "subjectAltName=IP:127.0.0.1,DNS:localhost".write(
        toFile: path("names"), atomically: true, encoding: .utf8)
      try issue("server")
      try issue("client")
    }

    func path(_ name: String) -> String { folder.path(name) }

    func openssl(_ arguments: String...) throws {
      let result = try Tool.run("/usr/bin/openssl", arguments, in: folder.url)
      try #require(result.code == 0, "\(result.messages)")
    }

    /// A certificate, good for a day, or from and until moments such as `20200101000000Z`.
    func issue(_ name: String) throws {
      try openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout", "\(name).key",
        "-out", "\(name).csr")
      try openssl(
        "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "\(name).pem", "-extfile", "names", "-days", "1")
    }

    func credentials(clients: Bool = false) throws -> TLSCredentials {
      try TLSCredentials(
        certificate: path("server.pem"), key: path("server.key"),
        clientAuthority: clients ? path("ca.pem") : nil)
    }
  }

  /// What curl prints, and its exit code.
  private func curl(_ port: UInt16, _ path: String, _ more: String...) throws -> Tool.Result {
    try Tool.run(
      "/usr/bin/curl",
      ["--silent", "--show-error", "--max-time", "30", "--write-out", "%{http_code}"] + more + [
        "https://127.0.0.1:\(port)\(path)"
      ])
  }

  @Test func servesEncrypted() throws {
    let authority = try Authority()
    let store = InMemoryStudyStore()
    let credentials = try authority.credentials()
    try ServerBed.serve(
      try ServerBed.file(), in: store, settings: ServerBed.settings { $0.credentials = credentials }
    ) {
      bed throws in
      #expect(bed.server.url.hasPrefix("https://"))
      let ca = authority.path("ca.pem")
      let good = try curl(bed.server.port, "/v1/studies", "--cacert", ca)
      #expect(good.output.hasSuffix("200"), "\(good.messages)")
      // A client that does not know the authority, or expects another host, refuses.
      #expect(try curl(bed.server.port, "/healthz").code == 60)
      let named = try Tool.run(
        "/usr/bin/curl",
        [
          "--silent", "--cacert", ca, "--resolve", "other.example.org:\(bed.server.port):127.0.0.1",
          "https://other.example.org:\(bed.server.port)/healthz",
        ])
      #expect(named.code == 60)
      // Old protocols and plain text get nothing.
      #expect(
        try curl(bed.server.port, "/healthz", "--cacert", ca, "--tls-max", "1.1").code == 35)
      let plain = try RawConnection(port: bed.server.port)
      plain.request("GET", "/healthz")
      #expect(plain.isClosed())
      // A large body is refused with an answer that arrives.
      let body = authority.path("large")
      try Data(repeating: 32, count: 9 << 20).write(to: URL(fileURLWithPath: body))
      for expect in ["Expect: 100-continue", "Expect:"] {
        let large = try curl(
          bed.server.port, "/v1/claims", "--cacert", ca, "--data-binary", "@\(body)", "--header",
          expect)
        #expect(large.output.hasSuffix("413"), "\(large.messages)")
      }
    }
  }

  /// One of openssl's clients with a suite; whether a session came about.
  private func handshake(
    _ port: UInt16, _ authority: Authority, _ words: String...
  ) throws -> Bool {
    let result = try Tool.run(
      "/usr/bin/openssl",
      [
        "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", authority.path("ca.pem"),
        "-verify_return_error",
      ] + words)
    return result.code == 0 && result.output.contains("Verify return code: 0 (ok)")
  }

  /// Suites with separate authentication or without forward secrecy are refused, also by their
  /// name.
  @Test func takesModernSuitesAlone() throws {
    let authority = try Authority()
    let credentials = try authority.credentials()
    try ServerBed.serve(settings: ServerBed.settings { $0.credentials = credentials }) {
      bed throws in
      let port = bed.server.port
      for suite in [
        "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
      ] {
        #expect(try handshake(port, authority, "-tls1_2", "-cipher", suite), "\(suite)")
      }
      for suite in [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
      ] {
        #expect(try handshake(port, authority, "-tls1_3", "-ciphersuites", suite), "\(suite)")
      }
      for suite in [
        "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA", "AES128-SHA",
        "AES128-GCM-SHA256", "AES256-SHA256", "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-SHA256",
      ] {
        #expect(
          try !handshake(port, authority, "-tls1_2", "-cipher", "\(suite):@SECLEVEL=0"), "\(suite)")
      }
      #expect(try !handshake(port, authority, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
    }
  }

  /// New connections get the new certificate; those that are open are answered and then end.
  @Test func replacesItsCertificate() throws {
    let (first, second) = (try Authority(), try Authority())
    let credentials = try first.credentials()
    try ServerBed.serve(settings: ServerBed.settings { $0.credentials = credentials }) {
      bed throws in
      let port = bed.server.port
      #expect(try handshake(port, first))
      #expect(try !handshake(port, second))
      // One connection for two requests, between which the certificate changes.
      let kept = try SpawnedProcess(
        "/bin/sh",
        [
          "-c",
          """
          (printf 'GET /healthz HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n'; while ! test -e go; do sleep 0.02; done
          printf 'GET /healthz HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n'; sleep 20) |
          openssl s_client -quiet -connect 127.0.0.1:\(port) -CAfile ca.pem 2>/dev/null
          """,
        ], in: first.folder.url)
      let deadline = ContinuousClock.now + .seconds(30)
      while try !kept.output.contains("ok"), ContinuousClock.now < deadline { usleep(5_000) }
      try bed.server.replaceCredentials(by: try second.credentials())
      #expect(try handshake(port, second))
      #expect(try !handshake(port, first))
      #expect(FileManager.default.createFile(atPath: first.path("go"), contents: nil))
      while try kept.output.components(separatedBy: "200 OK").count < 3,
        ContinuousClock.now < deadline
      { usleep(5_000) }
      let output = try kept.output
      #expect(output.components(separatedBy: "200 OK").count == 3, "\(output)")
      #expect(output.contains("Connection: close"), "\(output)")
      // Again and again; what cannot be used is refused before it gets here.
      for _ in 0..<12 { try bed.server.replaceCredentials(by: try first.credentials()) }
      #expect(try handshake(port, first))
      #expect(try !handshake(port, second))
    }
  }

  /// A client that never finishes its handshake loses its place like one that sends no headers.
  @Test func endsSlowHandshakes() throws {
    let authority = try Authority()
    let credentials = try authority.credentials()
    let settings = ServerBed.settings {
      $0.credentials = credentials
      $0.limits.headerTime = .milliseconds(700)
    }
    try ServerBed.serve(settings: settings) { bed throws in
      let silent = try RawConnection(port: bed.server.port)
      let trickling = try RawConnection(port: bed.server.port)
      // The beginning of a greeting of 512 bytes.
      trickling.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03])
      let start = ContinuousClock.now
      while trickling.send([0]), ContinuousClock.now - start < .seconds(20) { usleep(50_000) }
      #expect(ContinuousClock.now - start < .seconds(10))
      #expect(silent.isClosed())
      #expect(try handshake(bed.server.port, authority))
    }
  }

  @Test func asksForCertificates() throws {
    let authority = try Authority()
    let credentials = try authority.credentials(clients: true)
    // One of another authority.
    let stranger = try Authority()
    try ServerBed.serve(
      try ServerBed.file(), settings: ServerBed.settings { $0.credentials = credentials }
    ) { bed in
      let ca = authority.path("ca.pem")
      let good = try curl(
        bed.server.port, "/v1/studies", "--cacert", ca, "--cert", authority.path("client.pem"),
        "--key", authority.path("client.key"))
      #expect(good.output.hasSuffix("200"), "\(good.messages)")
      let without = try curl(bed.server.port, "/v1/studies", "--cacert", ca)
      #expect(without.output.hasSuffix("403"))
      #expect(without.output.contains("certificate_missing"))
      let foreign = try curl(
        bed.server.port, "/v1/studies", "--cacert", ca, "--cert", stranger.path("client.pem"),
        "--key", stranger.path("client.key"))
      #expect(foreign.code != 0 || foreign.output.hasSuffix("403"))
    }
  }

  @Test func refusesCertificatesThatCannotBeUsed() throws {
    let authority = try Authority()
    func refusal(_ certificate: String, _ key: String, _ clients: String? = nil) -> String {
      do {
        _ = try TLSCredentials(
          certificate: authority.path(certificate), key: authority.path(key),
          clientAuthority: clients.map(authority.path))
        return "no error"
      } catch {
        return "\(error)"
      }
    }
    #expect(refusal("missing.pem", "server.key").contains("No such file"))
    #expect(refusal("server.key", "server.key").contains("no certificate in PEM form"))
    #expect(refusal("server.pem", "client.key").contains("not the key of"))
    #expect(refusal("server.pem", "ca.pem").contains("not the key of"))
    #expect(refusal("server.pem", "server.key", "names").contains("no certificate in PEM form"))
    try Data().write(to: URL(fileURLWithPath: authority.path("empty")))
    #expect(refusal("empty", "server.key").contains("empty"))
    // Expired in 2020, and one that begins in 2099: faketime would need another package, and
    // `openssl ca` signs for any dates.
    try "".write(toFile: authority.path("index"), atomically: true, encoding: .utf8)
    try """
    [ca]
    default_ca = own
    [own]
    database = index
    new_certs_dir = .
    default_md = sha256
    policy = any
    rand_serial = yes
    unique_subject = no
    [any]
    commonName = supplied
    """.write(toFile: authority.path("ca.conf"), atomically: true, encoding: .utf8)
    for (name, from, until) in [
      ("expired", "20190101000000Z", "20200101000000Z"),
      ("early", "20990101000000Z", "20991231000000Z"),
    ] {
      try authority.openssl(
        "ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in",
        "server.csr", "-out", "\(name).pem", "-startdate", from, "-enddate", until, "-notext")
    }
    #expect(refusal("expired.pem", "server.key").contains("expired at 2020-01-01 00:00:00 UTC"))
    #expect(refusal("early.pem", "server.key").contains("not valid before 2099-01-01"))
  }
}
