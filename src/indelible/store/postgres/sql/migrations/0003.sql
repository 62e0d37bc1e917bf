-- What one organization may see: the second wall (ADR 26).

CREATE VIEW indelible_log.own_leaf WITH (security_barrier) AS
SELECT l.log_id, l.seq, l.line FROM indelible_log.leaf l
JOIN indelible_log.entry e USING (log_id, seq)
JOIN indelible_log.organization o ON o.log_id = e.log_id AND o.id = e.organization_id
WHERE sha256(o.key) = decode(current_setting('indelible.organization', true), 'hex');

DO $$
BEGIN
  BEGIN
    CREATE ROLE indelible_tenant NOLOGIN;
  EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
    NULL;  -- it is there, another one made it at this moment, or it may not be made
  END;
  IF to_regrole('indelible_writer') IS NOT NULL AND to_regrole('indelible_reader') IS NOT NULL THEN
    GRANT SELECT ON indelible_log.own_leaf TO indelible_writer, indelible_reader;
  END IF;
  IF to_regrole('indelible_tenant') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA indelible_log TO indelible_tenant;
    GRANT SELECT ON indelible_log.own_leaf TO indelible_tenant;
    GRANT indelible_tenant TO indelible_writer, indelible_reader, CURRENT_USER;
  END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
  NULL;  -- whose role it is says who may take it
END $$;
