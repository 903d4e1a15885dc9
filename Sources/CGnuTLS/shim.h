#pragma once
// The function of libgnutls that signs messages, as a type: the library is opened when the first is signed.
#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>

typedef __typeof__(gnutls_hmac_fast) *nt_gnutls_hmac_fast;
