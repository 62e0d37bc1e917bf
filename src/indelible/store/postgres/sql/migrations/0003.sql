-- What one organization may see: the second wall (ADR 26).

CREATE VIEW indelible_log.own_leaf WITH (security_barrier) AS
SELECT l.log_id, l.seq, l.line FROM indelible_log.leaf l
JOIN indelible_log.entry e USING (log_id, seq)
JOIN indelible_log.organization o ON o.log_id = e.log_id AND o.id = e.organization_id
WHERE sha256(o.key) = decode(current_setting('indelible.organization', true), 'hex');

DO $$
DECLARE
  statement text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    'CREATE ROLE indelible_tenant NOLOGIN',
    'GRANT SELECT ON indelible_log.own_leaf TO indelible_writer, indelible_reader',
    'GRANT USAGE ON SCHEMA indelible_log TO indelible_tenant',
    'GRANT SELECT ON indelible_log.own_leaf TO indelible_tenant',
    'GRANT indelible_tenant TO indelible_writer, indelible_reader, CURRENT_USER'
  ] LOOP
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege OR undefined_object THEN
      NULL;  -- there already, made at this moment by another one, or a matter for whoever looks after the server's roles
    END;
  END LOOP;
END $$;
