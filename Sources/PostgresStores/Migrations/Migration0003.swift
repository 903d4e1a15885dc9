internal import Stores

extension Schema {
  /// A trial that goes on forgets the rungs of the attempt that was lost. Before, its next attempt
  /// was missing among those that reached them.
  static let migration0003 = Migration(
    version: 3,
    """
    -- Ends an open attempt. The reports of a trial that goes on move to the attempt's record; what
    -- it recorded at rungs goes.
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
        DELETE FROM trial_system_attributes
        WHERE trial_id = a_trial AND left(key, 15) = 'completed_rung_';
      END IF;
      UPDATE needletail_attempts SET ended_at = a_moment, outcome = an_outcome,
        reason = a_reason, claimable_at = a_time, reports = '[' || kept || ']'
      WHERE study_key = a_key AND trial_number = a_number AND attempt = an_attempt;
    END $$;

    """)
}
