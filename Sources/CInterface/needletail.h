/* Needletail from C, and from every language that calls C.
 *
 * Handles are numbers. One that was closed, closed twice, made up, or of another kind is refused
 * with NEEDLETAIL_BAD_HANDLE; 0 never is one. All functions may be called from any thread, call
 * nothing back, and return NEEDLETAIL_OK or the reason why nothing was done, whose sentence
 * needletail_message() then has for this thread. In a process that was forked from one that had
 * used the library, all are refused with NEEDLETAIL_FORKED: open a copy of the library there.
 *
 * Texts are UTF-8 and end with a NUL. JSON may have NaN, Infinity and -Infinity as bare words. What
 * a function hands out through a `char **` or `void **` belongs to the caller, who gives it back by
 * needletail_free. Outputs are only written when NEEDLETAIL_OK is returned. */
#ifndef NEEDLETAIL_H
#define NEEDLETAIL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t needletail_store;
typedef uint64_t needletail_study;
typedef uint64_t needletail_trial;
typedef uint64_t needletail_parameter;
typedef uint64_t needletail_storage;

enum {
  NEEDLETAIL_OK = 0,
  NEEDLETAIL_BAD_ARGUMENT = 1, /* a null pointer, a text that is not UTF-8, a range without sense */
  NEEDLETAIL_BAD_HANDLE = 2,
  NEEDLETAIL_FORKED = 3,
  NEEDLETAIL_EXISTS = 4,       /* a study of that name exists */
  NEEDLETAIL_NOT_FOUND = 5,    /* no such study or trial */
  NEEDLETAIL_STORE = 6,        /* the store or the coordinator failed or refused */
  NEEDLETAIL_NOT_RUNNING = 7,  /* the trial has ended, or is another worker's */
  NEEDLETAIL_LATER = 8,        /* no trial now; ask again in half a second */
  NEEDLETAIL_HALTED = 9,       /* a user stopped the study */
  NEEDLETAIL_EXHAUSTED = 10,   /* the sampler has nothing left to try */
  NEEDLETAIL_UNSUPPORTED = 11, /* not possible with this kind of study */
  NEEDLETAIL_FAILED = 12       /* anything else; the message says what */
};

/* How a trial ends. */
enum {
  NEEDLETAIL_COMPLETE = 0,    /* with one value per objective */
  NEEDLETAIL_PRUNED = 1,      /* its last report becomes its value */
  NEEDLETAIL_FAIL = 2,        /* for a reason that is kept with it */
  NEEDLETAIL_GIVEN_BACK = 3   /* its attempt ends, and the next worker runs it again */
};

/* The version of the library; never to be freed. */
const char *needletail_version(void);
/* What went wrong in the latest call of this thread that failed; valid until the next that does. */
const char *needletail_message(void);
void needletail_free(void *memory);
/* Closes a handle of any kind, and with a study those of its running trials. Closing a storage stores
 * what was acknowledged, and fails if that is not possible. A running trial whose
 * handle is closed is written no more; its lease runs out, and the next worker runs it again. */
int32_t needletail_close(uint64_t handle);

/* Stores. `address` is a path, sqlite:///PATH, postgresql://..., the http(s):// address of a
 * coordinator, or NULL for a store in memory that lives as long as its handle and its studies. */
int32_t needletail_store_open(const char *address, needletail_store *store);
/* An array of objects with `name`, `directions`, `trials`, `user_attributes`, `system_attributes`
 * and `started`. */
int32_t needletail_store_studies(needletail_store store, char **json);
int32_t needletail_store_delete(needletail_store store, const char *name);

/* Studies. `options` is NULL or a JSON object: `directions` (["minimize"]), `sampler` and `pruner`
 * (a name, or an object of `name` and options as in a study file), `seed`, `if_exists` ("fail" or
 * "load"). What is not known is refused. At a coordinator, sampler and pruner are its own. */
int32_t needletail_study_create(
    needletail_store store, const char *name, const char *options, needletail_study *study);
int32_t needletail_study_load(
    needletail_store store, const char *name, const char *options, needletail_study *study);
/* Takes another sampler or pruner for trials that are asked for from now on. */
int32_t needletail_study_configure(needletail_study study, const char *options);
/* An object with `name`, `directions`, `seed`, `user_attributes`, `system_attributes`. */
int32_t needletail_study_info(needletail_study study, char **json);
/* `kind` is "user" or "system", `value` JSON. */
int32_t needletail_study_set_attribute(
    needletail_study study, const char *kind, const char *key, const char *value);
/* Queues a trial: `parameters` is an object of values, `attributes` one of the user's or NULL. */
int32_t needletail_study_enqueue(
    needletail_study study, const char *parameters, const char *attributes, int64_t *number);
/* Adds trials, in the form of needletail_study_trials. */
int32_t needletail_study_add_trials(needletail_study study, const char *trials);
/* The trials from a number on: an object with `distributions`, an array, and `trials`, an array of
 * objects: `number`, `id`, `state` (waiting, running, completed, pruned, failed), `values`,
 * `parameters` (arrays of name, index into `distributions`, internal value), `reports` (arrays of
 * step, value), `user_attributes`, `system_attributes`, `started` and `ended` (seconds since 1970,
 * or null). The internal value of a categorical parameter is the index of its choice. */
int32_t needletail_study_trials(needletail_study study, int64_t from, char **json);
/* The same trials as columns, for tables: `number`, `state`, `values` (a column per objective),
 * `parameters` and `user_attributes` (objects of columns, null where a trial has none). */
int32_t needletail_study_columns(needletail_study study, int64_t from, char **json);
/* The best trial, in the form of needletail_study_trials; without one its `trials` is empty. */
int32_t needletail_study_best(needletail_study study, char **json);
/* Options: `method` ("ped-anova" or "fanova"), `objective`. An object of `importances` (arrays of
 * name, share) and `notes`. */
int32_t needletail_study_importances(needletail_study study, const char *options, char **json);
/* A figure as the bytes of a file: `format` is "svg", "html", "png" or "pdf". Options: `objective`,
 * `parameters`, `reference`, `width`, `height`. `length` may be NULL for text. */
int32_t needletail_study_plot(
    needletail_study study, const char *kind, const char *format, const char *options,
    void **bytes, size_t *length);

/* Parameters are made once and used in many trials. `distribution` is an object as
 * {"type": "float", "low": 0, "high": 1, "log": false, "step": null},
 * {"type": "int", "low": 1, "high": 9}, {"type": "categorical", "choices": ["a", null, 1.5]}. */
int32_t needletail_parameter_create(
    const char *name, const char *distribution, needletail_parameter *parameter);

/* Trials. */
int32_t needletail_study_ask(needletail_study study, needletail_trial *trial, int64_t *number);
/* Takes up a running trial that another process asked for. */
int32_t needletail_study_resume(
    needletail_study study, int64_t number, needletail_trial *trial);
/* The internal value of a parameter; NaN when there is none, and needletail_code() says why. */
double needletail_trial_suggest(needletail_trial trial, needletail_parameter parameter);
/* The code of the latest call of this thread that failed. */
int32_t needletail_code(void);
/* The internal values of several parameters. */
int32_t needletail_trial_suggest_all(
    needletail_trial trial, const needletail_parameter *parameters, size_t count, double *values);
int32_t needletail_trial_report(needletail_trial trial, double value, int64_t step);
/* Sets `prune` to 1 when the trial should end now, else to 0. */
int32_t needletail_trial_should_prune(needletail_trial trial, int32_t *prune);
int32_t needletail_trial_set_attribute(needletail_trial trial, const char *key, const char *value);
/* A trial is feasible if all its constraints are 0 or less. */
int32_t needletail_trial_set_constraint(needletail_trial trial, const char *name, double value);
/* What is known of it, in the form of needletail_study_trials. */
int32_t needletail_trial_show(needletail_trial trial, char **json);
/* Ends it; `reason` is for NEEDLETAIL_FAIL and NEEDLETAIL_GIVEN_BACK, and may be NULL. Closes the
 * handle unless the store failed. A NaN or a wrong number of values makes it a failed trial. */
int32_t needletail_trial_tell(
    needletail_trial trial, int32_t end, const double *values, size_t count, const char *reason);

/* Storages as Optuna has them, for programs of Optuna's: all studies of a store, by the calls of
 * Optuna's gRPC service `optuna.StorageService` with its messages (Protocol Buffers), and two of
 * our own: `RecordHeartbeat` (trial id = 1), and `GetStaleTrialIds` (study id = 1, seconds = 2;
 * trial ids = 1 in the reply). `GetTrials` with 4 = 1 has the waiting trials alone. Parameters and reports are acknowledged when it is sure that the
 * store takes them, and stored within 50 ms, or with the end of their trial at the latest; every
 * other call is complete when it returns. `address` is that of a store, not of a coordinator. */
int32_t needletail_storage_open(const char *address, needletail_storage *storage);
int32_t needletail_storage_call(
    needletail_storage storage, const char *method, const void *message, size_t length,
    void **reply, size_t *reply_length);

#ifdef __cplusplus
}
#endif
#endif
