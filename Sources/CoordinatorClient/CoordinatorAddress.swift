internal import HTTPClient
internal import Messages

/// Where a coordinator is: `http://host:port` or `https://host:port`, perhaps with a path behind
/// it.
package struct CoordinatorAddress: Sendable, Hashable, CustomStringConvertible {
  let web: WebAddress

  /// The address without a slash at its end.
  package var text: String { web.text }
  /// The name or number of the machine, without the brackets of an IPv6 address.
  package var host: String { web.host }
  /// The TCP port, from 1 to 65,535.
  package var port: Int { web.port }
  /// Whether what is sent there is encrypted: the address begins with `https`.
  package var usesTLS: Bool { web.usesTLS }
  /// Whether it is this machine itself, whose traffic no other machine sees.
  package var isLoopback: Bool { web.isLoopback }

  package var description: String { text }

  /// Whether the text looks like a coordinator's address, and not like a store's.
  package static func isAddress(_ text: String) -> Bool { WebAddress.isAddress(text) }

  /// Reads an address; without a port it is ``WireProtocol/defaultPort``.
  ///
  /// - Throws: ``CoordinatorError/badAddress(_:problem:)``; also for one that holds a password,
  ///   which every user of the machine could read.
  package init(_ text: String) throws(CoordinatorError) {
    do throws(WebAddress.Fault) {
      web = try WebAddress(text, defaultPort: WireProtocol.defaultPort)
    } catch {
      let hint = error.holdsPassword ? "; a token comes from NEEDLETAIL_TOKEN or --token-file" : ""
      throw .badAddress(error.shown, problem: error.problem + hint)
    }
  }
}
