package import Stores
package import StudyModel

extension TrialHistory {
  /// Checks that the trials gave the parameter no other kind of distribution.
  ///
  /// - Throws: ``StoreError/incompatibleDistribution(parameter:stored:given:)``.
  package func checkCompatibility(of parameter: Parameter) throws(StoreError) {
    guard let column = place(ofColumn: parameter.name) else { return }
    let latest = parameters[column].latestDistributionID
    guard latest >= 0 else { return }
    let stored = distributions[Int(latest)]
    guard stored.isCompatible(with: parameter.distribution) else {
      throw .incompatibleDistribution(
        parameter: parameter.name, stored: stored.summary, given: parameter.distribution.summary)
    }
  }
}
