extension Figure {
  /// The figure in text for a terminal.
  public func terminalText(columns: Int, rows: Int, hasColor: Bool) -> String { title }
}
