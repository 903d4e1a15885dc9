internal import JSON

extension ForeignStudy {
  /// Reads another tool's file.
  ///
  /// - Parameters:
  ///   - format: The tool's name, `needletail` for our own form, nil to tell by the content.
  ///   - selection: Which of several experiments in the file is meant.
  /// - Returns: nil for a study file of our own.
  /// - Throws: ``StudyFileError`` in the tool's terms.
  package static func read(
    contentsOf path: String, format: String? = nil, selecting selection: String? = nil
  ) throws(StudyFileError) -> ForeignStudy? {
    guard format.map(plainName) != "needletail" else { return nil }
    do throws(LocatedFault) {
      let bytes = try StudyFile.bytes(of: path)
      return try read(
        String(decoding: bytes, as: UTF8.self), path: path, format: format, selecting: selection)
    } catch {
      throw StudyFileError(path: path, location: error.location, problem: error.problem)
    }
  }

  /// Reads another tool's file from its text, as `path`.
  package static func read(
    text: String, path: String, format: String? = nil, selecting selection: String? = nil
  ) throws(StudyFileError) -> ForeignStudy? {
    guard format.map(plainName) != "needletail" else { return nil }
    do throws(LocatedFault) {
      return try read(text, path: path, format: format, selecting: selection)
    } catch {
      throw StudyFileError(path: path, location: error.location, problem: error.problem)
    }
  }

  private static func read(
    _ text: String, path: String, format: String?, selecting selection: String?
  ) throws(LocatedFault) -> ForeignStudy? {
    guard text.utf8.count <= YAMLParser.largestSize else {
      throw LocatedFault(
        location: nil,
        problem: "larger than \(YAMLParser.largestSize >> 20) MiB; this is no study file")
    }
    let finding: ForeignDetection.Finding
    if let format {
      guard let tool = ForeignTool(named: format) else {
        let known = ["needletail"] + ForeignTool.allCases.map(\.rawValue)
        let advice =
          nearest(to: format, among: known).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(known, limit: 30))"
        throw LocatedFault(
          location: nil, problem: "the format '\(shortened(format))' is unknown; \(advice)")
      }
      finding = try insisted(tool, text, path)
    } else if let found = try ForeignDetection.find(in: text, path: path) {
      finding = found
    } else {
      return nil
    }
    let source = ForeignSource(
      tool: finding.tool, path: path, text: text, root: finding.root, selection: selection)
    do throws(LocatedFault) {
      var study = try source.study()
      study.reason = format == nil ? finding.reason : nil
      try study.checkNames()
      study.finish()
      return study
    } catch {
      let because = format == nil ? " (because of \(finding.reason))" : ""
      throw LocatedFault(
        location: error.location,
        problem: "as \(finding.tool.fileName)\(because): \(error.problem)")
    }
  }

  /// The document of a file whose tool the user named.
  private static func insisted(
    _ tool: ForeignTool, _ text: String, _ path: String
  ) throws(LocatedFault) -> ForeignDetection.Finding {
    let found: ForeignDetection.Finding?
    do throws(LocatedFault) {
      found = try ForeignDetection.find(in: text, path: path)
    } catch {
      found = nil
    }
    if let found, found.tool == tool { return found }
    let root = try YAMLParser.parse(SurrogatePairs.merged(in: Array(text.utf8)))
    return ForeignDetection.Finding(tool: tool, reason: "--format", root: root)
  }
}

extension ForeignSource {
  /// Reads the file with its tool's reader.
  fileprivate func study() throws(LocatedFault) -> ForeignStudy {
    switch tool {
    case .azure: try read(AzureReader.self)
    case .clearml: try read(ClearMLReader.self)
    case .comet: try read(CometReader.self)
    case .configspace:
      root.members.isEmpty ? try read(PCSReader.self) : try read(ConfigSpaceReader.self)
    case .determined: try read(DeterminedReader.self)
    case .dvc: try read(DVCReader.self)
    case .guild: try read(GuildReader.self)
    case .h2o: try read(H2OReader.self)
    case .hydra: try read(HydraReader.self)
    case .katib: try read(KatibReader.self)
    case .kerastuner: try read(KerasTunerReader.self)
    case .mlproject: try read(MLProjectReader.self)
    case .mlrun: try read(MLRunReader.self)
    case .nni: try read(NNIReader.self)
    case .optimizationjob: try read(OptimizationJobReader.self)
    case .optunacli: try read(OptunaCommandReader.self)
    case .orion: try read(OrionReader.self)
    case .polyaxon: try read(PolyaxonReader.self)
    case .ray: try read(RayReader.self)
    case .sagemaker: try read(SageMakerReader.self)
    case .sigopt: try read(SigOptReader.self)
    case .synetune: try read(SyneTuneReader.self)
    case .valohai: try read(ValohaiReader.self)
    case .vizier: try read(VizierReader.self)
    case .wandb: try read(WandBReader.self)
    }
  }

  private func read<Reader: ForeignReader>(
    _ reader: Reader.Type
  ) throws(LocatedFault) -> ForeignStudy {
    var reader = Reader(self)
    return try reader.read()
  }
}

/// Reads the files of one tool.
protocol ForeignReader {
  init(_ source: ForeignSource)

  /// What the file's author meant.
  mutating func read() throws(LocatedFault) -> ForeignStudy
}
