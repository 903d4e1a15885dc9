#pragma once
// The functions of libpq that the PostgreSQL store calls, as types made from the real header: the
// library is opened when the first such store is, since linked it would slow the start of every
// process. libpq 14 is the first with pipelines.
#include <stddef.h>
#include <stdint.h>
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#elif __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#elif __has_include("/opt/homebrew/opt/libpq/include/libpq-fe.h")
#include "/opt/homebrew/opt/libpq/include/libpq-fe.h"
#else
#include "/usr/local/opt/libpq/include/libpq-fe.h"
#endif

#define NT_FUNCTION(name) typedef __typeof__(name) *nt_##name

// Connections
NT_FUNCTION(PQconninfoParse);
NT_FUNCTION(PQconninfo);
NT_FUNCTION(PQconninfoFree);
NT_FUNCTION(PQconnectStartParams);
NT_FUNCTION(PQconnectPoll);
NT_FUNCTION(PQfinish);
NT_FUNCTION(PQstatus);
NT_FUNCTION(PQsocket);
NT_FUNCTION(PQerrorMessage);
NT_FUNCTION(PQsetErrorVerbosity);
NT_FUNCTION(PQconnectionNeedsPassword);
NT_FUNCTION(PQserverVersion);
NT_FUNCTION(PQbackendPID);
NT_FUNCTION(PQtransactionStatus);
NT_FUNCTION(PQsetNoticeProcessor);
NT_FUNCTION(PQsetnonblocking);
NT_FUNCTION(PQfreemem);
// Statements
NT_FUNCTION(PQenterPipelineMode);
NT_FUNCTION(PQexitPipelineMode);
NT_FUNCTION(PQpipelineSync);
NT_FUNCTION(PQsendQuery);
NT_FUNCTION(PQsendPrepare);
NT_FUNCTION(PQsendQueryParams);
NT_FUNCTION(PQsendQueryPrepared);
NT_FUNCTION(PQflush);
NT_FUNCTION(PQconsumeInput);
NT_FUNCTION(PQisBusy);
NT_FUNCTION(PQgetResult);
NT_FUNCTION(PQgetCopyData);
NT_FUNCTION(PQnotifies);
// Results
NT_FUNCTION(PQresultStatus);
NT_FUNCTION(PQresultErrorField);
NT_FUNCTION(PQntuples);
NT_FUNCTION(PQgetisnull);
NT_FUNCTION(PQgetvalue);
NT_FUNCTION(PQgetlength);
NT_FUNCTION(PQclear);

// Macros of character constants, which Swift does not import.
static const int nt_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int nt_diag_message = PG_DIAG_MESSAGE_PRIMARY;
static const int nt_diag_detail = PG_DIAG_MESSAGE_DETAIL;
