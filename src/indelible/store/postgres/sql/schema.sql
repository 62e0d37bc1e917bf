-- The logs of a database. `leaf` is the log; everything below "derived" can be rebuilt from it.
-- Who trusts it: `verify` trusts `leaf.line` and nothing else here.
--
-- Every key begins with the log's id. Texts are their UTF-8 bytes: a database of any encoding holds them, U+0000 too.

CREATE SCHEMA indelible_log;

CREATE TABLE indelible_log.format (number integer NOT NULL);  -- of this schema; one row

CREATE TABLE indelible_log.log (
  id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);

CREATE TABLE indelible_log.property (            -- written once, by init
  log_id integer NOT NULL REFERENCES indelible_log.log,
  name   text NOT NULL,
  value  bytea NOT NULL,
  PRIMARY KEY (log_id, name)
);

CREATE TABLE indelible_log.leaf (
  log_id integer NOT NULL,
  seq    bigint NOT NULL CHECK (seq >= 0),
  hash   bytea NOT NULL CHECK (octet_length(hash) = 32),  -- SHA-256(0x00 || line); names the bad entry when one is edited
  line   bytea NOT NULL CHECK (octet_length(line) <= 65535),
  PRIMARY KEY (log_id, seq)
);

CREATE TABLE indelible_log.node (                -- the tree above the leaves: roots of complete subtrees of 256 ^ level leaves
  log_id integer NOT NULL,
  level  smallint NOT NULL CHECK (level > 0),
  number bigint NOT NULL CHECK (number >= 0),    -- from 0, from the left
  hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (log_id, level, number)
);

CREATE TABLE indelible_log.head (                -- the tree as of the last commit; moved by compare-and-swap on size
  log_id   integer PRIMARY KEY REFERENCES indelible_log.log,
  size     bigint NOT NULL,
  root     bytea NOT NULL,
  frontier bytea NOT NULL
);

CREATE TABLE indelible_log.checkpoint (          -- every signed note, as it stands
  log_id integer NOT NULL,
  size   bigint NOT NULL,
  note   bytea NOT NULL,
  PRIMARY KEY (log_id, size)
);

CREATE TABLE indelible_log.organization_checkpoint (  -- the signed notes of organizations' own trees, as they stand
  log_id       integer NOT NULL,
  organization bytea NOT NULL,
  log_size     bigint NOT NULL,                  -- of the log among which it was made
  note         bytea NOT NULL
);
CREATE UNIQUE INDEX organization_checkpoint_key
ON indelible_log.organization_checkpoint (log_id, sha256(organization), log_size);

CREATE TABLE indelible_log.cosignature (         -- lines of witnesses, to stand below the note of a checkpoint
  log_id integer NOT NULL,
  size   bigint NOT NULL,
  line   bytea NOT NULL,
  PRIMARY KEY (log_id, size, line)
);

CREATE TABLE indelible_log.key_change (          -- notes that the old signing key and the new one have signed
  log_id integer NOT NULL,
  number integer NOT NULL CHECK (number >= 0),
  note   bytea NOT NULL,
  PRIMARY KEY (log_id, number)
);

CREATE TABLE indelible_log.attachment (          -- large values, under the hash that the entry carries
  log_id integer NOT NULL,
  hash   bytea NOT NULL,
  nonce  bytea NOT NULL,
  value  bytea NOT NULL,
  PRIMARY KEY (log_id, hash)
);

-- Derived: dictionaries, numbered from 1 in each log. `folded` is what a search compares: case-folded, all spellings, one to a line.

CREATE TABLE indelible_log.action (
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.operation (
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.source (
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.entity_type (
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.actor (              -- a row for each way an actor has looked: JSON of type, id, name, e-mail
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.organization (        -- `name` is the last one known, `folded` holds all it ever had
  log_id integer NOT NULL, id integer NOT NULL, key bytea NOT NULL, name bytea, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
CREATE TABLE indelible_log.entity (              -- likewise
  log_id integer NOT NULL, id integer NOT NULL, type_id integer NOT NULL, key bytea NOT NULL,
  name bytea, folded bytea NOT NULL,
  PRIMARY KEY (log_id, id)
);
-- A key may be longer than an index holds.
CREATE UNIQUE INDEX action_key       ON indelible_log.action       (log_id, sha256(key));
CREATE UNIQUE INDEX operation_key    ON indelible_log.operation    (log_id, sha256(key));
CREATE UNIQUE INDEX source_key       ON indelible_log.source       (log_id, sha256(key));
CREATE UNIQUE INDEX entity_type_key  ON indelible_log.entity_type  (log_id, sha256(key));
CREATE UNIQUE INDEX actor_key        ON indelible_log.actor        (log_id, sha256(key));
CREATE UNIQUE INDEX organization_key ON indelible_log.organization (log_id, sha256(key));
CREATE UNIQUE INDEX entity_key       ON indelible_log.entity       (log_id, type_id, sha256(key));

-- Derived: one row of integers an entry. What finds it fast follows the log, in files of its own (ADR 23): here an
-- index would cost each append.

CREATE TABLE indelible_log.entry (
  log_id          integer NOT NULL,
  seq             bigint NOT NULL CHECK (seq >= 0),
  at              bigint NOT NULL,               -- microseconds since 1970, UTC
  action_id       integer NOT NULL,
  operation_id    integer NOT NULL,
  source_id       integer NOT NULL,
  entity_type_id  integer NOT NULL,
  entity_id       integer NOT NULL,
  actor_id        integer NOT NULL,
  organization_id integer,                        -- NULL: of the platform
  id              uuid NOT NULL,                 -- the captured record's identity: it is sealed once or not at all
  PRIMARY KEY (log_id, seq),
  UNIQUE (log_id, id)
);

-- Which log a row is of is not counted: a log that the statistics lack, as a new one, would be taken for empty, and read
-- through each time that one row is asked for.

DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT attrelid::regclass FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
              WHERE attname = 'log_id' AND relkind = 'r' AND relnamespace = 'indelible_log'::regnamespace
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN log_id SET STATISTICS 0', name);
  END LOOP;
END $$;

-- What one organization may see, whatever is asked: the second wall (ADR 26). Who asks says for which; without that it is
-- empty. A policy on `leaf` itself would refuse COPY, by which entries come in.

CREATE VIEW indelible_log.own_leaf WITH (security_barrier) AS
SELECT l.log_id, l.seq, l.line FROM indelible_log.leaf l
JOIN indelible_log.entry e USING (log_id, seq)
JOIN indelible_log.organization o ON o.log_id = e.log_id AND o.id = e.organization_id
WHERE sha256(o.key) = decode(current_setting('indelible.organization', true), 'hex');

-- The database refuses, whoever asks, its owner too. A superuser, or an owner who drops these triggers, can still do
-- it; then `verify` finds what was done. A statement that would touch no row is refused as well.

CREATE FUNCTION indelible_log.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'indelible: the log cannot be changed; % of % is refused', TG_OP, TG_TABLE_NAME;
END $$;

-- Entries and their index rows stand behind those that are there, without a gap: from the head's size on.
CREATE FUNCTION indelible_log.in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a record;  -- one log at a time: where the logs are spread over machines, `added` is on this one
BEGIN
  FOR a IN SELECT log_id, min(seq) AS first, max(seq) AS last, count(*) AS rows FROM added GROUP BY log_id LOOP
    IF (SELECT size FROM indelible_log.head WHERE log_id = a.log_id) IS DISTINCT FROM a.first
      OR a.last - a.first + 1 <> a.rows
    THEN
      RAISE EXCEPTION 'indelible: entries are appended in order; nothing is inserted elsewhere (%)', TG_TABLE_NAME;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION indelible_log.to_the_right() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.number <> (SELECT coalesce(max(number) + 1, 0) FROM indelible_log.node WHERE (log_id, level) = (NEW.log_id, NEW.level))
  THEN
    RAISE EXCEPTION 'indelible: the tree grows to the right, and nowhere else';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION indelible_log.grows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.log_id <> OLD.log_id OR NEW.size <= OLD.size THEN
    RAISE EXCEPTION 'indelible: the log only grows';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION indelible_log.newer() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.size <= (SELECT max(size) FROM indelible_log.checkpoint WHERE log_id = NEW.log_id) THEN
    RAISE EXCEPTION 'indelible: checkpoints only grow; none is replaced';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION indelible_log.newer_of_organization() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NEW.log_size <= (SELECT max(log_size) FROM indelible_log.organization_checkpoint
                      WHERE log_id = NEW.log_id AND sha256(organization) = sha256(NEW.organization))
  THEN
    RAISE EXCEPTION 'indelible: checkpoints only grow; none is replaced';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION indelible_log.next_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.number <> (SELECT coalesce(max(number) + 1, 0) FROM indelible_log.key_change WHERE log_id = NEW.log_id) THEN
    RAISE EXCEPTION 'indelible: changes of the key are appended; none is replaced';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER in_order BEFORE INSERT ON indelible_log.key_change
FOR EACH ROW EXECUTE FUNCTION indelible_log.next_change();
CREATE TRIGGER in_order AFTER INSERT ON indelible_log.leaf REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION indelible_log.in_order();
CREATE TRIGGER in_order AFTER INSERT ON indelible_log.entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION indelible_log.in_order();
CREATE TRIGGER in_order BEFORE INSERT ON indelible_log.node FOR EACH ROW EXECUTE FUNCTION indelible_log.to_the_right();
CREATE TRIGGER in_order BEFORE UPDATE ON indelible_log.head FOR EACH ROW EXECUTE FUNCTION indelible_log.grows();
CREATE TRIGGER in_order BEFORE INSERT ON indelible_log.checkpoint FOR EACH ROW EXECUTE FUNCTION indelible_log.newer();
CREATE TRIGGER in_order BEFORE INSERT ON indelible_log.organization_checkpoint
FOR EACH ROW EXECUTE FUNCTION indelible_log.newer_of_organization();

-- They learn names, and stay what they are.
CREATE TRIGGER stays BEFORE UPDATE OF log_id, id, type_id, key ON indelible_log.entity
EXECUTE FUNCTION indelible_log.refuse();
CREATE TRIGGER stays BEFORE UPDATE OF log_id, id, key ON indelible_log.organization
EXECUTE FUNCTION indelible_log.refuse();

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY '{log,property,leaf,node,head,checkpoint,organization_checkpoint,cosignature,key_change,attachment,action,operation,source,entity_type,actor,organization,entity,entry}'::text[]
  LOOP
    EXECUTE format('CREATE TRIGGER refuses_truncate BEFORE TRUNCATE ON indelible_log.%I EXECUTE FUNCTION indelible_log.refuse()', name);
    IF name NOT IN ('attachment') THEN  -- a value may be taken out: every proof stays
      EXECUTE format('CREATE TRIGGER refuses_delete BEFORE DELETE ON indelible_log.%I EXECUTE FUNCTION indelible_log.refuse()', name);
    END IF;
    IF name NOT IN ('head', 'organization', 'entity') THEN  -- the head grows; of the others the last name is kept
      EXECUTE format('CREATE TRIGGER refuses_update BEFORE UPDATE ON indelible_log.%I EXECUTE FUNCTION indelible_log.refuse()', name);
    END IF;
  END LOOP;
  FOR name IN SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
              WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'indelible_log'::regnamespace)
  LOOP
    EXECUTE name;  -- in a session of a replica too
  END LOOP;
END $$;

-- Who may what. The roles belong to the whole server; who may not make them here leaves that to its administrator.
-- `indelible_writer` appends, as a sealer does; `indelible_reader` searches, exports and verifies.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY '{indelible_writer,indelible_reader}'::text[] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
        NULL;  -- another one made it at this moment, or it may not be made
      END;
    END IF;
  END LOOP;
  IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('indelible_writer', 'indelible_reader')) = 2 THEN
    GRANT USAGE ON SCHEMA indelible_log TO indelible_writer, indelible_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA indelible_log TO indelible_writer, indelible_reader;
    GRANT INSERT ON indelible_log.leaf, indelible_log.node, indelible_log.checkpoint, indelible_log.attachment,
      indelible_log.organization_checkpoint, indelible_log.cosignature, indelible_log.key_change,
      indelible_log.action, indelible_log.operation, indelible_log.source, indelible_log.entity_type, indelible_log.actor,
      indelible_log.organization, indelible_log.entity, indelible_log.entry TO indelible_writer;
    GRANT UPDATE (size, root, frontier) ON indelible_log.head TO indelible_writer;
    GRANT UPDATE (name, folded) ON indelible_log.organization, indelible_log.entity TO indelible_writer;
  END IF;
END $$;

-- `indelible_tenant` sees `own_leaf` and nothing else. Whoever reads for one organization takes it first.

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
