internal import CHTTP2
internal import System

/// libnghttp2, opened when the first service starts and kept. Its functions may be called from any
/// thread, those of one session by one at a time.
@safe struct HTTP2Library: Sendable {
  let newCallbacks: nt_nghttp2_callbacks_new
  let freeCallbacks: nt_nghttp2_callbacks_del
  let onBeginHeaders: nt_nghttp2_set_on_begin_headers
  let onHeader: nt_nghttp2_set_on_header
  let onData: nt_nghttp2_set_on_data_chunk
  let onFrame: nt_nghttp2_set_on_frame
  let onFrameSent: nt_nghttp2_set_on_frame_sent
  let onStreamClose: nt_nghttp2_set_on_stream_close
  let newServer: nt_nghttp2_server_new
  let free: nt_nghttp2_session_del
  let receive: nt_nghttp2_mem_recv
  let send: nt_nghttp2_mem_send
  let wantsRead: nt_nghttp2_want
  let wantsWrite: nt_nghttp2_want
  let submitSettings: nt_nghttp2_submit_settings
  let submitResponse: nt_nghttp2_submit_response
  let submitTrailer: nt_nghttp2_submit_trailer
  let reset: nt_nghttp2_submit_rst_stream
  let terminate: nt_nghttp2_terminate

  /// The library, or what is missing of it.
  static let shared: Result<HTTP2Library, MissingLibrary> = {
    () -> Result<HTTP2Library, MissingLibrary> in
    do throws(MissingLibrary) {
      return .success(try HTTP2Library())
    } catch {
      return .failure(error)
    }
  }()

  private init() throws(MissingLibrary) {
    let library = try SharedLibrary("libnghttp2", version: 14)
    unsafe newCallbacks = try library.function("nghttp2_session_callbacks_new")
    unsafe freeCallbacks = try library.function("nghttp2_session_callbacks_del")
    unsafe onBeginHeaders = try library.function(
      "nghttp2_session_callbacks_set_on_begin_headers_callback")
    unsafe onHeader = try library.function("nghttp2_session_callbacks_set_on_header_callback")
    unsafe onData = try library.function(
      "nghttp2_session_callbacks_set_on_data_chunk_recv_callback")
    unsafe onFrame = try library.function("nghttp2_session_callbacks_set_on_frame_recv_callback")
    unsafe onFrameSent = try library.function(
      "nghttp2_session_callbacks_set_on_frame_send_callback")
    unsafe onStreamClose = try library.function(
      "nghttp2_session_callbacks_set_on_stream_close_callback")
    unsafe newServer = try library.function("nghttp2_session_server_new")
    unsafe free = try library.function("nghttp2_session_del")
    unsafe receive = try library.function("nghttp2_session_mem_recv")
    unsafe send = try library.function("nghttp2_session_mem_send")
    unsafe wantsRead = try library.function("nghttp2_session_want_read")
    unsafe wantsWrite = try library.function("nghttp2_session_want_write")
    unsafe submitSettings = try library.function("nghttp2_submit_settings")
    unsafe submitResponse = try library.function("nghttp2_submit_response")
    unsafe submitTrailer = try library.function("nghttp2_submit_trailer")
    unsafe reset = try library.function("nghttp2_submit_rst_stream")
    unsafe terminate = try library.function("nghttp2_session_terminate_session")
  }
}
