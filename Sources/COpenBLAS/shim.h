#pragma once
#include <cblas.h>
#include <lapacke.h>

/// Cholesky factorization; a variadic macro, which the importer skips. The macro also passes the
/// hidden length of `uplo` where the Fortran compiler wants one.
static inline lapack_int needletail_dpotrf(
    char uplo, lapack_int n, double *a, lapack_int lda) {
  lapack_int info = 0;
  LAPACK_dpotrf(&uplo, &n, a, &lda, &info);
  return info;
}

/// Inverse from a Cholesky factor; a macro for the same reason.
static inline lapack_int needletail_dpotri(
    char uplo, lapack_int n, double *a, lapack_int lda) {
  lapack_int info = 0;
  LAPACK_dpotri(&uplo, &n, a, &lda, &info);
  return info;
}

/// Eigenvalues and eigenvectors of a symmetric matrix; a macro for the same reason.
static inline lapack_int needletail_dsyev(
    char job, char uplo, lapack_int n, double *a, lapack_int lda, double *w, double *work,
    lapack_int lwork) {
  lapack_int info = 0;
  LAPACK_dsyev(&job, &uplo, &n, a, &lda, w, work, &lwork, &info);
  return info;
}
