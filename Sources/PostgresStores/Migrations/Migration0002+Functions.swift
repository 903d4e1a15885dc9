extension Schema {
  /// What the store does in the server, so that a call is one statement in one round trip. Within a
  /// function each statement sees what was committed before it, also while the function waited for
  /// a lock.
  ///
  /// A function that takes several locks takes them in this order: trials by ascending id, then
  /// their attempts, then the study's row; claims take a trial after its attempt, and so pass by
  /// what is locked. Errors of ours: NT001 the study is not there; NT002 the trial (in the detail)
  /// is not the study's; NT003 it is finished; NT004 its lease is not live.
  static let functions0002 = """
    CREATE OR REPLACE FUNCTION needletail_key(a_study bigint, a_token text) RETURNS bigint
    LANGUAGE plpgsql AS $$
    DECLARE
      found_key bigint;
    BEGIN
      SELECT study_key INTO found_key FROM needletail_studies
      WHERE token = a_token AND study_id = a_study;
      IF found_key IS NULL THEN
        RAISE EXCEPTION 'the study is not there' USING ERRCODE = 'NT001';
      END IF;
      RETURN found_key;
    END $$;

    CREATE OR REPLACE FUNCTION needletail_open(
      a_key bigint, a_trial bigint, a_number bigint, an_attempt bigint, a_worker text,
      a_lease text, a_start bigint, a_deadline bigint
    ) RETURNS void LANGUAGE sql AS $$
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at)
      VALUES (a_key, a_number, an_attempt, a_trial, a_worker, a_lease, a_start, a_deadline,
        a_deadline)
    $$;

    -- Adds a trial; nothing when the study has a_limit or more. A lease is opened if there is a token.
    CREATE OR REPLACE FUNCTION needletail_create(
      a_study bigint, a_token text, a_limit bigint, a_state text, a_start timestamp,
      an_end timestamp, a_worker text, a_lease text, the_start bigint, a_deadline bigint
    ) RETURNS TABLE (new_trial bigint, new_number bigint) LANGUAGE plpgsql AS $$
    DECLARE
      the_key bigint;
    BEGIN
      IF a_state IN ('RUNNING', 'WAITING') THEN
        PERFORM set_config('synchronous_commit', 'off', true);
      END IF;
      PERFORM 1 FROM studies WHERE study_id = a_study FOR NO KEY UPDATE;
      the_key := needletail_key(a_study, a_token);
      SELECT coalesce(max(number), -1) + 1 INTO new_number FROM trials WHERE study_id = a_study;
      IF new_number >= a_limit THEN RETURN; END IF;
      INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
      VALUES (new_number, a_study, a_state::trialstate, a_start, an_end)
      RETURNING trial_id INTO new_trial;
      IF a_lease IS NOT NULL THEN
        PERFORM needletail_open(
          the_key, new_trial, new_number, 1, a_worker, a_lease, the_start, a_deadline);
      END IF;
      IF a_state = 'WAITING' THEN PERFORM pg_notify('needletail', a_token); END IF;
      RETURN NEXT;
    END $$;

    -- Ends an open attempt. The reports of a trial that goes on move to the attempt's record.
    CREATE OR REPLACE FUNCTION needletail_end(
      a_key bigint, a_trial bigint, a_number bigint, an_attempt bigint, an_outcome text,
      a_reason text, a_moment bigint, a_time bigint, keeps_reports boolean
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      kept text := '';
    BEGIN
      IF keeps_reports THEN
        WITH gone AS (
          DELETE FROM trial_intermediate_values WHERE trial_id = a_trial
          RETURNING step, intermediate_value, intermediate_value_type::text AS kind
        )
        SELECT coalesce(string_agg(format('[%s, %s]', step, CASE kind WHEN 'NAN' THEN 'NaN'
          WHEN 'INF_POS' THEN 'Infinity' WHEN 'INF_NEG' THEN '-Infinity'
          ELSE intermediate_value::text END), ', ' ORDER BY step), '') INTO kept FROM gone;
      END IF;
      UPDATE needletail_attempts SET ended_at = a_moment, outcome = an_outcome,
        reason = a_reason, claimable_at = a_time, reports = '[' || kept || ']'
      WHERE study_key = a_key AND trial_number = a_number AND attempt = an_attempt;
    END $$;

    -- Whether open attempts that ran out are left alone: for a_grace seconds after the server's start,
    -- since whoever holds them could not renew them before.
    CREATE OR REPLACE FUNCTION needletail_spares(a_grace double precision) RETURNS boolean
    LANGUAGE sql AS $$
      SELECT pg_postmaster_start_time() + make_interval(secs => a_grace) > clock_timestamp()
    $$;

    -- Takes the next trial that waits, or one whose attempt ended for a retry or ran out.
    CREATE OR REPLACE FUNCTION needletail_claim(
      a_study bigint, a_key bigint, a_worker text, a_lease text, a_now bigint, the_start bigint,
      a_deadline bigint, a_grace double precision
    ) RETURNS TABLE (taken_trial bigint, taken_number bigint, taken_attempt bigint)
    LANGUAGE plpgsql AS $$
    DECLARE
      spares boolean := needletail_spares(a_grace);
      is_open boolean;
      the_state text;
      skipped bigint[] := '{}';
    BEGIN
      SELECT trial_id, number INTO taken_trial, taken_number FROM trials
      WHERE study_id = a_study AND state = 'WAITING' ORDER BY trial_id LIMIT 1
      FOR NO KEY UPDATE SKIP LOCKED;
      IF FOUND THEN
        UPDATE trials SET state = 'RUNNING', datetime_start =
          timestamp 'epoch' + the_start / 1000000 * interval '1 s'
          + the_start % 1000000 * interval '1 us' WHERE trial_id = taken_trial;
        taken_attempt := 1;
        PERFORM needletail_open(
          a_key, taken_trial, taken_number, 1, a_worker, a_lease, the_start, a_deadline);
        RETURN NEXT;
        RETURN;
      END IF;
      LOOP
        SELECT trial_id, trial_number, attempt, ended_at IS NULL
        INTO taken_trial, taken_number, taken_attempt, is_open
        FROM needletail_attempts
        WHERE study_key = a_key AND claimable_at IS NOT NULL AND claimable_at <= a_now
          AND NOT (spares AND ended_at IS NULL) AND trial_number <> ALL (skipped)
        ORDER BY claimable_at, trial_number LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN RETURN; END IF;
        SELECT state::text INTO the_state FROM trials
        WHERE trial_id = taken_trial AND study_id = a_study AND number = taken_number
        FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND AND EXISTS (SELECT 1 FROM trials WHERE trial_id = taken_trial
          AND study_id = a_study AND number = taken_number)
        THEN
          skipped := skipped || taken_number;
          CONTINUE;
        END IF;
        IF is_open THEN
          PERFORM needletail_end(a_key, taken_trial, taken_number, taken_attempt, 'lost',
            'its lease ran out', the_start, NULL, the_state IS NOT DISTINCT FROM 'RUNNING');
        ELSE
          UPDATE needletail_attempts SET claimable_at = NULL
          WHERE study_key = a_key AND trial_number = taken_number AND attempt = taken_attempt;
        END IF;
        -- Another program may have ended the trial meanwhile.
        IF the_state IS DISTINCT FROM 'RUNNING' THEN CONTINUE; END IF;
        taken_attempt := taken_attempt + 1;
        PERFORM needletail_open(a_key, taken_trial, taken_number, taken_attempt, a_worker,
          a_lease, the_start, a_deadline);
        RETURN NEXT;
        RETURN;
      END LOOP;
    END $$;

    -- Takes a trial for each lease, in their order: one to be run (again), or a new one unless the study
    -- has as many as the lease's limit (or creates is false). Nothing for those that go empty.
    CREATE OR REPLACE FUNCTION needletail_take(
      a_study bigint, a_token text, the_workers text[], the_leases text[], the_nows bigint[],
      the_starts bigint[], the_deadlines bigint[], the_limits bigint[], creates boolean,
      a_grace double precision, is_durable boolean
    ) RETURNS TABLE (place bigint, taken_trial bigint, taken_number bigint, taken_attempt bigint,
      is_new boolean) LANGUAGE plpgsql AS $$
    DECLARE
      the_key bigint := needletail_key(a_study, a_token);
      is_empty boolean := false;
      next_number bigint;
    BEGIN
      IF NOT is_durable THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
      FOR index IN 1 .. cardinality(the_leases) LOOP
        place := index;
        is_new := false;
        IF NOT is_empty THEN
          SELECT c.taken_trial, c.taken_number, c.taken_attempt
          INTO taken_trial, taken_number, taken_attempt
          FROM needletail_claim(a_study, the_key, the_workers[index], the_leases[index],
            the_nows[index], the_starts[index], the_deadlines[index], a_grace) c;
          IF FOUND THEN
            RETURN NEXT;
            CONTINUE;
          END IF;
          is_empty := true;
        END IF;
        IF NOT creates THEN RETURN; END IF;
        IF next_number IS NULL THEN
          PERFORM 1 FROM studies WHERE study_id = a_study FOR NO KEY UPDATE;
          SELECT coalesce(max(number), -1) + 1 INTO next_number FROM trials
          WHERE study_id = a_study;
        END IF;
        CONTINUE WHEN next_number >= the_limits[index];
        is_new := true;
        taken_number := next_number;
        taken_attempt := 1;
        INSERT INTO trials (number, study_id, state, datetime_start)
        VALUES (taken_number, a_study, 'RUNNING', timestamp 'epoch'
          + the_starts[index] / 1000000 * interval '1 s'
          + the_starts[index] % 1000000 * interval '1 us')
        RETURNING trial_id INTO taken_trial;
        PERFORM needletail_open(the_key, taken_trial, taken_number, 1, the_workers[index],
          the_leases[index], the_starts[index], the_deadlines[index]);
        next_number := next_number + 1;
        RETURN NEXT;
      END LOOP;
    END $$;

    -- Locks trials that are to be changed, and sees that all of it is allowed.
    CREATE OR REPLACE FUNCTION needletail_hold(
      a_study bigint, a_token text, the_trials bigint[], the_numbers bigint[],
      lease_numbers bigint[], lease_attempts bigint[], lease_tokens text[], is_durable boolean
    ) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
      the_key bigint := needletail_key(a_study, a_token);
      the_state text;
      unknown bigint;
      finished bigint;
    BEGIN
      IF NOT is_durable THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
      FOR place IN 1 .. cardinality(the_trials) LOOP
        SELECT state::text INTO the_state FROM trials
        WHERE trial_id = the_trials[place] AND study_id = a_study AND number = the_numbers[place]
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
          unknown := coalesce(unknown, the_numbers[place]);
        ELSIF the_state IN ('COMPLETE', 'PRUNED', 'FAIL') THEN
          finished := coalesce(finished, the_numbers[place]);
        END IF;
      END LOOP;
      FOR place IN 1 .. cardinality(lease_numbers) LOOP
        PERFORM 1 FROM needletail_attempts
        WHERE study_key = the_key AND trial_number = lease_numbers[place]
          AND attempt = lease_attempts[place] AND lease_token = lease_tokens[place]
          AND ended_at IS NULL FOR UPDATE;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the lease is not live'
            USING ERRCODE = 'NT004', DETAIL = lease_numbers[place]::text;
        END IF;
      END LOOP;
      IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'no such trial' USING ERRCODE = 'NT002', DETAIL = unknown::text;
      END IF;
      IF finished IS NOT NULL THEN
        RAISE EXCEPTION 'the trial is finished' USING ERRCODE = 'NT003', DETAIL = finished::text;
      END IF;
      RETURN the_key;
    END $$;

    -- Closes an attempt, or explains the end of one that was closed with its trial. Gives 'closed',
    -- 'explained' or 'over'.
    CREATE OR REPLACE FUNCTION needletail_close(
      a_study bigint, a_token text, a_trial bigint, a_number bigint, an_attempt bigint,
      a_lease text, an_outcome text, a_reason text, a_moment bigint, a_time bigint,
      is_durable boolean
    ) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
      the_key bigint := needletail_key(a_study, a_token);
      the_state text;
      held record;
    BEGIN
      IF NOT is_durable THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
      SELECT state::text INTO the_state FROM trials
      WHERE trial_id = a_trial AND study_id = a_study FOR NO KEY UPDATE;
      SELECT ended_at IS NULL AS is_open, reason INTO held FROM needletail_attempts
      WHERE study_key = the_key AND trial_number = a_number AND attempt = an_attempt
        AND lease_token = a_lease FOR UPDATE;
      IF NOT FOUND OR the_state IS NULL THEN RETURN 'over'; END IF;
      IF held.is_open THEN
        PERFORM needletail_end(the_key, a_trial, a_number, an_attempt, an_outcome, a_reason,
          a_moment, CASE the_state WHEN 'RUNNING' THEN a_time END, the_state = 'RUNNING');
        PERFORM pg_notify('needletail', a_token);
        RETURN 'closed';
      END IF;
      IF the_state <> 'RUNNING' AND held.reason = '' THEN
        UPDATE needletail_attempts SET outcome = an_outcome, reason = a_reason
        WHERE study_key = the_key AND trial_number = a_number AND attempt = an_attempt;
        RETURN 'explained';
      END IF;
      RETURN 'over';
    END $$;

    """
}
