-- An entity and an organization learn names, and stay what they are.

CREATE TRIGGER stays BEFORE UPDATE OF log_id, id, type_id, key ON indelible_log.entity
EXECUTE FUNCTION indelible_log.refuse();
CREATE TRIGGER stays BEFORE UPDATE OF log_id, id, key ON indelible_log.organization
EXECUTE FUNCTION indelible_log.refuse();

DO $$
BEGIN
  ALTER TABLE indelible_log.entity ENABLE ALWAYS TRIGGER stays;
  ALTER TABLE indelible_log.organization ENABLE ALWAYS TRIGGER stays;
END $$;
