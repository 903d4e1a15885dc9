internal import JSON
internal import System

/// Does what a caller asked for; returns 0 or the code of what went wrong, which is noted for the
/// thread.
func answering(_ body: () throws -> Void) -> Int32 {
  do {
    try checkProcess()
    try body()
    return 0
  } catch {
    let failure = CallFailure(error)
    LatestFailure.keep(failure)
    return failure.code.rawValue
  }
}

/// Refuses a process that was forked from the one that first called the library. Takes no lock:
/// another thread may have held it when the process was forked.
func checkProcess() throws(CallFailure) {
  _ = library
  guard unsafe !isForked else {
    throw CallFailure(
      .forked,
      "this process was forked from one that uses the library, whose threads did not come along; "
        + "open a copy of the library here")
  }
}

/// A text that a caller gave.
func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(CallFailure) -> String {
  guard let text = unsafe try optionalText(pointer, what) else {
    throw .badArgument("\(what) is a null pointer; give a text")
  }
  return text
}

/// A text that a caller may leave out.
func optionalText(
  _ pointer: UnsafePointer<CChar>?, _ what: String
) throws(CallFailure) -> String? {
  guard let pointer = unsafe pointer else { return nil }
  guard let text = unsafe String(validatingCString: pointer) else {
    throw .badArgument("\(what) is not UTF-8; encode it as UTF-8")
  }
  return text
}

/// JSON that a caller gave.
func json(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(CallFailure) -> JSONValue {
  let text = unsafe try text(pointer, what)
  do {
    return try JSONValue(parsing: text)
  } catch {
    throw .badArgument("\(what) is \(error)")
  }
}

/// The members of a JSON object that a caller gave; none for a null pointer.
func members(
  _ pointer: UnsafePointer<CChar>?, _ what: String
) throws(CallFailure) -> [JSONValue.Member] {
  guard unsafe pointer != nil else { return [] }
  guard case .object(let members) = unsafe try json(pointer, what) else {
    throw .badArgument("\(what) are no JSON object; give one")
  }
  return members
}

/// Where a caller wants an answer.
func place<Value>(
  _ pointer: UnsafeMutablePointer<Value>?, _ what: String
) throws(CallFailure) -> UnsafeMutablePointer<Value> {
  guard let pointer = unsafe pointer else {
    throw .badArgument("the place for \(what) is a null pointer; give one")
  }
  return unsafe pointer
}

/// A copy of a text that the caller frees.
func copy(_ text: String) throws(CallFailure) -> UnsafeMutablePointer<CChar> {
  guard let copy = unsafe strdup(text) else {
    throw CallFailure(.failed, "there is no memory left for the answer")
  }
  return unsafe copy
}
