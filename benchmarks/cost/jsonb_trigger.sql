-- What most portals on PostgreSQL write for themselves: a row trigger that keeps both sides of a change as jsonb, and a
-- hash of table and key by which the versions of one record are found.

CREATE SCHEMA row_audit;

CREATE TABLE row_audit.version (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  record_id uuid,
  old_record_id uuid,
  operation text NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
  at timestamptz NOT NULL DEFAULT now(),
  relation oid NOT NULL,
  schema_name name NOT NULL,
  table_name name NOT NULL,
  record jsonb,
  old_record jsonb,
  CHECK ((record IS NULL) = (record_id IS NULL)),
  CHECK ((old_record IS NULL) = (old_record_id IS NULL)),
  CHECK ((operation = 'INSERT') = (old_record IS NULL)),
  CHECK ((operation = 'DELETE') = (record IS NULL))
);
CREATE INDEX version_record ON row_audit.version (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX version_old_record ON row_audit.version (old_record_id) WHERE old_record_id IS NOT NULL;
CREATE INDEX version_relation ON row_audit.version (relation);
CREATE INDEX version_at ON row_audit.version USING brin (at);

-- The columns of the key are the trigger's arguments: to look them up for each row would cost more than the rest.
CREATE FUNCTION row_audit.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  after_it CONSTANT jsonb := to_jsonb(NEW);
  before_it CONSTANT jsonb := to_jsonb(OLD);
BEGIN
  INSERT INTO row_audit.version
    (record_id, old_record_id, operation, relation, schema_name, table_name, record, old_record)
  VALUES (
    CASE WHEN TG_OP <> 'DELETE' THEN md5(TG_RELID::text || (after_it -> TG_ARGV[0])::text)::uuid END,
    CASE WHEN TG_OP <> 'INSERT' THEN md5(TG_RELID::text || (before_it -> TG_ARGV[0])::text)::uuid END,
    TG_OP, TG_RELID, TG_TABLE_SCHEMA, TG_TABLE_NAME, after_it, before_it);
  RETURN NULL;
END $$;

CREATE TRIGGER row_audit AFTER INSERT OR UPDATE OR DELETE ON licenses
FOR EACH ROW EXECUTE FUNCTION row_audit.keep('id');
