/// An array job of workers for Slurm.
package struct SlurmJob: Sendable, Hashable {
  /// Slurm sends SIGTERM so many seconds before a job's time limit, or up to a minute earlier.
  static let warningSeconds = 60
  /// What a worker then has to give its trials back.
  static let grace: Duration = .seconds(30)

  /// What each task of the job runs.
  package let worker: WorkerCommand
  /// How many workers.
  package let count: Int
  /// Options for `sbatch`; they win over ours.
  package let options: [String]
  /// Certificates, as text, that the coordinator's must descend from; nil for the system's.
  package let authority: String?

  package init(
    worker: WorkerCommand, count: Int, options: [String], authority: String? = nil
  ) {
    var worker = worker
    worker.grace = worker.grace ?? Self.grace
    self.worker = worker
    self.count = count
    self.options = options
    self.authority = authority
  }

  /// The words, `sbatch` first; its standard input takes the script.
  package var words: [String] { ["sbatch", "--parsable"] + options }

  /// The job's script with the token in it: it is for a pipe to `sbatch`, never for a file that
  /// others can read. Slurm shows the script of a job only to its owner and to administrators.
  package func script(token: String) -> String {
    var header = [
      "#SBATCH --job-name=\(Self.jobName(worker.study))",
      "#SBATCH --array=1-\(count)",
      "#SBATCH --signal=B:TERM@\(Self.warningSeconds)",
      "#SBATCH --open-mode=append",
    ]
    if let slots = worker.slots { header.append("#SBATCH --cpus-per-task=\(slots)") }
    return WorkerScript.text(
      worker, token: token, header: header,
      name: #""slurm-$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID""#, authority: authority)
  }

  /// The job's number from what `sbatch --parsable` wrote: `123`, or `123;cluster`.
  ///
  /// - Throws: ``LaunchError/strangeAnswer(of:answer:)``.
  package static func number(from answer: String) throws(LaunchError) -> Int {
    // Warnings may stand above it.
    let line = answer.split(whereSeparator: \.isNewline).last ?? ""
    guard let number = line.split(separator: ";").first.flatMap({ Int($0) }), number > 0 else {
      throw .strangeAnswer(of: "sbatch", answer: String(answer.prefix(200)))
    }
    return number
  }

  /// A name without what Slurm's comments or a shell could take for something else.
  static func jobName(_ study: String) -> String {
    "needletail-"
      + study.map { character in
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
          ? String(character) : "-"
      }.joined()
  }
}
