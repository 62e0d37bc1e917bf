-- What capture keeps in the application's database, read downwards. Installed by `watch`; repeatable.
-- Who may what: the owner (whoever watched first) owns it all; nobody else has any right to it. The trigger
-- functions run with the owner's rights, so the application writes here through them and in no other way.

CREATE SCHEMA IF NOT EXISTS indelible;
REVOKE ALL ON SCHEMA indelible FROM PUBLIC;

CREATE TABLE IF NOT EXISTS indelible.source (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  id       text  NOT NULL DEFAULT gen_random_uuid()::text,
  secret   bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
);
INSERT INTO indelible.source DEFAULT VALUES ON CONFLICT DO NOTHING;

-- How a table is watched, each time that changed: an outbox row is read by the definition it was written under.
-- `definition` is NULL where watching ended.
CREATE TABLE IF NOT EXISTS indelible.watch (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation   oid  NOT NULL,
  table_name text NOT NULL,
  definition text,
  shape      text                 -- the columns and their types, as they were: what `coverage` holds against the table
);

-- The queue. One row a statement (a giant statement has several): `old` and `new` hold a row of texts for each row
-- changed, pairwise; of a single one its texts. No index: the sealer reads all of it and deletes by place. Ids are
-- drawn before commit.
CREATE TABLE IF NOT EXISTS indelible.outbox (
  id        bigint GENERATED ALWAYS AS IDENTITY,
  xid       xid8        NOT NULL DEFAULT pg_current_xact_id(),
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  watch     integer     NOT NULL,
  operation text        NOT NULL,
  began     bigint,               -- orders it before what other triggers did in its course; NULL: by its id
  context   text,                 -- who acts; NULL: nobody said, then `client` tells who was connected
  client    text,
  marker    text,                 -- how a cell begins that is no value: a column that is gone, or a value too large
  rows      integer     NOT NULL,
  old       text[],
  new       text[]
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
ALTER TABLE indelible.outbox ALTER old SET STORAGE EXTERNAL, ALTER new SET STORAGE EXTERNAL;  -- compressing costs the writer

-- How far the existing rows of a table are recorded; a row here is a baseline under way.
CREATE TABLE IF NOT EXISTS indelible.baseline (
  watch integer PRIMARY KEY,
  after text[]                    -- the key of the last row recorded; NULL: none yet
);
ALTER TABLE indelible.baseline ADD COLUMN IF NOT EXISTS upto text[];  -- likewise of the page that is being recorded

-- Its row stands for a column that is gone: no column of anybody's can be of this type. Which of the two is meant, the
-- planner finds as it reads a query, and leaves nothing of it to run.
CREATE TABLE IF NOT EXISTS indelible.nothing ();
CREATE OR REPLACE FUNCTION indelible.gone(column_ anyelement) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OR REPLACE FUNCTION indelible.gone(column_ indelible.nothing) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';

-- A moment as text that no setting of the session changes: see `moments.py`. Inlined where its type is what it was when
-- the triggers were made; of another type by now, the value as it is, told apart from a moment.
CREATE OR REPLACE FUNCTION indelible.moment(value timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
RETURN encode(timestamptz_send(value), 'hex');
CREATE OR REPLACE FUNCTION indelible.moment(value timestamp) RETURNS text LANGUAGE sql IMMUTABLE
RETURN encode(timestamp_send(value), 'base64');
CREATE OR REPLACE FUNCTION indelible.moment(value date) RETURNS text LANGUAGE sql IMMUTABLE
RETURN encode(date_send(value), 'hex');
CREATE OR REPLACE FUNCTION indelible.moment(value anyelement) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN num_nulls(value) = 0 THEN  -- in C: under other collations there may be no patterns
    CASE WHEN left(concat(value), 17) COLLATE "C" ~ '^(=|[0-9a-f]{8}$|[0-9a-f]{16}$|[0-9A-Za-z+/]{11}=$)' THEN '=' ELSE '' END
    || concat(value) END
$$;

-- Who is connected, for what nobody has said to do.
CREATE OR REPLACE FUNCTION indelible.client() RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN json_build_object('user', session_user, 'role', nullif(current_setting('role'), 'none'), 'application',
    nullif(current_setting('application_name'), ''), 'address', host(inet_client_addr()));
END $$;

-- What stands for a value too large: its size and SHA-256, of text in the database's encoding.
CREATE OR REPLACE FUNCTION indelible.digest(value bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT
RETURN ' ' || octet_length(value) || ' ' || encode(sha256(value), 'hex');
CREATE OR REPLACE FUNCTION indelible.digest(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
RETURN indelible.digest(convert_to(value, getdatabaseencoding()));
CREATE OR REPLACE FUNCTION indelible.octets(value bytea) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN octet_length(value);
CREATE OR REPLACE FUNCTION indelible.octets(value text) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN octet_length(value);
-- Of other types. Some values are longer as text than a text can be: of these the size in memory, and a hash by the
-- type's own function, if there is one.
CREATE OR REPLACE FUNCTION indelible.digest_of(value anyelement) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  RETURN indelible.digest(concat(value));
EXCEPTION WHEN OTHERS THEN
  BEGIN
    RETURN ' ' || pg_column_size(ARRAY[value]) || ' ' || (
      SELECT encode(sha256(string_agg(int8send(hash_record_extended(ROW(value), seed)), '' ORDER BY seed)), 'hex')
      FROM generate_series(1, 4) seed);
  EXCEPTION WHEN OTHERS THEN
    RETURN indelible.digest(''::text);
  END;
END $$;
CREATE OR REPLACE FUNCTION indelible.octets_of(value anyelement) RETURNS integer LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  RETURN octet_length(concat(value));
EXCEPTION WHEN OTHERS THEN
  RETURN 2147483647;
END $$;
-- Of what a column may hold by now, whose type was text or bytea when its triggers were made.
CREATE OR REPLACE FUNCTION indelible.digest(value anyelement) RETURNS text LANGUAGE sql STABLE STRICT
AS 'SELECT indelible.digest_of(value)';
CREATE OR REPLACE FUNCTION indelible.octets(value anyelement) RETURNS integer LANGUAGE sql STABLE
AS 'SELECT indelible.octets_of(value)';

CREATE OR REPLACE FUNCTION indelible.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'indelible: a captured record cannot be changed; % of the outbox is refused', TG_OP;
END $$;
CREATE OR REPLACE TRIGGER refuses BEFORE UPDATE OR TRUNCATE ON indelible.outbox
  FOR EACH STATEMENT EXECUTE FUNCTION indelible.refuse();
ALTER TABLE indelible.outbox ENABLE ALWAYS TRIGGER refuses;
ALTER TABLE indelible.outbox SET LOGGED, DISABLE ROW LEVEL SECURITY;

-- What others put on it is not to keep a record out, nor to let one in.
DO $$
DECLARE
  each text;
BEGIN
  FOR each IN
    SELECT format('DROP RULE %I ON indelible.outbox', rulename) FROM pg_rules
    WHERE schemaname = 'indelible' AND tablename = 'outbox'
    UNION ALL SELECT format('DROP TRIGGER %I ON indelible.outbox', tgname) FROM pg_trigger
    WHERE tgrelid = 'indelible.outbox'::regclass AND NOT tgisinternal AND tgname <> 'refuses'
    UNION ALL SELECT format('REVOKE INSERT ON indelible.outbox FROM %s', a.grantee::regrole)
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = 'indelible.outbox'::regclass AND a.grantee NOT IN (0, c.relowner) AND a.privilege_type = 'INSERT'
  LOOP
    EXECUTE each;
  END LOOP;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA indelible FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA indelible FROM PUBLIC;
