internal import CCurl
internal import System

/// libcurl, opened when the first request is made and kept.
///
/// Its functions may be called from any thread, each handle by one at a time.
@safe package struct CurlLibrary: Sendable {
  let newHandle: nt_curl_easy_init
  let destroyHandle: nt_curl_easy_cleanup
  let set: nt_curl_easy_setopt
  let get: nt_curl_easy_getinfo
  let errorText: nt_curl_easy_strerror
  let appendToList: nt_curl_slist_append
  let destroyList: nt_curl_slist_free_all
  let newLoop: nt_curl_multi_init
  let destroyLoop: nt_curl_multi_cleanup
  let add: nt_curl_multi_add_handle
  let remove: nt_curl_multi_remove_handle
  let perform: nt_curl_multi_perform
  let poll: nt_curl_multi_poll
  let wakeUp: nt_curl_multi_wakeup
  let nextMessage: nt_curl_multi_info_read
  private let start: nt_curl_global_init

  /// The library, or what is missing.
  package static let shared: Result<CurlLibrary, TransferError> = {
    () -> Result<CurlLibrary, TransferError> in
    do throws(MissingLibrary) {
      let library = try CurlLibrary()
      // The sum of SSL and WIN32.
      guard library.start(3) == CURLE_OK else {
        return .failure(.missingLibrary("a libcurl that starts"))
      }
      return .success(library)
    } catch {
      return .failure(.missingLibrary(error.name))
    }
  }()

  private init() throws(MissingLibrary) {
    let curl = try SharedLibrary("libcurl", version: 4)
    unsafe newHandle = try curl.function("curl_easy_init")
    unsafe destroyHandle = try curl.function("curl_easy_cleanup")
    set = try curl.function("curl_easy_setopt")
    get = try curl.function("curl_easy_getinfo")
    unsafe errorText = try curl.function("curl_easy_strerror")
    unsafe appendToList = try curl.function("curl_slist_append")
    unsafe destroyList = try curl.function("curl_slist_free_all")
    unsafe newLoop = try curl.function("curl_multi_init")
    unsafe destroyLoop = try curl.function("curl_multi_cleanup")
    unsafe add = try curl.function("curl_multi_add_handle")
    unsafe remove = try curl.function("curl_multi_remove_handle")
    unsafe perform = try curl.function("curl_multi_perform")
    unsafe poll = try curl.function("curl_multi_poll")
    unsafe wakeUp = try curl.function("curl_multi_wakeup")
    unsafe nextMessage = try curl.function("curl_multi_info_read")
    start = try curl.function("curl_global_init")
  }
}
