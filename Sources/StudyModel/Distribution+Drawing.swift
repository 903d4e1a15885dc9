extension Distribution {
  /// The distribution of what the traits draw: the bounds, the step and the scale that hold all of
  /// it, always of one of the kinds that Optuna knows, with the traits where these do not say all.
  ///
  /// | Drawn | The support |
  /// |---|---|
  /// | not rounded | a float between the bounds, logarithmic for a logarithmic shape |
  /// | rounded | the multiples from the first to the last that can come out |
  /// | clipped, to other bounds | all between the bounds; what is suggested is rounded |
  ///
  /// - Parameter isWhole: Whether objectives see integers; needs a step, an origin and, when
  ///   clipped, bounds that are whole. What is not rounded yet is then rounded to the nearest one.
  /// - Throws: ``SearchSpaceError`` for a step that is not whole, and for what its kind does not
  ///   allow.
  public static func drawn(
    _ traits: NumberTraits, isWhole: Bool = false
  ) throws(SearchSpaceError) -> Distribution {
    guard let rounding = traits.rounding else {
      if isWhole {
        return try drawn(
          NumberTraits(
            traits.shape, low: traits.isTruncated ? traits.low : nil,
            high: traits.isTruncated ? traits.high : nil, rounding: .init(to: 1),
            gridValues: traits.gridValues), isWhole: true)
      }
      return .float(
        try FloatDistribution(
          low: traits.low, high: traits.high, log: traits.shape.isLogarithmic, traits: traits))
    }
    var (first, last) = (rounding.place(of: traits.low), rounding.place(of: traits.high))
    // Nothing is drawn at the upper bound itself.
    if rounding.rule == .floor, first < last, rounding.point(last) == traits.high { last -= 1 }
    let (low, high) = (rounding.point(first), rounding.point(last))
    let isRegular = !rounding.isClipped || (low >= traits.low && high <= traits.high)
    if !isWhole {
      guard isRegular else {
        return .float(
          try FloatDistribution(
            low: traits.low, high: traits.high, log: traits.shape.isLogarithmic, traits: traits))
      }
      return .float(
        try FloatDistribution(low: low, high: high, step: rounding.step, traits: traits))
    }
    guard let step = Int(exactly: rounding.step), Int(exactly: rounding.origin) != nil else {
      throw .notWhole("step", "\(rounding.step)")
    }
    let ends = isRegular ? (low, high) : (traits.low, traits.high)
    guard let least = Int(exactly: ends.0), let greatest = Int(exactly: ends.1) else {
      throw .notWhole("bound", Int(exactly: ends.0) == nil ? "\(ends.0)" : "\(ends.1)")
    }
    return .int(
      try IntDistribution(
        low: least, high: greatest, step: isRegular ? step : 1,
        log: traits.shape.isLogarithmic && step == 1 && least >= 1, traits: traits))
  }

  /// How a number is drawn and rounded, where the bounds do not say all; nil otherwise.
  public var numberTraits: NumberTraits? {
    switch self {
    case .float(let d): d.traits
    case .int(let d): d.traits
    case .categorical, .opaque: nil
    }
  }

  /// What choices have beside their values; nil for plain ones and for numbers.
  public var choiceTraits: ChoiceTraits? {
    if case .categorical(let d) = self { d.traits } else { nil }
  }

  /// Whether the logarithm of a number is what varies evenly, or what its prior is about.
  public var isLogarithmic: Bool {
    switch self {
    case .float(let d): d.log || d.traits?.shape.isLogarithmic ?? false
    case .int(let d): d.log || d.traits?.shape.isLogarithmic ?? false
    case .categorical, .opaque: false
    }
  }

  /// Whether it is a list of choices that has an order.
  public var isOrdered: Bool { choiceTraits?.isOrdered ?? false }

  /// Whether the bounds, the step, the scale and the choices do not say all.
  public var hasTraits: Bool { numberTraits != nil || choiceTraits != nil }

  /// The distribution without traits: what Optuna sees of it.
  public var plain: Distribution {
    switch self {
    case .float(let d): .float(d.plain)
    case .int(let d): .int(d.plain)
    case .categorical(let d): .categorical(d.plain)
    case .opaque: self
    }
  }

  /// How a command line spells the value: as it was written where that is known.
  public func spelling(of internalValue: Double) -> String {
    if let spellings = choiceTraits?.spellings,
      let place = Int(exactly: internalValue.rounded(.towardZero)),
      spellings.indices.contains(place), let spelling = spellings[place]
    {
      return spelling
    }
    return (value(of: internalValue) ?? .null).description
  }
}

extension NumberTraits.Shape {
  /// Whether the logarithm is what models work on.
  public var isLogarithmic: Bool {
    switch self {
    case .logUniform, .logNormal: true
    case .uniform, .reverseLogUniform, .normal, .beta: false
    }
  }
}
