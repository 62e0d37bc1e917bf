-- A log is checked by itself, and none is taken for empty.

CREATE OR REPLACE FUNCTION indelible_log.in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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

-- What was counted before stays, though nobody counts it again; only a superuser can take it out.

DO $$
BEGIN
  DELETE FROM pg_statistic USING pg_attribute a, pg_class c
  WHERE starelid = attrelid AND staattnum = attnum AND attname = 'log_id' AND c.oid = attrelid
  AND relnamespace = 'indelible_log'::regnamespace;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
