/// The completion script for zsh, made from the verb table.
enum ZshCompletion {
  static var script: String {
    """
    #compdef needletail
    # Completion of needletail for zsh; made by: needletail completion zsh
    _needletail_studies() {
      local -a names
      names=("${(@f)$(needletail study list --names 2>/dev/null)}")
      compadd -- "${(@)names:#}"
    }
    _needletail() {
      local curcontext=$curcontext state line verb
      local -a words_of
      if (( CURRENT == 2 )); then
        words_of=(
    \(firstWords)
        )
        _describe -t verbs 'verb' words_of
        return
      fi
      verb=$words[2]
      case $verb in
    \(nounCases)
      esac
      shift words
      (( CURRENT-- ))
      case $verb in
    \(verbCases)
      esac
    }
    if [[ $funcstack[1] == _needletail ]]; then
      _needletail "$@"
    else
      compdef _needletail needletail
    fi

    """
  }

  private static var firstWords: String {
    var seen: [String] = []
    for verb in VerbTable.all {
      let description = verb.description
      let first = description.words[0]
      guard !seen.contains(where: { $0.hasPrefix(first + ":") }) else { continue }
      let abstract =
        description.words.count == 1
        ? description.abstract
        : VerbTable.verbs(of: first).map { $0.description.words[1] }.joined(separator: ", ")
      seen.append("\(first):\(abstract)")
    }
    return seen.map { "      \(quoted($0))" }.joined(separator: "\n")
  }

  private static var nounCases: String {
    VerbTable.nouns.map { noun in
      let verbs = VerbTable.verbs(of: noun).map {
        "        " + quoted("\($0.description.words[1]):\($0.description.abstract)")
      }
      return """
          \(noun))
            if (( CURRENT == 3 )); then
              words_of=(
        \(verbs.map { "    " + $0 }.joined(separator: "\n"))
              )
              _describe -t verbs '\(noun) verb' words_of
              return
            fi
            verb="$verb $words[3]"
            shift words
            (( CURRENT-- ))
            ;;
        """
    }.joined(separator: "\n")
  }

  private static var verbCases: String {
    VerbTable.all.map { verb in
      let description = verb.description
      var specs: [String] = []
      for option in description.options {
        for name in [option.name, option.short].compactMap({ $0 }) {
          // With `=-` the value, if any, stands in the same word.
          let joint = option.isValueOptional ? "=-" : name.hasPrefix("--") ? "=" : ""
          var spec = "\(name)\(option.placeholder == nil ? "" : joint)"
          spec += "[\(escaped(option.help))]"
          if let placeholder = option.placeholder {
            let colon = option.isValueOptional ? "::" : ":"
            spec += "\(colon)\(placeholder):\(action(option.completion))"
          }
          specs.append(spec)
        }
      }
      specs.append("--help[Show help.]")
      for (index, argument) in description.arguments.enumerated() {
        let place = argument.isRepeated ? "*" : "\(index + 1)"
        specs.append("\(place):\(escaped(argument.name)):\(action(argument.completion))")
      }
      return "    \(quoted(description.name)))\n      _arguments -S \\\n"
        + specs.map { "        \(quoted($0))" }.joined(separator: " \\\n") + "\n      ;;"
    }.joined(separator: "\n")
  }

  private static func action(_ completion: VerbDescription.Completion) -> String {
    switch completion {
    case .none: " "
    case .file: "_files"
    case .study: "_needletail_studies"
    case .words(let words): "(\(words.joined(separator: " ")))"
    }
  }

  /// The text with the characters that `_arguments` gives a meaning marked as plain.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { output, character in
      if "[]:\\".contains(character) { output.append("\\") }
      output.append(character)
    }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
