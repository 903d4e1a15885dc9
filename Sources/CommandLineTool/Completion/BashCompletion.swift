/// The completion script for bash, made from the verb table. It needs no bash-completion package.
enum BashCompletion {
  static var script: String {
    """
    # Completion of needletail for bash; made by: needletail completion bash
    _needletail_studies() {
      local name
      while IFS= read -r name; do
        [[ $name == "$1"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
      done < <(needletail study list --names 2>/dev/null)
    }
    _needletail_words() {
      COMPREPLY+=($(compgen -W "$1" -- "$2"))
    }
    _needletail_files() {
      local name
      compopt -o filenames 2>/dev/null
      while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$1")
    }
    _needletail() {
      local current=${COMP_WORDS[COMP_CWORD]} verb='' option='' word place=0 i
      COMPREPLY=()
      # The words before the one that is typed: the verb, then what belongs to it.
      for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $option ]]; then
          [[ $word == = ]] || option=''
          continue
        fi
        if [[ -z $verb || " \(nouns) " == *" $verb "* ]]; then
          [[ $word == -* ]] || verb="${verb:+$verb }$word"
          continue
        fi
        case "$verb $word" in
          \(valueOptions)) option=$word ;;
          *' '-*) ;;
          *) place=$((place + 1)) ;;
        esac
      done
      [[ $current == = ]] && current=''
      if [[ -n $option ]]; then
        case "$verb $option" in
    \(valueCases)
        esac
        return
      fi
      case "$verb" in
        '') _needletail_words '\(firstWords) --help --version' "$current" ;;
    \(nounCases)
    \(verbCases)
      esac
    }
    complete -F _needletail needletail

    """
  }

  private static var nouns: String { VerbTable.nouns.joined(separator: " ") }

  /// The first words of all verbs, each once.
  static var firstWords: String {
    VerbTable.all.reduce(into: [String]()) { words, verb in
      let first = verb.description.words[0]
      if !words.contains(first) { words.append(first) }
    }.joined(separator: " ")
  }

  /// A pattern of every verb with each of its options that take a value.
  private static var valueOptions: String {
    VerbTable.all.flatMap { verb in
      verb.description.options.filter { $0.placeholder != nil && !$0.isValueOptional }.flatMap {
        option in
        [option.name, option.short].compactMap { $0 }.map { "'\(verb.description.name) \($0)'" }
      }
    }.joined(separator: " | ")
  }

  private static var valueCases: String {
    VerbTable.all.flatMap { verb in
      verb.description.options.compactMap { option -> String? in
        guard option.placeholder != nil, let action = action(option.completion) else { return nil }
        let names = [option.name, option.short].compactMap { $0 }
          .map { "'\(verb.description.name) \($0)'" }.joined(separator: " | ")
        return "      \(names)) \(action) ;;"
      }
    }.joined(separator: "\n")
  }

  private static var nounCases: String {
    VerbTable.nouns.map { noun in
      let words = VerbTable.verbs(of: noun).map { $0.description.words[1] }
      return
        "    '\(noun)') _needletail_words '\(words.joined(separator: " ")) --help' \"$current\" ;;"
    }.joined(separator: "\n")
  }

  private static var verbCases: String {
    VerbTable.all.map { verb in
      let description = verb.description
      let options = (description.options.map(\.name) + ["--help"]).joined(separator: " ")
      var lines = ["    '\(description.name)')", "      case \"$current:$place\" in"]
      lines.append("        -*) _needletail_words '\(options)' \"$current\" ;;")
      for (index, argument) in description.arguments.enumerated() {
        guard let action = action(argument.completion) else { continue }
        lines.append("        *:\(argument.isRepeated ? "*" : String(index))) \(action) ;;")
      }
      lines += ["      esac", "      ;;"]
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func action(_ completion: VerbDescription.Completion) -> String? {
    switch completion {
    case .none: nil
    case .file: "_needletail_files \"$current\""
    case .study: "_needletail_studies \"$current\""
    case .words(let words): "_needletail_words '\(words.joined(separator: " "))' \"$current\""
    }
  }
}
