package import JSON

/// What runs a study's trials: a command of this machine, or what the study file names in its
/// place.
package enum ExecutorSetting: Sendable, Hashable {
  /// The command, as a process of the machine that runs the trial.
  case process
  /// The command, in a container; the image's own where there is no command.
  case container(ContainerSetting)
  /// A service that answers requests.
  case http(ServiceSetting)
  /// Another program, by files in a folder.
  case file(FolderSetting)
}

/// A service that evaluates a trial for each request.
package struct ServiceSetting: Sendable, Hashable {
  /// How the parameters are sent.
  package enum Method: String, Sendable, CaseIterable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    /// Without a body: the parameters stand behind the `?` of the address.
    case get = "GET"

    /// Whether requests have a body.
    package var hasBody: Bool { self != .get }
  }

  /// The scheme, the host and the port, which are the same for all trials.
  package let origin: String
  /// What stands behind them, from a slash on; may be empty.
  package let path: WordTemplate
  /// How the parameters are sent.
  package let method: Method
  /// Lines for the header of each request, by name.
  package let headers: [Header]
  /// What is sent in place of the object of parameters; nil for that object.
  package let body: BodyTemplate?
  /// The file of the certificates that the service's must come from, relative to the study file's
  /// folder; nil for the system's.
  package let authority: String?
  /// How often a request is sent in all while the service is away or answers that it cannot now.
  package let tries: Int
  /// Where the service stands in the study file.
  package let location: SourceLocation?

  /// A line of a request's header.
  package struct Header: Sendable, Hashable {
    /// One that HTTP allows.
    package let name: String
    /// Text and variables of the environment.
    package let value: WordTemplate
  }

  /// The placeholders of a trial that has no folder.
  static let placeholders =
    ["trial", "study", "attempt", "seed", "slot", "replicate"]
    + ["args:json", "args:nested", "args:values"]
}

/// A JSON document in which texts have placeholders.
package indirect enum BodyTemplate: Sendable, Hashable {
  case literal(JSONValue)
  case text(WordTemplate)
  case array([BodyTemplate])
  case object([Member])

  /// A member of an object.
  package struct Member: Sendable, Hashable {
    let name: String
    let value: BodyTemplate
  }

  /// The document of one trial; nil when it is nothing but a parameter that is not active. Members
  /// and elements of that kind are left out.
  ///
  /// - Parameters:
  ///   - parameter: A parameter's value by its name; nil for what is none, or not active.
  ///   - text: What a placeholder stands for; nil for a parameter that is not active.
  package func document(
    _ parameter: (String) -> JSONValue?, _ text: (String) -> String?
  ) -> JSONValue? {
    switch self {
    case .literal(let value): return value
    case .text(let template):
      guard let name = template.onlyPlaceholder else {
        return template.expanded(text).map(JSONValue.string)
      }
      if let value = parameter(name) { return value }
      guard let word = text(name) else { return nil }
      // Numbers, and the object with all parameters; a study's name is a text whatever it says.
      let known = name == "study" || name.hasPrefix("env:") ? nil : try? JSONValue(parsing: word)
      return known ?? .string(word)
    case .array(let elements): return .array(elements.compactMap { $0.document(parameter, text) })
    case .object(let members):
      return .object(
        members.compactMap { member in
          member.value.document(parameter, text).map { JSONValue.Member(member.name, $0) }
        })
    }
  }
}
