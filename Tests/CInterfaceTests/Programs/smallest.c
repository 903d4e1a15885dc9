/* Minimizes (x - 2)^2 + n with 40 trials; prints the best value. */
#include <needletail.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int32_t code) {
  if (code == NEEDLETAIL_OK) return;
  fprintf(stderr, "%d: %s\n", code, needletail_message());
  exit(1);
}

int main(void) {
  needletail_store store;
  needletail_study study;
  needletail_parameter x, n;
  char *best;
  check(needletail_store_open(NULL, &store));
  check(needletail_study_create(
      store, "smallest", "{\"sampler\": {\"name\": \"tpe\", \"startup_trials\": 8}, \"seed\": 1}", &study));
  check(needletail_parameter_create("x", "{\"type\": \"float\", \"low\": -9, \"high\": 9}", &x));
  check(needletail_parameter_create("n", "{\"type\": \"int\", \"low\": 1, \"high\": 4}", &n));
  for (int i = 0; i < 40; i++) {
    needletail_trial trial;
    check(needletail_study_ask(study, &trial, NULL));
    double at = needletail_trial_suggest(trial, x);
    double value = (at - 2) * (at - 2) + needletail_trial_suggest(trial, n);
    check(needletail_trial_tell(trial, NEEDLETAIL_COMPLETE, &value, 1, NULL));
  }
  check(needletail_study_best(study, &best));
  printf("%s\n", best);
  needletail_free(best);
  check(needletail_close(study));
  check(needletail_close(store));
  return 0;
}
