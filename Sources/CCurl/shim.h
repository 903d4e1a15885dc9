#pragma once
// libcurl's functions as types: the library is opened when the first request is made. Linked, it and the
// forty libraries behind it would slow the start of every process.
#include <curl/curl.h>

// curl.h makes macros of some names, to check the arguments' types.
#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef __typeof__(curl_global_init) *nt_curl_global_init;
typedef __typeof__(curl_version_info) *nt_curl_version_info;
typedef __typeof__(curl_easy_init) *nt_curl_easy_init;
typedef __typeof__(curl_easy_cleanup) *nt_curl_easy_cleanup;
typedef __typeof__(curl_easy_reset) *nt_curl_easy_reset;
typedef __typeof__(curl_easy_strerror) *nt_curl_easy_strerror;
typedef __typeof__(curl_slist_append) *nt_curl_slist_append;
typedef __typeof__(curl_slist_free_all) *nt_curl_slist_free_all;
typedef __typeof__(curl_multi_init) *nt_curl_multi_init;
typedef __typeof__(curl_multi_cleanup) *nt_curl_multi_cleanup;
typedef __typeof__(curl_multi_add_handle) *nt_curl_multi_add_handle;
typedef __typeof__(curl_multi_remove_handle) *nt_curl_multi_remove_handle;
typedef __typeof__(curl_multi_perform) *nt_curl_multi_perform;
typedef __typeof__(curl_multi_poll) *nt_curl_multi_poll;
typedef __typeof__(curl_multi_wakeup) *nt_curl_multi_wakeup;
typedef __typeof__(curl_multi_info_read) *nt_curl_multi_info_read;

// Swift can neither call nor hold functions with variable arguments: they are held under another type, and
// called here under their own.
typedef void (*nt_curl_easy_setopt)(void);
typedef void (*nt_curl_easy_getinfo)(void);

static inline CURLcode nt_set_long(
    nt_curl_easy_setopt set, CURL *handle, CURLoption option, long value) {
  return ((__typeof__(curl_easy_setopt) *)set)(handle, option, value);
}
static inline CURLcode nt_set_text(
    nt_curl_easy_setopt set, CURL *handle, CURLoption option, const char *value) {
  return ((__typeof__(curl_easy_setopt) *)set)(handle, option, value);
}
static inline CURLcode nt_set_pointer(
    nt_curl_easy_setopt set, CURL *handle, CURLoption option, void *value) {
  return ((__typeof__(curl_easy_setopt) *)set)(handle, option, value);
}
static inline CURLcode nt_set_write(
    nt_curl_easy_setopt set, CURL *handle, CURLoption option,
    size_t (*value)(char *, size_t, size_t, void *)) {
  return ((__typeof__(curl_easy_setopt) *)set)(handle, option, value);
}
static inline CURLcode nt_set_socket(
    nt_curl_easy_setopt set, CURL *handle, CURLoption option,
    int (*value)(void *, curl_socket_t, curlsocktype)) {
  return ((__typeof__(curl_easy_setopt) *)set)(handle, option, value);
}
static inline CURLcode nt_get_long(
    nt_curl_easy_getinfo get, CURL *handle, CURLINFO info, long *value) {
  return ((__typeof__(curl_easy_getinfo) *)get)(handle, info, value);
}
static inline CURLcode nt_get_offset(
    nt_curl_easy_getinfo get, CURL *handle, CURLINFO info, curl_off_t *value) {
  return ((__typeof__(curl_easy_getinfo) *)get)(handle, info, value);
}
static inline CURLcode nt_get_text(
    nt_curl_easy_getinfo get, CURL *handle, CURLINFO info, char **value) {
  return ((__typeof__(curl_easy_getinfo) *)get)(handle, info, value);
}

/// The result in a message of curl_multi_info_read, which is in a union.
static inline CURLcode nt_message_result(const CURLMsg *message) { return message->data.result; }
