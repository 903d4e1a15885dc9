internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Needletail
internal import OptunaService
internal import Stores
internal import StudyModel
internal import System

// What the functions mean is told in needletail.h.

@c(needletail_version)
public func version() -> UnsafePointer<CChar> { unsafe UnsafePointer(versionText) }

private nonisolated(unsafe) let versionText: UnsafeMutablePointer<CChar> = unsafe strdup(
  Release.version)!

@c(needletail_message)
public func message() -> UnsafePointer<CChar> {
  unsafe LatestFailure.text ?? UnsafePointer(noMessage)
}

private nonisolated(unsafe) let noMessage: UnsafeMutablePointer<CChar> = unsafe strdup("")!

@c(needletail_code)
public func code() -> Int32 { LatestFailure.code }

@c(needletail_free)
public func freeMemory(_ memory: UnsafeMutableRawPointer?) { unsafe free(memory) }

@c(needletail_close)
public func closeHandle(_ handle: UInt64) -> Int32 {
  answering {
    guard let held = library.handles.remove(handle) else { throw CallFailure.badHandle(handle) }
    if case .storage(let desk) = held { try desk.end() }
  }
}

@c(needletail_store_open)
public func openStore(
  _ address: UnsafePointer<CChar>?, _ store: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let store = unsafe try place(store, "the store's handle")
    var location = StoreLocation.memory
    if let text = unsafe try optionalText(address, "the store's address") {
      location = .url(text)
    }
    // A coordinator is asked when its studies are.
    if try location.client() == nil { location = .open(try location.opened()) }
    unsafe store.pointee = library.handles.add(.store(location))
  }
}

@c(needletail_store_studies)
public func listStudies(
  _ store: UInt64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let json = unsafe try place(json, "the studies")
    let location = try library.handles.store(store)
    let listed: [JSONValue]
    if let client = try location.client() {
      listed = try client.studies()
    } else {
      let store = try location.opened()
      listed = try store.studies().map { try summary(of: $0, in: store) }
    }
    unsafe json.pointee = unsafe try copy(JSONValue.array(listed).text())
  }
}

private func summary(of study: StudyRecord, in store: any StudyStore) throws -> JSONValue {
  let first = try store.trials(in: study, numbers: [0]).first
  return [
    "name": .string(study.name),
    "directions": .array(study.directions.map { .string($0.rawValue) }),
    "trials": .integer(try store.counts(in: study).values.reduce(0, +)),
    "user_attributes": object(try store.attributes(.user, of: study)),
    "system_attributes": object(try store.attributes(.system, of: study)),
    "started": seconds(first?.startedAt),
  ]
}

@c(needletail_store_delete)
public func deleteStudy(_ store: UInt64, _ name: UnsafePointer<CChar>?) -> Int32 {
  answering {
    let name = unsafe try text(name, "the study's name")
    try Study.delete(name, store: try library.handles.store(store))
  }
}
