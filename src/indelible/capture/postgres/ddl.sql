-- Changes of the schema of watched tables, noted as they happen. Event triggers take a superuser; without one,
-- `coverage` still finds what drifted.

-- A partition has its row triggers from its root; one that is added is to be seen emptied too.
CREATE OR REPLACE FUNCTION indelible.watch_partitions(touched oid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  each record;
BEGIN
  FOR each IN
    SELECT DISTINCT p.relid AS partition, w.relation AS root
    FROM unnest(touched) t (oid)
    JOIN indelible.watch w ON w.relation = coalesce(pg_partition_root(t.oid), t.oid) AND w.definition IS NOT NULL
      AND w.id = (SELECT max(n.id) FROM indelible.watch n WHERE n.relation = w.relation)
    CROSS JOIN pg_partition_tree(w.relation) p
    WHERE p.relid <> w.relation
      AND to_regprocedure(format('indelible.capture_%s_truncate()', w.relation)) IS NOT NULL
  LOOP
    -- Asked here: what is created below comes through this function again.
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_trigger g WHERE g.tgrelid = each.partition AND g.tgname = 'indelible_truncate');
    EXECUTE format('CREATE TRIGGER indelible_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
      'EXECUTE FUNCTION indelible.capture_%s_truncate()', each.partition::regclass, each.root);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER indelible_truncate', each.partition::regclass);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION indelible.watch_partitions(oid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION indelible.note_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Up to the first text in it: a default may be a secret, and what else the client sent along may be anything.
  statement CONSTANT text := left(regexp_replace(current_query(), '[''$].*', '...'), 10000);
  touched oid[];
  ours integer[];
BEGIN
  -- Ours, by which `watch` ends each trigger it makes: it can only switch capture on.
  IF current_query() ~ '^ALTER TABLE "[^"]+"\."[^"]+" ENABLE ALWAYS TRIGGER "!?indelible_[a-z]+"$' THEN
    RETURN;
  END IF;
  IF tg_event = 'sql_drop' THEN
    SELECT array_agg(DISTINCT coalesce(c.oid, o.objid)) INTO touched FROM pg_event_trigger_dropped_objects() o
    LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) ON o.object_type = 'trigger'
      AND n.nspname = o.address_names[1] AND c.relname = o.address_names[2];
  ELSE
    SELECT array_agg(DISTINCT coalesce(g.tgrelid, i.indrelid, o.objid)) INTO touched
    FROM pg_event_trigger_ddl_commands() o
    LEFT JOIN pg_trigger g ON o.classid = 'pg_trigger'::regclass AND g.oid = o.objid
    LEFT JOIN pg_index i ON o.classid = 'pg_class'::regclass AND i.indexrelid = o.objid;
    PERFORM indelible.watch_partitions(touched);
  END IF;
  -- Watched by this very transaction, perhaps behind a savepoint: that has a note of its own. What is younger than our
  -- transaction, seen here and still in progress, is of a part of it.
  BEGIN
    SELECT coalesce(array_agg(w.id), '{}') INTO ours FROM indelible.watch w
    WHERE w.relation = ANY (touched) AND CASE
      WHEN w.xmin = pg_current_xact_id()::xid THEN true
      WHEN age(w.xmin) < age(pg_current_xact_id()::xid) THEN pg_xact_status(
        (pg_current_xact_id()::text::numeric + age(pg_current_xact_id()::xid) - age(w.xmin))::text::xid8
      ) = 'in progress' ELSE false END;
  EXCEPTION WHEN invalid_parameter_value THEN
    ours := '{}';  -- a row of two billion transactions ago seems to be of one that is yet to come
  END;
  INSERT INTO indelible.outbox (watch, operation, context, client, rows, new)
  SELECT w.id, 'note', nullif(current_setting('indelible.context', true), ''),
    CASE WHEN coalesce(current_setting('indelible.context', true), '') = '' THEN
      concat(json_build_object('user', session_user, 'role', nullif(current_setting('role'), 'none'), 'application',
        nullif(current_setting('application_name'), ''), 'address', host(inet_client_addr()))) END,
    1, ARRAY[ARRAY[concat(json_build_object('action', 'AUDIT_SCHEMA_CHANGED', 'table', w.table_name, 'changes',
      json_build_object('command', json_build_object('new', tg_tag),
                        'statement', json_build_object('new', statement))))]]
  FROM indelible.watch w
  WHERE w.relation = ANY (touched) AND w.definition IS NOT NULL
    AND w.id = (SELECT max(n.id) FROM indelible.watch n WHERE n.relation = w.relation)
    AND w.id <> ALL (ours);
END $$;
REVOKE ALL ON FUNCTION indelible.note_ddl() FROM PUBLIC;

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'indelible_ddl') THEN
    CREATE EVENT TRIGGER indelible_ddl ON ddl_command_end EXECUTE FUNCTION indelible.note_ddl();
  END IF;
  IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'indelible_drop') THEN
    CREATE EVENT TRIGGER indelible_drop ON sql_drop EXECUTE FUNCTION indelible.note_ddl();
  END IF;
END $$;
ALTER EVENT TRIGGER indelible_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER indelible_drop ENABLE ALWAYS;
