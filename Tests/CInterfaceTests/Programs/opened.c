/* As a language without headers does it: opens the library, asks for several parameters at once. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(int count, char **arguments) {
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (count < 2 || library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
#define FUNCTION(result, name, ...) \
  result (*name)(__VA_ARGS__) = (result(*)(__VA_ARGS__))dlsym(library, "needletail_" #name)
  FUNCTION(int32_t, store_open, const char *, uint64_t *);
  FUNCTION(int32_t, study_create, uint64_t, const char *, const char *, uint64_t *);
  FUNCTION(int32_t, parameter_create, const char *, const char *, uint64_t *);
  FUNCTION(int32_t, study_ask, uint64_t, uint64_t *, int64_t *);
  FUNCTION(int32_t, trial_suggest_all, uint64_t, const uint64_t *, size_t, double *);
  FUNCTION(int32_t, trial_tell, uint64_t, int32_t, const double *, size_t, const char *);
  FUNCTION(int32_t, study_columns, uint64_t, int64_t, char **);
  FUNCTION(void, free, void *);
  uint64_t store, study, parameters[2], trial;
  int64_t number = -1;
  int32_t bad = store_open(NULL, &store);
  bad |= study_create(store, "opened", "{\"directions\": [\"maximize\"], \"sampler\": \"random\"}", &study);
  bad |= parameter_create("rate", "{\"type\": \"float\", \"low\": 0.1, \"high\": 1, \"log\": true}", parameters);
  bad |= parameter_create("kind", "{\"type\": \"categorical\", \"choices\": [\"a\", null]}", parameters + 1);
  for (int i = 0; i < 3; i++) {
    double values[2];
    bad |= study_ask(study, &trial, &number);
    bad |= trial_suggest_all(trial, parameters, 2, values);
    bad |= trial_tell(trial, 0, values, 1, NULL);
  }
  char *columns;
  bad |= study_columns(study, 1, &columns);
  printf("%d %ld %s\n", bad, (long)number, columns);
  free(columns);
  return bad;
}
