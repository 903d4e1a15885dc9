extension PlotFile {
  /// Why PNG and PDF cannot be written here; nil when they can.
  public static var missingLibrary: PlotError? {
    if case .failure(let error) = DrawingLibrary.shared { error } else { nil }
  }
}
