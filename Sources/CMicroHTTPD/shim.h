#pragma once
// The functions of libmicrohttpd and GnuTLS that the coordinator's server calls, as types: the
// libraries are opened when a server starts. Linked, they and what they need would slow the start
// of every process.
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

// Variadic functions, which Swift has no type for; the wrappers below give them theirs back.
typedef void (*nt_variadic)(void);

// libmicrohttpd
typedef __typeof__(MHD_stop_daemon) *nt_MHD_stop_daemon;
typedef __typeof__(MHD_quiesce_daemon) *nt_MHD_quiesce_daemon;
typedef __typeof__(MHD_suspend_connection) *nt_MHD_suspend_connection;
typedef __typeof__(MHD_resume_connection) *nt_MHD_resume_connection;
typedef __typeof__(MHD_lookup_connection_value) *nt_MHD_lookup_connection_value;
typedef __typeof__(MHD_get_connection_values) *nt_MHD_get_connection_values;
typedef __typeof__(MHD_get_connection_values_n) *nt_MHD_get_connection_values_n;
typedef __typeof__(MHD_create_response_from_buffer) *nt_MHD_create_response_from_buffer;
typedef __typeof__(MHD_create_response_from_callback) *nt_MHD_create_response_from_callback;
typedef __typeof__(MHD_add_response_header) *nt_MHD_add_response_header;
typedef __typeof__(MHD_queue_response) *nt_MHD_queue_response;
typedef __typeof__(MHD_destroy_response) *nt_MHD_destroy_response;

// libgnutls
typedef __typeof__(gnutls_hash_fast) *nt_gnutls_hash_fast;
typedef __typeof__(gnutls_memcmp) *nt_gnutls_memcmp;
typedef __typeof__(gnutls_strerror) *nt_gnutls_strerror;
typedef __typeof__(gnutls_record_send) *nt_gnutls_record_send;
typedef __typeof__(gnutls_certificate_verify_peers2) *nt_gnutls_certificate_verify_peers2;
typedef __typeof__(gnutls_certificate_allocate_credentials)
    *nt_gnutls_certificate_allocate_credentials;
typedef __typeof__(gnutls_certificate_free_credentials) *nt_gnutls_certificate_free_credentials;
typedef __typeof__(gnutls_certificate_set_x509_key_mem) *nt_gnutls_certificate_set_x509_key_mem;
typedef __typeof__(gnutls_x509_crt_init) *nt_gnutls_x509_crt_init;
typedef __typeof__(gnutls_x509_crt_deinit) *nt_gnutls_x509_crt_deinit;
typedef __typeof__(gnutls_x509_crt_import) *nt_gnutls_x509_crt_import;
typedef __typeof__(gnutls_x509_crt_get_expiration_time) *nt_gnutls_x509_crt_get_expiration_time;
typedef __typeof__(gnutls_x509_crt_get_activation_time) *nt_gnutls_x509_crt_get_activation_time;

// Variadic, so the importer leaves it out.
static inline struct MHD_Daemon *nt_start_daemon(
    nt_variadic start, unsigned int flags, MHD_AcceptPolicyCallback policy,
    MHD_AccessHandlerCallback handler, void *context, const struct MHD_OptionItem *options) {
  return ((__typeof__(MHD_start_daemon) *)start)(flags, 0, policy, context, handler, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

// Variadic, so the importer leaves it out. The address of the peer, or the number of the socket, or
// the TLS session, or the size of the headers, or what was noted at the connection's begin.
static inline const union MHD_ConnectionInfo *nt_connection_info(
    nt_variadic get, struct MHD_Connection *connection,
    enum MHD_ConnectionInfoType kind) {
  return ((__typeof__(MHD_get_connection_info) *)get)(connection, kind);
}

// Callbacks go into options as numbers: a cast that Swift has no spelling for.
static inline struct MHD_OptionItem nt_completed_option(MHD_RequestCompletedCallback callback,
                                                        void *context) {
  struct MHD_OptionItem item = {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)callback, context};
  return item;
}
static inline struct MHD_OptionItem nt_connection_option(MHD_NotifyConnectionCallback callback,
                                                         void *context) {
  struct MHD_OptionItem item = {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)callback, context};
  return item;
}

static inline struct MHD_OptionItem nt_target_option(
    void *(*callback)(void *, const char *, struct MHD_Connection *), void *context) {
  struct MHD_OptionItem item = {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)callback, context};
  return item;
}

// Keeps paths as the client wrote them: a study's name may have an escaped slash.
static inline size_t nt_keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return __builtin_strlen(text);
}
static inline struct MHD_OptionItem nt_unescape_option(void) {
  struct MHD_OptionItem item = {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)nt_keep_escapes, 0};
  return item;
}

// The library's own messages hold pieces of requests; none of them is wanted on stderr.
static inline void nt_ignore_message(void *context, const char *format, va_list arguments) {
  (void)context;
  (void)format;
  (void)arguments;
}
static inline struct MHD_OptionItem nt_logger_option(void) {
  struct MHD_OptionItem item = {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)nt_ignore_message, 0};
  return item;
}
