-- Jobs of pg_cron 1.6 under a policy of this library: whose rows they see. Fails if that changes. `tests/works_with` runs it.
\set ON_ERROR_STOP on
\set QUIET on
-- A job runs as a role that may log in.
CREATE ROLE cron_app LOGIN;
GRANT USAGE ON SCHEMA cron TO cron_app;
CREATE TABLE cron_note (owner_id int);
INSERT INTO cron_note VALUES (1), (2), (2);
ALTER TABLE cron_note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON cron_note USING (owner_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::int));
CREATE TABLE cron_seen (line text);
GRANT SELECT ON cron_note TO cron_app;
GRANT INSERT ON cron_seen TO cron_app;

-- The setting of the session that schedules is not the job's.
SET ROLE cron_app;
SET app.user_id = 1;
SELECT cron.schedule('plain', '1 seconds',
    $$INSERT INTO cron_seen SELECT 'as ' || current_user || ': ' || count(*) FROM cron_note$$) \gset
SELECT cron.schedule('with', '1 seconds',
    $$SELECT set_config('app.user_id', '2', true);
      INSERT INTO cron_seen SELECT 'with a context in the same command: ' || count(*) FROM cron_note$$) \gset
SELECT cron.schedule('half', '1 seconds', $$INSERT INTO cron_seen VALUES ('half a command'); SELECT 1 / 0$$) \gset
RESET ROLE;
SELECT pg_sleep(6) \gset
SELECT count(cron.unschedule(jobid)) FROM cron.job \gset
SELECT string_agg(DISTINCT line, '; ' ORDER BY line) AS seen FROM cron_seen \gset
\echo pg_cron: :seen
SELECT :'seen' = 'as cron_app: 0; with a context in the same command: 2' AS as_before \gset
DROP TABLE cron_note, cron_seen;
DROP OWNED BY cron_app;
DROP ROLE cron_app;
\if :as_before
\else
DO $$ BEGIN RAISE 'pg_cron is another'; END $$;
\endif
