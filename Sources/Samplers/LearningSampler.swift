/// A sampler that learns from more than the trials of its study.
package protocol LearningSampler: Sampler {
  /// Finished studies to learn from; strangers do no harm for long.
  var earlierStudies: [EarlierStudy] { get set }
}

extension AutoSampler: LearningSampler {}
extension GPSampler: LearningSampler {}
