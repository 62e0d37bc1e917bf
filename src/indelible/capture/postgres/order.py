"""A statement is told before what triggers of the application's wrote in its course.

Ours runs when the statement and all that is done: what was written meanwhile has its outbox row by then. So the
first trigger of the first row draws a number, by which the statement's own outbox row is sorted. Only on tables that
have such triggers: it costs a call for each row.
"""

# The setting that holds the number, by what may be nested in each other; "told" once a trigger of the statement has
# used it, of which there are several where it inserts and updates. Whoever sets it himself moves his own records.
SETTING = "pg_catalog.format('indelible.mark_%s_%s', TG_RELID, pg_catalog.pg_trigger_depth())"

# It has the owner's rights, and no search_path of its own, for what that costs a row: so nothing in it goes by a name
# alone, types neither. Of a name alone a session would make one of its own, with a check that runs as the owner.
MARKING = f"""
DECLARE
  mark CONSTANT pg_catalog.text := {SETTING};
  drawn CONSTANT pg_catalog.text := pg_catalog.current_setting(mark, true);
BEGIN
  IF pg_catalog.length(drawn) OPERATOR(pg_catalog.>) 0 AND NOT pg_catalog.starts_with(drawn, 'told') THEN
    RETURN NULL;
  END IF;
  PERFORM pg_catalog.set_config(mark, pg_catalog.concat(pg_catalog.nextval('indelible.outbox_id_seq')), true);
  RETURN NULL;
END """

MARKED = f"""mark CONSTANT text := {SETTING};
  began CONSTANT bigint :=
    int8in(textout(substring(current_setting(capture.mark, true), '[0-9]{{1,18}}$')));
"""
TOLD = "PERFORM set_config(capture.mark, concat('told ', capture.began), true);\n  "
