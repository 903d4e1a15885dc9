/// A distribution or a search space that makes no sense.
public enum SearchSpaceError: Error, Hashable {
  case notFinite(Double)
  case emptyRange(low: String, high: String)
  case logOfNonpositive(low: String, smallest: String)
  case logWithStep
  case stepNotPositive(String)
  case integerTooLarge(String)
  /// A step so small that its multiples cannot be counted.
  case tooManySteps(low: String, high: String, step: String)
  case noChoices
  /// Weights of choices that make no sense, in words.
  case badWeights(String)
  /// A prior that makes no sense, in words.
  case badPrior(String)
  /// A shape without a bound that it needs.
  case boundMissing(String)
  /// A step that has no multiple between the bounds.
  case emptyAfterRounding(low: String, high: String, step: String)
  /// A step or a bound of integers that is none.
  case notWhole(String, String)
  case notADistribution(String)
  case unknownDistribution(String)
  case badAttribute(String, String)
  /// An attribute that the distribution does not have in this version.
  case unknownAttribute(String)
  /// A parameter of another program from whose distribution nothing is drawn.
  case opaque(name: String, reason: String)
  /// A name that stands twice in a space.
  case duplicateParameter(String)
  /// A condition on a parameter that does not come earlier in the space.
  case unknownParent(parameter: String, parent: String)
  /// A condition on a value that the parent cannot take.
  case impossibleCondition(parameter: String, parent: String, value: String)
  /// A constraint that names what is no parameter.
  case unknownInConstraint(constraint: String, name: String)
  /// A constraint that names a parameter with a choice that is no number.
  case choiceInConstraint(constraint: String, name: String, choice: String)
}

extension SearchSpaceError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFinite(let value): "the bound \(value) is not finite; give finite bounds"
    case .emptyRange(let low, let high): "low \(low) is above high \(high); exchange them"
    case .logOfNonpositive(let low, let smallest):
      "a logarithmic range cannot start at \(low); low must be \(smallest)"
    case .logWithStep: "log and step exclude each other; remove one"
    case .stepNotPositive(let step): "step \(step) is not positive; give a step above 0"
    case .integerTooLarge(let bound):
      "the bound \(bound) is beyond 2^53, where not every integer can be stored; use a float"
    case .tooManySteps(let low, let high, let step):
      "from \(low) to \(high) there are too many steps of \(step); give a larger step"
    case .badWeights(let problem), .badPrior(let problem): problem
    case .boundMissing(let name): "the range has no '\(name)'; add it"
    case .emptyAfterRounding(let low, let high, let step):
      "no multiple of \(step) lies from \(low) to \(high), so rounding leaves nothing; give a "
        + "smaller step"
    case .notWhole(let what, let value):
      "integers cannot have the \(what) \(value); make it whole, or use a float"
    case .noChoices: "the list of choices is empty; give at least one"
    case .notADistribution(let text): "\(text) is not a distribution"
    case .unknownDistribution(let name):
      "the distribution '\(name)' is unknown; known: float, int, categorical"
    case .badAttribute(let name, let value):
      "the distribution's attribute '\(name)' cannot be \(value)"
    case .unknownAttribute(let name): "the distribution's attribute '\(name)' is unknown"
    case .opaque(let name, let reason): "nothing can be drawn for '\(name)': \(reason)"
    case .duplicateParameter(let name): "the parameter '\(name)' stands twice; rename one"
    case .unknownParent(let name, let parent):
      "'\(name)' depends on '\(parent)', which is not a parameter before it; move '\(parent)' up"
    case .impossibleCondition(let name, let parent, let value):
      "'\(name)' depends on '\(parent)' being \(value), which it can never be"
    case .unknownInConstraint(let constraint, let name):
      "the constraint '\(constraint)' names '\(name)', which is no parameter"
    case .choiceInConstraint(let constraint, let name, let choice):
      "the constraint '\(constraint)' names '\(name)', whose choice '\(choice)' is no number"
    }
  }
}
