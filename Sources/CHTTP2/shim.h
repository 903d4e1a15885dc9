#pragma once
// The functions of libnghttp2 that Optuna's storage service calls, as types: the library is opened
// when the service starts, and most processes never start it.
#include <sys/types.h>
#include <nghttp2/nghttp2.h>

typedef __typeof__(nghttp2_session_callbacks_new) *nt_nghttp2_callbacks_new;
typedef __typeof__(nghttp2_session_callbacks_del) *nt_nghttp2_callbacks_del;
typedef __typeof__(nghttp2_session_callbacks_set_on_begin_headers_callback)
    *nt_nghttp2_set_on_begin_headers;
typedef __typeof__(nghttp2_session_callbacks_set_on_header_callback) *nt_nghttp2_set_on_header;
typedef __typeof__(nghttp2_session_callbacks_set_on_data_chunk_recv_callback)
    *nt_nghttp2_set_on_data_chunk;
typedef __typeof__(nghttp2_session_callbacks_set_on_frame_recv_callback) *nt_nghttp2_set_on_frame;
typedef __typeof__(nghttp2_session_callbacks_set_on_frame_send_callback)
    *nt_nghttp2_set_on_frame_sent;
typedef __typeof__(nghttp2_session_callbacks_set_on_stream_close_callback)
    *nt_nghttp2_set_on_stream_close;
typedef __typeof__(nghttp2_session_server_new) *nt_nghttp2_server_new;
typedef __typeof__(nghttp2_session_del) *nt_nghttp2_session_del;
typedef __typeof__(nghttp2_session_mem_recv) *nt_nghttp2_mem_recv;
typedef __typeof__(nghttp2_session_mem_send) *nt_nghttp2_mem_send;
typedef __typeof__(nghttp2_session_want_read) *nt_nghttp2_want;
typedef __typeof__(nghttp2_submit_settings) *nt_nghttp2_submit_settings;
typedef __typeof__(nghttp2_submit_response) *nt_nghttp2_submit_response;
typedef __typeof__(nghttp2_submit_trailer) *nt_nghttp2_submit_trailer;
typedef __typeof__(nghttp2_submit_rst_stream) *nt_nghttp2_submit_rst_stream;
typedef __typeof__(nghttp2_session_terminate_session) *nt_nghttp2_terminate;
