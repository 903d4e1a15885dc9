internal import JSON
internal import Needletail
internal import Plotting
internal import System

@c(needletail_study_importances)
public func assessImportances(
  _ study: UInt64, _ options: UnsafePointer<CChar>?,
  _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let place = unsafe try place(json, "the importances")
    let study = try library.handles.study(study).study
    var method = ImportanceMethod.pedANOVA
    var objective: Int?
    for option in unsafe try members(options, "the options of importances") {
      switch (option.name, option.value) {
      case ("method", let name):
        guard let known = name.string.flatMap(ImportanceMethod.init(rawValue:)) else {
          throw CallFailure.badArgument(
            "'method' is \(name.text()); give \"ped-anova\" or \"fanova\"")
        }
        method = known
      case ("objective", .null): objective = nil
      case ("objective", .integer(let index)): objective = index
      default: throw unknown(option, of: "importances")
      }
    }
    let found = try study.importances(by: method, objective: objective)
    let form: JSONValue = [
      "importances": .array(
        found.entries.map { [.string($0.parameter), .float($0.importance)] }),
      "notes": .array(found.notes.map(JSONValue.string)),
    ]
    unsafe place.pointee = unsafe try copy(form.text())
  }
}

@c(needletail_study_plot)
public func plotStudy(
  _ study: UInt64, _ kind: UnsafePointer<CChar>?, _ format: UnsafePointer<CChar>?,
  _ options: UnsafePointer<CChar>?, _ bytes: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> Int32 {
  answering {
    let place = unsafe try place(bytes, "the figure")
    let study = try library.handles.study(study).study
    let name = unsafe try text(kind, "the figure's kind")
    guard let kind = PlotKind(spelled: name) else {
      let known = PlotKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw CallFailure.badArgument(
        "the figure '\(name.prefix(40))' is unknown; known are \(known)")
    }
    let ending = unsafe try text(format, "the figure's format")
    guard let format = PlotFormat(rawValue: ending) else {
      throw CallFailure.badArgument(
        "the format '\(ending.prefix(40))' is unknown; give svg, html, png or pdf")
    }
    let (shown, size) = try plotOptions(unsafe try members(options, "the figure's options"))
    let figure = try study.plot(kind, options: shown)
    let drawn = try PlotFile.bytes(
      of: [figure], format: format, width: size.width, height: size.height)
    guard let memory = unsafe malloc(drawn.count + 1) else {
      throw CallFailure(.failed, "there is no memory left for the figure")
    }
    unsafe memory.copyMemory(from: drawn, byteCount: drawn.count)
    unsafe memory.storeBytes(of: 0, toByteOffset: drawn.count, as: UInt8.self)
    unsafe length?.pointee = drawn.count
    unsafe place.pointee = unsafe memory
  }
}

private func plotOptions(
  _ members: [JSONValue.Member]
) throws -> (PlotOptions, size: (width: Int?, height: Int?)) {
  var options = PlotOptions()
  var size: (width: Int?, height: Int?) = (nil, nil)
  for option in members where option.value != .null {
    switch (option.name, option.value) {
    case ("objective", .integer(let index)): options.objective = index
    case ("width", .integer(let pixels)): size.width = pixels
    case ("height", .integer(let pixels)): size.height = pixels
    case ("parameters", .array(let names)): options.parameters = names.compactMap(\.string)
    case ("reference", .array(let corner)): options.reference = corner.compactMap(\.number)
    case ("evaluator", .string("fanova")): options.evaluator = .fANOVA
    case ("evaluator", .string("ped-anova")): options.evaluator = .pedANOVA
    default: throw unknown(option, of: "figures")
    }
  }
  if let objective = options.objective, objective < 0 {
    throw CallFailure.badArgument("there is no objective \(objective); they count from 0")
  }
  return (options, size)
}

private func unknown(_ option: JSONValue.Member, of what: String) -> CallFailure {
  .badArgument(
    "\(what) have no option '\(option.name.prefix(40))' with the value "
      + "\(option.value.text().prefix(80)); see needletail.h")
}
