/// What the help explains beside the verbs.
package enum HelpTopic: String, CaseIterable, Sendable {
  case json
  case store
  case exitCodes = "exit-codes"

  /// The text of the topic.
  package var text: String {
    switch self {
    case .json: Self.jsonKeys
    case .store: Self.storeOrder
    case .exitCodes:
      "Exit codes:\n"
        + ExitCode.allCases.map { "  \(String($0.rawValue).padded(to: 5))\($0.meaning)" }
        .joined(separator: "\n") + "\nA reader that closes the pipe early is no failure."
    }
  }

  private static let jsonKeys = """
    --json prints one document, or one line per item for lists. Times follow RFC 3339 in UTC. NaN
    and infinities are the strings "nan", "inf" and "-inf". Keys are added in later versions, never
    renamed or removed; what is not there yet is null.

    A trial (trial list, show, tell, enqueue, ask; study best; study export --format json):
      number              counted from 0 within the study
      state               waiting, running, completed, pruned or failed
      value               the first objective's value
      values              one per objective
      parameters          an object of the parameters' values
      intermediate_values an array of objects with step and value
      user_attributes     an object
      system_attributes   an object
      started_at, completed_at, duration_seconds
      interrupted         (trial list, show) whether nobody runs a trial that counts as running
      attempts            (trial show) an array of objects with attempt, worker, started_at,
                          ended_at, outcome, reason
      expected, interval, probability_best
                          (study best, one objective) what the trial is worth without noise, where
                          that lies with 95 %, and how probably no other trial is better; or null
      luckiest, luckiest_value
                          (study best, one objective) the number of the trial with the best value

    A study (study list, create, show):
      name, directions    directions is an array of minimize and maximize
      trials              an object: total, waiting, running, completed, pruned, failed
      best_trial          the number of the best completed trial
      best_value          its value
      status              running, waiting_for_workers, paused, stopped, complete, exhausted or failing
      control             what the user wants: running, paused, stopped or cancelled
      budget              how many trials it is to have, or null
      interrupted         how many running trials nobody runs
      parameters          (study show) an object of distributions
      user_attributes     (study show) an object
      store               (study show) where it is

    The end of a run (run):
      the keys of a study, and store, elapsed_seconds, stopped_by (budget, timeout, interrupt,
      failures, stopped, cancelled), best (the best trial, or an array of trials with several objectives)

    An importance (importance), the most important parameter first:
      parameter           its name
      importance          its share; all shares together are 1

    A figure's data (plot --data FILE.json; an array of them for several figures):
      kind                such as history
      studies             an array of names
      columns             an array of names
      rows                an array of arrays with a cell for each column
      notes               an array of sentences, such as on points that were left out
    plot itself prints file, an object for each file that it wrote.

    What was exchanged: export mlflow prints study, experiment, added, present and unfinished (numbers
    of trials); import csv and import mlflow print study, format, imported, present, skipped,
    unfinished, and parameters (an object of distributions).

    What would be run (study check, run --dry-run): name, is_new, store, metrics, directions, budget,
    sampler, pruner, seed, parameters, points (null where there is no end of them), suggestions (an
    array of number and parameters), command (an array of words), changes (an array of sentences).

    A reason (study failures): outcome, reason, line, count, trials (numbers). A retry (trial retry):
    trial, number (of the new one). A part of a log (trial log): trial, attempt, stream, text.
    version: version, protocol, coordinator_version.

    What was changed: study rename prints name and former_name; study clone name, trials and left_out
    (an array of trial and reason); study edit name, rewritten_trials and notes; trial delete name
    and number.

    What was done: study delete prints name, deleted_trials and deleted_folder; trial report
    prints prune and reason; trial suggest the value alone. doctor prints version, libraries
    (an object), processors, blas_threads, problems (an array of sentences) and store: location,
    size_bytes, log_bytes, log_missing, log_readers, journal_mode, read_only, network_file_system,
    server_version, and studies with the keys of a study, held, queued_again, abandoned_trials and
    foreign_trials.
    """

  private static let storeOrder = """
    Studies live in an SQLite file or a PostgreSQL database that Optuna 5 can open, too. Which, in
    this order:
      1. --store PATH, or --store sqlite:///PATH (four slashes for an absolute path), or
         --store postgresql://USER@HOST:PORT/DATABASE
      2. for run: 'store' in the study file, relative to that file
      3. the environment variable NEEDLETAIL_STORE
      4. needletail.db in the current folder
    run and study create create the file or the tables; all other verbs want them to exist. Do not
    put a file on a network file system: locks do not hold there, and Needletail refuses it. Put
    the password of a database into ~/.pgpass or PGPASSWORD.
    """
}
